"""Fitted topics in figures and words, for people and for programs."""

from __future__ import annotations

import shutil
from typing import Any

import click
import numpy as np

from vivace.cli.options import counted, whole
from vivace.cli.progress import FitMeter
from vivace.cli.summary import held_out_line, held_out_record, print_pairs

_MAX_TOPICS = 12  # a screenful
_WORDS = 10
# Between the most probable words (1) and the most typical ones (0); the authors of the measure
# found people to name topics best at about 0.6 (Sievert and Shirley, 2014).
RELEVANCE = 0.6
_LEAST_WIDTH = 60
# First words of a topic, and the share of them that makes one think of stop words.
_HEADS, _MANY = 3, 0.3


def is_topic_model(estimator: Any) -> bool:
    """Whether an estimator has topics."""
    return hasattr(type(estimator), "top_words")


def topics_meter(
    estimator: Any, notes: dict[str, Any], quiet: bool, verbose: bool = False
) -> FitMeter:
    """Return what shows the progress of a fit: the bound, or what stands in its place."""
    settings: dict[str, Any] = {
        "unit": "documents", "units": notes.get("n_documents"), "verbose": verbose
    }  # fmt: skip
    if estimator.get_params(deep=False).get("inference", "vb") != "vb":
        return FitMeter(1.0, quiet, "log likelihood per token", **settings)
    return FitMeter(max(1.0, notes["n_tokens"]), quiet, "bound per token", **settings)


def topics_record(
    estimator: Any,
    notes: dict[str, Any] | None = None,
    n_words: int = _WORDS,
    relevance: float = RELEVANCE,
    names: Any = None,
) -> dict[str, Any]:
    """Return what a fit is about, in JSON's types; topics by size, the largest first.

    Parameters
    ----------
    estimator : LatentDirichletAllocation
        Fitted.
    notes : dict, optional
        Of the model file.
    n_words : int
        Words a topic.
    relevance : float
        As in `top_words`.
    names : array-like, optional
        The vocabulary, for models that do not know it.
    """
    notes = notes or {}
    alpha, eta = estimator.doc_topic_prior_, estimator.topic_word_prior_
    if np.size(eta) > 1:  # as many numbers as there are words
        eta = [float(np.min(eta)), float(np.max(eta))]
    n_tokens = notes.get("n_tokens")
    bound = getattr(estimator, "elbo_", None)
    parameters = estimator.get_params(deep=False)
    record: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "inference": parameters.get("inference", "vb"),
        "learning_method": parameters["learning_method"],
        "n_documents": notes.get("n_documents"),
        "n_tokens": None if n_tokens is None else whole(n_tokens),
        "n_words": int(estimator.n_features_in_),
        "n_components": int(estimator.n_components),
        "n_iter": int(estimator.n_iter_),
        "converged": bool(getattr(estimator, "converged_", False)),
        "evaluated": parameters["evaluate_every"] > 0 or hasattr(estimator, "best_iter_"),
        "doc_topic_prior": alpha,
        "topic_word_prior": eta,
        "lower_bound": None if bound is None else float(bound),
    }
    if n_tokens and bound is not None:
        fitted = float(np.sum(estimator.topic_sizes_))  # without those held out
        record["lower_bound_per_token"] = float(bound) / (fitted or n_tokens)
    if hasattr(estimator, "log_likelihood_"):
        record["log_likelihood_per_token"] = float(estimator.log_likelihood_)
    record |= held_out_record(estimator)
    words = estimator.top_words(n_words, relevance=relevance, feature_names=names)
    sizes = estimator.topic_sizes_
    total = float(sizes.sum())
    record["topics"] = [
        {
            "topic": int(k),
            "tokens": float(sizes[k]),
            "share": float(sizes[k]) / total if total > 0 else 0.0,
            "words": [str(word) for word in words[k]],
        }
        for k in sorted(range(len(sizes)), key=lambda k: -float(sizes[k]))
    ]
    return record


def print_topics_summary(record: dict[str, Any]) -> None:
    """Print a fit for people: some lines, and the largest topics."""
    data = counted(record["n_words"], "word")
    if record["n_documents"]:
        documents = counted(record["n_documents"], "document")
        data = f"{documents}, {counted(record['n_tokens'], 'token')}, {data}"
    lines = {
        "model": "{estimator} ({inference}, {learning_method})".format(**record),
        "data": data,
        "topics": str(record["n_components"]),
        "iterations": _course(record),
        "priors": f"document-topic {_shown(record['doc_topic_prior'])}, topic-word "
        f"{_shown(record['topic_word_prior'])}",
    }
    if record["lower_bound"] is not None:
        per_token = record.get("lower_bound_per_token")
        lines["lower bound"] = f"{record['lower_bound']:,.1f} nats" + (
            f" ({per_token:.5f} a token)" if per_token is not None else ""
        )
    if "log_likelihood_per_token" in record:
        likelihood = record["log_likelihood_per_token"]
        lines["likelihood"] = f"{likelihood:.5f} nats a token, each predicted from the others"
    if "best_iter" in record:
        lines["held out"] = held_out_line(record, "token")
    print_pairs(lines)
    click.echo()
    print_topics(record["topics"], _MAX_TOPICS)


def hint_at_stop_words(topics: list[dict[str, Any]]) -> None:
    """Say how to leave out function words where they head the larger topics."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    heads = [word for topic in topics[:_MAX_TOPICS] for word in topic["words"][:_HEADS]]
    if sum(word in ENGLISH_STOP_WORDS for word in heads) >= _MANY * len(heads):
        click.echo(
            "\nmany of these are function words: --stop-words english (or a file of words) and "
            "--max-df 0.25 leave them out"
        )


def _course(record: dict[str, Any]) -> str:
    """How many passes there were, and whether more were asked for."""
    n_iter = record["n_iter"]
    passes = f"{n_iter}"
    if record["converged"]:
        return f"converged after {passes} passes"
    best = record.get("best_iter", n_iter)
    if best < n_iter:
        return f"{passes}, not converged; the held-out score has not risen since iteration {best}"
    if record["evaluated"]:
        return f"{passes}, not converged: more passes (--passes {2 * n_iter}), or a higher perp_tol"
    return f"{passes}; convergence was not looked at (--set evaluate_every=1 does)"


def print_topics(
    topics: list[dict[str, Any]], most: int | None = None, with_tokens: bool = False
) -> None:
    """Print a table of topics: number, share of the tokens, and words as far as they fit a line.

    Topics may tell the packages that they are from.
    """
    shown = topics[:most]
    columns = [("topic", [str(topic["topic"]) for topic in shown])]
    columns.append(("share", [f"{topic['share']:.1%}" for topic in shown]))
    if with_tokens:
        columns.append(("tokens", [f"{topic['tokens']:,.0f}" for topic in shown]))
    if "packages" in topics[0]:
        columns.append(("from", [", ".join(topic["packages"][:2]) for topic in shown]))
    widths = [max(map(len, [head, *cells])) for head, cells in columns]
    room = shutil.get_terminal_size((110, 24)).columns - sum(widths) - 2 * len(widths)
    room = max(_LEAST_WIDTH, room)
    rows = zip(*(cells for _, cells in columns), strict=True)
    heads = tuple(head for head, _ in columns)
    lines = ["words", *(_fitting(topic["words"], room) for topic in shown)]
    for cells, line in zip([heads, *rows], lines, strict=True):
        aligned = [
            f"{cell:<{width}}" if head == "from" else f"{cell:>{width}}"
            for head, cell, width in zip(heads, cells, widths, strict=True)
        ]
        click.echo("  ".join([*aligned, line]))
    if len(topics) > len(shown):
        rest = sum(topic["share"] for topic in topics[len(shown) :])
        click.echo(
            f"not shown: {len(topics) - len(shown)} smaller topics ({rest:.1%} of the tokens); see "
            "vivace topics MODEL"
        )


def _fitting(words: list[str], room: int) -> str:
    """As many words as fit, one at the least."""
    line = words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > room:
            break
        line += f" {word}"
    return line


def _shown(prior: Any) -> str:
    """A prior in a few characters."""
    least, most = (f"{value:.4g}" for value in (np.min(prior), np.max(prior)))
    return least if least == most else f"{least} to {most}"

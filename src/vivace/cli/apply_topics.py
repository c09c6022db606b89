"""`vivace transform` and `vivace score` with a topic model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import numpy as np

from vivace.cli.documents import DocumentOptions, Reading, documents_at_a_time, reading_for
from vivace.cli.errors import Failure
from vivace.cli.options import counted, print_json, say, whole


def write_shares(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    docs: str,
    to: Any,
    options: DocumentOptions,
    names: list[str],
) -> None:
    """Write the shares of the topics in each document, a run of documents at a time."""
    from vivace.cli.progress import Meter
    from vivace.io.writer import writing

    say(f"reading {docs}", to.quiet)
    reading = reading_for(model, estimator, notes, docs, options)
    step = documents_at_a_time(estimator, 64)
    ids = None if to.id_column is None else _field(docs, reading, to.id_column)
    with Meter("documents", None, to.quiet) as meter, writing(to.out, names) as writer:
        unknown = 0
        for counts in reading.blocks(step):
            unknown += int((np.diff(counts.indptr) == 0).sum())
            shares = estimator.transform(counts)
            found = None if ids is None else [next(ids) for _ in range(len(shares))]
            writer.append(to.columns(shares, found))
            meter.update(writer.n_rows)
    reading.say_what_is_lost(to.quiet)
    if unknown:
        say(
            f"{counted(unknown, 'document')} without a word that {model} knows: the shares are "
            "those of the prior",
            to.quiet,
        )
    click.echo(f"{to.out}: written, {counted(writer.n_rows, 'document')}")


def _field(docs: str, reading: Reading, name: str) -> Iterator[str | None]:
    """A field of each object of a .jsonl file."""
    from vivace.io.corpora.lines import Lines

    if reading.format != "jsonl" or docs == "-":
        raise Failure(f"{docs}: --id-column names a field of .jsonl files, got {reading.format}")

    def found() -> Iterator[str | None]:
        with Lines(docs) as lines:
            for chunk in lines.chunks():
                for line in chunk.decode("utf-8")[:-1].split("\n"):
                    value = json.loads(line).get(name)
                    yield None if value is None else str(value)

    return found()


def print_scores(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    docs: str,
    options: DocumentOptions,
    settings: dict[str, Any],
    as_json: bool,
    quiet: bool,
) -> None:
    """Print document completion, and the bound per token."""
    from vivace.io import open_documents

    say(f"reading {docs}", quiet)
    seed = settings["seed"]
    reading = reading_for(model, estimator, notes, docs, options)
    corpus = open_documents(
        lambda: reading.blocks(), dtype=estimator.components_.dtype, memory=settings["memory"]
    )
    reading.say_what_is_lost(quiet)
    completion = estimator.document_completion(corpus, random_state=seed, return_details=True)
    n_tokens = corpus.n_tokens
    bound = estimator.score(corpus) / n_tokens if n_tokens else float("nan")
    if as_json:
        print_json(
            {
                "model": model,
                "data": docs,
                "document_completion": completion.score,
                "n_documents_scored": completion.n_documents,
                "n_documents_left_out": completion.n_left_out,
                "n_tokens_scored": whole(completion.n_tokens),
                "bound_per_token": bound,
                "n_documents": corpus.n_documents,
                "n_tokens": whole(n_tokens),
                "seed": seed,
            }
        )
        return
    if not completion.n_documents:
        click.echo("document completion  none: no document has two tokens that the model knows")
        click.echo(_bound(bound, n_tokens))
        return
    left_out = f", {completion.n_left_out:,} too short" if completion.n_left_out else ""
    click.echo(
        f"document completion  {completion.score:.6f} nats a token: "
        f"{counted(completion.n_tokens, 'held-out token')} of "
        f"{counted(completion.n_documents, 'document')}{left_out}"
    )
    click.echo(_bound(bound, n_tokens))


def _bound(bound: float, n_tokens: float) -> str:
    value = f"{bound:.6f} nats a token" if n_tokens else "none"
    return f"bound                {value}: all {counted(n_tokens, 'token')}"

"""`vivace transform` and `vivace score` with a topic model."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from vivace.cli.documents import DocumentOptions, model_documents
from vivace.cli.options import counted, print_json, say


def write_shares(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    docs: str,
    out: str,
    options: DocumentOptions,
    quiet: bool,
) -> None:
    """Write the shares of the topics in each document."""
    from vivace.io.tables import write_table

    say(f"reading {docs}", quiet)
    corpus = model_documents(model, estimator, notes, docs, options, quiet)
    shares = estimator.transform(corpus)
    # The numbers of `vivace topics`.
    write_table(out, shares, [f"topic{k}" for k in range(shares.shape[1])])
    unknown = int((np.diff(corpus.counts.indptr) == 0).sum())
    if unknown:
        say(
            f"{counted(unknown, 'document')} without a word that {model} knows: the shares are "
            "those of the prior",
            quiet,
        )
    click.echo(f"{out}: written, {counted(len(shares), 'document')}")


def print_scores(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    docs: str,
    options: DocumentOptions,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print document completion, and the bound per token."""
    say(f"reading {docs}", quiet)
    corpus = model_documents(model, estimator, notes, docs, options, quiet)
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
                "n_tokens_scored": completion.n_tokens,
                "bound_per_token": bound,
                "n_documents": corpus.n_documents,
                "n_tokens": n_tokens,
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

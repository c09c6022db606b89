"""`vivace transform` and `vivace score` with a topic model."""

from __future__ import annotations

from typing import Any

import click

from vivace.cli.documents import DocumentOptions, model_documents
from vivace.cli.options import print_json, say


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
    write_table(out, shares, list(estimator.get_feature_names_out()))
    click.echo(f"{out}: written, {len(shares):,} documents")


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
        f"document completion  {completion.score:.6f} nats a token: {completion.n_tokens:,} "
        f"held-out tokens of {completion.n_documents:,} documents{left_out}"
    )
    click.echo(_bound(bound, n_tokens))


def _bound(bound: float, n_tokens: float) -> str:
    value = f"{bound:.6f} nats a token" if n_tokens else "none"
    return f"bound                {value}: all {n_tokens:,.0f} tokens"

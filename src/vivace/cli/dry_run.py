"""`--dry-run`: what a fit would read, how much memory and time it would take, from heads alone."""

from __future__ import annotations

import os
from typing import Any

import click

from vivace.cli.options import print_json

# Multiply-adds a second of one core in the kernels of mixtures (as in models/mixture.py).
_RATE = 25e9
_MEGABYTE = 1e6
# Documents that are read through in a second or so: their number is then known.
_SOON_READ = 20_000_000


def print_table_estimate(
    estimator: Any, data: str, columns: list[str] | None, as_json: bool
) -> None:
    """Print rows, columns, types, memory and time of the fit of a mixture to a table."""
    from vivace.engine import resolve_n_jobs
    from vivace.families.kinds import n_features
    from vivace.io.heads import read_head

    head = read_head(data, columns)
    d, k, n = len(head.names), int(estimator.n_components), head.n_rows
    diagonal = "full" if getattr(estimator, "covariance_type", "") == "full" else "diag"
    width = 2 * n_features(diagonal, d) + 40  # type: ignore[arg-type]
    threads = resolve_n_jobs(estimator.n_jobs)
    seconds = n * k * width / _RATE / threads
    item = 4 if head.single else 8
    table = 0 if head.mapped else n * d * item
    working = 8 * k * n_features(diagonal, d) * (8 + 4 * threads)  # type: ignore[arg-type]
    unit = "map" if estimator.learning_method == "batch" else "pass"
    record = {
        "data": data,
        "n_rows": n,
        "n_rows_exact": head.exact,
        "columns": dict(zip(head.names, head.types, strict=True)),
        "columns_left_out": head.left_out,
        "read_as": "float32" if head.single else "float64",
        "file_megabytes": os.stat(data).st_size / _MEGABYTE,
        "memory_megabytes": (table + working) / _MEGABYTE,
        f"seconds_a_{unit}": seconds,
        "threads": threads,
    }
    if as_json:
        print_json(record)
        return
    about = "" if head.exact else "about "
    kinds = sorted(set(head.types))
    left_out = f"; left out: {', '.join(head.left_out)}" if head.left_out else ""
    in_place = ", rows are read in place" if head.mapped else ""
    click.echo(f"rows     {about}{n:,}")
    click.echo(f"columns  {d} ({', '.join(kinds)}), read as {record['read_as']}{left_out}")
    click.echo(f"memory   about {(table + working) / _MEGABYTE:,.0f} MB{in_place}")
    click.echo(
        f"time     about {seconds:.2g} s a {unit} with {threads} threads, at most ", nl=False
    )
    click.echo(f"{estimator.max_iter} of them")


def print_documents_estimate(
    estimator: Any, docs: str, reading: dict[str, Any], dtype: str, as_json: bool
) -> None:
    """Print what the head of a file of documents tells."""
    from vivace.io import open_corpus

    reader = open_corpus(docs, **reading, dtype=dtype)
    if docs != "-" and (reading["format"] == "npz" or os.stat(docs).st_size < _SOON_READ):
        reader.scan()
    words, documents = reader.n_words, reader.n_documents
    topics = None if words is None else int(estimator.n_components) * words
    item = 4 if dtype == "float32" else 8
    record = {
        "data": docs,
        "format": reading["format"],
        "n_documents": documents,
        "n_words": words,
        "file_megabytes": None if docs == "-" else os.stat(docs).st_size / _MEGABYTE,
        "topics_megabytes": None if topics is None else topics * item / _MEGABYTE,
    }
    if as_json:
        print_json(record)
        return
    unknown = "known when all is read"
    click.echo(f"format     {reading['format']}")
    click.echo(f"documents  {unknown if documents is None else format(documents, ',')}")
    click.echo(f"words      {unknown if words is None else format(words, ',')}")
    if topics is not None:
        click.echo(f"topics     {topics * item / _MEGABYTE:,.1f} MB each of topics and statistics")

"""`vivace report`: one page about a model, for people who were not there."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import closing
from itertools import islice
from typing import Any

import click

from vivace.cli.choice import columns_option
from vivace.cli.documents import DocumentOptions, document_options, reading_for
from vivace.cli.errors import Failure
from vivace.cli.frames import parts_of
from vivace.cli.memory import memory_option
from vivace.cli.options import (
    check_output,
    debug_option,
    examples,
    na_option,
    quiet_option,
    refuse_for_documents,
    say,
    seed_of,
    trusted_option,
)


@click.command(
    epilog=examples(
        "vivace report model.vivace --out report.html",
        "vivace report model.vivace --data data.csv --out report.html",
        "vivace report topics.vivace --data articles.txt --out topics.html",
    )
)
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    type=click.Path(),
    metavar="DATA",
    help="Rows or documents to judge the model by: those of the fit, or others.",
)
@click.option(
    "--out", "-o", type=click.Path(), required=True, metavar="FILE", help="Page to write (HTML)."
)
@click.option("--title", metavar="TEXT", help="Title of the page.  [default: the model's name]")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Look at no more rows or documents than this, drawn at random.  "
    "[default: 50,000 rows, 20,000 documents]",
)
@seed_of("draw")
@columns_option
@na_option
@memory_option
@document_options
@trusted_option
@quiet_option
@debug_option
def report(
    model: str,
    data: str | None,
    out: str,
    title: str | None,
    sample: int | None,
    seed: int,
    columns: list[str] | None,
    na_values: tuple[str, ...],
    memory: int | None,
    trusted: tuple[str, ...],
    quiet: bool,
    **given: Any,
) -> None:
    """Write one self-contained page about MODEL: pictures, tables, and a map of topics.

    The page loads nothing from anywhere and is smaller than 1 MB.
    """
    from vivace.cli.summary_topics import is_topic_model
    from vivace.io import load_model, read_record, read_vocabulary

    options = DocumentOptions.take(given)
    check_output(out, [model] if data is None else [model, data])
    estimator = load_model(model, trusted)
    topics = is_topic_model(estimator)
    name = type(estimator).__name__
    if topics:
        refuse_for_documents(columns, na_values, f"{model} is a {name}")
    if not topics and options.given:
        raise click.UsageError(f"{options.given[0]} is for documents, but {model} is a {name}")
    vocabulary = None
    if topics and options.vocabulary is not None and not hasattr(estimator, "vocabulary_"):
        vocabulary = read_vocabulary(options.vocabulary)
    found = None
    if data is not None:
        say(f"reading {data}", quiet)
        if topics:
            notes = read_record(model).notes
            found = _documents(model, estimator, notes, data, options, memory, sample, seed, quiet)
        else:
            found = _rows(model, estimator, data, (columns, na_values), sample, seed)
    try:
        from vivace.report import write_report

        say("drawing", quiet)
        write_report(
            model, out, found, title=title, vocabulary=vocabulary, seed=seed, trusted=trusted
        )
    except ImportError as error:
        raise Failure(str(error)) from error
    click.echo(f"{out}: written, {os.path.getsize(out):,} bytes")


def _rows(
    model: str,
    estimator: Any,
    data: str,
    reading: tuple[list[str] | None, tuple[str, ...]],
    most: int | None,
    seed: int,
) -> Any:
    """Draw rows of a table, in the columns of the model."""
    from vivace.cli.frames import is_table_model, runs_for
    from vivace.cli.summary import gap_in
    from vivace.report._data import MOST_ROWS, RowSample, drawn

    most, mixed = most or MOST_ROWS, is_table_model(estimator)
    columns, na_values = reading
    with closing(runs_for(model, estimator, data, columns, na_values=na_values).runs) as runs:
        n_rows = sum(len(run) for run in runs)
    numbers = drawn(n_rows, most, seed)
    table = runs_for(model, estimator, data, columns, na_values=na_values)
    check = not mixed and getattr(estimator, "missing", "error") == "error"
    parts: list[Any] = []
    for rows, _, start in parts_of(table, mixed, most):
        if check and (gap := gap_in(rows, table.names, start, choosable=False)) is not None:
            raise Failure(gap)
        first, last = numbers.searchsorted([start, start + len(rows)])
        chosen = numbers[first:last] - start
        parts.append(rows.iloc[chosen] if hasattr(rows, "iloc") else rows[chosen])
    return RowSample(_together(parts), numbers, n_rows, seed, data)


def _together(parts: list[Any]) -> Any:
    if hasattr(parts[0], "iloc"):
        import pandas as pd

        return pd.concat(parts, ignore_index=True)
    import numpy as np

    return np.concatenate(parts)


def _documents(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    data: str,
    options: DocumentOptions,
    memory: int | None,
    most: int | None,
    seed: int,
    quiet: bool,
) -> Any:
    """Draw documents, in the words of the model; texts of a few are read again when wanted."""
    from vivace.io import open_documents
    from vivace.io.corpora import format_of, open_corpus
    from vivace.io.corpora.formats import TEXT_FORMATS
    from vivace.report._data import MOST_DOCUMENTS, DocumentSample, drawn

    reading = reading_for(model, estimator, notes, data, options)
    dtype = estimator.components_.dtype
    corpus = open_documents(lambda: reading.blocks(), dtype=dtype, memory=memory)
    reading.say_what_is_lost(quiet)
    texts = None
    format = options.format or format_of(data)
    if format in TEXT_FORMATS:
        reader: Any = open_corpus(
            data,
            format,
            vocabulary=estimator.vocabulary_,
            tokenizer=estimator.tokenizer_,
            text_field=options.text_field or notes.get("text_field") or "text",
        )

        def texts(numbers: Collection[int]) -> Mapping[int, str]:
            last = max(numbers, default=-1) + 1
            wanted = frozenset(numbers)
            return {i: t for i, t in enumerate(islice(reader.texts(), last)) if i in wanted}

    numbers = drawn(corpus.n_documents, most or MOST_DOCUMENTS, seed)
    counts = corpus.take(numbers)
    return DocumentSample(counts, numbers, corpus.n_documents, seed, data, texts)

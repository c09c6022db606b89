"""`vivace convert`: tables and documents in the form that is fastest to fit."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import click

from vivace.cli.choice import columns_option, resolved
from vivace.cli.documents import DocumentOptions, document_options
from vivace.cli.memory import memory_option, source_of
from vivace.cli.options import (
    check_output,
    debug_option,
    examples,
    na_option,
    quiet_option,
    refuse_for_documents,
    warn_of_left_out,
)


@click.command(
    epilog=examples(
        "vivace convert data.csv rows.npy --dtype float32",
        "vivace convert data.csv rows.parquet --columns age,income",
        "vivace convert articles.txt articles.npz",
    )
)
@click.argument("data", type=click.Path(allow_dash=True))
@click.argument("out", type=click.Path())
@columns_option
@na_option
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), help="Precision of the numbers written."
)
@memory_option
@document_options
@quiet_option
@debug_option
def convert(
    data: str,
    out: str,
    columns: list[str] | None,
    na_values: tuple[str, ...],
    dtype: str | None,
    memory: int | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Write the numeric columns of DATA, or its documents, to OUT, a run at a time.

    DATA is .npy, .csv[.gz|.zst], .parquet, .feather, .arrow, a pattern of names, a folder, or "-":
    standard input, text, Parquet or Arrow by its first bytes (documents: --format). OUT is .npy
    (the fastest to fit: rows are read in place), .npz, .parquet, .feather, .arrow, .csv or .csv.gz.
    Where DATA holds documents (.mtx, docword, .ldac, .svmlight, .txt, .jsonl) OUT is .npz:
    their counts of words, with the vocabulary.
    """
    from vivace.cli.progress import Meter
    from vivace.io.runs import table_runs
    from vivace.io.writer import writing

    options = DocumentOptions.take(given)
    check_output(out, [data] if os.path.isfile(data) else [])
    if _holds_documents(data, options):
        refuse_for_documents(columns, na_values, f"{data} holds documents")
        _documents(data, out, dtype, memory, options, quiet)
        return
    source = source_of([data], memory)
    wanted, left_out = resolved(source, columns, True, na_values)
    table = table_runs(source, wanted, na_values=na_values)
    table.left_out = [*table.left_out, *left_out]
    warn_of_left_out(table)
    names = table.names
    with (
        closing(table.runs) as runs,
        Meter("rows", None, quiet) as meter,
        writing(out, names) as writer,
    ):
        for run in runs:
            writer.append(run.rows if dtype is None else run.rows.astype(dtype))
            meter.update(writer.n_rows)
    click.echo(f"{out}: written, {writer.n_rows:,} rows of {len(names)} columns")


def _holds_documents(data: str, options: DocumentOptions) -> bool:
    from vivace.io.corpora import format_of

    if options.given:
        return True
    try:
        format_of(data)
    except ValueError:
        return False
    return True


def _documents(
    data: str,
    out: str,
    dtype: str | None,
    memory: int | None,
    options: DocumentOptions,
    quiet: bool,
) -> None:
    from vivace.cli.progress import Meter
    from vivace.io import open_documents, write_corpus
    from vivace.io.corpora import format_of

    format = options.format or format_of(data)
    settings: dict[str, Any] = {"vocabulary": options.vocabulary, "dtype": dtype or "float32"}
    if format == "jsonl":
        settings["text_field"] = options.text_field or "text"
    if format == "svmlight":
        settings["zero_based"] = options.zero_based
    with Meter("documents", None, quiet) as meter:
        corpus = open_documents(data, format, memory=memory, tell=meter.update, **settings)
    write_corpus(out, corpus)
    click.echo(f"{out}: written, {len(corpus):,} documents of {corpus.n_words:,} words")

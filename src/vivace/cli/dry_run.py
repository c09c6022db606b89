"""`--dry-run`: what a fit would read, how much memory and time it would take, from heads alone."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any

import click

from vivace.cli.choice import resolved
from vivace.cli.dry_run_checkpoint import mixture_checkpoint, topics_checkpoint
from vivace.cli.dry_run_tables import read_sample, sample_rows, time_table
from vivace.cli.dry_run_timing import Estimate
from vivace.cli.dry_run_topics import time_topics
from vivace.cli.memory import source_of
from vivace.cli.options import counted, print_json, whole

# Columns that are listed.
_LISTED = 40
_MEGABYTE = 1e6
# Of the interpreter, the libraries and what reading takes.
_PROGRAM = 200e6
# Documents that are read through in a second or so: their number is then known.
_SOON_READ = 20_000_000


def mixture_work(n_rows: int, n_columns: int, n_components: int, full: bool) -> float:
    """Multiply-adds of a pass of a mixture: scores and statistics, and some for each pair."""
    from vivace.families.kinds import n_features

    features = n_features("full" if full else "diag", n_columns)
    return float(n_rows) * n_components * (2 * features + 40)


def print_table_estimate(
    estimator: Any, data: Sequence[str], given: dict[str, Any], numeric: bool = True
) -> None:
    """Print rows, columns, types, memory and time of the fit of a mixture to a table."""
    if "-" in data:
        raise click.UsageError("--dry-run reads heads of files; standard input is read only once")
    from vivace.engine import resolve_n_jobs
    from vivace.families.kinds import n_features
    from vivace.io.heads import read_head
    from vivace.io.npy_table import is_npy
    from vivace.io.open_table import default_memory

    memory, na_values = given["memory"], given["na_values"]
    columns, left_out = resolved(source_of(data), given["columns"], numeric, na_values)
    head = read_head(source_of(data), columns, numeric=numeric, na_values=na_values)
    n, left_out = head.n_rows, [*head.left_out, *left_out]
    d, k = len(head.names), int(estimator.n_components)
    full = getattr(estimator, "covariance_type", "") == "full"
    threads = resolve_n_jobs(estimator.n_jobs)
    item = 4 if head.single else 8
    rows = 0 if head.in_place else n * d * item
    limit = default_memory() if memory is None else memory
    if not (head.in_place or (is_npy(data[0]) and rows <= limit)):
        _check_memory(data, head.names, limit, numeric)
    kept = min(rows, limit)
    working = 8 * k * n_features("full" if full else "diag", d) * (8 + 4 * threads)
    most = sample_rows(n, d, mixture_work(1, d, k, full or not numeric))
    sample = read_sample(
        data, head, estimator, most, numeric=numeric, na_values=na_values, spilled=rows > kept
    )
    time = time_table(estimator, sample, n)
    unit = "map" if estimator.learning_method == "batch" else "pass"
    record = {
        "data": data[0] if len(data) == 1 else list(data),
        "n_rows": n,
        "n_rows_exact": head.exact,
        "columns": dict(zip(head.names, head.types, strict=True)),
        "families": sample.families,
        "columns_left_out": left_out,
        "columns_from_folders": list(head.from_folders),
        "read_as": "float32" if head.single else "float64",
        "file_megabytes": sum(map(file_bytes, data)) / _MEGABYTE,
        "rows_megabytes": rows / _MEGABYTE,
        "memory_megabytes": (_PROGRAM + kept + working) / _MEGABYTE,
        "memory_for_rows_megabytes": kept / _MEGABYTE,
        "memory_beside_megabytes": (_PROGRAM + working) / _MEGABYTE,
        "scratch_megabytes": (rows - kept) / _MEGABYTE,
        "checkpoint_megabytes": mixture_checkpoint(estimator, n, d) / _MEGABYTE,
        "seconds_before": None if time is None else time.before,
        f"seconds_a_{unit}": None if time is None else time.each,
        "timed_rows": len(sample),
        "threads": threads,
    }
    if given["as_json"]:
        print_json(record)
        return
    about = "" if head.exact else "about "
    kinds = sorted(set(head.types))
    tail = f"; left out: {', '.join(left_out)}" if left_out else ""
    if head.from_folders:
        tail += f"; from the names of folders: {', '.join(head.from_folders)}"
    where = ", rows are read in place" if head.in_place else ""
    if rows > kept:
        where = f", and {(rows - kept) / _MEGABYTE:,.0f} MB in a scratch file"
    click.echo(f"rows     {about}{n:,}")
    click.echo(f"columns  {d} ({', '.join(kinds)}), read as {record['read_as']}{tail}")
    for name, kind in list(zip(head.names, head.types, strict=True))[:_LISTED]:
        family = sample.families.get(name)
        click.echo(f"           {name}: {kind}" + (f", {family}" if family else ""))
    if d > _LISTED:
        click.echo(f"           and {d - _LISTED} more (all with --json)")
    click.echo(
        f"memory   about {kept / _MEGABYTE:,.0f} MB for rows (--memory allows "
        f"{limit / _MEGABYTE:,.0f}), beside it about {(_PROGRAM + working) / _MEGABYTE:,.0f} MB "
        f"for the program and the model{where}"
    )
    click.echo(f"disk     about {record['checkpoint_megabytes']:,.1f} MB of a --checkpoint")
    if time is None:
        click.echo(f"time     not known: the first rows cannot be fitted: {sample.problem}")
        return
    click.echo(
        f"time     {_in_words(time, unit, estimator, threads)}; timed on the first "
        f"{counted(len(sample), 'row')}"
    )


def _check_memory(data: Sequence[str], names: list[str], memory: int, numeric: bool) -> None:
    """Raise what the fit would, where the memory is too small for it."""
    from vivace.io.open_table import open_table, text_files
    from vivace.io.stream import SpooledTable

    source = source_of(data)
    if numeric and not text_files(source):
        open_table(source, names, memory)  # nothing is read
    else:
        SpooledTable(data[0], names, float, memory)


def print_documents_estimate(
    estimator: Any, docs: Sequence[str], reading: dict[str, Any], given: dict[str, Any]
) -> None:
    """Print what the heads of files of documents tell."""
    from vivace.engine import resolve_n_jobs
    from vivace.io import open_corpus
    from vivace.io.corpora.room import check_room, least_memory
    from vivace.io.corpora.stream import expanded
    from vivace.io.open_table import default_memory

    paths, dtype = expanded(list(docs)), given["dtype"]
    readers = [open_corpus(path, **reading, dtype=dtype) for path in paths]
    size = sum(file_bytes(os.fspath(path)) for path in paths)
    small = "-" not in docs and size < _SOON_READ
    if small or ("-" not in docs and reading["format"] == "npz"):
        for reader in readers:
            reader.scan()
    sizes = [_size(reader) for reader in readers] if small else []
    tokens = whole(sum(size[1] for size in sizes)) if small else None
    counts = [reader.n_documents for reader in readers]
    documents = None if None in counts else sum(n for n in counts if n is not None)
    limit = default_memory() if given["memory"] is None else given["memory"]
    check_room(str(docs[0]), limit, documents or 0, "" if documents else "more than ")
    words, item = readers[0].n_words, 4 if dtype == "float32" else 8
    topics = None if words is None else int(estimator.n_components) * words
    entries: list[int | None] = [size[0] for size in sizes]
    entries = entries or [reader.n_nonzeros for reader in readers]
    time, timed, threads = None, 0, resolve_n_jobs(estimator.n_jobs)
    memory = stored = None
    if None not in entries:
        found = sum(n for n in entries if n is not None)
        # Counts, a place and a length of each document; topics, statistics and what a step makes.
        memory = _PROGRAM + min(found * (4 + item), limit) + 16 * (documents or 0)
        memory += 3 * item * (topics or 0)
        if words is not None:
            time, timed = time_topics(estimator, readers[0], found)
        if documents is not None and words is not None:  # as many tokens as counts at least
            total = found if tokens is None else tokens
            stored = topics_checkpoint(estimator, documents, words, found, total, item)
    record = {
        "data": docs[0] if len(docs) == 1 else list(docs),
        "format": reading["format"],
        "n_documents": documents,
        "n_words": words,
        "n_tokens": tokens,
        "memory_megabytes": None if memory is None else memory / _MEGABYTE,
        "checkpoint_megabytes": None if stored is None else stored / _MEGABYTE,
        "file_megabytes": None if "-" in docs else size / _MEGABYTE,
        "topics_megabytes": None if topics is None else topics * item / _MEGABYTE,
        "seconds_before": None if time is None else time.before,
        "seconds_a_pass": None if time is None else time.each,
        "timed_documents": timed,
        "threads": threads,
    }
    if given["as_json"]:
        print_json(record)
        return
    unknown = "not known before all is read (too large to do so now)"
    click.echo(f"format     {reading['format']}")
    click.echo(f"documents  {unknown if documents is None else format(documents, ',')}")
    click.echo(f"words      {unknown if words is None else format(words, ',')}")
    click.echo(f"tokens     {unknown if tokens is None else format(tokens, ',')}")
    if memory is not None:
        click.echo(f"memory     about {memory / _MEGABYTE:,.0f} MB")
    else:
        click.echo(
            f"memory     at least {least_memory(0) / _MEGABYTE:,.0f} MB and 16 bytes a document "
            f"(--memory allows {limit / _MEGABYTE:,.0f} MB)"
        )
    if stored is not None:
        click.echo(f"disk       about {stored / _MEGABYTE:,.1f} MB of a --checkpoint")
    if topics is not None:
        click.echo(f"topics     {topics * item / _MEGABYTE:,.1f} MB each of topics and statistics")
    if time is not None:
        click.echo(
            f"time       {_in_words(time, 'pass', estimator, threads)}; timed on the first "
            f"{counted(timed, 'document')}"
        )


def _in_words(time: Estimate, unit: str, estimator: Any, threads: int) -> str:
    """How long a fit takes; nobody knows when it converges."""
    runs = int(getattr(estimator, "n_init", 1))
    times = f", for each of {runs} starts" if runs > 1 else ""
    return (
        f"about {time.each:.2g} s a {unit} with {counted(threads, 'thread')}, at most "
        f"{estimator.max_iter} of them{times}, and {time.before:.2g} s before the first"
    )


def _size(reader: Any) -> tuple[int, float]:
    """Read a small file for the number of its counts, and their sum."""
    from vivace.io.corpora.reader import NotInBlocks

    entries, tokens = 0, 0.0
    try:
        for piece in reader.pieces():
            entries += len(piece.values)
            tokens += float(piece.values.sum(dtype="float64"))
    except NotInBlocks:
        counts = reader.read().counts
        return int(counts.nnz), float(counts.sum(dtype="float64"))
    return entries, tokens


def file_bytes(name: str) -> int:
    """Bytes of a file, of the files of a folder, or of those that fit a pattern."""
    if os.path.isdir(name):
        return sum(
            os.path.getsize(os.path.join(folder, file))
            for folder, _, files in os.walk(name)
            for file in files
        )
    if os.path.exists(name):
        return os.path.getsize(name)
    return sum(map(os.path.getsize, glob.glob(name, recursive=True)))

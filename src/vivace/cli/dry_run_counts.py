"""`--dry-run` of a mixture of sparse counts."""

from __future__ import annotations

from typing import Any

import click

from vivace.cli.dry_run_checkpoint import mixture_checkpoint
from vivace.cli.fit_counts import check_memory, rows_bytes, size_of_counts
from vivace.cli.options import print_json

_MEGABYTE = 1e6
# Of the interpreter, the libraries and what reading takes.
_PROGRAM = 250e6
# Arrays of a number a word and component: statistics, those that an extrapolation keeps,
# parameters, and the intervals of the summary; and those of each thread.
_ARRAYS, _OF_A_THREAD = 16, 2


def print_counts_estimate(
    estimator: Any, name: str, reading: dict[str, Any], given: dict[str, Any]
) -> None:
    """Print rows, columns, counts and memory of the fit of a mixture to a file of counts."""
    from vivace.engine import resolve_n_jobs
    from vivace.io import open_corpus

    reader = open_corpus(name, **reading)
    size = size_of_counts(reader)
    limit = check_memory(name, size, estimator, given["memory"])
    threads, k = resolve_n_jobs(estimator.n_jobs), int(estimator.n_components)
    rows = rows_bytes(size, estimator)
    working = 8 * k * size.n_columns * (_ARRAYS + _OF_A_THREAD * threads)
    record = {
        "data": name,
        "format": reading["format"],
        "n_rows": size.n_rows,
        "n_columns": size.n_columns,
        "n_nonzeros": size.n_nonzeros,
        "memory_megabytes": (_PROGRAM + rows + working) / _MEGABYTE,
        "memory_for_rows_megabytes": rows / _MEGABYTE,
        "memory_beside_megabytes": (_PROGRAM + working) / _MEGABYTE,
        "checkpoint_megabytes": mixture_checkpoint(
            estimator, size.n_rows, size.n_columns, size.n_columns
        )
        / _MEGABYTE,
        "threads": threads,
    }
    if given["as_json"]:
        print_json(record)
        return
    click.echo(f"format   {reading['format']}")
    click.echo(f"rows     {size.n_rows:,}")
    click.echo(f"columns  {size.n_columns:,}")
    click.echo(f"counts   {size.n_nonzeros:,} that are not zero")
    click.echo(
        f"memory   about {rows / _MEGABYTE:,.0f} MB for rows (--memory allows "
        f"{limit / _MEGABYTE:,.0f}), beside it about {(_PROGRAM + working) / _MEGABYTE:,.0f} MB "
        "for the program and the model"
    )
    click.echo(f"disk     about {record['checkpoint_megabytes']:,.1f} MB of a --checkpoint")
    click.echo("time     not estimated for counts")

"""`vivace convert`: tables from one kind of file to another, whatever their size."""

from __future__ import annotations

import os

import click

from vivace.cli.memory import memory_option
from vivace.cli.options import (
    check_output,
    columns_option,
    debug_option,
    examples,
    quiet_option,
    warn_of_left_out,
)

_ROWS_AT_A_TIME = 1 << 16


@click.command(
    epilog=examples(
        "vivace convert data.csv rows.npy --dtype float32",
        "vivace convert data.csv rows.parquet --columns age,income",
    )
)
@click.argument("data", type=click.Path())
@click.argument("out", type=click.Path())
@columns_option
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), help="Precision of the numbers written."
)
@memory_option
@quiet_option
@debug_option
def convert(
    data: str,
    out: str,
    columns: list[str] | None,
    dtype: str | None,
    memory: int | None,
    quiet: bool,
) -> None:
    """Write the numeric columns of DATA to OUT, a run of rows at a time.

    DATA is .npy, .csv[.gz|.zst], .parquet, .feather, .arrow, a pattern of names or a folder. OUT
    is .npy (the fastest to fit: rows are read in place), .parquet, .feather, .arrow, .csv or
    .csv.gz.
    """
    from vivace.cli.progress import Meter
    from vivace.io.runs import table_runs
    from vivace.io.writer import writing

    check_output(out, [data] if os.path.isfile(data) else [])
    table = table_runs(data, columns)
    warn_of_left_out(table)
    names = table.names
    with Meter("rows", None, quiet) as meter, writing(out, names) as writer:
        for run in table.runs:
            writer.append(run.rows if dtype is None else run.rows.astype(dtype))
            meter.update(writer.n_rows)
    click.echo(f"{out}: written, {writer.n_rows:,} rows of {len(names)} columns")

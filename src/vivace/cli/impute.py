"""`vivace impute`: gaps of a table filled from a mixture, whatever the table's size."""

from __future__ import annotations

import warnings
from typing import Any

import click

from vivace.cli.errors import Failure
from vivace.cli.frames import is_table_model, parts_of, runs_for
from vivace.cli.options import (
    check_output,
    columns_option,
    debug_option,
    examples,
    quiet_option,
    seed_of,
    trusted_option,
)

# Rows that are filled at a time.
_ROWS_AT_A_TIME = 1 << 14


@click.command(epilog=examples("vivace impute mixed.vivace holes.csv --out filled.csv"))
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@click.option(
    "--out",
    "-o",
    type=click.Path(),
    required=True,
    help="File to write: .csv, .csv.gz, .parquet, .feather or .arrow; .npy and .npz for numbers.",
)
@columns_option
@click.option("--id-column", metavar="NAME", help="Column of DATA to copy in front of the others.")
@click.option("--sample", is_flag=True, help="Draw what is missing; the default are means.")
@seed_of("draws")
@trusted_option
@quiet_option
@debug_option
def impute(
    model: str,
    data: str,
    out: str,
    columns: list[str] | None,
    id_column: str | None,
    sample: bool,
    seed: int,
    trusted: tuple[str, ...],
    quiet: bool,
) -> None:
    """Write the columns that a mixture knows, their gaps filled from its posterior predictive.

    Other columns of DATA are left out (--id-column keeps one). Rows are read and written a part
    at a time, in their order.
    """
    from vivace.cli.progress import Meter
    from vivace.io import load_model
    from vivace.io.tables import table_suffix
    from vivace.io.writer import APPENDABLE, writing

    check_output(out, [model, data])
    suffix = table_suffix(out, APPENDABLE)
    estimator = load_model(model, trusted)
    mixed = is_table_model(estimator)
    if not mixed and getattr(estimator, "missing", "error") == "error":
        raise Failure(
            f"{model}: holds a {type(estimator).__name__}, which fills no gaps. Remedy: vivace fit "
            "mixture, or vivace fit gaussian-mixture --missing marginalize"
        )
    table = runs_for(model, estimator, data, columns, id_column)
    numeric = suffix in (".npy", ".npz")
    names = table.names if id_column is None else [id_column, *table.names]
    with Meter("rows", None, quiet) as meter, writing(out, names) as writer:
        for rows, ids, start in parts_of(table, mixed, _ROWS_AT_A_TIME):
            filled = _filled(estimator, rows, seed if sample else None, start)
            writer.append(_columns(out, filled, ids, numeric))
            meter.update(writer.n_rows)
    click.echo(f"{out}: written, {writer.n_rows:,} rows")


def _filled(estimator: Any, rows: Any, seed: int | None, start: int) -> Any:
    import numpy as np

    try:
        with warnings.catch_warnings():  # the names were compared when the table was read
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            if seed is None:
                return estimator.impute(rows)
            return estimator.sample_missing(rows, np.random.RandomState([seed, start % 2**32]))
    except ValueError as error:
        raise Failure(str(error)) from error


def _columns(out: str, filled: Any, ids: Any, numeric: bool) -> Any:
    """What the writer takes: an array of numbers, or columns of any type."""
    import numpy as np

    if numeric:
        values = filled.to_numpy() if hasattr(filled, "to_numpy") else np.asarray(filled)
        if ids is not None or values.dtype.kind not in "fiub":
            raise Failure(f"{out}: .npy and .npz hold numbers only. Remedy: .csv or .parquet")
        return np.ascontiguousarray(values)
    if not hasattr(filled, "columns"):
        found: list[Any] = list(np.asarray(filled).T)
    else:
        found = [filled.iloc[:, j].to_numpy() for j in range(filled.shape[1])]
    return found if ids is None else [ids, *found]

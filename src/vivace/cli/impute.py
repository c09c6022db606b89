"""`vivace impute`: gaps of a table filled from a mixture, whatever the table's size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click

from vivace.cli.choice import columns_option
from vivace.cli.errors import Failure
from vivace.cli.frames import frame_of, is_table_model, runs_for
from vivace.cli.options import (
    check_output,
    debug_option,
    examples,
    na_option,
    output_suffix,
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
@na_option
@click.option("--id-column", metavar="NAME", help="Column of DATA to copy in front of the others.")
@click.option("--only", is_flag=True, help="Leave out the columns that the model does not know.")
@click.option("--fractions", is_flag=True, help="Do not round what is filled in for counts.")
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
    na_values: tuple[str, ...],
    id_column: str | None,
    only: bool,
    fractions: bool,
    sample: bool,
    seed: int,
    trusted: tuple[str, ...],
    quiet: bool,
) -> None:
    """Write DATA with the gaps of the columns that a mixture knows filled from its predictive.

    Other columns of DATA are carried over as they are, unless --only is given. What is filled in a
    column of counts (families poisson and multinomial), or of whole numbers or true and false in
    Parquet and Arrow, is rounded; --fractions keeps means. Rows are read and written a part at a
    time, in their order.
    """
    from vivace.cli.progress import Meter
    from vivace.io import load_model
    from vivace.io.writer import writing

    check_output(out, [model, data])
    suffix = output_suffix(out)
    estimator = load_model(model, trusted)
    mixed = is_table_model(estimator)
    if not mixed and getattr(estimator, "missing", "error") == "error":
        raise Failure(
            f"{model}: holds a {type(estimator).__name__}, which fills no gaps. Remedy: vivace fit "
            "mixture, or vivace fit gaussian-mixture --missing marginalize"
        )
    numeric = suffix in (".npy", ".npz")
    table = runs_for(model, estimator, data, columns, id_column, not (only or numeric), na_values)
    known = [str(name) for name in getattr(estimator, "feature_names_in_", table.names)]
    names = table.names if id_column is None else [id_column, *table.names]
    whole = [] if fractions or numeric else _counts(estimator)
    with Meter("rows", None, quiet) as meter, writing(out, names) as writer:
        for rows, ids, others, start in _parts(table, known):
            filled = _filled(estimator, rows, seed if sample else None, start)
            if numeric:
                writer.append(_numbers(out, filled, ids))
            else:
                kinds = {} if fractions else _whole_types(others, known)
                found = _columns(filled, known, dict.fromkeys(whole, "int64") | kinds)
                place = dict(zip(known, found, strict=True))
                given = [place[n] if n in place else others[n] for n in table.names]
                writer.append(given if ids is None else [ids, *given])
            meter.update(writer.n_rows)
    click.echo(f"{out}: written, {writer.n_rows:,} rows")


def _parts(table: Any, known: list[str]) -> Iterator[tuple[Any, Any, dict[str, Any], int]]:
    """Yield rows for the model, their names, all columns as the file has them, and a place."""
    with closing(table.runs) as runs:
        for run in runs:
            for start in range(0, len(run), _ROWS_AT_A_TIME):
                ids = None
                if run.ids is not None:
                    ids = run.ids.slice(start, _ROWS_AT_A_TIME).combine_chunks()
                if hasattr(run.rows, "dtype"):
                    rows, others = run.rows[start : start + _ROWS_AT_A_TIME], {}
                else:
                    part = run.rows.slice(start, _ROWS_AT_A_TIME)
                    same = set(known) <= set(part.column_names)
                    rows = frame_of(part.select(known) if same else part)
                    others = {n: part.column(n).combine_chunks() for n in part.column_names}
                yield rows, ids, others, run.start + start


def _counts(estimator: Any) -> list[str]:
    """Columns that hold counts."""
    families: dict[str, Any] = getattr(estimator, "families_", {})
    return [str(n) for name in ("poisson", "multinomial") for n in families.get(name, [])]


def _whole_types(columns: dict[str, Any], names: list[str]) -> dict[str, str]:
    """Columns of a file that are whole numbers, or true and false, and what they become."""
    from pyarrow import types

    kinds = {name: columns[name].type for name in names if name in columns}
    return {
        name: "bool" if types.is_boolean(kind) else "int64"
        for name, kind in kinds.items()
        if types.is_boolean(kind) or types.is_integer(kind)
    }


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


def _numbers(out: str, filled: Any, ids: Any) -> Any:
    """What a file of numbers takes."""
    import numpy as np

    values = filled.to_numpy() if hasattr(filled, "to_numpy") else np.asarray(filled)
    if ids is not None or values.dtype.kind not in "fiub":
        raise Failure(f"{out}: .npy and .npz hold numbers only. Remedy: .csv or .parquet")
    return np.ascontiguousarray(values)


def _columns(filled: Any, names: list[str], whole: dict[str, str]) -> list[Any]:
    """Columns of a table, those that are `whole` rounded."""
    import numpy as np

    if hasattr(filled, "columns"):
        found = [filled.iloc[:, j].to_numpy() for j in range(filled.shape[1])]
    else:
        found = list(np.asarray(filled).T)
    return [
        np.rint(column.astype(np.float64)).astype(whole[name]) if name in whole else column
        for name, column in zip(names, found, strict=True)
    ]

"""Tables for a fitted mixture, read once from front to back: the columns that it was fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from vivace.cli.choice import AllBut, resolved
from vivace.cli.errors import Failure
from vivace.cli.memory import source_of
from vivace.cli.options import warn_of_left_out


def is_table_model(estimator: Any) -> bool:
    """Whether an estimator takes tables of mixed columns."""
    return hasattr(estimator, "families_")


def is_counts_model(estimator: Any) -> bool:
    """Whether an estimator is a mixture that was fitted to sparse counts."""
    return is_table_model(estimator) and any(p.sparse for p in estimator._fitted.prior.parts)


def runs_for(
    model: str,
    estimator: Any,
    data: str,
    columns: list[str] | None,
    ids: str | None = None,
    others: bool = False,
    na_values: Sequence[str] = (),
) -> Any:
    """Open the columns of a table that a model was fitted to, to be read once.

    With `others` all columns are opened, in the order of the table, where the model knows names.

    Returns
    -------
    table : vivace.io.runs.Runs

    Raises
    ------
    Failure
        The table has other columns.
    """
    from vivace.io.runs import table_runs
    from vivace.io.table import check_names

    if is_counts_model(estimator):
        raise Failure(
            f"{model}: was fitted to sparse counts, which have no gaps and which vivace predict, "
            "transform and score alone read. Remedy: BayesianMixture in Python"
        )
    mixed = is_table_model(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    source = source_of([data])
    excluding = isinstance(columns, AllBut)
    columns, left_out = resolved(source, columns, not mixed and not others, na_values)
    if names is not None and not data.lower().endswith(".npy"):
        known = [str(name) for name in names]
        enough = excluding and set(known) <= set(columns or ())
        if columns is None or enough or sorted(columns) == sorted(known):
            columns = known  # by name, in the model's order
    numbers = _number_columns(estimator) if mixed else ()
    if others and names is not None and columns is not None:
        numbers = numbers if mixed else columns
        table = table_runs(
            source, None, ids=ids, mixed=True, numbers=numbers, typed=columns, na_values=na_values
        )
        check_names(data, table.names, columns)
        return table
    table = table_runs(source, columns, ids=ids, mixed=mixed, numbers=numbers, na_values=na_values)
    if not mixed:
        table.left_out = [*table.left_out, *left_out]
        warn_of_left_out(table)
    expected, found = estimator.n_features_in_, len(table.names)
    if found != expected:
        which = f" ({', '.join(names)})" if names is not None else ""
        raise Failure(
            f"{data}: expected the {expected} columns{which} that {model} was fitted to, got "
            f"{found} ({', '.join(table.names[:20])}). Remedy: choose them with --columns or "
            "--exclude"
        )
    return table


def parts_of(table: Any, mixed: bool, most: int) -> Iterator[tuple[Any, Any, int]]:
    """Yield rows as an estimator takes them, their names, and the place of the first.

    `most` is the number of rows that come together at most.
    """
    with closing(table.runs) as runs:
        for run in runs:
            for start in range(0, len(run), most):
                if mixed and not hasattr(run.rows, "dtype"):
                    rows = frame_of(run.rows.slice(start, most))
                else:
                    rows = run.rows[start : start + most]
                ids = None if run.ids is None else run.ids.slice(start, most).combine_chunks()
                yield rows, ids, run.start + start


def frame_of(table: Any) -> Any:
    """A table of pandas with columns that keep their types where something is missing."""
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise Failure(
            "tables of mixed columns need pandas. Remedy: pip install 'vivace[tables]'"
        ) from error
    import pyarrow as pa

    arrays, names = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        arrays.append(column)
        names.append(name)
    return pa.table(arrays, names=names).to_pandas()


def _number_columns(estimator: Any) -> list[str]:
    """Columns that hold numbers, whatever a file of text looks like at its beginning."""
    from vivace.mixture._assign import Assignment

    names = [str(name) for name in getattr(estimator, "feature_names_in_", [])]
    found: list[str] = []
    assignments: list[Assignment] = estimator._fitted.prior.assignments
    for one in assignments:
        for i, j in enumerate(one.columns):
            levels = one.levels[i] if one.family.levels and i < len(one.levels) else []
            number = not one.family.levels or all(
                isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels
            )
            if number and one.family.name != "bernoulli" and j < len(names):
                found.append(names[j])
    return found

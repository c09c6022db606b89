"""Tables that a mixture hands out: those of a user's library, filled, and tables of results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.mixture._table import TableRows

Array = NDArray[np.float64]


class Explanation(NamedTuple):
    """How much each column says about the component of a row, in nats.

    Attributes
    ----------
    columns : list
        Names (or numbers) of the columns.
    information : ndarray of shape (n_features,)
        Mean over the rows of E[ln p(x_j | component) / p(x_j)]: what the column alone tells,
        the mutual information of column and component as far as the rows show it.
    by_component : ndarray of shape (n_components, n_features)
        The same mean over the rows of each component: which columns set it apart.
    """

    columns: list[Any]
    information: Array
    by_component: Array

    def to_frame(self) -> Any:
        """Tabulate: one row a column of X, the most telling first.

        Returns
        -------
        table : DataFrame, or list of dict without pandas
            column, information, and by_component as component_0, component_1, ..., in nats.
        """
        order = np.argsort(-self.information, kind="stable")
        records = [
            {
                "column": self.columns[j],
                "information": float(self.information[j]),
                **{f"component_{k}": float(own[j]) for k, own in enumerate(self.by_component)},
            }
            for j in order
        ]
        return as_frame(records)


def as_frame(records: list[dict[str, Any]]) -> Any:
    """A pandas DataFrame, or the records where pandas is not installed."""
    try:
        import pandas as pd
    except ImportError:
        return records
    return pd.DataFrame(records)


def numbers_like(rows: TableRows, values: Array) -> Any:
    """Numbers of the shape of X as a table of its library, with its names and index."""
    table = rows.table
    if table.library == "pandas":
        return type(table.source)(values, index=table.source.index, columns=table.source.columns)
    if table.library == "polars":
        import polars as pl

        return pl.DataFrame(values, schema=list(table.source.columns))
    if table.library == "pyarrow":
        import pyarrow as pa

        return pa.table(list(values.T), names=table.source.column_names)
    return values


def editable(rows: TableRows, j: int) -> NDArray[Any]:
    """Column j of X as an array that can be written to."""
    table = rows.table
    if table.library == "numpy":
        return np.array(table.raw(j))
    if table.kind(j) == "text":
        column = table.raw(j)
        if table.library == "pandas":
            return np.array(column, dtype=object)
        return np.array(column.to_numpy(), dtype=object)
    found = np.array(table.numbers(j))
    return found


def table_like(rows: TableRows, filled: dict[int, NDArray[Any]]) -> Any:
    """X with some columns replaced."""
    table = rows.table
    if table.library == "numpy":
        out = np.array(table.source)
        if out.dtype.kind not in "fO":
            out = out.astype(np.float64)
        for j, column in filled.items():
            out[:, j] = column
        return out
    if table.library == "pandas":
        out = table.source.copy()
        for j, column in filled.items():
            old = out.iloc[:, j]
            new = type(old)(column, index=old.index, name=old.name)
            if hasattr(old, "cat") or str(old.dtype) in ("boolean", "str", "string"):
                new = new.astype(old.dtype)
            out.isetitem(j, new)
        return out
    if table.library == "polars":
        import polars as pl

        out = table.source
        for j, column in filled.items():
            old = out.to_series(j)
            values = column.tolist() if column.dtype == object else column
            new = pl.Series(old.name, values)
            if old.dtype == pl.Boolean:
                new = new.cast(pl.Boolean)
            out = out.with_columns(new)
        return out
    import pyarrow as pa

    out = table.source
    for j, column in filled.items():
        values = column.tolist() if column.dtype == object else column
        out = out.set_column(j, out.column_names[j], pa.array(values))
    return out

"""Rows of tables of any library: some of them, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.io import TableStream
from vivace.io.frame_stream import FrameStream


def n_rows_of(X: Any) -> int:
    """Number of rows of an array or a table."""
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape is not None else len(X)


def columns_of(estimator: Any, X: Any) -> Any:
    """Return the columns of a table that a model was fitted to, by name, where others are there.

    As the commands do; tables that lack one are left to the estimator's own check.
    """
    known, there = getattr(estimator, "feature_names_in_", None), getattr(X, "columns", None)
    if known is None or there is None or isinstance(X, TableStream):
        return X
    wanted = [str(name) for name in known]
    if type(X).__module__.partition(".")[0] == "pyarrow":
        return X.select(wanted) if set(wanted) < set(X.column_names) else X
    return X[wanted] if set(wanted) < {str(name) for name in there} else X


def sample_of(X: Any, most: int, seed: int) -> Any:
    """Return X, or `most` rows of it drawn without replacement, in their order."""
    n = n_rows_of(X)
    if n <= most and not isinstance(X, TableStream):
        return X
    most = min(n, most)
    return take(X, np.sort(np.random.default_rng(seed).choice(n, most, replace=False)))


def take(X: Any, rows: NDArray[np.intp]) -> Any:
    """Return the rows with these numbers, in a table of the same library.

    Of a table of mixed columns that is read from files an Arrow table.
    """
    if isinstance(X, FrameStream):
        return _restored(X, rows)
    library = type(X).__module__.partition(".")[0]
    if library == "pandas":
        return X.iloc[rows]
    if library == "pyarrow":
        return X.take(rows)
    return np.asarray(X)[rows] if isinstance(X, (list, tuple)) else X[rows]


def _restored(stream: FrameStream, rows: NDArray[np.intp]) -> Any:
    """Rows of a stream, which holds numbers only, with texts and truth values."""
    import pyarrow as pa

    values, columns = stream[rows], {}
    for j, (name, kind) in enumerate(zip(stream.columns, stream.kinds, strict=True)):
        column, gap = values[:, j], np.isnan(values[:, j])
        if kind == "text":
            levels = np.array([*stream.levels[j], ""], dtype=object)
            column = levels[np.where(gap, -1, column).astype(np.intp)]
        elif kind != "float":
            column = np.where(gap, 0.0, column).astype(np.bool_ if kind == "bool" else np.int64)
        columns[name] = pa.array(column, mask=gap)
    return pa.table(columns)


def numbers_of(X: Any, columns: Sequence[int]) -> NDArray[np.float64]:
    """Columns of a table as float64 (n, len(columns)); NaN where a value is missing."""
    from vivace.mixture._columns import read_columns

    if isinstance(X, np.ndarray) and X.dtype.kind in "fiub" and X.ndim == 2:
        return X[:, list(columns)].astype(np.float64)
    table = read_columns(X, "plot")
    return np.stack([np.asarray(table.numbers(j), dtype=np.float64) for j in columns], axis=1)

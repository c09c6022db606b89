"""Rows of a table as the parts of a mixture read them, block by block; nothing is copied whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block, CsrRows
from vivace.mixture._assign import Assignment
from vivace.mixture._columns import Columns, match_levels, sorted_levels

Array = NDArray[np.float64]


class TableSource:
    """Blocks whose data are one array a part: float64 rows, int32 codes, or compressed rows.

    Parameters
    ----------
    parts : sequence
        For each part a list of columns, a two-dimensional array, or a CSR matrix.
    n_rows : int
    weights : (N,), optional
    """

    def __init__(
        self, parts: Sequence[Any], n_rows: int, weights: NDArray[np.float64] | None
    ) -> None:
        self.parts = list(parts)
        self._n_rows = n_rows
        self.weights = weights

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._n_rows

    @property
    def total_weight(self) -> float:
        """Sum of the rows' weights."""
        return float(self._n_rows if self.weights is None else self.weights.sum())

    def read(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop` (exclusive)."""
        data = tuple(_read(part, start, stop) for part in self.parts)
        weights = None if self.weights is None else self.weights[start:stop]
        return Block(data, weights, start, stop)

    def take(self, rows: NDArray[np.int64]) -> Block:
        """Return some rows as a block."""
        data = tuple(_take(part, rows) for part in self.parts)
        weights = None if self.weights is None else self.weights[rows]
        return Block(data, weights, 0, len(rows))

    def only(self, rows: NDArray[np.int64]) -> TableSource:
        """Return a source of some rows, which are copied."""
        weights = None if self.weights is None else self.weights[rows]
        parts = [
            _take(part, rows) if isinstance(part, (list, np.ndarray)) else part[rows]
            for part in self.parts
        ]
        return TableSource(parts, len(rows), weights)

    def without(self, held: NDArray[np.int64]) -> TableSource:
        """Return a source of the other rows."""
        return self.only(np.delete(np.arange(self.n_rows), held))


@dataclass
class TableRows:
    """Checked input of an estimator over tables; what `_fitting` asks of rows.

    Attributes
    ----------
    X : object
        As it was given.
    table : Columns
    assignments : list of Assignment
    source : TableSource
    weights : (N,) or None
        With zeros for rows in which everything is missing.
    more_gaps : list of arrays or None
        Units of each part that are missing in these rows, where some were not in those of fit.
    """

    X: Any
    table: Columns
    assignments: list[Assignment]
    source: TableSource
    weights: NDArray[np.float64] | None
    more_gaps: list[NDArray[np.bool_]] | None = None

    def without(self, held: NDArray[np.int64]) -> TableRows:
        """Return all rows but those at some positions, which rise."""
        return self._of(self.source.without(held))

    def only(self, chosen: NDArray[np.int64]) -> TableRows:
        """Return the rows at some positions."""
        return self._of(self.source.only(chosen))

    def _of(self, source: TableSource) -> TableRows:
        # `X` and the columns stay whole: they are asked for names and types from here on.
        table = replace(self.table, n_rows=source.n_rows)
        return replace(self, table=table, source=source, weights=source.weights)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Arithmetic is in float64."""
        return np.dtype(np.float64)

    @property
    def n_rows(self) -> int:
        """Rows, those of weight zero included."""
        return self.table.n_rows

    @property
    def n_weighted(self) -> int:
        """Rows of positive weight."""
        return self.n_rows if self.weights is None else int(np.count_nonzero(self.weights))

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return self.source.total_weight


def make_rows(
    X: Any,
    table: Columns,
    assignments: list[Assignment],
    weights: NDArray[np.float64] | None,
    *,
    learn: bool,
) -> TableRows:
    """Arrange the columns for the parts; `learn` takes the levels of categories from the data.

    Warns
    -----
    UserWarning
        A level was not seen in fit and counts as missing.
    """
    parts = [_part(table, one, learn) for one in assignments]
    source = TableSource(parts, table.n_rows, weights)
    return TableRows(X, table, assignments, source, weights)


def _part(table: Columns, one: Assignment, learn: bool) -> Any:
    if table.library == "sparse":
        if not getattr(one.family, "identity", False):
            raise TypeError(
                f"the family {one.family.name} does not take sparse rows; pass X.toarray(), or use "
                "one of bernoulli, multinomial, poisson"
            )
        if len(one.columns) != table.n_columns or one.columns != list(range(table.n_columns)):
            raise TypeError("sparse rows go to one family as a whole; pass X.toarray() to divide")
        return _canonical(table.source)
    if one.family.levels:
        codes = np.empty((table.n_rows, len(one.columns)), dtype=np.int32)
        for i, j in enumerate(one.columns):
            own, found = table.values(j)
            if learn:
                if len(one.levels) <= i:
                    used = np.unique(own[own >= 0])
                    declared = table.library == "pandas" and hasattr(table.raw(j), "cat")
                    kept = found if declared else [found[v] for v in used]
                    one.levels.append(kept if declared else sorted_levels(kept))
                    one.levels[i] = [_known(level) for level in one.levels[i]]
                if not one.levels[i]:
                    raise ValueError(f"column {table.label(j)} holds no value at all; leave it out")
            codes[:, i] = match_levels(own, found, one.levels[i])
            _check_unknown(codes[:, i], own, found, one, table.label(j))
        return codes
    if table.library == "numpy":
        source = table.source
        run = range(one.columns[0], one.columns[0] + len(one.columns))
        if source.dtype.kind in "biuf" and one.columns == list(run):
            return source[:, run.start : run.stop]
    return [table.numbers(j) for j in one.columns]


def _known(level: Any) -> Any:
    from vivace.mixture._columns import _plain

    return _plain(level)


def _check_unknown(
    codes: NDArray[np.int32], own: NDArray[np.int64], found: list[Any], one: Assignment, label: str
) -> None:
    unknown = codes == -2
    if not unknown.any():
        return
    first = found[int(own[int(unknown.argmax())])]
    message = (
        f"column {label} holds {int(unknown.sum())} value(s) that fit has not seen, the first "
        f"{first!r}"
    )
    if getattr(one.family, "unknown", "missing") == "error":
        raise ValueError(f"{message}. Leave such rows out, or use Categorical(unknown='missing')")
    warnings.warn(
        f"{message}; they count as missing. Categorical(unknown='error') refuses them.",
        UserWarning,
        stacklevel=2,
    )
    codes[unknown] = -1


def _canonical(matrix: Any) -> Any:
    if not np.isfinite(matrix.data).all():
        raise ValueError(
            "Input X contains NaN or infinity among its stored values; sparse rows have no gaps"
        )
    matrix = matrix.copy() if not matrix.has_canonical_format else matrix
    matrix.sum_duplicates()
    return matrix


def _read(part: Any, start: int, stop: int) -> Any:
    if isinstance(part, list):
        out = np.empty((stop - start, len(part)))
        for i, column in enumerate(part):
            out[:, i] = column[start:stop]
        return out
    if isinstance(part, np.ndarray):
        kind = np.int32 if part.dtype == np.int32 and part.base is None else np.float64
        return np.require(part[start:stop], kind, ["C", "A", "E"])
    first, last = int(part.indptr[start]), int(part.indptr[stop])
    return CsrRows(
        np.asarray(part.indptr[start : stop + 1], dtype=np.int64) - first,
        np.asarray(part.indices[first:last], dtype=np.int32),
        part.data[first:last],
        part.shape[1],
    )


def _take(part: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(part, list):
        return np.column_stack([np.asarray(column[rows], dtype=np.float64) for column in part])
    if isinstance(part, np.ndarray):
        found = part[rows]
        return found if part.dtype == np.int32 and part.base is None else found.astype(np.float64)
    some = part[rows]
    return _read(some, 0, some.shape[0])

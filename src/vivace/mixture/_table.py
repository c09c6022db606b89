"""Rows of a table as the parts of a mixture read them, block by block; nothing is copied whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block, CsrRows, Layout, ThreadExecutor
from vivace.families.base import Summary
from vivace.mixture._assign import Assignment
from vivace.mixture._columns import Columns, match_levels, sorted_levels

Array = NDArray[np.float64]

#: Rows of a block of the passes that only look.
LOOK_ROWS = 65_536
#: Larger values have squares whose sums leave the range of float64.
LARGEST_VALUE = 1e150


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


@dataclass
class Look:
    """What one pass over the rows found of a part.

    Attributes
    ----------
    summary : Summary
    whole : (d,) of bool
        Whether all values of a column are whole numbers.
    gaps : (d,) of bool
        Columns with missing values.
    """

    summary: Summary
    whole: NDArray[np.bool_]
    gaps: NDArray[np.bool_]


def look(
    rows: TableRows,
    assignments: Sequence[Assignment],
    executor: ThreadExecutor,
    *,
    learn: bool = True,
) -> list[Look]:
    """Weighted moments, extremes and gaps of every part's columns, and a check of the values.

    To learn from, rows in which everything is missing get weight zero (they say nothing about any
    component), and every column must hold something.

    Raises
    ------
    ValueError
        A value is infinite or too large, or a column holds no value at all.
    """
    if learn:
        _drop_empty_rows(rows, assignments, executor)
    return [_look(rows, i, one, executor, learn) for i, one in enumerate(assignments)]


def blocks(n_rows: int) -> list[tuple[int, int]]:
    """Blocks of the passes that only look."""
    layout = Layout(n_rows, None, LOOK_ROWS)
    return layout.blocks(layout.batches[0])


def observed(assignments: Sequence[Assignment], block: Block) -> list[NDArray[np.bool_]]:
    """Which values of each part are there, (n, d)."""
    found = []
    for one, x in zip(assignments, block.data, strict=True):
        if isinstance(x, CsrRows):
            found.append(np.ones((len(x.start) - 1, 1), dtype=bool))
        else:
            found.append(x >= 0 if one.family.levels else ~np.isnan(x))
    return found


def _drop_empty_rows(
    rows: TableRows, assignments: Sequence[Assignment], executor: ThreadExecutor
) -> None:
    def empty(edges: tuple[int, int]) -> NDArray[np.bool_]:
        there = observed(assignments, rows.source.read(*edges))
        return np.asarray(~np.any([part.any(axis=1) for part in there], axis=0))

    found = np.concatenate(executor.map(empty, blocks(rows.n_rows)))
    if found.any():
        weights = np.ones(rows.n_rows) if rows.weights is None else rows.weights.copy()
        weights[found] = 0.0
        rows.weights = rows.source.weights = weights


def _look(rows: TableRows, i: int, one: Assignment, executor: ThreadExecutor, learn: bool) -> Look:
    d = len(one.columns)
    labels = [rows.table.label(j) for j in one.columns]
    if one.family.levels:
        sizes = np.array([len(levels) for levels in one.levels], dtype=np.int64)
        nothing = np.zeros(d)
        gaps = (rows.source.parts[i] < 0).any(axis=0)
        total = np.full(d, rows.total_weight)
        summary = Summary(total, nothing, nothing, nothing, np.asarray(sizes - 1.0), sizes)
        return Look(summary, np.ones(d, bool), gaps)
    part = rows.source.parts[i]
    if not isinstance(part, (list, np.ndarray)):
        return _look_sparse(part, rows)
    shift = _first_values(rows, i, d)

    def one_block(edges: tuple[int, int]) -> tuple[Any, ...]:
        block = rows.source.read(*edges)
        x = block.data[i]
        there = ~np.isnan(x)
        whole = there.all(axis=0)
        t = x - shift if whole.all() else np.where(there, x - shift, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            if block.weights is None:
                found = there.sum(axis=0), t.sum(axis=0), (t * t).sum(axis=0)
            else:
                w = block.weights
                found = w @ there, w @ t, w @ (t * t)
        low = np.where(there, x, np.inf).min(axis=0)
        high = np.where(there, x, -np.inf).max(axis=0)
        with np.errstate(invalid="ignore"):
            integral = ((x == np.rint(x)) | ~there).all(axis=0)
        return (*found, low, high, integral, ~whole)

    found = [np.array(item) for item in zip(*executor.map(one_block, blocks(rows.n_rows)),
                                            strict=True)]  # fmt: skip
    weight, sums, squares = (item.sum(axis=0) for item in found[:3])
    low, high = found[3].min(axis=0), found[4].max(axis=0)
    _check_values(low, high, labels)
    if learn and not (weight > 0.0).all():
        j = int(np.argmax(~(weight > 0.0)))
        raise ValueError(f"column {labels[j]} holds no value at all; leave it out")
    held = np.maximum(weight, np.finfo(np.float64).tiny)
    mean = shift + sums / held
    about = np.maximum(squares - sums**2 / held, 0.0)
    variance = about / np.maximum(weight - 1.0, 0.5 * held)
    variance[low == high] = 0.0

    def scatter(centre: Array, inv_scale: Array) -> Array:
        def one_block(edges: tuple[int, int]) -> Array:
            block = rows.source.read(*edges)
            z = np.nan_to_num((block.data[i] - centre) * inv_scale, nan=0.0)
            wz = z if block.weights is None else z * block.weights[:, None]
            return np.asarray(wz.T @ z)

        return np.asarray(np.sum(executor.map(one_block, blocks(rows.n_rows)), axis=0))

    summary = Summary(weight, mean, variance, low, high, np.zeros(d, np.int64), scatter)
    integral, gaps = found[5].all(axis=0), found[6].any(axis=0)
    return Look(summary, np.asarray(integral), np.asarray(gaps))


def _first_values(rows: TableRows, i: int, d: int) -> Array:
    """A value of each column, near which sums are made."""
    shift, left = np.zeros(d), np.ones(d, dtype=bool)
    for edges in blocks(rows.n_rows):
        x = rows.source.read(*edges).data[i]
        there = np.isfinite(x)
        for j in np.flatnonzero(left & there.any(axis=0)):
            shift[j], left[j] = x[int(there[:, j].argmax()), j], False
        if not left.any():
            break
    return shift


def _check_values(low: Array, high: Array, labels: list[str]) -> None:
    largest = np.maximum(np.where(np.isinf(low) & (low > 0), 0.0, -low),
                         np.where(np.isinf(high) & (high < 0), 0.0, high))  # fmt: skip
    if largest.max() > LARGEST_VALUE:
        j = int(largest.argmax())
        what = "infinity" if np.isinf(largest[j]) else f"values up to {largest[j]:.3g}"
        raise ValueError(
            f"Input X contains infinity or a value too large: column {labels[j]} holds {what}. "
            "Leave such rows out, or clip them"
        )


def _look_sparse(matrix: Any, rows: TableRows) -> Look:
    d = matrix.shape[1]
    weights = np.ones(rows.n_rows) if rows.weights is None else rows.weights
    total = float(weights.sum())
    mean = np.asarray(weights @ matrix) / total
    square = matrix.copy()
    square.data = square.data**2
    variance = np.maximum(np.asarray(weights @ square) / total - mean**2, 0.0)
    low, high = np.full(d, min(0.0, matrix.data.min(initial=0.0))), np.zeros(d)
    np.maximum.at(high, matrix.indices, matrix.data)
    whole = np.full(d, bool((matrix.data == np.rint(matrix.data)).all()))
    summary = Summary(np.full(d, total), mean, variance, low, high, np.zeros(d, np.int64))
    return Look(summary, whole, np.zeros(d, dtype=bool))

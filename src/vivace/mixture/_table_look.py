"""Passes that only look at the rows of a table: moments, extremes, gaps, impossible values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block, CsrRows, Layout, ThreadExecutor
from vivace.families.base import ColumnError, Family, Summary
from vivace.mixture._assign import Assignment
from vivace.mixture._table import TableRows

Array = NDArray[np.float64]

#: Rows of a block of the passes that only look.
LOOK_ROWS = 65_536
#: Larger values have squares whose sums leave the range of float64.
LARGEST_VALUE = 1e150


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
    rows: TableRows, assignments: Sequence[Assignment], executor: ThreadExecutor
) -> list[Look]:
    """Weighted moments, extremes and gaps of every part's columns, and a check of the values.

    Rows in which everything is missing get weight zero (they say nothing about any component), and
    every column must hold something.

    Raises
    ------
    ValueError
        A value is infinite or too large, or a column holds no value at all.
    """
    _drop_empty_rows(rows, assignments, executor)
    found = [_look(rows, i, one, executor) for i, one in enumerate(assignments)]
    for one, seen in zip(assignments, found, strict=True):
        _check_family(rows, one, seen.summary.low, seen.summary.high, seen.whole)
    return found


def glance(
    rows: TableRows, assignments: Sequence[Assignment], executor: ThreadExecutor
) -> list[NDArray[np.bool_]]:
    """Check the values of later rows and tell which columns of each part have gaps: one quick pass.

    Raises
    ------
    ValueError
        As `look`.
    """
    return [_glance(rows, i, one, executor) for i, one in enumerate(assignments)]


def _glance(
    rows: TableRows, i: int, one: Assignment, executor: ThreadExecutor
) -> NDArray[np.bool_]:
    part, d = rows.source.parts[i], len(one.columns)
    if one.family.levels:
        return np.asarray((part < 0).any(axis=0))
    if not isinstance(part, (list, np.ndarray)):
        seen = _look_sparse(part, rows)
        _check_family(rows, one, seen.summary.low, seen.summary.high, seen.whole)
        return seen.gaps
    picky = type(one.family).check is not Family.check

    def one_block(edges: tuple[int, int]) -> Array:
        """Smallest, largest, whether there are gaps and whether some value is no whole number."""
        x = rows.source.read(*edges).data[i]
        out = np.zeros((4, d))
        out[0], out[1] = x.min(axis=0), x.max(axis=0)
        if np.isfinite(out[:2]).all():
            out[3] = picky and (x != np.rint(x)).any(axis=0)
            return out
        there = ~np.isnan(x)
        _complain_of_parts(one, there, edges[0])
        out[0] = np.where(there, x, np.inf).min(axis=0)
        out[1] = np.where(there, x, -np.inf).max(axis=0)
        out[2] = ~there.all(axis=0)
        with np.errstate(invalid="ignore"):
            out[3] = picky and ((x != np.rint(x)) & there).any(axis=0)
        return out

    found = np.array(executor.map(one_block, blocks(rows.n_rows)))
    low, high = found[:, 0].min(axis=0), found[:, 1].max(axis=0)
    gaps, fractions = found[:, 2].any(axis=0), found[:, 3].any(axis=0)
    _check_values(low, high, [rows.table.label(j) for j in one.columns])
    there = np.isfinite(low)  # nothing at all is no fault here
    whole = np.asarray(~fractions)
    _check_family(rows, one, np.where(there, low, 1.0), np.where(there, high, 1.0), whole)
    return np.asarray(gaps)


def _complain_of_parts(one: Assignment, there: NDArray[np.bool_], first: int) -> None:
    """Name the row that has a gap inside, where the family wants all of a row or nothing."""
    if one.family.units(there.shape[1]) > 1 or one.family.gaps_inside:
        return
    bad = there.any(axis=1) & ~there.all(axis=1)
    if bad.any():
        raise ValueError(
            f"a row of a {one.family.name} part must be complete or wholly missing; row "
            f"{first + int(bad.argmax())} of X has a gap (NaN) inside. Leave it out, or fill it"
        )


def _check_family(
    rows: TableRows, one: Assignment, low: Array, high: Array, whole: NDArray[np.bool_]
) -> None:
    if one.family.levels:
        return
    try:
        one.family.check(low, high, whole)
    except ColumnError as error:
        label = rows.table.label(one.columns[error.column])
        raise ValueError(f"column {label} {error.complaint}") from None
    except ValueError as error:
        labels = ", ".join(rows.table.label(j) for j in one.columns[:20])
        raise ValueError(f"{error} (columns {labels} of X)") from None


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


def _look(rows: TableRows, i: int, one: Assignment, executor: ThreadExecutor) -> Look:
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
        _complain_of_parts(one, there, edges[0])
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
    if not (weight > 0.0).all():
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

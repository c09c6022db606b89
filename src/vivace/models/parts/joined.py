"""Columns of few values, joined: one look-up of K numbers stands for several columns.

Columns with r_1, ..., r_m values (a gap is one of them where it may occur) make one column of
r_1 x ... x r_m joint levels. What a row's values add to the scores is a sum over columns, so the
table of joint levels follows from those of the columns, once for each posterior; and sums over the
rows of a joint level, added up, are those of each column's values. Both are the product with one
matrix of zeros and ones, and exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace import _core
from vivace.engine.aligned import aligned
from vivace.families.base import Array
from vivace.models.parts.base import padded

#: Bytes of a joined column's rows of the table in one pass of the kernel over a tile: a quarter of
#: what a pass may touch (`level_bytes`, cpp/kernels/levels.hpp), so that four of them share it.
JOINED_BYTES = 6 * 1024

#: Components of a pass of the kernel: four of its widest vectors.
PASS_COMPONENTS = 32

#: Joined columns that are made at once: enough for a matrix product, few enough zeros in it.
AT_ONCE = 8


class JoinedLevels:
    """How columns of levels are joined, for K components.

    Parameters
    ----------
    sizes : (C,) of int
        Number of values of each column, a gap included.
    n_components : int

    Attributes
    ----------
    first : (J + 1,) of int32
        Where the levels of each joined column begin among the rows of the table.
    joins : bool
        Whether some columns are joined at all.
    """

    def __init__(self, sizes: NDArray[np.int64], n_components: int) -> None:
        self._k, self._sizes = n_components, sizes
        width = 8 * min(padded(n_components), PASS_COMPONENTS)
        self._edges = _cut(sizes, JOINED_BYTES // width)
        self.joins = len(self._edges) - 1 < len(sizes)
        starts = np.append(0, np.cumsum(sizes))
        self._radix = np.zeros((len(sizes), len(self._edges) - 1))
        places, pointers, first = [], [np.zeros(1, np.int64)], [0]
        for j, (a, b) in enumerate(zip(self._edges[:-1], self._edges[1:], strict=True)):
            strides = np.append(1, np.cumprod(sizes[a : b - 1]))
            self._radix[a:b, j] = strides
            levels = np.arange(int(sizes[a:b].prod()))
            values = levels[:, None] // strides % sizes[a:b]
            places.append((starts[a:b] + values).ravel())
            pointers.append(pointers[-1][-1] + (b - a) * (levels + 1))
            first.append(first[-1] + len(levels))
        self.first = np.array(first, dtype=np.int32)
        indices, pointer = np.concatenate(places), np.concatenate(pointers)
        shape = (first[-1], int(starts[-1]))
        self._spread = csr_array((np.ones(len(indices)), indices, pointer), shape=shape)
        self._fold = self._spread.T.tocsr()

    def codes(self, values: Sequence[NDArray[Any]]) -> NDArray[np.int32]:
        """Joint levels (n, J) of rows whose columns have these values, (n, C) in some pieces.

        A negative value is the last one of its column. Where nothing is joined it stays negative,
        which is no level for the kernel.
        """
        found = values[0] if len(values) == 1 else np.hstack(values)
        if not self.joins:
            return np.ascontiguousarray(found, dtype=np.int32)
        if found.min(initial=0) < 0:
            found = np.where(found < 0, self._sizes - 1, found)
        edges = self._edges
        out = np.empty((len(found), len(edges) - 1), dtype=np.int32)
        for a in range(0, len(edges) - 1, AT_ONCE):
            b = min(a + AT_ONCE, len(edges) - 1)
            columns = slice(edges[a], edges[b])
            # whole numbers below 2^53, so that the product is exact
            some = found[:, columns].astype(np.float64, copy=False)
            out[:, a:b] = some @ self._radix[columns, a:b]
        return out

    def table(self, values: Array) -> Array:
        """Numbers of every joint level, (V + 1, padded K), from those of values, (sum of C, K).

        The last row is zero: it is met by what is no level of its column.
        """
        out = aligned((int(self.first[-1]) + 1, padded(self._k)), make=np.zeros)
        out[:-1, : self._k] = self._spread @ values
        return out

    def fold(self, sums: Array) -> Array:
        """Sums of every value, (sum of C, K), from those of joint levels, (V + 1, padded K)."""
        return np.asarray(self._fold @ sums[:-1, : self._k])

    def gather(self, codes: NDArray[np.int32], resp: Array) -> Array:
        """Sums (V + 1, padded K) of responsibilities (n, padded K) by joint level."""
        index = np.where(codes < 0, self.first[-1], codes + self.first[:-1]).astype(np.int32)
        start = np.arange(0, index.size + 1, index.shape[1], dtype=np.int64)
        sums = np.zeros((int(self.first[-1]) + 1, resp.shape[1]))
        _core.gather_sums(start, index.ravel(), None, resp, sums)
        return sums


def _cut(sizes: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Edges of runs of columns with at most `most` joint levels; a column may have more alone."""
    edges, levels = [0], 1
    for j, size in enumerate(sizes):
        if levels > 1 and levels * size > most:
            edges.append(j)
            levels = 1
        levels *= int(size)
    return np.array([*edges, len(sizes)], dtype=np.int64)

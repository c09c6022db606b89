"""Columns of levels: the kernel reads them itself, tile by tile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.categorical import Categorical
from vivace.models.parts.gather import GatherPart


class LevelColumns(NamedTuple):
    """What a call of the kernel reads of levels: one argument of `_core.mixture_step`.

    Attributes
    ----------
    codes : (n, C) of int32
    first : (C + 1,) of int32
        Where each column's levels begin among the rows of the table.
    table : (V + 1, padded K)
        E ln p of every level, and a row of zeros for gaps.
    sums : (V + 1, padded K) or None
        Where weighted responsibilities are added up.
    """

    codes: NDArray[np.int32]
    first: NDArray[np.int32]
    table: Array
    sums: Array | None


class LevelsPart(GatherPart):
    """Categorical columns. One such part of a table goes through the kernel with the others.

    Further ones, and rows with given responsibilities, meet the rows as any gather family does.
    """

    family: Categorical

    def columns(self, x: NDArray[np.int32], prepared: Any, with_sums: bool) -> LevelColumns:
        """What the kernel reads."""
        table, first = prepared
        sums = aligned_zeros(table.shape) if with_sums else None
        return LevelColumns(np.ascontiguousarray(x), first, table, sums)

    def prepare(self, posterior: Any) -> tuple[Array, NDArray[np.int32]]:
        """The family's table, where vectors do not straddle lines of the cache."""
        found, first = self.family.prepare(self.prior, posterior)
        table = aligned_zeros(found.shape)
        table[...] = found
        return table, first

    def sums_of(self, columns: LevelColumns) -> Mapping[str, Array]:
        """The family's field."""
        assert columns.sums is not None
        return {"sums": np.ascontiguousarray(columns.sums[:-1, : self.n_components])}


def aligned_zeros(shape: tuple[int, ...]) -> Array:
    """Zeros that begin at a multiple of 64 bytes."""
    size = 8 * int(np.prod(shape))
    held = np.zeros(size + 64, dtype=np.uint8)
    start = -held.ctypes.data % 64
    return held[start : start + size].view(np.float64).reshape(shape)

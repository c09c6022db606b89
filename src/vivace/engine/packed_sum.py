"""A sum of tables without its zeros."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from vivace import _core
from vivace.engine.aligned import CACHE_LINE, aligned

Table = npt.NDArray[Any]

#: Room for more numbers when there is none left, as a share of what there are.
GROWTH = 1.25


class PackedSum:
    """Values in the place of a `Storage` to which tables are added while they stay packed.

    As in `Packed`, a bit for each place tells whether its value is kept; kept are all that some
    table had.

    Parameters
    ----------
    shape : (rows, columns)
    dtype : numpy dtype
    """

    __slots__ = ("_bits", "_kept", "_marks", "dtype", "shape", "shared", "version")

    #: As of a `Packed`.
    in_memory = True

    def __init__(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype
        self.version = np.zeros(1, np.int64)
        self.shared = False
        n_bits = (-(-math.prod(shape) // 64),)
        self._bits = aligned(n_bits, np.uint64, make=np.zeros)
        self._marks = aligned(n_bits, np.uint64)
        self._kept = aligned((self._spare,), dtype)

    @property
    def _spare(self) -> int:
        """Numbers behind the last: the kernel moves whole vectors."""
        return 2 * CACHE_LINE // self.dtype.itemsize

    def add(self, rows: npt.NDArray[np.int32] | None, values: Table, factor: float) -> None:
        """Add ``factor * values`` to some rows, which rise (None: all)."""
        n_rows, bits, marks = self.shape[0], self._bits, self._marks
        room = _core.sum_marks(values, rows, n_rows, bits, marks) + self._spare
        if len(self._kept) < room:
            kept = aligned((int(GROWTH * room),), self.dtype)
            kept[: len(self._kept)] = self._kept
            self._kept = kept
        _core.packed_sum(values, rows, n_rows, factor, marks, bits, self._kept)

    @property
    def values(self) -> Table:
        """All values, in an array of their own."""
        out = aligned(self.shape, self.dtype, make=np.zeros)
        _core.put_bits(out.reshape(-1), self._bits, self._numbers)
        return out

    @property
    def kernel(self) -> _core.PackedTable:
        """What kernels read in the place of the values, until a table is added."""
        return _core.PackedTable(self._bits, self._numbers, *self.shape)

    @property
    def like(self) -> PackedSum:
        """As of a `Storage`."""
        return self

    @property
    def _numbers(self) -> Table:
        return self._kept[: _core.count_bits(self._bits)]

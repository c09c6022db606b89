"""Where a table of rows has its values: in an array, or packed without its zeros."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from vivace import _core
from vivace.engine.aligned import aligned

if TYPE_CHECKING:
    from vivace.engine.executor import Executor
    from vivace.io.spool import Shelf, Shelved

Table = npt.NDArray[Any]
T = TypeVar("T")
R = TypeVar("R")

#: Numbers of 64 bits whose values are packed together, by one thread: a megabyte of float32.
PART_BITS = 4096

#: Values are packed in memory where that takes no more than this share of it.
MOST_PACKED = 0.5


class Storage:
    """An array that successive tables share; `version` says whose values it holds."""

    __slots__ = ("shared", "values", "version")

    def __init__(self, values: Table, shared: bool = False) -> None:
        self.values = values
        self.version = np.zeros(1, np.int64)
        self.shared = shared

    @property
    def like(self) -> Table:
        """Whatever has the shape and the type of the values."""
        return self.values


class Packed:
    """Values in the place of a `Storage`, which are made anew whenever they are asked for.

    Most are zeros (a word takes to few topics), which are told by a bit each and not stored. Bits
    and the other values are in memory or on a shelf.
    """

    __slots__ = ("_bits", "_kept", "_kernel", "dtype", "shape", "shared", "version")

    def __init__(
        self, like: Table, bits: Table | Shelved, kept: Table | Shelved, shared: bool
    ) -> None:
        self.shape, self.dtype = like.shape, like.dtype
        self.version = np.zeros(1, np.int64)
        self.shared = shared
        self._bits, self._kept = bits, kept
        self._kernel: _core.PackedTable | None = None

    @classmethod
    def within(cls, values: Table, shared: bool, executor: Executor | None = None) -> Packed | None:
        """Pack in memory; None where that takes more than `MOST_PACKED`."""
        bits, sizes = _marked(values, executor)
        if bits.nbytes + sum(sizes) * values.itemsize > MOST_PACKED * values.nbytes:
            return None
        return cls(values, bits, _taken(values, bits, sizes, executor), shared)

    @classmethod
    def shelved(cls, values: Table, shelf: Shelf) -> Packed:
        """Pack onto a shelf."""
        bits, sizes = _marked(values)
        kept = _taken(values, bits, sizes)
        return cls(values, shelf.put(bits), shelf.put(kept, values.nbytes), shared=True)

    @property
    def in_memory(self) -> bool:
        """Whether nothing is on a shelf."""
        return isinstance(self._bits, np.ndarray)

    @property
    def values(self) -> Table:
        """All values, in an array of their own."""
        out = aligned(self.shape, self.dtype, make=np.zeros)
        _core.put_bits(out.reshape(-1), loaded(self._bits), loaded(self._kept))
        return out

    @property
    def kernel(self) -> _core.PackedTable:
        """What kernels read in the place of the values."""
        if self._kernel is None:
            self._kernel = _core.PackedTable(loaded(self._bits), loaded(self._kept), *self.shape)
        return self._kernel

    @property
    def like(self) -> Packed:
        """As of a `Storage`."""
        return self


def _marked(values: Table, executor: Executor | None = None) -> tuple[Table, list[int]]:
    """Return the bits of values that are not zero, and how many there are in each part."""
    flat = values.reshape(-1)
    bits = aligned((-(-flat.size // 64),), np.uint64)

    def mark(part: slice) -> int:
        return _core.nonzero_bits(flat[64 * part.start : 64 * part.stop], bits[part])

    return bits, _each(mark, _parts(len(bits)), executor)


def _taken(values: Table, bits: Table, sizes: list[int], executor: Executor | None = None) -> Table:
    flat, ends = values.reshape(-1), np.cumsum(sizes)
    kept = aligned((sum(sizes),), values.dtype)

    def take(i: int) -> None:
        part, to = parts[i], kept[ends[i] - sizes[i] : ends[i]]
        _core.take_bits(flat[64 * part.start : 64 * part.stop], bits[part], to)

    parts = _parts(len(bits))
    _each(take, range(len(parts)), executor)
    return kept


def _parts(n_bits: int) -> list[slice]:
    return [slice(i, min(i + PART_BITS, n_bits)) for i in range(0, n_bits, PART_BITS)]


def _each(work: Callable[[T], R], items: Sequence[T], executor: Executor | None) -> list[R]:
    return [work(item) for item in items] if executor is None else executor.map(work, items)


def loaded(array: Table | Shelved) -> Table:
    """Return an array that may be on a shelf."""
    return array if isinstance(array, np.ndarray) else array.load()

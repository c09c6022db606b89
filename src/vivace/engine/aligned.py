"""Arrays that begin with a line of the cache, and that go back to the system when they are gone."""

from __future__ import annotations

import contextlib
import mmap
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Bytes of a line of the cache: whole vectors lie in one line each.
CACHE_LINE = 64

#: Arrays of so many bytes are mapped by themselves. The allocator keeps arrays that were freed for
#: the next ones, and puts small things between them: a fit then takes half as much again.
LARGE = 2**18

#: A huge page. An array of one or more begins with one: asked for in pages of 4 KB, fresh memory
#: costs ten times as much (3.3 instead of 0.35 ms for 7 MB on an AMD EPYC).
HUGE = 2**21


def aligned(
    shape: tuple[int, ...],
    dtype: DTypeLike = np.float64,
    make: Callable[..., NDArray[np.uint8]] = np.empty,
) -> NDArray[Any]:
    """Return an array of any content, or with `make=np.zeros` of zeros."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size >= LARGE:
        return _mapped(size).view(dtype).reshape(shape)
    memory = make(size + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(dtype).reshape(shape)


def mapped(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros that are mapped by themselves, however few.

    For what a thread makes and keeps: its part of the allocator gives nothing back at its end.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return _mapped(max(size, 1))[:size].view(dtype).reshape(shape)


class Room:
    """Arrays that are used again by whoever comes next."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array of any content: the one of that name as far as it is long enough."""
        known = self._arrays.pop(name, None)
        if known is not None and (known.shape[1:], known.dtype) != (shape[1:], np.dtype(dtype)):
            known = None
        if known is None or len(known) < shape[0]:
            known = None  # gone before the longer one is there
            known = aligned(shape, dtype)
        self._arrays[name] = known
        return known[: shape[0]]


def discard(rows: NDArray[Any]) -> None:
    """Give the memory of rows that nobody reads again back to the system, before the array is.

    For arrays that are mapped by themselves; of others it stays. Neighbours are left alone.
    """
    if not rows.size or not hasattr(mmap, "MADV_DONTNEED"):
        return
    whole: Any = rows
    while isinstance(whole, np.ndarray):
        whole = whole.base
    region = getattr(whole, "obj", whole)
    if not isinstance(region, mmap.mmap):
        return
    begin = rows.ctypes.data - np.frombuffer(region, np.uint8).ctypes.data
    first, last = -(-begin // mmap.PAGESIZE), (begin + len(rows) * rows.strides[0]) // mmap.PAGESIZE
    if first < last:
        with contextlib.suppress(OSError):
            region.madvise(
                mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE
            )


class ThreadRoom(threading.local, Room):
    """Room of which each thread has its own."""


def _mapped(size: int) -> NDArray[np.uint8]:
    """Zeros of their own; huge pages where the system has them, as far as they are filled."""
    pages = size // HUGE
    try:
        length = size + HUGE if pages else size
        region = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"no {size / 1e6:,.0f} MB of memory for an array") from error
    memory = np.frombuffer(region, np.uint8)
    if not pages or not hasattr(mmap, "MADV_HUGEPAGE"):
        return memory[:size]
    first = -memory.ctypes.data % HUGE
    last = first + pages * HUGE
    with contextlib.suppress(OSError):
        region.madvise(mmap.MADV_HUGEPAGE, first, last - first)
        region.madvise(mmap.MADV_NOHUGEPAGE, last)
    return memory[first : first + size]

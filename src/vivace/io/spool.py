"""Numbers that do not fit into memory: kept there as far as told, the rest in a scratch file.

Files of text cannot be read from the middle, and packed ones are slow to read again and again. What
was read once is therefore kept in the form that is fastest to read: in memory up to a limit, beyond
it in a file without a name, which the system removes when the process ends, however it ends. It is
read by system calls into arrays of its own and not mapped, so that it counts as the system's cache.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.io.atomic import NO_ROOM

# Bytes that are kept or written together.
CHUNK = 1 << 22


def scratch_folder() -> str:
    """Folder of scratch files: TMPDIR, else /var/tmp (which is on a disk), else the system's."""
    if not os.environ.get("TMPDIR") and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()


def read_ahead(descriptor: int, offset: int, size: int) -> None:
    """Ask the system to read a part of a file into its cache."""
    with contextlib.suppress(OSError, AttributeError):
        os.posix_fadvise(descriptor, offset, size, os.POSIX_FADV_WILLNEED)


class Scratch:
    """A file without a name, read and written at any place by any thread.

    Parameters
    ----------
    in_memory : bool, default=False
        It takes memory and no disk, where the system has such files.
    """

    def __init__(self, in_memory: bool = False) -> None:
        self.folder = scratch_folder()
        self.in_memory = in_memory and hasattr(os, "memfd_create")
        if self.in_memory:
            descriptor = os.memfd_create("vivace")
        else:
            descriptor, path = tempfile.mkstemp(prefix="vivace-", dir=self.folder)
            os.unlink(path)
        self.descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)

    def write(self, data: NDArray[np.uint8], offset: int) -> None:
        """Write bytes.

        Raises
        ------
        OSError
            The disk is full; the message says what helps.
        """
        view = data.data
        while len(view):
            try:
                n = os.pwrite(self.descriptor, view, offset)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                raise OSError(
                    error.errno,
                    f"no space left for a scratch file after {offset / 1e6:,.0f} MB. Remedy: set "
                    "TMPDIR to a folder on a larger disk, or give more --memory",
                    self.folder,
                ) from error
            view, offset = view[n:], offset + n

    def read(self, out: NDArray[np.uint8], offset: int) -> None:
        """Fill `out`."""
        view = out.data
        while len(view):
            n = os.preadv(self.descriptor, [view], offset)
            if n <= 0:
                raise OSError(errno.EIO, "a scratch file ends too early", self.folder)
            view, offset = view[n:], offset + n

    def expect(self, offset: int, size: int) -> None:
        """Ask the system to read ahead."""
        read_ahead(self.descriptor, offset, size)


class Spool:
    """One long array that is appended to, then read at any place.

    Parameters
    ----------
    dtype : dtype
        Of its numbers.
    memory : int
        Bytes kept in memory: the first ones.
    """

    def __init__(self, dtype: Any, memory: int) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._chunks: list[NDArray[np.uint8]] = []
        self._room = max(0, memory)
        self._file: Scratch | None = None
        self._fill = np.empty(CHUNK, np.uint8)
        self._at = 0
        self._written = 0  # bytes in the file
        self._done = False

    def __len__(self) -> int:
        held = len(self._chunks) * CHUNK if not self._done else sum(map(len, self._chunks))
        return (held + self._written + (0 if self._done else self._at)) // self.dtype.itemsize

    @property
    def in_memory(self) -> bool:
        """Whether nothing is in a file."""
        return self._file is None

    def append(self, values: NDArray[Any]) -> None:
        """Add numbers of any shape, in C order."""
        data = np.ascontiguousarray(values, dtype=self.dtype).reshape(-1).view(np.uint8)
        while len(data):
            n = min(CHUNK - self._at, len(data))
            self._fill[self._at : self._at + n] = data[:n]
            self._at, data = self._at + n, data[n:]
            if self._at == CHUNK:
                self._store()

    def finish(self) -> None:
        """End appending."""
        if self._at:
            self._store()
        self._fill = np.empty(0, np.uint8)
        self._done = True

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return numbers `start` to `stop` (exclusive); not to be written to."""
        item = self.dtype.itemsize
        first, last = start * item, stop * item
        held = len(self._chunks) * CHUNK
        at = first // CHUNK
        if first >= last:
            return np.empty(0, self.dtype)
        if at == (last - 1) // CHUNK and at < len(self._chunks):
            return self._chunks[at][first - at * CHUNK : last - at * CHUNK].view(self.dtype)
        out = np.empty(last - first, np.uint8)
        done = 0
        while first + done < last and (first + done) // CHUNK < len(self._chunks):
            at = (first + done) // CHUNK
            part = self._chunks[at][first + done - at * CHUNK : last - at * CHUNK]
            out[done : done + len(part)] = part
            done += len(part)
        if done < len(out):
            assert self._file is not None
            self._file.read(out[done:], first + done - held)
        return out.view(self.dtype)

    def expect(self, start: int, stop: int) -> None:
        """Say what will be read soon."""
        if self._file is not None:
            item, held = self.dtype.itemsize, len(self._chunks) * CHUNK
            first = max(start * item - held, 0)
            self._file.expect(first, max(stop * item - held - first, 0))

    def _store(self) -> None:
        data = self._fill[: self._at]
        if self._file is None and len(data) <= self._room:
            self._room -= len(data)
            self._chunks.append(data if self._at == CHUNK else data.copy())
            self._fill = np.empty(CHUNK, np.uint8)
        else:
            if self._file is None:
                self._file = Scratch()
            self._file.write(data, self._written)
            self._written += len(data)
        self._at = 0


class Shelf:
    """Arrays put away one by one: in memory as far as there is room, else in a scratch file.

    The place of an array that nobody holds any more is used again by one of the same size.

    Parameters
    ----------
    memory : int
        Bytes kept in memory.
    """

    def __init__(self, memory: int) -> None:
        self._room = memory
        self._file: Scratch | None = None
        self._end = 0
        self._free: dict[int, list[int]] = {}
        # Places are given back by the garbage collector, in whatever thread that runs, even while
        # this thread holds the lock.
        self._lock = threading.RLock()

    def put(self, array: NDArray[Any], most: int = 0) -> Shelved:
        """Put an array away; it is copied unless it stays in memory.

        `most` is what another one in its place may take, in bytes, where they differ.
        """
        size = array.nbytes
        with self._lock:
            if size <= self._room:
                self._room -= size
                kept = Shelved(array.shape, array.dtype, np.ascontiguousarray(array), None, 0)
                weakref.finalize(kept, self._release, size, None)
                return kept
            if self._file is None:
                self._file = Scratch()
            size = max(size, most)
            free = self._free.get(size)
            offset = free.pop() if free else self._end
            if offset == self._end:
                self._end += size
        self._file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8), offset)
        put = Shelved(array.shape, array.dtype, None, self._file, offset)
        weakref.finalize(put, self._release, size, offset)
        return put

    def _release(self, size: int, offset: int | None) -> None:
        with self._lock:
            if offset is None:
                self._room += size
            else:
                self._free.setdefault(size, []).append(offset)


class Shelved:
    """An array on a shelf."""

    __slots__ = ("__weakref__", "_array", "_file", "_offset", "dtype", "shape")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        array: NDArray[Any] | None,
        file: Scratch | None,
        offset: int,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._array, self._file, self._offset = array, file, offset

    def load(self) -> NDArray[Any]:
        """Return the array; not to be written to."""
        if self._array is not None:
            return self._array
        assert self._file is not None
        out = np.empty(self.shape, self.dtype)
        self._file.read(out.reshape(-1).view(np.uint8), self._offset)
        return out

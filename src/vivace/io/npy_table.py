"""Tables in .npy files, read a run of rows at a time where they lie."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from vivace.io.spool import read_ahead
from vivace.io.stream import TableStream
from vivace.io.table import Array, StrPath, TableError, check_once, read_as
from vivace.io.tables import npy_columns
from vivace.io.unchanged import has_changed, unchanged

# Rows that are asked for one by one are read together where they lie as close as this, in bytes.
_CLOSE = 1 << 16
# Rows that are handed out together take at most so many bytes.
_RUN = 32 << 20


class NpyTable(TableStream):
    """Rows of an .npy file; nothing of them is kept, as the system's cache holds what it can.

    They are read by system calls and not mapped: of a file that is cut short under a map the system
    tells by ending the process, whereas a call says that it found too little.

    Parameters
    ----------
    path : str or path-like
        A two-dimensional array of real numbers, in either order.
    columns : list of str, optional
        Columns to read, in this order (x0, x1, ...); by default all.

    Raises
    ------
    TableError
        It holds something else, or a column does not exist.
    OSError
        There is no such file.
    """

    named = False

    def __init__(self, path: StrPath, columns: list[str] | None = None) -> None:
        check_once(path, columns)
        guard = unchanged([path])
        self._file = _File(path)
        values, index, names = npy_columns(path, columns)
        super().__init__(os.fspath(path), names, read_as(values.dtype))
        self.shape = (len(values), len(names))
        self.guard = guard
        self._stored, self._offset = values.dtype, int(values.offset)
        self._n_stored, self._width = values.shape
        self._by_column = not values.flags.c_contiguous
        self._index = index
        self._all = index == list(range(self._width))
        self.check()

    def _rows(self, start: int, stop: int) -> Array:
        n = stop - start
        if self._by_column:
            raw = np.empty((len(self._index), n), self._stored)
            for column, j in zip(raw, self._index, strict=True):
                self._read(column, j * self._n_stored + start)
            return np.ascontiguousarray(raw.T, self.dtype)
        raw = np.empty((n, self._width), self._stored)
        self._read(raw, start * self._width)
        return np.ascontiguousarray(raw if self._all else raw[:, self._index], self.dtype)

    def _take(self, ranked: Array, order: Array, out: Array) -> None:
        close = max(1, _CLOSE // (self._width * self._stored.itemsize))
        first = 0
        while first < len(ranked):
            start = int(ranked[first])
            last = int(np.searchsorted(ranked, start + close))
            rows = self._rows(start, int(ranked[last - 1]) + 1)
            out[order[first:last]] = rows[ranked[first:last] - start]
            first = last

    def _expect(self, start: int, stop: int) -> None:
        item, n = self._stored.itemsize, stop - start
        if self._by_column:
            for j in self._index:
                first = (j * self._n_stored + start) * item
                read_ahead(self._file.descriptor, self._offset + first, n * item)
        else:
            row = self._width * item
            read_ahead(self._file.descriptor, self._offset + start * row, n * row)

    def _read(self, out: Array, first: int) -> None:
        """Fill `out` with the numbers from `first` on.

        Raises
        ------
        TableError
            The file was cut short, or cannot be read any more.
        """
        view = out.reshape(-1).view(np.uint8).data
        offset = self._offset + first * self._stored.itemsize
        while len(view):
            try:
                n = os.preadv(self._file.descriptor, [view], offset)
            except OSError as error:
                self.check()
                raise TableError(
                    f"{self.name}: expected rows that can be read, got an error of the system "
                    f"({error.strerror}). Remedy: copy the file to another disk, or write it again"
                ) from error
            if n == 0:
                whole = self._offset + self._n_stored * self._width * self._stored.itemsize
                found = os.fstat(self._file.descriptor).st_size
                raise has_changed(self.name, f": expected {whole:,} bytes, got {found:,}")
            view, offset = view[n:], offset + n


class _File:
    """A file that stays open as long as somebody holds this, and is read by any thread."""

    def __init__(self, path: StrPath) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.descriptor)


def is_npy(data: Any) -> bool:
    """Whether something is the name of such a file."""
    return isinstance(data, (str, os.PathLike)) and os.fspath(data).lower().endswith(".npy")


def runs_of(table: TableStream, most: int) -> Iterator[tuple[int, Array]]:
    """Yield all rows from front to back, `most` at a time or fewer where they are wide."""
    each = max(1, min(most, _RUN // (table.shape[1] * table.dtype.itemsize)))
    for start in range(0, len(table), each):
        yield start, table[start : start + each]
    table.check()

"""Tables that need not fit into memory, as arrays of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np

from vivace.io.spool import Spool
from vivace.io.table import Array, TableError, default_names, in_words
from vivace.io.unchanged import Check, check_mapped

# Memory of reading text and of decoding a batch, beside the rows that are kept.
WORKING = 48 << 20


class TableStream:
    """A table larger than memory: rows by position, read from files when they are asked for.

    Behaves as a two-dimensional array of numbers that can be indexed by rows, and as a source of
    the engine. What a row holds depends on the files alone.

    Attributes
    ----------
    name : str
        For messages.
    columns : list of str
        Names.
    left_out : list of str
        Columns that are not numeric.
    shape : (n_rows, n_columns)
    dtype : dtype
        float32 or float64.
    named : bool
        Whether the names come from the files.
    from_folders : list of str
        Columns that come from the names of folders (``year=2024``).
    """

    ndim = 2
    named = True
    #: Raises once a file is no longer the one that was opened.
    guard: Check | None = None

    def __init__(
        self, name: str, columns: Sequence[str], dtype: Any, left_out: Sequence[str] = ()
    ) -> None:
        self.name, self.columns, self.left_out = name, list(columns), list(left_out)
        self.from_folders: list[str] = []
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape = (0, len(self.columns))
        self._held: Array | None = None

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: Any) -> Array:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            rows = self._run(start, max(start, stop))
            return rows if step == 1 else rows[:: step or 1]
        if isinstance(index, (int, np.integer)):
            at = int(index) + (len(self) if index < 0 else 0)
            found: Array = self._run(at, at + 1)[0]
            return found
        positions = np.asarray(index, dtype=np.int64)
        if self._held is not None:
            positions = self._place(positions)
        out = np.empty((len(positions), self.shape[1]), self.dtype)
        order = np.argsort(positions, kind="stable")  # each piece is read once
        self._take(positions[order], order, out)
        return out

    def without(self, held: Array) -> Self:
        """Return the same table without the rows at some positions, which rise."""
        other = copy(self)
        other._held = held if self._held is None else np.sort(
            np.concatenate([self._held, self._place(held)])
        )  # fmt: skip
        other.shape = (len(self) - len(held), self.shape[1])
        return other

    def _run(self, start: int, stop: int) -> Array:
        """Rows of the table without those that are left out."""
        held = self._held
        if held is None or start >= stop:
            return self._rows(start, stop)
        first, last = (int(at) for at in self._place(np.array([start, stop - 1])))
        a, b = np.searchsorted(held, (first, last))
        return np.delete(self._rows(first, last + 1), held[a:b] - first, axis=0)

    def _place(self, positions: Array) -> Array:
        """Positions in the whole table."""
        if self._held is None:
            return positions
        before = self._held - np.arange(len(self._held))  # rows left before each held-out one
        found: Array = positions + np.searchsorted(before, positions, side="right")
        return found

    def check(self) -> None:
        """Notice that a file has changed, read already or not.

        Raises
        ------
        TableError
            It has changed or vanished.
        """
        if self.guard is not None:
            self.guard()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self)

    @property
    def piece_rows(self) -> int:
        """Rows that are read at once, whatever is asked for."""
        return 1

    @property
    def fits(self) -> bool:
        """Whether no row is read twice from its file."""
        return True

    @property
    def fingerprint(self) -> str | None:
        """Digest of all values where reading them made one; None: whoever wants one reads them."""
        return None

    def expect(self, start: int, stop: int) -> None:
        """Say which rows are read next."""
        if stop > start:
            first, last = self._place(np.array([start, stop - 1]))
            self._expect(int(first), int(last) + 1)

    def recognised_by(self, own: str) -> str:
        """Return the fingerprint, given that of the whole table."""
        if self._held is None:
            return own
        return own + hashlib.blake2b(self._held.tobytes(), digest_size=8).hexdigest()

    def _expect(self, start: int, stop: int) -> None:
        """Say which rows of the whole table are read next."""

    def _rows(self, start: int, stop: int) -> Array:
        raise NotImplementedError

    def _take(self, ranked: Array, order: Array, out: Array) -> None:
        """Put the rows `ranked`, which rise, into the rows `order` of `out`."""
        for position, place in zip(ranked, order, strict=True):
            out[place] = self._rows(int(position), int(position) + 1)[0]


class SpooledTable(TableStream):
    """Rows that come once, from front to back; what does not fit goes to a scratch file.

    Parameters
    ----------
    name, columns, dtype, left_out
        As in `TableStream`.
    memory : int
        Bytes that rows may take, with what reading takes.

    Raises
    ------
    TableError
        The memory does not suffice to read anything.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        dtype: Any,
        memory: int,
        left_out: Sequence[str] = (),
    ) -> None:
        super().__init__(name, columns, dtype, left_out)
        if memory < WORKING:
            raise TableError(
                f"{name}: reading it takes at least {in_words(WORKING)} of memory, got "
                f"{in_words(memory)}. Remedy: more memory (--memory)"
            )
        self._spool = Spool(self.dtype, memory - WORKING)
        self._digest = hashlib.blake2b(repr((self.columns, self.dtype.str)).encode())

    def append(self, rows: Array) -> None:
        """Add rows."""
        rows = np.ascontiguousarray(rows, dtype=self.dtype)
        self._digest.update(rows.reshape(-1).view(np.uint8).data)
        self._spool.append(rows)
        self.shape = (self.shape[0] + len(rows), self.shape[1])

    def finish(self) -> None:
        """End appending."""
        self._spool.finish()

    @property
    def in_memory(self) -> bool:
        """Whether nothing had to go to a file."""
        return self._spool.in_memory

    @property
    def fingerprint(self) -> str:
        """Digest of all rows."""
        return self.recognised_by(self._digest.hexdigest()[:32])

    def _expect(self, start: int, stop: int) -> None:
        width = self.shape[1]
        self._spool.expect(start * width, stop * width)

    def _rows(self, start: int, stop: int) -> Array:
        width = self.shape[1]
        return self._spool.read(start * width, stop * width).reshape(-1, width)


class ArrayTable(TableStream):
    """An array, mapped or not, as a table that rows can be left out of."""

    named = False

    def __init__(self, values: Array) -> None:
        single = values.dtype == np.float32
        super().__init__(
            "the table", default_names(values.shape[1]), np.float32 if single else np.float64
        )
        self._values = values
        self.shape = values.shape
        self.guard = check_mapped(values)

    def _rows(self, start: int, stop: int) -> Array:
        return np.asarray(self._values[start:stop], dtype=self.dtype)

    def _take(self, ranked: Array, order: Array, out: Array) -> None:
        out[order] = self._values[ranked]

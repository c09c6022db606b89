"""Rows that are read a piece at a time, the next piece ahead, in bounded memory."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vivace.io.arrow import fill
from vivace.io.table import Array, TableError

# Of the memory, a piece that is used, one that is read ahead, and Arrow's copy of that one.
_WORKING_PIECES = 3


@dataclass
class Piece:
    """Some rows of a file, read as one.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    load : callable
        Returns them as an Arrow table.
    """

    n_rows: int
    load: Callable[[], Any]


@dataclass
class _Loading:
    """A piece on its way."""

    done: threading.Event = field(default_factory=threading.Event)
    values: Array | None = None
    error: BaseException | None = None


class TableStream:
    """A table larger than memory: rows by position, read from files when they are asked for.

    Behaves as a two-dimensional array of numbers that can be indexed by rows, and as a source of
    the engine. Pieces (row groups of Parquet, record batches of Arrow) are decoded as a whole, the
    next one ahead in a thread of its own. As many as fit into `memory` are kept; with cyclic passes
    none of these is read twice. What a row holds depends on the files alone.

    Parameters
    ----------
    name : str
        For messages.
    pieces : sequence of Piece
        In the order of the rows.
    columns : list of str
        Names.
    dtype : dtype
        float32 or float64.
    memory : int
        Bytes that pieces may take.
    left_out : list of str
        Columns that are not numeric.
    guard : callable, optional
        Raises when the files are not those that were opened.
    """

    ndim = 2

    def __init__(
        self,
        name: str,
        pieces: Sequence[Piece],
        columns: list[str],
        dtype: Any,
        memory: int,
        left_out: Sequence[str] = (),
        guard: Callable[[], None] | None = None,
    ) -> None:
        self.name, self.columns, self.left_out = name, list(columns), list(left_out)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._pieces = [piece for piece in pieces if piece.n_rows]
        self._guard = guard
        self._ends = np.cumsum([piece.n_rows for piece in self._pieces]).tolist()
        self.shape = (self._ends[-1] if self._ends else 0, len(self.columns))
        row = self.dtype.itemsize * max(1, len(self.columns))
        largest = row * max((piece.n_rows for piece in self._pieces), default=0)
        least = (_WORKING_PIECES + 1) * largest
        if memory < min(least, 2 * row * self.shape[0]):
            raise TableError(
                f"{name}: its largest piece (row group) takes {largest / 1e6:.0f} MB, so that at "
                f"least {least / 1e6:.0f} MB of memory are needed, got {memory / 1e6:.0f}. Remedy: "
                "more memory, fewer columns, or vivace convert to make a file of smaller pieces"
            )
        self._room = memory - _WORKING_PIECES * largest
        self._kept: dict[int, Array] = {}
        self._passing: dict[int, Array] = {}
        self._under_way: dict[int, _Loading] = {}
        self._lock = threading.Lock()

    # -- as an array --------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: Any) -> Array:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            rows = self._rows(start, max(start, stop))
            return rows if step == 1 else rows[:: step or 1]
        if isinstance(index, (int, np.integer)):
            at = int(index) + (len(self) if index < 0 else 0)
            found: Array = self._rows(at, at + 1)[0]
            return found
        positions = np.asarray(index, dtype=np.int64)
        out = np.empty((len(positions), self.shape[1]), self.dtype)
        order = np.argsort(positions, kind="stable")  # each piece is read once
        ranked = positions[order]
        first = 0
        while first < len(ranked):
            i = bisect_right(self._ends, int(ranked[first]))
            last = int(np.searchsorted(ranked, self._ends[i]))
            begin = self._ends[i] - self._pieces[i].n_rows
            out[order[first:last]] = self._get(i)[ranked[first:last] - begin]
            first = last
        return out

    # -- as a source --------------------------------------------------------------------------

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self)

    @property
    def piece_rows(self) -> int:
        """Rows of the largest piece."""
        return max((piece.n_rows for piece in self._pieces), default=0)

    @property
    def fits(self) -> bool:
        """Whether all pieces fit into the memory."""
        kept = sum(values.nbytes for values in self._kept.values())
        return bool(self._room + kept >= self.dtype.itemsize * self.shape[0] * self.shape[1])

    @property
    def fingerprint(self) -> str:
        """Digest of the columns and of how rows are cut into pieces."""
        facts = (self.columns, self.dtype.str, self._ends)
        return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()

    def _rows(self, start: int, stop: int) -> Array:
        parts = []
        while start < stop:
            i = bisect_right(self._ends, start)
            begin, end = self._ends[i] - self._pieces[i].n_rows, self._ends[i]
            parts.append(self._get(i)[start - begin : min(stop, end) - begin])
            start = min(stop, end)
        if not parts:
            return np.empty((0, self.shape[1]), self.dtype)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _get(self, i: int) -> Array:
        with self._lock:
            found = self._kept.get(i)
            if found is None:
                found = self._passing.get(i)
            loading = self._under_way.get(i)
            mine = found is None and loading is None
            if mine:
                loading = self._under_way[i] = _Loading()
        if found is None:
            assert loading is not None
            if mine:
                self._load(i, loading)
            loading.done.wait()
            if loading.error is not None:
                raise loading.error
            assert loading.values is not None
            found = loading.values
        self._read_ahead(i)
        return found

    def _read_ahead(self, i: int) -> None:
        """Load the next piece in a thread, one at a time; after the last comes the first."""
        following = (i + 1) % len(self._pieces)
        with self._lock:
            known = self._kept.keys() | self._passing.keys() | self._under_way.keys()
            if following in known or self._under_way:
                return
            loading = self._under_way[following] = _Loading()
        try:
            thread = threading.Thread(target=self._load, args=(following, loading), daemon=True)
            thread.start()
        except RuntimeError:  # no thread to be had: it is read when it is asked for
            with self._lock:
                del self._under_way[following]

    def _load(self, i: int, loading: _Loading) -> None:
        piece = self._pieces[i]
        try:
            values = self._decode(piece)
            with self._lock:
                if values.nbytes <= self._room:
                    self._room -= values.nbytes
                    self._kept[i] = values
                else:
                    self._passing[i] = values
                    while len(self._passing) > 2:
                        del self._passing[next(iter(self._passing))]
            loading.values = values
        except BaseException as error:
            loading.error = error
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            with self._lock:
                self._under_way.pop(i, None)
            loading.done.set()

    def _decode(self, piece: Piece) -> Array:
        import pyarrow

        if self._guard is not None:
            self._guard()
        values = np.empty((piece.n_rows, self.shape[1]), self.dtype)
        try:
            table = piece.load()
            fill(values, table.to_batches(), self.columns)
        except (pyarrow.ArrowException, OSError) as error:
            raise TableError(
                f"{self.name}: expected {piece.n_rows} rows, got a damaged or vanished file "
                f"({str(error)[:300]}). Remedy: copy or write it again"
            ) from error
        del table
        pyarrow.default_memory_pool().release_unused()
        return values

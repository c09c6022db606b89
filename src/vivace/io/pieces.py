"""Tables of pieces that are decoded as a whole: read ahead, kept as memory allows."""

from __future__ import annotations

import errno
import hashlib
import threading
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vivace.io.arrow import fill
from vivace.io.atomic import NO_ROOM
from vivace.io.spool import Scratch
from vivace.io.stream import TableStream
from vivace.io.table import Array, TableError, in_words
from vivace.io.unchanged import reading
from vivace.io.writer import ROWS_OF_A_PIECE

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


class PieceStream(TableStream):
    """Pieces of files (row groups of Parquet, record batches of Arrow) as one table.

    Pieces are decoded as a whole, the next one ahead in a thread of its own. As many as fit into
    `memory` are kept; the others go to a scratch file when they are first decoded, and are read
    from it from then on. Where that has no room they are decoded again and again.

    Parameters
    ----------
    name, columns, dtype, left_out
        As in `TableStream`.
    pieces : sequence of Piece
        In the order of the rows.
    memory : int
        Bytes that pieces may take.
    guard : callable, optional
        Raises when the files are not those that were opened.
    """

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
        super().__init__(name, columns, dtype, left_out)
        self._pieces = [piece for piece in pieces if piece.n_rows]
        self.guard = guard
        self._ends = np.cumsum([piece.n_rows for piece in self._pieces]).tolist()
        self.shape = (self._ends[-1] if self._ends else 0, len(self.columns))
        self._width = row = self.dtype.itemsize * max(1, len(self.columns))
        largest = row * self.piece_rows
        least = min((_WORKING_PIECES + 1) * largest, 2 * row * self.shape[0])
        if memory < least:
            remedy = "more memory (--memory) or fewer columns"
            if self.piece_rows > ROWS_OF_A_PIECE:
                remedy += ", or smaller pieces (vivace convert)"
            raise TableError(
                f"{name}: its largest piece (row group) takes {in_words(largest)}, so that at "
                f"least {in_words(least)} of memory are needed, got {in_words(memory)}. "
                f"Remedy: {remedy}"
            )
        self._room = memory - _WORKING_PIECES * largest
        self._kept: dict[int, Array] = {}
        self._passing: dict[int, Array] = {}
        self._under_way: dict[int, _Loading] = {}
        self._lock = threading.Lock()
        self._scratch: Scratch | None = None
        self._spools = True
        self._spooled: set[int] = set()
        self._sums: dict[int, int] = {}
        self._wanted = range(0)

    @property
    def piece_rows(self) -> int:
        """Rows of the largest piece."""
        return max((piece.n_rows for piece in self._pieces), default=0)

    @property
    def fits(self) -> bool:
        """Whether no piece is decoded twice."""
        kept = sum(values.nbytes for values in self._kept.values())
        enough = self._room + kept >= self.dtype.itemsize * self.shape[0] * self.shape[1]
        return self._spools or bool(enough)

    @property
    def fingerprint(self) -> str:
        """Digest of the columns, of how rows are cut into pieces, and of all values.

        Pieces that nobody has read yet are read for it.
        """
        for i in range(len(self._pieces)):
            if i not in self._sums:
                self._get(i)
        sums = [self._sums[i] for i in range(len(self._pieces))]
        facts = (self.columns, self.dtype.str, self._ends, sums)
        own = hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
        return self.recognised_by(own)

    def _expect(self, start: int, stop: int) -> None:
        """Rows are read ahead, if need be in a thread."""
        first, last = bisect_right(self._ends, start), bisect_right(self._ends, stop - 1)
        self._wanted = range(first, last + 1)
        for i in self._wanted:
            if i in self._spooled and self._scratch is not None:
                begin = self._begin(i)
                a, b = max(start, begin), min(stop, self._ends[i])
                self._scratch.expect(a * self._width, (b - a) * self._width)
        self._read_ahead(first - 1)

    def _begin(self, i: int) -> int:
        return int(self._ends[i]) - self._pieces[i].n_rows

    def _rows(self, start: int, stop: int) -> Array:
        parts = []
        while start < stop:
            i = bisect_right(self._ends, start)
            end = min(stop, self._ends[i])
            parts.append(self._part(i, start, end))
            start = end
        if not parts:
            return np.empty((0, self.shape[1]), self.dtype)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _take(self, ranked: Array, order: Array, out: Array) -> None:
        first = 0
        while first < len(ranked):
            i = bisect_right(self._ends, int(ranked[first]))
            last = int(np.searchsorted(ranked, self._ends[i]))
            start, stop = int(ranked[first]), int(ranked[last - 1]) + 1
            out[order[first:last]] = self._part(i, start, stop)[ranked[first:last] - start]
            first = last

    def _part(self, i: int, start: int, stop: int) -> Array:
        """Rows of a piece."""
        if i in self._spooled:
            assert self._scratch is not None
            out = np.empty((stop - start, self.shape[1]), self.dtype)
            self._scratch.read(out.reshape(-1).view(np.uint8), start * self._width)
            self._read_ahead(i)
            return out
        begin = self._begin(i)
        return self._get(i)[start - begin : stop - begin]

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
            known = self._kept.keys() | self._passing.keys() | self._spooled
            if self._wanted and following not in self._wanted:
                following = next((j for j in self._wanted if j not in known), following)
                if following not in self._wanted:
                    return
            if following in known or self._under_way:
                return
            loading = self._under_way[following] = _Loading()
        try:
            # No daemon: one that is inside of Arrow when the interpreter ends aborts the process.
            thread = threading.Thread(target=self._load, args=(following, loading))
            thread.start()
        except RuntimeError:  # no thread to be had: it is read when it is asked for
            with self._lock:
                del self._under_way[following]

    def _load(self, i: int, loading: _Loading) -> None:
        piece = self._pieces[i]
        try:
            values = self._decode(piece)
            if i not in self._sums:  # at a quarter of a second a gigabyte, beside the decoding
                self._sums[i] = zlib.crc32(values.reshape(-1).view(np.uint8).data)
            with self._lock:
                kept = values.nbytes <= self._room
                if kept:
                    self._room -= values.nbytes
                    self._kept[i] = values
            if not kept:
                self._spool(i, values)
                with self._lock:
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

    def _spool(self, i: int, values: Array) -> None:
        """Keep a piece in the scratch file, as long as that has room."""
        if not self._spools:
            return
        try:
            with self._lock:  # of all threads that load
                scratch = self._scratch = self._scratch or Scratch()
            scratch.write(values.reshape(-1).view(np.uint8), self._begin(i) * self._width)
        except OSError as error:
            self._spools = False
            if error.errno not in {*NO_ROOM, errno.EACCES, errno.EROFS}:
                raise
            return
        with self._lock:
            self._spooled.add(i)

    def _decode(self, piece: Piece) -> Array:
        import pyarrow

        self.check()
        values = np.empty((piece.n_rows, self.shape[1]), self.dtype)
        with reading(self.name, self.check, f"{piece.n_rows} rows"):
            table = piece.load()
            fill(values, table.to_batches(), self.columns)
        del table
        pyarrow.default_memory_pool().release_unused()
        return values

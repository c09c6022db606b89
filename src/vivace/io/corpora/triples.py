"""UCI bag of words and Matrix Market: a line for each document and word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from vivace import _core
from vivace.io.corpora.corpus import Corpus, StrPath, Words, canonical
from vivace.io.corpora.lines import CHUNK, Lines
from vivace.io.corpora.pairs import at_fault
from vivace.io.corpora.reader import MOST, CorpusReader, Growing, NotInBlocks, Piece

_SHORTEST_LINE = 4  # bytes: "1 1\n"
# More documents than this for the entries that there are: a damaged head, not to be believed when
# memory is taken.
_EMPTY_DOCUMENTS, _DOCUMENTS_PER_ENTRY = 100_000, 100


class _Head(NamedTuple):
    """What the first lines of a file say."""

    n_documents: int
    n_words: int
    n_entries: int
    with_value: bool
    whole: bool


class _Entries(NamedTuple):
    """Entries of a chunk, counted from 0; the arrays hold until the next chunk."""

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    values: NDArray[Any]
    line: int  # of the file, before the chunk


class _Places:
    """Where entries are written to."""

    def __init__(self, dtype: Any, capacity: int = 0) -> None:
        # Rows that only rise are told by their numbers of entries: their places are used again.
        self.arrays: tuple[Growing, ...] = (
            Growing(np.int32),
            Growing(np.int32, capacity),
            Growing(dtype, capacity),
        )

    def room(self, n: int) -> list[NDArray[Any]]:
        return [array.room(n) for array in self.arrays]

    def advance(self, n: int, rows: bool) -> None:
        """Keep `n` entries; the places of their rows are used again unless these are kept, too."""
        for array in self.arrays[0 if rows else 1 :]:
            array.length += n

    def keep_rows(self, lengths: NDArray[np.int64], rows: NDArray[np.int32]) -> None:
        """Keep rows from now on: `rows`, which come next, after `lengths` entries of each row."""
        before = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        kept = Growing(np.int32, len(before) + len(rows))
        kept.append(before)
        kept.room(len(rows))[:] = rows
        self.arrays = (kept, *self.arrays[1:])


class TriplesReader(CorpusReader):
    """Reads lines of document, word and count, after a head that depends on the format."""

    def __init__(self, path: StrPath, vocabulary: Words | None, dtype: Any, form: str) -> None:
        super().__init__(path, vocabulary, dtype)
        self._form = form

    def scan(self) -> None:
        """Read the head."""
        with Lines(self.path) as lines:
            self._head(lines)

    def read(self) -> Corpus:
        """Read all documents, whose lines may come in any order."""
        rising, last = True, -1
        with Lines(self.path) as lines:
            head = self._head(lines)
            # The head is believed only as far as the file's size allows.
            capacity = min(head.n_entries, lines.size() // _SHORTEST_LINE) + CHUNK
            places = _Places(self.dtype, capacity)
            lengths = np.zeros(head.n_documents, np.int64)
            for entries in self._entries(lines, head, places):
                n = len(entries.rows)
                if n and rising:  # counted while the chunk is in the cache
                    begin = _runs(entries.rows)
                    documents = entries.rows[begin]
                    rising = last <= documents[0] and _rises(documents)
                    last = int(documents[-1])
                    if rising:
                        lengths[documents] += np.diff(begin, append=n)
                    else:
                        places.keep_rows(lengths, entries.rows)
                places.advance(n, rows=not rising)
        rows, columns, values = (array.finish() for array in places.arrays)
        assert self.n_documents is not None
        assert self.n_words is not None
        shape = (self.n_documents, self.n_words)
        if rising:
            start = np.zeros(self.n_documents + 1, np.int64)
            np.cumsum(lengths, out=start[1:])
            counts = canonical(start, columns, values, shape)
        else:
            sorted_ = coo_array((values, (rows, columns)), shape=shape).tocsr()
            counts = canonical(sorted_.indptr, sorted_.indices, sorted_.data, shape)
        return Corpus(counts, self.vocabulary, self.tokenizer)

    def _pieces(self) -> Iterator[Piece]:
        with Lines(self.path) as lines:
            head = self._head(lines)
            done = 0  # documents handed out
            open_: list[_Entries] = []  # of the document at the end, which may go on
            for entries in self._entries(lines, head, _Places(self.dtype)):
                rows = entries.rows
                if not len(rows):
                    continue
                before = int(open_[0].rows[0]) if open_ else done
                if rows[0] < before or not _rises(rows):
                    falls = 0 if rows[0] < before else int(np.argmax(np.diff(rows) < 0)) + 1
                    error = lines.error(
                        f"expected documents in order, got document {rows[falls] + 1} after "
                        "a later one. Remedy: sort the lines by document, or read the file whole",
                        entries.line + 1 + falls,
                    )
                    raise NotInBlocks(str(error))
                last = int(rows[-1])
                first_of_last = int(np.searchsorted(rows, last))
                if last > before or not open_:
                    parts = [*open_, _part(entries, 0, first_of_last)]
                    yield _piece(parts, done, last, self.dtype)
                    done = last
                    open_ = []
                open_.append(_part(entries, first_of_last, len(rows)))
            yield _piece(open_, done, head.n_documents, self.dtype)

    def _entries(self, lines: Lines, head: _Head, places: _Places) -> Iterator[_Entries]:
        """Yield what the lines after the head hold, in `places`; checks its amount."""
        found, line = 0, lines.line
        for text in lines.views():
            rows, columns, values = places.room(len(text) // _SHORTEST_LINE + 1)
            done, n_lines, _, n, fault = _core.parse_triples(
                text, head.n_documents, head.n_words, head.with_value, head.whole, rows, columns,
                values,
            )  # fmt: skip
            if fault:
                limits = (head.n_documents, head.n_words, 1)
                wanted = "document, word and count" if head.with_value else "document and word"
                raise at_fault(lines, line + n_lines + 1, bytes(text), done, fault, limits, wanted)
            found += n
            if found > head.n_entries:
                break
            yield _Entries(rows[:n], columns[:n], values[:n], line)
            line += n_lines
        if found != head.n_entries:
            more = "more" if found > head.n_entries else f"{found}"
            raise lines.error(
                f"expected {head.n_entries} entries, as the head of the file says, got {more}. "
                "Remedy: copy the file again, or correct its head",
                line,
            )

    def _head(self, lines: Lines) -> _Head:
        head = _docword_head(lines) if self._form == "docword" else _matrix_market_head(lines)
        if not 1 <= head.n_documents <= MOST or head.n_words > MOST:
            raise lines.error(
                f"expected 1 to {MOST} documents and at most {MOST} words, got "
                f"{head.n_documents} and {head.n_words}"
            )
        if head.n_documents > _EMPTY_DOCUMENTS + _DOCUMENTS_PER_ENTRY * head.n_entries:
            raise lines.error(
                f"expected documents that are not nearly all empty, got a head that says "
                f"{head.n_documents} for {head.n_entries} entries. Remedy: correct the head",
                1,
            )
        if self.vocabulary is not None and head.n_words != len(self.vocabulary):
            raise lines.error(
                f"expected the {len(self.vocabulary)} words of the vocabulary, got a head that "
                f"says {head.n_words}. Remedy: the vocabulary that belongs to this file"
            )
        self.n_documents, self.n_words = head.n_documents, head.n_words
        self.n_nonzeros = head.n_entries
        return head


def _docword_head(lines: Lines) -> _Head:
    documents, words, entries = (_number(lines, what) for what in ("documents", "words", "entries"))
    return _Head(documents, words, entries, with_value=True, whole=True)


def _number(lines: Lines, what: str) -> int:
    line = lines.head()
    found = _natural(line)
    if found is None:
        raise lines.error(f"expected the number of {what}, got {_shown(line)}")
    return found


def _matrix_market_head(lines: Lines) -> _Head:
    line = lines.head()
    words = line.decode("latin-1").lower().split()
    if words[:3] != ["%%matrixmarket", "matrix", "coordinate"] or len(words) != 5:
        raise lines.error(
            "expected '%%MatrixMarket matrix coordinate integer|real|pattern general', got "
            f"{_shown(line)}. Remedy: write a sparse matrix, such as with scipy.io.mmwrite"
        )
    field, symmetry = words[3:]
    if field not in ("integer", "unsigned-integer", "real", "double", "pattern"):
        raise lines.error(f"expected integer, real or pattern entries, got {field!r}")
    if symmetry != "general":
        raise lines.error(f"expected a general matrix, got a {symmetry} one")
    while (line := lines.head()).startswith(b"%") or (not line.strip() and lines.more()):
        pass
    numbers = [n for n in map(_natural, line.split()) if n is not None]
    if len(numbers) != 3 or len(line.split()) != 3:
        raise lines.error(f"expected the numbers of rows, columns, entries, got {_shown(line)}")
    return _Head(numbers[0], numbers[1], numbers[2], field != "pattern", "integer" in field)


def _natural(text: bytes) -> int | None:
    text = text.strip()
    return int(text) if text.isdigit() and len(text) <= 18 else None


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace"))


def _runs(rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where runs of equal numbers begin."""
    return np.concatenate([[0], np.flatnonzero(rows[1:] != rows[:-1]) + 1])


def _rises(rows: NDArray[np.int32]) -> bool:
    return bool((rows[1:] >= rows[:-1]).all())


def _part(entries: _Entries, first: int, last: int) -> _Entries:
    def part(values: NDArray[Any]) -> NDArray[Any]:
        return values[first:last].copy()  # so that the chunk can go

    return _Entries(part(entries.rows), part(entries.columns), part(entries.values), entries.line)


def _piece(parts: list[_Entries], first: int, last: int, dtype: Any) -> Piece:
    """Documents `first` to `last` (exclusive), whose entries `parts` hold."""
    if not parts:
        empty = np.empty(0, np.int32)
        return Piece(np.zeros(last - first + 1, np.int64), empty, np.empty(0, dtype))
    rows, columns, values = (np.concatenate([part[i] for part in parts]) for i in range(3))
    start = np.searchsorted(rows, np.arange(first, last + 1)).astype(np.int64)
    return Piece(start, columns, values)

"""What every reader of documents does: pieces of any size in, blocks of fixed content out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.io.corpora.corpus import Corpus, CorpusError, StrPath, Words, canonical, problem
from vivace.io.corpora.tokenizer import Tokenizer

MOST = 2**31 - 1  # documents and words; columns are numbers of 32 bits


class NotInBlocks(CorpusError):
    """The documents do not lie one after the other in the file."""


class Piece(NamedTuple):
    """Some whole documents, one after the other; the arrays hold until the next piece is made.

    Attributes
    ----------
    start : ndarray of shape (n + 1,), int64
        Offsets, from 0.
    columns : ndarray of int32
        Words, in any order.
    values : ndarray of float32 or float64
        Their counts.
    """

    start: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[Any]

    @property
    def n_documents(self) -> int:
        """Number of documents."""
        return len(self.start) - 1

    def copy(self) -> Piece:
        """Return a copy, which holds as long as one likes."""
        return Piece(self.start.copy(), self.columns.copy(), self.values.copy())

    def part(self, first: int, last: int) -> Piece:
        """Documents `first` to `last` (exclusive), as views where that can be."""
        begin, end = int(self.start[first]), int(self.start[last])
        start = self.start[first : last + 1] - begin
        return Piece(start, self.columns[begin:end], self.values[begin:end])


class CorpusReader(ABC):
    """A file of documents that is read a block at a time.

    Made by `vivace.io.open_corpus`. Nothing is kept in memory between calls.

    Attributes
    ----------
    path : str or path-like
        The file; "-" is standard input, which can be read only once.
    vocabulary : ndarray of str, or None
        The words; of text without a given vocabulary only after `scan`.
    tokenizer : Tokenizer or None
        How text becomes words.
    n_documents, n_words : int or None
        None where only `scan` can tell.
    dtype : dtype
        float32 or float64.
    """

    tokenizer: Tokenizer | None = None

    def __init__(self, path: StrPath, vocabulary: Words | None, dtype: Any) -> None:
        self.path = path
        self.vocabulary = vocabulary
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"dtype: expected float32 or float64, got {self.dtype}")
        self.n_documents: int | None = None
        #: Number of counts, where the head or a scan tells.
        self.n_nonzeros: int | None = None
        self.n_words: int | None = None if vocabulary is None else len(vocabulary)

    def scan(self) -> None:
        """Find the numbers of documents and words, by a pass over the file where it needs one.

        Raises
        ------
        CorpusError
            The file cannot be understood.
        OSError
            It cannot be opened.
        """
        if self.n_documents is not None and self.n_words is not None:
            return
        n_documents, n_nonzeros, most = 0, 0, -1
        for piece in self._pieces():
            n_documents += piece.n_documents
            n_nonzeros += len(piece.columns)
            most = max(most, int(piece.columns.max(initial=-1)))
        self.n_documents, self.n_nonzeros = n_documents, n_nonzeros
        if self.n_words is None:
            self.n_words = most + 1

    def blocks(self, n_documents: int) -> Iterator[csr_array]:
        """Yield all documents in order, `n_documents` at a time; the last block may be smaller.

        A block's content depends on the file and `n_documents` only. Memory is that of a block and
        of a chunk of the file.

        Parameters
        ----------
        n_documents : int
            Documents of a block.

        Yields
        ------
        counts : csr_array of shape (n_documents, n_words)
            In canonical form.

        Raises
        ------
        CorpusError
            The file cannot be understood, or holds a document in several places.
        OSError
            It cannot be opened.
        """
        if n_documents < 1:
            raise ValueError(f"n_documents: expected at least 1, got {n_documents}")
        self.scan()
        assert self.n_words is not None
        for piece in cut(self._pieces(), n_documents):
            yield canonical(*piece, (piece.n_documents, self.n_words))

    def read(self) -> Corpus:
        """Read all documents into memory.

        Raises
        ------
        CorpusError
            The file cannot be understood.
        OSError
            It cannot be opened.
        """
        piece = joined(self._pieces(), self.dtype)
        return self._corpus(piece)

    def pieces(self) -> Iterator[Piece]:
        """Yield all documents in pieces of bounded size, which depends on the file.

        One pass over the file. The arrays of a piece hold until the next one, and its words come in
        any order; of text there must be a vocabulary.
        """
        return self._pieces()

    def _corpus(self, piece: Piece) -> Corpus:
        """Make the corpus of all documents."""
        if not piece.n_documents:
            raise problem(self.path, None, "expected at least one document, got none")
        if self.n_words is None:
            self.n_words = int(piece.columns.max(initial=-1)) + 1
        self.n_documents = piece.n_documents
        counts = canonical(*piece, (piece.n_documents, self.n_words))
        return Corpus(counts, self.vocabulary, self.tokenizer)

    @abstractmethod
    def _pieces(self) -> Iterator[Piece]:
        """Yield all documents in pieces of bounded size."""


class Growing:
    """An array that grows at its end; `capacity` is a guess at its length."""

    def __init__(self, dtype: Any, capacity: int = 1 << 12) -> None:
        self._array = np.empty(capacity, dtype)
        self.length = 0

    def room(self, n: int) -> NDArray[Any]:
        """Return a view of the `n` places at the end; it holds until the array grows again."""
        end = self.length + n
        if end > len(self._array):
            # Not ndarray.resize, which fills what is new with zeros.
            larger = np.empty(max(end, 2 * len(self._array)), self._array.dtype)
            larger[: self.length] = self._array[: self.length]
            self._array = larger
        return self._array[self.length : end]

    def append(self, values: NDArray[Any]) -> None:
        """Add a copy of values."""
        self.room(len(values))[:] = values
        self.length += len(values)

    def finish(self) -> NDArray[Any]:
        """Return what was added; memory beyond it was never touched and is not resident."""
        return self._array[: self.length]


def joined(pieces: Iterable[Piece], dtype: np.dtype[Any]) -> Piece:
    """Put pieces together."""
    start, columns, values = Growing(np.int64), Growing(np.int32), Growing(dtype)
    start.append(np.zeros(1, np.int64))
    for piece in pieces:
        start.append(piece.start[1:] + columns.length)
        columns.append(piece.columns)
        values.append(piece.values)
    return Piece(start.finish(), columns.finish(), values.finish())


def cut(pieces: Iterable[Piece], n_documents: int) -> Iterator[Piece]:
    """Cut pieces anew, into pieces of `n_documents` documents."""
    held: list[Piece] = []
    missing = n_documents
    dtype: Any = np.float64
    for piece in pieces:
        first, dtype = 0, piece.values.dtype
        while piece.n_documents - first >= missing:
            held.append(piece.part(first, first + missing))
            first += missing
            yield joined(held, dtype)
            held, missing = [], n_documents
        if first < piece.n_documents:
            held.append(piece.part(first, piece.n_documents).copy())
            missing -= piece.n_documents - first
    if held:
        yield joined(held, dtype)

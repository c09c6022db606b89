"""Documents larger than memory: read once from front to back, then by position."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.io.corpora.blocks import from_blocks, same_words
from vivace.io.corpora.corpus import CorpusError, StrPath, Words, canonical, problem
from vivace.io.corpora.formats import open_corpus
from vivace.io.corpora.reader import CorpusReader, NotInBlocks, Piece
from vivace.io.corpora.room import WORKING, check_room
from vivace.io.corpora.text import Learner, TextReader, nothing_left
from vivace.io.corpora.tokenizer import Tokenizer
from vivace.io.open_table import default_memory
from vivace.io.spool import Spool
from vivace.io.table import in_words
from vivace.io.unchanged import Check, unchanged

#: What can be opened: names, patterns, lists of these, or what makes blocks of counts.
Documents = StrPath | Sequence[StrPath] | Callable[[], Iterable[Any]]

# Entries that are looked at together when a vocabulary that was learnt is put in order.
_ENTRIES = 1 << 20


class CorpusStream:
    """Documents that need not fit into memory, by position.

    Made by `open_documents`, which reads the files once; what does not fit into memory is then in a
    scratch file (`vivace.io.spool`). What a document holds depends on the files alone.

    Attributes
    ----------
    name : str
        For messages.
    shape : (n_documents, n_words)
    dtype : dtype
        Of the counts.
    vocabulary : ndarray of str, or None
    tokenizer : Tokenizer or None
    columns : list of str, or None
        Names of the columns, of blocks that have such.
    lengths : (n_documents,) of float64
        Numbers of tokens.
    memory : int
        Bytes that counts may take beside other things that are as large.
    fingerprint : str
        Digest of all counts.
    """

    ndim = 2
    guard: Check | None = None  # raises once a file has changed

    def __init__(self, name: str, dtype: Any, memory: int) -> None:
        self.name, self.dtype, self.memory = name, np.dtype(dtype), memory
        self.vocabulary: Words | None = None
        self.tokenizer: Tokenizer | None = None
        self.columns: list[str] | None = None
        item = 4 + self.dtype.itemsize
        room = max(0, memory - WORKING) // 2
        self._columns = Spool(np.int32, room * 4 // item)
        self._values = Spool(self.dtype, room * self.dtype.itemsize // item)
        self._sizes: list[NDArray[np.int64]] = []
        self._lengths: list[NDArray[np.float64]] = []
        self._most, self._n_appended = -1, 0
        self._digest = blake2b(digest_size=16)
        self.lengths = np.zeros(0)
        self.shape = (0, 0)
        self.fingerprint = ""
        self.start = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def n_documents(self) -> int:
        """Number of documents, empty ones included."""
        return self.shape[0]

    @property
    def n_words(self) -> int:
        """Size of the vocabulary."""
        return self.shape[1]

    @property
    def n_tokens(self) -> float:
        """Sum of all counts."""
        return float(self.lengths.sum())

    @property
    def n_nonzeros(self) -> int:
        """Number of counts."""
        return int(self.start[-1])

    @property
    def in_memory(self) -> bool:
        """Whether nothing had to go to a file."""
        return self._columns.in_memory and self._values.in_memory

    def rows(
        self, start: int, stop: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]:
        """Return documents `start` to `stop` (exclusive) as compressed rows, offsets from 0."""
        first, last = int(self.start[start]), int(self.start[stop])
        offsets = self.start[start : stop + 1] - first
        return offsets, self._columns.read(first, last), self._values.read(first, last)

    def take(self, positions: NDArray[np.int64]) -> csr_array:
        """Return some documents, in this order."""
        sizes = self.start[positions + 1] - self.start[positions]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        columns = np.empty(offsets[-1], np.int32)
        values = np.empty(offsets[-1], self.dtype)
        begin = 0
        while begin < len(positions):  # neighbours are read together
            end = begin + 1
            while end < len(positions) and positions[end] == positions[end - 1] + 1:
                end += 1
            first, last = int(self.start[positions[begin]]), int(self.start[positions[end - 1] + 1])
            at = slice(offsets[begin], offsets[end])
            columns[at], values[at] = (
                self._columns.read(first, last),
                self._values.read(first, last),
            )
            begin = end
        return csr_array((values, columns, offsets), shape=(len(positions), self.n_words))

    def expect(self, start: int, stop: int) -> None:
        """Say which documents are read next."""
        first, last = int(self.start[start]), int(self.start[stop])
        self._columns.expect(first, last)
        self._values.expect(first, last)

    def check(self) -> None:
        """Notice that a file has changed, though it was read already: a TableError."""
        if self.guard is not None:
            self.guard()

    # -- while it is made ---------------------------------------------------------------------

    def append(self, counts: csr_array) -> None:
        """Add documents in canonical form."""
        data = counts.data.astype(self.dtype, copy=False)
        self._sizes.append(np.diff(counts.indptr).astype(np.int64))
        self._n_appended += counts.shape[0]
        # Here, and not only when all is read.
        check_room(self.name, self.memory, self._n_appended, "the first ")
        total = np.concatenate([[0.0], np.cumsum(data, dtype=np.float64)])
        self._lengths.append(total[counts.indptr[1:]] - total[counts.indptr[:-1]])
        self._most = max(self._most, int(counts.indices.max(initial=-1)))
        columns = np.ascontiguousarray(counts.indices, dtype=np.int32)
        for array in (self._sizes[-1], columns, data):
            self._digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        self._columns.append(columns)
        self._values.append(data)

    def saw(self, n_words: int) -> None:
        """Note that there are so many words at least."""
        self._most = max(self._most, n_words - 1)

    def finish(self, n_words: int | None) -> None:
        """End appending; the largest word decides on their number where it is not known.

        Raises
        ------
        CorpusError
            No documents, or too little memory for what is kept of each.
        """
        sizes = np.concatenate([np.zeros(0, np.int64), *self._sizes])
        if not len(sizes):
            raise problem(self.name, None, "expected at least one document, got none")
        check_room(self.name, self.memory, self._n_appended)
        self._columns.finish()
        self._values.finish()
        self.start = np.concatenate([[0], np.cumsum(sizes)])
        self.lengths = np.concatenate(self._lengths)
        self._sizes, self._lengths = [], []
        words = self._most + 1 if n_words is None else n_words
        if self._most >= words:
            raise CorpusError(f"{self.name}: expected {words} words, got number {self._most}")
        self.shape = (len(sizes), words)
        self._digest.update(repr((self.shape, self.dtype.str)).encode())
        self.fingerprint = self._digest.hexdigest()


def open_documents(
    documents: Documents,
    format: str | None = None,
    *,
    memory: int | None = None,
    tell: Callable[[int], None] | None = None,
    **settings: Any,
) -> CorpusStream:
    """Open documents that need not fit into memory; reads them once.

    Parameters
    ----------
    documents : str, path-like, sequence of these, or callable
        A file that `open_corpus` opens, a pattern of names (``part-*.jsonl``, in the order of
        names), several of either, or a function without arguments that returns an iterable of
        blocks: sparse matrices, arrays, tables of pandas or `Corpus` with the same columns.
    format : str, optional
        Format of the files, where their names do not tell.
    memory : int, optional
        Bytes; a quarter of the machine's if left out. Never changes a result: what does not fit
        goes to a scratch file.
    tell : callable, optional
        Told the number of documents now and then.
    **settings
        As for `open_corpus`: vocabulary, tokenizer, text_field, zero_based, n_words, dtype.

    Returns
    -------
    documents : CorpusStream

    Raises
    ------
    CorpusError
        A file cannot be understood, files do not fit each other, or the memory is too small; the
        message says what would do.
    OSError
        A file does not exist, or there is no room for the scratch file.
    """
    memory = default_memory() if memory is None else int(memory)
    if callable(documents):
        dtype = settings.pop("dtype", np.float64)
        if settings or format is not None:
            raise CorpusError("blocks of counts come without format and settings")
        stream = CorpusStream("the blocks", dtype, memory)
        return _fill(stream, from_blocks(documents, stream), None, tell)
    paths = expanded(documents)
    guard = unchanged(paths)
    stream = _opened(paths, format, settings, memory, tell)
    stream.guard = guard
    guard()
    return stream


def _opened(
    paths: Sequence[StrPath],
    format: str | None,
    settings: dict[str, Any],
    memory: int,
    tell: Callable[[int], None] | None,
) -> CorpusStream:
    readers = [open_corpus(path, format, **settings) for path in paths]
    name = os.fspath(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    stream = CorpusStream(name, readers[0].dtype, memory)
    texts = [reader for reader in readers if isinstance(reader, TextReader)]
    if texts and len(texts) < len(readers):
        raise CorpusError(f"{name}: expected either text or counts, got files of both")
    if texts and texts[0].vocabulary is None:
        return _learn(stream, texts, tell)
    try:
        return _fill(stream, _from_readers(stream, readers), None, tell, readers)
    except NotInBlocks as error:
        if len(readers) > 1:
            raise
        stream = CorpusStream(name, readers[0].dtype, memory)
        whole = _whole(readers[0], memory, error)
        stream.vocabulary, stream.tokenizer = readers[0].vocabulary, readers[0].tokenizer
        return _fill(stream, [whole], None, tell, readers)


def expanded(documents: StrPath | Sequence[StrPath]) -> list[StrPath]:
    """Return the files that names and patterns stand for.

    Raises
    ------
    FileNotFoundError
        No file fits a pattern.
    """
    given = [documents] if isinstance(documents, (str, os.PathLike)) else list(documents)
    found: list[StrPath] = []
    for one in given:
        text = os.fspath(one)
        if text == "-" or os.path.exists(text) or not any(sign in text for sign in "*?["):
            found.append(one)
            continue
        names = sorted(glob.glob(text, recursive=True))
        if not names:
            raise FileNotFoundError(2, "no file has such a name", text)
        found += names
    if not found:
        raise CorpusError("documents: expected at least one file, got none")
    return found


def _fill(
    stream: CorpusStream,
    blocks: Iterable[csr_array],
    n_words: int | None,
    tell: Callable[[int], None] | None,
    readers: Sequence[CorpusReader] = (),
) -> CorpusStream:
    done = 0
    for block in blocks:
        stream.append(block)
        done += block.shape[0]
        if tell is not None:
            tell(done)
    sizes = {reader.n_words for reader in readers if reader.n_words is not None}
    if len(sizes) > 1:
        raise CorpusError(
            f"{stream.name}: expected files with the same number of words, got {sorted(sizes)}. "
            "Remedy: files that belong together"
        )
    n_words = sizes.pop() if sizes else n_words
    if n_words is None and stream.vocabulary is not None:
        n_words = len(stream.vocabulary)
    stream.finish(n_words)
    return stream


def _from_readers(stream: CorpusStream, readers: Sequence[CorpusReader]) -> Iterator[csr_array]:
    for i, reader in enumerate(readers):
        for piece in reader.pieces():
            yield _counts(piece)
        if i == 0:
            stream.vocabulary, stream.tokenizer = reader.vocabulary, reader.tokenizer
        elif not same_words(stream.vocabulary, reader.vocabulary):
            raise CorpusError(
                f"{os.fspath(reader.path)}: expected the vocabulary of {readers[0].path}, got "
                "another. Remedy: files that belong together, or one --vocabulary for all"
            )


def _whole(reader: CorpusReader, memory: int, error: NotInBlocks) -> csr_array:
    """Read a file whose documents are in no order: it must fit into memory."""
    if os.fspath(reader.path) == "-":
        raise error
    least = 4 * os.stat(reader.path).st_size
    if least > memory:
        raise CorpusError(f"{error}, with at least {in_words(least)} of memory") from error
    return reader.read().counts


def _learn(
    stream: CorpusStream, readers: Sequence[TextReader], tell: Callable[[int], None] | None
) -> CorpusStream:
    """Count words and learn the vocabulary in one pass; then put the columns in its order."""
    learner = Learner(readers[0].tokenizer, stream.dtype)
    first = CorpusStream(stream.name, stream.dtype, stream.memory)
    texts = (text for reader in readers for text in reader.texts())
    _fill(first, (_counts(piece) for piece in learner.pieces(texts)), None, tell)
    words, new = learner.vocabulary(lambda why: nothing_left(readers[0].path, why))
    stream.vocabulary, stream.tokenizer = words, readers[0].tokenizer
    return _fill(stream, _renumbered(first, new), len(words), None)


def _renumbered(first: CorpusStream, new: NDArray[np.int64]) -> Iterator[csr_array]:
    begin = 0
    while begin < len(first):
        end = int(np.searchsorted(first.start, first.start[begin] + _ENTRIES, side="right")) - 1
        end = min(max(end, begin + 1), len(first))
        start, columns, values = first.rows(begin, end)
        placed = new[columns]
        kept = placed >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        shape = (end - begin, int(placed.max(initial=0)) + 1)
        yield canonical(before[start], placed[kept], values[kept], shape)
        begin = end


def _counts(piece: Piece) -> csr_array:
    width = int(piece.columns.max(initial=0)) + 1
    copy = piece.copy()  # its arrays hold until the next piece only
    return canonical(*copy, (piece.n_documents, width))

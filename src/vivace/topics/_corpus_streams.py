"""Documents that are read from files while topics are fitted."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.engine import Block, CsrRows
from vivace.io.corpora import CorpusStream, open_documents
from vivace.io.spool import Shelf

Positions = NDArray[np.int64]


def is_stream(X: Any) -> bool:
    """Whether X names documents or makes them: a path, paths, a function, an open stream."""
    if isinstance(X, (list, tuple)):
        return bool(X) and all(isinstance(one, os.PathLike) for one in X)
    return isinstance(X, (CorpusStream, str, os.PathLike)) or (
        callable(X) and not hasattr(X, "shape")
    )


def open_stream(X: Any, **settings: Any) -> CorpusStream:
    """Open what `is_stream` knows."""
    return X if isinstance(X, CorpusStream) else open_documents(X, **settings)


class StreamSource:
    """Documents of a stream, or some of them, as a source of the engine.

    Parameters
    ----------
    stream : CorpusStream
    weights : (n_documents,) or None
        Of the documents that are chosen.
    positions : (n_documents,), optional
        Which documents, rising; all if left out.
    """

    def __init__(
        self,
        stream: CorpusStream,
        weights: NDArray[np.float64] | None,
        positions: Positions | None = None,
    ) -> None:
        self._stream, self._weights, self._positions = stream, weights, positions
        lengths = stream.lengths if positions is None else stream.lengths[positions]
        self.lengths = lengths
        self.n_rows = len(lengths)
        self.n_columns = stream.n_words
        self.n_nonzeros = stream.n_nonzeros
        if positions is not None:
            self.n_nonzeros = int((stream.start[positions + 1] - stream.start[positions]).sum())
        self.total_weight = float(lengths.sum() if weights is None else lengths @ weights)
        self.dtype = stream.dtype
        #: Local states of a fit go here: what is kept of documents is as large as they are.
        self.shelf = Shelf(stream.memory // 2)

    def read(self, start: int, stop: int) -> Block:
        """Return documents `start` to `stop` (exclusive)."""
        weights = None if self._weights is None else self._weights[start:stop]
        if self._positions is None:
            rows = CsrRows(*self._stream.rows(start, stop), self.n_columns)
            return Block(rows, weights, start, stop)
        counts = self.take(np.arange(start, stop))
        offsets = np.asarray(counts.indptr, dtype=np.int64)
        rows = CsrRows(offsets, np.asarray(counts.indices, np.int32), counts.data, self.n_columns)
        return Block(rows, weights, start, stop)

    def expect(self, start: int, stop: int) -> None:
        """Say which documents are read next."""
        if self._positions is None:
            self._stream.expect(start, stop)
        elif stop > start:
            self._stream.expect(int(self._positions[start]), int(self._positions[stop - 1]) + 1)

    def check(self) -> None:
        """Notice that a file has changed."""
        self._stream.check()

    def take(self, which: Any) -> csr_array:
        """Return some documents."""
        chosen = np.arange(self.n_rows)[which]
        if self._positions is not None:
            chosen = self._positions[chosen]
        return self._stream.take(chosen)

    def chosen(self, which: Positions) -> StreamSource:
        """Return a source of some of the documents, which rise."""
        weights = None if self._weights is None else self._weights[which]
        positions = which if self._positions is None else self._positions[which]
        return StreamSource(self._stream, weights, positions)

    @property
    def counts(self) -> CorpusStream:
        """The stream, in the place of an array of counts."""
        return self._stream

    @property
    def fingerprint(self) -> str:
        """Digest of the documents."""
        return self._stream.fingerprint

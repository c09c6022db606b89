"""Documents that a function makes, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, issparse

from vivace.io.corpora.corpus import Corpus, CorpusError, Words, canonical
from vivace.io.table import names_of

if TYPE_CHECKING:
    from vivace.io.corpora.stream import CorpusStream


def from_blocks(make: Callable[[], Iterable[Any]], stream: CorpusStream) -> Iterator[csr_array]:
    """Yield counts; what the blocks say of words goes to `stream`.

    Raises
    ------
    CorpusError
        A block is no counts, or has other columns or words than those before.
    """
    width: int | None = None
    for block in make():
        counts = block
        names = None
        if isinstance(block, Corpus):
            if width is None:
                stream.vocabulary, stream.tokenizer = block.vocabulary, block.tokenizer
            elif not same_words(stream.vocabulary, block.vocabulary):
                raise CorpusError("blocks: expected the same vocabulary in all of them")
            counts = block.counts
        elif not issparse(block):
            names = names_of(block)
            counts = np.asarray(block)
            if counts.ndim != 2 or counts.dtype.kind not in "fiub":
                raise CorpusError(
                    "blocks: expected counts (sparse matrices, arrays, tables of numbers or "
                    f"Corpus), got {type(block).__name__} of {counts.dtype}"
                )
        if width is not None and counts.shape[1] != width:
            raise CorpusError(f"blocks: expected {width} columns in all, got {counts.shape[1]}")
        if width is None:
            stream.columns = names
        elif names != stream.columns:
            raise CorpusError("blocks: expected columns of the same names in all of them")
        width = int(counts.shape[1])
        rows = csr_array(counts, dtype=stream.dtype)
        if not (np.isfinite(rows.data).all() and rows.data.min(initial=0) >= 0):
            raise CorpusError("blocks: expected counts that are finite and not negative")
        stream.saw(width)
        yield canonical(rows.indptr, rows.indices, rows.data, rows.shape)


def same_words(a: Words | None, b: Words | None) -> bool:
    """Whether two vocabularies are the same, or there is none."""
    if a is None or b is None:
        return a is b
    return len(a) == len(b) and bool(np.array_equal(a, b))

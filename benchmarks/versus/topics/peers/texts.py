"""Counts written out as lists of words, for libraries that want texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.versus.corpora import Corpus


def texts(corpus: Corpus) -> Iterator[list[str]]:
    """Yield the words of each training document, repeated as often as they are counted."""
    rows, words = corpus.train.tocsr(), np.array(corpus.vocabulary, dtype=object)
    for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        yield words[np.repeat(rows.indices[a:b], rows.data[a:b])].tolist()


def in_order(topics: NDArray[Any], found: Sequence[str], corpus: Corpus) -> NDArray[np.float64]:
    """Return topics with the columns of the corpus.

    Words that the library was never shown get what a topic gives to any word that it has not.
    """
    index = {word: number for number, word in enumerate(corpus.vocabulary)}
    ordered = np.repeat(topics.min(axis=1, keepdims=True), len(index), axis=1)
    ordered[:, [index[word] for word in found]] = topics
    return ordered

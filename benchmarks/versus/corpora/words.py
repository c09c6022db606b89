"""From texts to counts: a plain tokeniser, limits on document frequency, a split by groups."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from scipy import sparse

from benchmarks.versus.corpora import SEED, Corpus

Key = TypeVar("Key", bound=Hashable)

WORD = re.compile("[a-z]{3,}")
AT_LEAST = 5  # documents that a word must occur in
AT_MOST = 0.25  # of the documents
TEST_EVERY = 20  # one group in so many is held out


def tokens(text: str) -> tuple[str, ...]:
    """Return the runs of three letters or more, in lower case."""
    return tuple(WORD.findall(text.lower()))


def corpus_of(
    name: str,
    texts: Iterable[tuple[str, Sequence[str]]],
    at_least: int = AT_LEAST,
    at_most: float = AT_MOST,
    test_every: int = TEST_EVERY,
) -> Corpus:
    """Return the corpus of (group, tokens) pairs; all of a group is on one side of the split.

    Documents with the same tokens count once, before and after words are left out.
    """
    unlike = _distinct((tuple(words), group) for group, words in texts)
    occurs = Counter(word for words in unlike for word in set(words))
    most = at_most * len(unlike)
    vocabulary = sorted(word for word, number in occurs.items() if at_least <= number <= most)
    index = {word: number for number, word in enumerate(vocabulary)}
    known = ((tuple(index[w] for w in words if w in index), g) for words, g in unlike.items())
    documents = _distinct((words, group) for words, group in known if words)
    sides: tuple[list[tuple[int, ...]], list[tuple[int, ...]]] = ([], [])
    for words, group in documents.items():
        sides[_held_out(group, test_every)].append(words)
    rng = np.random.default_rng(SEED)
    train, test = (_counts(side, len(vocabulary), rng) for side in sides)
    return Corpus(name, train, test, vocabulary)


def _distinct(pairs: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """Return the first group of each key."""
    first: dict[Key, str] = {}
    for key, group in pairs:
        first.setdefault(key, group)
    return first


def _held_out(group: str, every: int) -> bool:
    digest = hashlib.md5(f"{SEED}{group}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest, "big") % every == 0


def _counts(
    documents: Sequence[Sequence[int]], n_words: int, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Count words, documents shuffled: neighbours in a list are alike, which misleads streams."""
    order = rng.permutation(len(documents))
    lengths = [len(documents[i]) for i in order]
    indices = np.concatenate([np.asarray(documents[i], np.int32) for i in order])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    counts = sparse.csr_matrix(
        (np.ones(len(indices), np.int32), indices, indptr), shape=(len(documents), n_words)
    )
    counts.sum_duplicates()
    return counts

"""Draws from latent Dirichlet allocation itself, whose true topics are known.

Topics ~ Dirichlet(600 Zipf), Zipf ~ 1 / (rank + 10) over the words; a document's shares ~
Dirichlet(alpha), alpha_k ~ 1 / (k + 5); lengths are negative binomial with shape 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.versus.corpora import SEED, Corpus

WORDS, TOPICS, LENGTH, CONCENTRATION = 50_000, 100, 230, 6.0
TRAIN, TEST = 100_000, 2_000
CHUNK = 5_000  # documents drawn at a time: bounds the memory, and is part of the recipe


def topics_of(rng: np.random.Generator, topics: int, words: int) -> NDArray[np.float64]:
    """Draw topics (topics x words), rows summing to one."""
    zipf = 1.0 / (np.arange(words) + 10.0)
    beta = rng.gamma(600 * zipf / zipf.sum(), size=(topics, words)) + 1e-300
    return beta / beta.sum(axis=1, keepdims=True)


def documents_of(
    rng: np.random.Generator,
    beta: NDArray[np.float64],
    documents: int,
    length: float,
    concentration: float = CONCENTRATION,
) -> sparse.csr_matrix:
    """Draw documents (CSR, int32 counts) from topics."""
    topics, words = beta.shape
    cumulated = np.cumsum(beta, axis=1)
    alpha = 1.0 / (np.arange(topics) + 5.0)
    alpha *= concentration / alpha.sum()
    parts = []
    for start in range(0, documents, CHUNK):
        size = min(CHUNK, documents - start)
        lengths = np.maximum(2, rng.negative_binomial(4, 4 / (4 + length), size))
        numbers = rng.multinomial(lengths, rng.dirichlet(alpha, size))
        rows, columns = [], []
        for k in range(topics):
            rows.append(np.repeat(np.arange(size, dtype=np.int32), numbers[:, k]))
            drawn = np.searchsorted(cumulated[k], rng.random(len(rows[-1])))
            columns.append(np.minimum(drawn, words - 1).astype(np.int32))
        place = (np.concatenate(rows), np.concatenate(columns))
        ones = np.ones(len(place[0]), np.int32)
        parts.append(sparse.coo_matrix((ones, place), shape=(size, words)).tocsr())
    return sparse.csr_matrix(sparse.vstack(parts, format="csr"))


def draw(
    documents: int, words: int, topics: int, length: float, seed: int = 0
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """Return counts (documents x words) and the topics (topics x words) that they came from."""
    rng = np.random.default_rng(seed)
    beta = topics_of(rng, topics, words)
    return documents_of(rng, beta, documents, length), beta


def build(name: str) -> Corpus:
    """Return the large draw; words are numbers."""
    counts, beta = draw(TRAIN + TEST, WORDS, TOPICS, LENGTH, SEED)
    vocabulary = [f"w{number}" for number in range(WORDS)]
    return Corpus(name, counts[:TRAIN], counts[TRAIN:], vocabulary, beta.astype(np.float32))

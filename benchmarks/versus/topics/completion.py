"""The one judge of topics: held-out document completion, nats a token.

Half A of each test document (its tokens split at random, once and for all) gives its shares theta
at the given topics by CVB0: an entry's responsibilities are proportional to

    beta_kw (N_k without min(count, 1) of the entry's own + alpha),

entry after entry until a sweep moves the counts N by less than 1e-3 of the tokens. The score is
the mean of log sum_k theta_k beta_kw over the tokens of half B, with theta_k = (N_k + alpha) /
(tokens + K alpha). One symmetric alpha serves all documents of a fold: every second document is
judged by the alpha that is best for the others, so nobody gains from the choice. Documents of one
token are left out.

Whose topics they are, and how their maker would infer theta, does not matter.
"""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.versus.compiler import library

SOURCE = Path(__file__).with_name("completion.c")
# No -ffast-math: a library linked with it changes the arithmetic of the whole process.
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros")
REORDER = "-fassociative-math"

ALPHAS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
SWEEPS = 50
TOLERANCE = 1e-3
SPLIT_SEED = 0
# Words that topics hold to be impossible would score minus infinity.
LEAST = 1e-12


@dataclass(frozen=True)
class Halves:
    """Both halves of the test documents (documents x words, CSR) of two tokens and more."""

    given: Any
    asked: Any

    @property
    def tokens(self) -> float:
        """Number of tokens that are judged."""
        return float(self.asked.sum())


def split(test: Any, seed: int = SPLIT_SEED) -> Halves:
    """Split whole-number counts: floor(n / 2) tokens of n go to the second half."""
    counts = sparse.csr_matrix(test)
    counts = counts[np.asarray(counts.sum(axis=1)).ravel() >= 2]
    rng = np.random.default_rng(seed)
    number = counts.data.astype(np.int64)
    document = np.repeat(np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)), number)
    word = np.repeat(counts.indices, number)
    # A random order within documents, then every token's place in its own.
    order = np.lexsort((rng.random(len(document)), document))
    document, word = document[order], word[order]
    sizes = np.bincount(document, minlength=counts.shape[0])
    place = np.arange(len(document)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    second = place < (sizes // 2)[document]
    return Halves(
        *(
            sparse.csr_matrix(
                sparse.coo_matrix(
                    (np.ones(part.sum()), (document[part], word[part])), shape=counts.shape
                )
            )
            for part in (~second, second)
        )
    )


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class Judge:
    """Scores topics on one set of test documents."""

    def __init__(self, test: Any, alphas: tuple[float, ...] = ALPHAS, threads: int = 1) -> None:
        self.halves = split(test)
        self.alphas = alphas
        self._threads = threads
        self._complete = library(SOURCE, *FLAGS, REORDER).complete
        self._parts = [
            np.ascontiguousarray(array, dtype)
            for half in (self.halves.given, self.halves.asked)
            for array, dtype in (
                (half.indptr, np.int64),
                (half.indices, np.int32),
                (half.data, np.float64),
            )
        ]
        self._longest = int(np.diff(self.halves.given.indptr).max())

    def by_document(self, topics: NDArray[Any], alpha: float) -> NDArray[np.float64]:
        """Return the log likelihood of each second half; `topics` is topics x words."""
        return self._run(self._table(topics), alpha)

    def score(self, topics: NDArray[Any]) -> tuple[float, float]:
        """Return nats a token and the alpha that is best for all documents together."""
        table = self._table(topics)
        with ThreadPoolExecutor(self._threads) as pool:
            found = np.array(list(pool.map(lambda alpha: self._run(table, alpha), self.alphas)))
        total = sum(
            found[found[:, 1 - fold :: 2].sum(axis=1).argmax(), fold::2].sum() for fold in (0, 1)
        )
        return float(total / self.halves.tokens), self.alphas[found.sum(axis=1).argmax()]

    def _table(self, topics: NDArray[Any]) -> NDArray[np.float32]:
        """Return topics as words x topics, each topic summing to one."""
        beta = np.maximum(np.asarray(topics, np.float64), LEAST)
        if not np.isfinite(beta).all() or beta.shape[1] != self.halves.given.shape[1]:
            raise ValueError(f"topics must be finite and have {self.halves.given.shape[1]} words")
        return np.ascontiguousarray((beta / beta.sum(axis=1, keepdims=True)).T, np.float32)

    def _run(self, table: NDArray[np.float32], alpha: float) -> NDArray[np.float64]:
        documents, n_topics = self.halves.given.shape[0], table.shape[1]
        scores = np.empty(documents)
        scratch = np.empty(2 * (self._longest + 1) * n_topics, np.float32)
        self._complete(
            ctypes.c_int64(documents),
            ctypes.c_int64(n_topics),
            _pointer(table),
            *(_pointer(part) for part in self._parts),
            ctypes.c_double(alpha),
            ctypes.c_int(SWEEPS),
            ctypes.c_double(TOLERANCE),
            ctypes.c_int64(self._longest),
            _pointer(scratch),
            _pointer(scores),
        )
        return scores

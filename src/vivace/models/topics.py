"""The posterior of topics: Dirichlet parameters word by word, their prior, terms of the bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from vivace import _core
from vivace.engine import Executor, RowTable

Array = NDArray[Any]
Doubles = NDArray[np.float64]

#: Words of one task where work goes over the vocabulary.
TASK_WORDS = 1_024


class WordPrior:
    """Dirichlet prior of the words of topics.

    Parameters
    ----------
    values : array of shape (1, 1), (V, 1) or (V, K)
        One number for all, one a word, or one a word and topic; positive.
    n_words, n_topics : int
        V and K.
    """

    def __init__(self, values: Array, n_words: int, n_topics: int) -> None:
        self.values = np.ascontiguousarray(values)
        self.shape = (int(n_words), int(n_topics))
        if self.values.shape not in {(1, 1), (n_words, 1), self.shape}:
            raise ValueError(
                f"the prior of words must have shape (1, 1), ({n_words}, 1) or {self.shape}, got "
                f"{self.values.shape}"
            )

    def of(self, words: Any) -> Array:
        """Return the parameters of some words, as rows that broadcast."""
        return self.values if len(self.values) == 1 else self.values[words]

    @cached_property
    def totals(self) -> Doubles:
        """Sum of each topic's parameters, (K,)."""
        sums = self.values.sum(axis=0, dtype=np.float64)
        if len(self.values) == 1:
            sums = sums * self.shape[0]
        return np.array(np.broadcast_to(sums, self.shape[1:]))

    @cached_property
    def log_norm(self) -> float:
        """Sum over topics of ln Gamma(sum of parameters) - sum of ln Gamma(parameter)."""
        size, per_word = len(self.values), 0.0
        for i in range(0, size, TASK_WORDS):
            rows = self.values[i : i + TASK_WORDS].astype(np.float64)
            per_word += float(gammaln(rows).sum())
        n_words, n_topics = self.shape
        per_word *= (n_words if size == 1 else 1) * (n_topics if self.values.shape[1] == 1 else 1)
        return float(gammaln(self.totals).sum()) - per_word

    @property
    def number(self) -> float | None:
        """The number, where it is one for all."""
        return float(self.values[0, 0]) if self.values.size == 1 else None


@dataclass(frozen=True)
class Topics:
    """What a step of documents reads: topics, and the prior of documents.

    The parameters are lambda = prior + counts; they are put together where they are needed.

    Attributes
    ----------
    counts : RowTable (V, K)
        Expected counts of words, in the fit's precision.
    prior : WordPrior
        The words' prior.
    alpha : (K,)
        Prior of a document's topics.
    totals : (K,)
        Sum of each topic's parameters.
    seen : int
        Rows of words that steps went over so far.
    """

    counts: RowTable
    prior: WordPrior
    alpha: Doubles
    totals: Doubles
    seen: int = 0

    @cached_property
    def psi_totals(self) -> Doubles:
        """Digamma of the totals."""
        return np.asarray(digamma(self.totals))

    @property
    def n_words(self) -> int:
        """V."""
        return self.counts.shape[0]

    @property
    def n_topics(self) -> int:
        """K."""
        return self.counts.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of topics and documents."""
        return self.counts.dtype

    @property
    def kernel(self) -> tuple[Array | _core.PackedTable, float, Array, Doubles]:
        """What kernels are given for topics."""
        counts = self.counts
        return counts.kernel, counts.scale, self.prior.values, self.psi_totals

    def parameters(self, words: Any = slice(None), out: Array | None = None) -> Array:
        """Return lambda of some words or all, (words, K)."""
        factor = self.dtype.type(self.counts.scale)
        rows = np.multiply(self.counts.values[words], factor, out=out)
        rows += self.prior.of(words)
        return np.asarray(np.maximum(rows, LEAST_PARAMETER, out=rows))

    def mean(self, words: Any = slice(None)) -> Array:
        """Return the expected probabilities of some words or all, (words, K)."""
        return np.asarray(self.parameters(words) / self.totals)

    def copy(self) -> Topics:
        """Return topics that outlive the next step."""
        return replace(self, counts=self.counts.copy())


#: Smallest parameter, as in the kernels.
LEAST_PARAMETER = 1e-30


def parts_of(n: int) -> list[slice]:
    """Cut n words into tasks of equal size, an even number of them."""
    parts = 2 * max(1, -(-n // (2 * TASK_WORDS)))
    edges = [i * n // parts for i in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]


def topics_of(parameters: Array, prior: WordPrior, alpha: Doubles, dtype: np.dtype[Any]) -> Topics:
    """Topics with these Dirichlet parameters, (V, K); the array may be taken over."""
    counts = np.ascontiguousarray(parameters, dtype=dtype)
    counts -= prior.values
    return Topics(
        RowTable(len(counts), counts), prior, alpha, prior.totals + column_sums(counts, None)
    )


def column_sums(values: Array, executor: Executor | None) -> Doubles:
    """Sum of each column in double, by parts in a fixed order."""

    def work(part: slice) -> Doubles:
        return np.asarray(values[part].sum(axis=0, dtype=np.float64))

    sums = over_words(work, len(values), executor)
    return np.asarray(np.sum(sums, axis=0)) if sums else np.zeros(values.shape[1])


def least_parameter(counts: RowTable, prior: WordPrior, executor: Executor | None) -> float:
    """Smallest lambda."""
    values, scale = counts.values, counts.scale

    def work(part: slice) -> float:
        if len(prior.values) == 1:
            return float(values[part].min()) * scale + float(prior.values[0, 0])
        return float((values[part] * scale + prior.values[part]).min())

    return float(min(over_words(work, len(values), executor)))


def terms(
    topics: Topics,
    words: NDArray[np.int32] | None,
    executor: Executor | None = None,
    *,
    statistics: Array | _core.PackedTable | None = None,
    factor: float = 1.0,
    own_factor: float = 0.0,
    log_gamma: bool = False,
    digamma: bool = False,
) -> float:
    """Sum over words (None: all) and topics of terms of the bound.

    ``(factor * statistics + own_factor * counts) E ln beta``, and ln Gamma and digamma of lambda
    where they are asked for. `statistics` has V rows, or one for each of the words; packed ones
    have the former.
    """
    kernel = topics.kernel
    chosen = words if words is not None else np.arange(topics.n_words, dtype=np.int32)

    def work(part: slice) -> float:
        out = np.empty(topics.n_topics)
        rows = statistics
        if isinstance(rows, np.ndarray) and len(rows) != topics.n_words:
            rows = rows[part]
        _core.topic_terms(kernel, chosen[part], rows, factor, own_factor, log_gamma, digamma, out)
        return float(out.sum())

    return float(np.sum(over_words(work, len(chosen), executor)))


def counted_terms(
    topics: Topics, words: NDArray[np.int32], counts: Array, executor: Executor
) -> tuple[Doubles, float]:
    """Sums of the columns of the counts of some words, and <counts, E ln beta>.

    `counts` has V rows, or one for each of the words.
    """
    dense = len(counts) == topics.n_words

    def work(part: slice) -> tuple[Doubles, float]:
        rows = counts if dense else counts[part]
        out, sums = np.empty(topics.n_topics), np.empty(topics.n_topics)
        _core.topic_terms(topics.kernel, words[part], rows, 1.0, 0.0, False, False, out, sums=sums)
        return sums, float(out.sum())

    totals, found = np.zeros(topics.n_topics), 0.0
    for sums, value in over_words(work, len(words), executor):
        totals += sums
        found += value
    return totals, found


def over_words(work: Callable[[slice], Any], n: int, executor: Executor | None) -> Sequence[Any]:
    """Results of `work` for the parts of n words, in order."""
    parts = parts_of(n)
    return [work(part) for part in parts] if executor is None else executor.map(work, parts)

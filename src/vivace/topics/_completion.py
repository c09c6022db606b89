"""Documents at fixed topics, and their completion: the likelihood of words that were held back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils import check_random_state

from vivace.engine import CsrSource, Executor
from vivace.models.documents import Group, Sweeps, document_step, make_table, row_sums
from vivace.models.fold_in import FoldIn
from vivace.models.topics import Topics
from vivace.topics._documents import Documents

# Nonzeros whose rows of topics are gathered at once.
COMPLETION_NONZEROS = 4_096

# Tokens that are split together, some tens of bytes each; and the most of one document.
RUN_TOKENS, MOST_TOKENS = 2**20, 2**28


class Completion(NamedTuple):
    """Outcome of a document completion.

    Attributes
    ----------
    score : float
        Mean log likelihood of a held-out token, in nats.
    n_documents, n_left_out : int
        Documents scored, and those of fewer than two tokens.
    n_tokens : int
        Held-out tokens.
    """

    score: float
    n_documents: int
    n_left_out: int
    n_tokens: int


def infer(
    topics: Topics,
    documents: Documents,
    sweeps: Sweeps,
    executor: Executor,
    *,
    normalize: bool = False,
) -> NDArray[Any]:
    """Return the documents' Dirichlet parameters (`normalize`: their shares of topics), (n, K)."""
    gamma = np.empty((documents.n_documents, topics.n_topics), topics.dtype)
    with executor:
        step = _Step(topics, documents.source, documents.words(), sweeps, executor)

        def work(block: tuple[int, int]) -> None:
            here = gamma[slice(*block)]
            step(block, here)
            if normalize:
                here /= here.sum(axis=1, keepdims=True)

        executor.map(work, documents.blocks())
    return gamma


def document_terms(
    topics: Topics, documents: Documents, sweeps: Sweeps, executor: Executor
) -> float:
    """Return the sum of the documents' terms of the bound, with their weights."""
    total = 0.0
    with executor:
        for part in documents.parts():
            bound = np.empty(part.n_documents)
            step = _Step(topics, part.source, part.words(), sweeps, executor)

            def work(block: tuple[int, int], bound: Any = bound, step: _Step = step) -> None:
                here = bound[slice(*block)]
                step(block, np.empty((len(here), topics.n_topics), topics.dtype), here)

            executor.map(work, part.blocks())
            total += float(bound.sum() if part.weights is None else part.weights @ bound)
    return total


def completion_score(
    topics: Topics,
    known: Documents,
    held_out: Any,
    sweeps: Sweeps,
    executor: Executor,
    inference: str = "cvb0",
) -> tuple[float, int]:
    """Mean log likelihood of held-out tokens (nan without any) and their number.

    `inference`: how shares of topics come from what is known, "cvb0" or "vb".
    """
    kind = FoldIn if inference == "cvb0" else _Step
    with executor:
        kind = FoldIn if inference == "cvb0" else _Step
        step = kind(topics, known.source, known.words(), sweeps, executor)

        def work(block: tuple[int, int]) -> float:
            gamma = np.empty((block[1] - block[0], topics.n_topics), topics.dtype)
            step(block, gamma)
            shares = gamma.astype(np.float64)
            shares /= shares.sum(axis=1, keepdims=True)
            start = held_out.indptr[block[0] : block[1] + 1]
            rows = np.repeat(np.arange(len(gamma)), np.diff(start))
            total = 0.0
            for i in range(0, len(rows), COMPLETION_NONZEROS):
                of = rows[i : i + COMPLETION_NONZEROS]
                part = slice(start[0] + i, start[0] + i + len(of))
                mean = topics.mean(held_out.indices[part])
                likelihood = np.einsum("ij,ij->i", shares[of], mean)
                total += float(held_out.data[part] @ np.log(likelihood))
            return total

        total = sum(executor.map(work, known.blocks()))
    n_tokens = int(held_out.data.sum())
    return (total / n_tokens if n_tokens else float("nan")), n_tokens


class _Step:
    """The variational step of documents at fixed topics, block by block."""

    def __init__(
        self,
        topics: Topics,
        source: Any,
        words: NDArray[np.int32],
        sweeps: Sweeps,
        executor: Executor,
    ) -> None:
        self._topics, self._source, self._sweeps = topics, source, sweeps
        self._table = make_table(topics, words, executor)

    def __call__(self, block: tuple[int, int], gamma: Any, bound: Any = None) -> None:
        """Fill the block's parameters, (n, K), and its terms of the bound, (n,)."""
        rows = self._source.read(*block).data
        weights = np.empty(len(rows.values), gamma.dtype)
        group = Group(rows, None, gamma, weights, None, bound)
        whole = slice(0, len(gamma))
        document_step(group, whole, self._topics, self._table, self._sweeps, sharpen=True)


def split_tokens(
    documents: Documents, random_state: Any
) -> tuple[Documents, Any, NDArray[np.bool_]]:
    """Split the tokens of each document in halves: the known, the held out, and which are used."""
    counts, rng = documents.counts, check_random_state(random_state)
    lengths = np.zeros(documents.n_documents, np.int64)
    first, second = np.zeros_like(counts.data), np.zeros_like(counts.data)
    for rows in _runs(documents.lengths):
        entries = slice(counts.indptr[rows.start], counts.indptr[rows.stop])
        start = counts.indptr[rows.start : rows.stop + 1] - counts.indptr[rows.start]
        values = counts.data[entries]
        whole = values.astype(np.int64)
        if not np.array_equal(whole, values):
            raise ValueError(
                "document_completion and validation_fraction split the tokens of documents and "
                "need whole numbers for counts; got others, such as "
                f"{values[whole != values][0]}. Pass the counts before weighting."
            )
        lengths[rows] = row_sums(start, whole)
        first[entries], second[entries] = _halves(whole, lengths[rows], rng)

    def part(data: NDArray[Any]) -> Any:
        matrix = csr_array((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
        matrix.eliminate_zeros()
        return matrix

    known = part(first)
    source = CsrSource(known.indptr, known.indices, known.data, known.shape[1])
    return Documents(known, None, source), part(second), lengths >= 2


def _runs(lengths: NDArray[np.float64]) -> Iterator[slice]:
    """Cut documents into runs of no more than `RUN_TOKENS` tokens, or one document."""
    longest = int(lengths.argmax()) if len(lengths) else 0
    if len(lengths) and lengths[longest] > MOST_TOKENS:
        raise ValueError(
            "document_completion and validation_fraction look at each token of a document and take "
            f"up to {MOST_TOKENS:,} of them; got {lengths[longest]:,.0f} in document {longest}. "
            "Leave it out, or divide the counts."
        )
    ends, first = np.cumsum(lengths), 0
    while first < len(lengths):
        done = ends[first - 1] if first else 0.0
        last = max(first + 1, int(np.searchsorted(ends, done + RUN_TOKENS, side="right")))
        yield slice(first, last)
        first = last


def _halves(
    counts: NDArray[np.int64], lengths: NDArray[np.int64], rng: np.random.RandomState
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts of the two halves of documents of these lengths; none where it is below two."""
    # One line a token, sorted by document and then at random.
    entry = np.repeat(np.arange(len(counts)), counts)
    document = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((rng.random_sample(len(entry)), document))
    place = np.arange(len(entry)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    used = (lengths >= 2)[document]
    early = place < (lengths[document] + 1) // 2
    first, second = (
        np.bincount(entry[order[which & used]], minlength=len(counts)) for which in (early, ~early)
    )
    return first, second

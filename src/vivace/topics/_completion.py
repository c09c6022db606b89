"""Documents at fixed topics, and their completion: the likelihood of words that were held back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils import check_random_state

from vivace.engine import CsrSource, Executor
from vivace.models.documents import Group, Sweeps, document_step, make_table, row_sums
from vivace.models.fold_in import fold_in
from vivace.models.topics import Topics
from vivace.topics._documents import Documents

# Nonzeros whose rows of topics are gathered at once.
COMPLETION_NONZEROS = 16_384


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
    with_bound: bool = False,
    normalize: bool = False,
) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Return the documents' Dirichlet parameters and, if asked for, their terms of the bound.

    `normalize`: shares of topics in the place of parameters.
    """
    gamma = np.empty((documents.n_documents, topics.n_topics), topics.dtype)
    bound = np.empty(documents.n_documents) if with_bound else None
    layout = documents.layout()
    blocks = layout.blocks(layout.batches[0])
    words = documents.words()
    with executor:
        table = make_table(topics, words, executor)

        def work(block: tuple[int, int]) -> None:
            at = slice(*block)
            rows = documents.source.read(*block).data
            here, weights = gamma[at], np.empty(len(rows.values), topics.dtype)
            terms = None if bound is None else bound[at]
            group = Group(rows, None, here, weights, None, terms)
            document_step(group, slice(0, len(here)), topics, table, sweeps, sharpen=True)
            if normalize:
                here /= here.sum(axis=1, keepdims=True)

        executor.map(work, blocks)
    return gamma, bound


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
    if inference == "cvb0":
        layout = known.layout()
        blocks, words = layout.blocks(layout.batches[0]), known.words()
        gamma = fold_in(topics, known.source, words, blocks, sweeps, executor)
    else:
        gamma = infer(topics, known, sweeps, executor)[0]
    gamma = gamma.astype(np.float64)
    shares = gamma / gamma.sum(axis=1, keepdims=True)
    total = 0.0
    rows = np.repeat(np.arange(known.n_documents), np.diff(held_out.indptr))
    for i in range(0, held_out.nnz, COMPLETION_NONZEROS):
        part = slice(i, i + COMPLETION_NONZEROS)
        mean = topics.mean(held_out.indices[part])
        likelihood = np.einsum("ij,ij->i", shares[rows[part]], mean)
        total += float(held_out.data[part] @ np.log(likelihood))
    n_tokens = int(held_out.data.sum())
    return (total / n_tokens if n_tokens else float("nan")), n_tokens


def split_tokens(
    documents: Documents, random_state: Any
) -> tuple[Documents, Any, NDArray[np.bool_]]:
    """Split the tokens of each document in halves: the known, the held out, and which are used."""
    counts = documents.counts
    whole = counts.data.astype(np.int64)
    if not np.array_equal(whole, counts.data):
        raise ValueError(
            "document_completion and validation_fraction split the tokens of documents and need "
            f"whole numbers for counts; got others, such as {counts.data[whole != counts.data][0]}."
            " Pass the counts before weighting."
        )
    lengths = row_sums(counts.indptr, whole).astype(np.int64)
    used = lengths >= 2
    # One line a token, sorted by document and then at random.
    n_tokens = int(lengths.sum())
    entry = np.repeat(np.arange(len(whole)), whole)
    document = np.repeat(np.arange(documents.n_documents), lengths)
    keys = check_random_state(random_state).random_sample(n_tokens)
    order = np.lexsort((keys, document))
    place = np.arange(n_tokens) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    second = (place >= (lengths[document] + 1) // 2) & used[document]
    first = (place < (lengths[document] + 1) // 2) & used[document]

    def part(chosen: NDArray[np.bool_]) -> Any:
        data = np.bincount(entry[order[chosen]], minlength=len(whole)).astype(counts.dtype)
        matrix = csr_array((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
        matrix.eliminate_zeros()
        return matrix

    known = part(first)
    source = CsrSource(known.indptr, known.indices, known.data, known.shape[1])
    return Documents(known, None, source), part(second), used

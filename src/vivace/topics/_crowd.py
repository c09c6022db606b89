"""More topics than are wanted form around documents; those that are most alike become one.

Where topics begin around documents that were drawn at random, some subjects get two topics and
others share one, which no later pass mends. Of a crowd of topics most subjects have one at least.
It forms from a small part of the documents, and knows their words alone: it costs little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace import _core
from vivace.engine import CsrSource, Executor, RowTable
from vivace.engine.aligned import ThreadRoom, aligned, discard
from vivace.models.collapsed_table import CollapsedTable
from vivace.models.documents import distinct_words
from vivace.models.fading import fade_table
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics, WordPrior, column_sums, parts_of
from vivace.topics._documents import Documents, some_of
from vivace.topics._seeds import mean_documents, noise, seed_groups

# Topics of the crowd for each that is wanted, and the most tokens that they form from: 2 topics and
# 320,000 tokens are no better, 1.3 topics are worse (package descriptions; held out, likelihood).
CROWD, TOKENS = 1.6, 240_000

# Fewer tokens than this are none.
LEAST = 1e-9

# Tasks of the product of all topics with each other, which is as large as the crowd squared.
TASKS = 4

# Words that are added to at a time: they are copied for it.
FEW_WORDS = 64


def first_topics(
    model: LatentDirichletModel,
    documents: Documents,
    executor: Executor,
    rng: np.random.RandomState,
) -> tuple[Topics, float]:
    """Topics that are unlike each other, formed from a part of the documents.

    And the mean log likelihood of a token of those documents.

    They begin around others: counted twice, what a topic began with would hold it where it is.
    Where the prior says which words a topic has, none can stand for another, and there is no crowd.
    """
    prior = model.prior.values
    chosen = _some(documents.lengths, rng)
    part = some_of(documents, chosen)
    alone = prior.shape[1] > 1 or not part.counts.nnz
    crowd = model.n_topics if alone else int(CROWD * model.n_topics)
    groups = mean_documents(documents, seed_groups(documents, crowd, rng, chosen))
    _core.give_back()  # what the groups took, before tables of topics come
    if not part.counts.nnz:
        return _with_counts(model, _added(noise(model, executor, rng), groups), executor), 0.0
    words = distinct_words([part.counts.indices, groups.indices], model.n_words)
    place = np.zeros(model.n_words, np.int32)
    place[words] = np.arange(len(words))

    def narrowed(rows: csr_array) -> csr_array:
        return csr_array((rows.data, place[rows.indices], rows.indptr), (rows.shape[0], len(words)))

    counts, weights = narrowed(part.counts), part.weights
    source = CsrSource(counts.indptr, counts.indices, counts.data, len(words), weights)
    del part, counts  # their words are those of the source
    own = WordPrior(prior if len(prior) == 1 else prior[words], len(words), crowd)
    alpha = model.alpha if alone else np.full(crowd, model.alpha.mean())
    larger = LatentDirichletModel(alpha, own, model.sweeps, seed=model.seed)

    table = CollapsedTable.around(narrowed(groups), own, alpha, executor)
    _core.give_back()  # what it took to cut out documents and words
    tokens, likelihood = fade_table(larger, source, table, executor, 1)
    found = table.counts(tokens, executor, in_place=True)
    into = np.eye(model.n_topics, dtype=found.dtype)[merged(found, model.n_topics, executor)]
    _core.give_back()  # tables of all topics with each other
    joined = _joined(found, into, executor)

    def add(part: slice, values: NDArray[Any]) -> None:
        first, last = np.searchsorted(words, (part.start, part.stop))
        for i in range(first, last, FEW_WORDS):
            few = slice(i, min(i + FEW_WORDS, last))
            values[words[few] - part.start] += joined[few]
        discard(found[first:last])

    values = noise(model, executor, rng, add)
    return _with_counts(model, values, executor), likelihood


def _joined(counts: NDArray[Any], into: NDArray[Any], executor: Executor) -> NDArray[Any]:
    """Return ``counts @ into``, which has fewer columns, in the place of its first columns."""
    n_topics, room = into.shape[1], ThreadRoom()

    def work(part: slice) -> None:
        rows = room.take("rows", (part.stop - part.start, n_topics), counts.dtype)
        counts[part, :n_topics] = np.matmul(counts[part], into, out=rows)

    executor.map(work, parts_of(len(counts)))
    return counts[:, :n_topics]


def _with_counts(model: LatentDirichletModel, counts: NDArray[Any], executor: Executor) -> Topics:
    """Topics of the prior and these counts."""
    totals = model.prior.totals + column_sums(counts, executor)
    return Topics(RowTable(len(counts), counts), model.prior, model.alpha, totals)


def _added(values: NDArray[Any], groups: csr_array) -> NDArray[Any]:
    """Add the words of each group to a column, in place."""
    topics = np.repeat(np.arange(groups.shape[0]), np.diff(groups.indptr))
    values[groups.indices, topics] += groups.data
    return values


def _some(lengths: NDArray[np.float64], rng: np.random.RandomState) -> NDArray[np.int64]:
    """Random documents of `TOKENS` tokens, but no more than half of them all."""
    order = rng.permutation(len(lengths))
    enough = int(np.searchsorted(np.cumsum(lengths[order]), TOKENS)) + 1
    return np.sort(order[: min(enough, len(lengths) // 2)])


def merged(counts: NDArray[Any], n_topics: int, executor: Executor) -> NDArray[np.int64]:
    """Make one of topics that are alike until `n_topics` are left.

    Ward's method (1963): to make one of topics with m and n tokens costs m n / (m + n) times the
    chi-squared distance of their words.

    Parameters
    ----------
    counts : array of shape (n_words, crowd)
    n_topics : int
    executor : Executor

    Returns
    -------
    merged : array of shape (crowd,)
        What becomes of each topic, from 0 to below `n_topics`.
    """
    parts = parts_of(len(counts))

    def work(first: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        # Mapped by themselves: what threads take from the allocator it keeps for them.
        product, found = (aligned((counts.shape[1],) * 2, counts.dtype, np.zeros) for _ in range(2))
        sums = np.zeros(counts.shape[1])
        for part in parts[first::TASKS]:
            own = counts[part]
            rows = aligned(own.shape, own.dtype)
            np.divide(own, np.sqrt(np.maximum(own.sum(axis=1, keepdims=True), LEAST)), out=rows)
            product += np.matmul(rows.T, rows, out=found)
            sums += own.sum(axis=0, dtype=np.float64)
        return product, sums

    products, sizes = np.zeros((counts.shape[1],) * 2), np.full(counts.shape[1], LEAST)
    for product, sums in executor.map(work, range(TASKS)):
        products += product
        sizes += sums
    costs = _costs(products, sizes, slice(None))
    np.fill_diagonal(costs, np.inf)
    topics, owner = np.arange(len(sizes)), np.arange(len(sizes))
    nearest = costs.argmin(axis=1)
    least = costs[topics, nearest]
    for _ in range(len(sizes) - n_topics):
        one = int(least.argmin())
        kept, gone = sorted((one, int(nearest[one])))
        owner[owner == gone] = kept
        sizes[kept] += sizes[gone]
        products[kept] += products[gone]
        products[:, kept] += products[:, gone]
        own = _costs(products, sizes, slice(kept, kept + 1))[0]
        own[np.isinf(costs[kept])] = np.inf  # itself, and what is gone
        costs[kept] = costs[:, kept] = own
        costs[gone] = costs[:, gone] = np.inf
        # The nearest of each: of equals the first.
        sooner = (own < least) | ((own == least) & (kept < nearest))
        nearest[sooner], least[sooner] = kept, own[sooner]
        again = (nearest == kept) & ~sooner | (nearest == gone)
        again[kept] = again[gone] = True
        nearest[again] = costs[again].argmin(axis=1)
        least[again] = costs[again, nearest[again]]
    return np.asarray(np.unique(owner, return_inverse=True)[1])


def _costs(
    products: NDArray[np.float64], sizes: NDArray[np.float64], rows: slice
) -> NDArray[np.float64]:
    """What it costs to make one of each of some topics and each topic."""
    shares, own = products.diagonal() / sizes**2, sizes[rows, None]
    costs = products[rows] * (-2.0 / own / sizes)
    costs += shares
    costs += shares[rows, None]
    costs /= 1.0 / sizes + 1.0 / own
    # Rounded: which are least alike must not depend on the order of additions in a product.
    return np.round(costs, 6, out=costs)

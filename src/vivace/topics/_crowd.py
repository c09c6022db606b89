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

from vivace.engine import CsrSource, Executor
from vivace.models.documents import distinct_words
from vivace.models.fading import fade
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics, WordPrior, parts_of
from vivace.topics._documents import Documents, some_of
from vivace.topics._seeds import mean_documents, noise, seed_groups

# Topics of the crowd for each that is wanted, and the most tokens that they form from: 2 topics and
# 320,000 tokens are no better, 1.3 topics are worse (package descriptions; held out, likelihood).
CROWD, TOKENS = 1.6, 240_000

# Fewer tokens than this are none.
LEAST = 1e-9


def first_topics(
    model: LatentDirichletModel,
    documents: Documents,
    executor: Executor,
    rng: np.random.RandomState,
) -> Topics:
    """Topics that are unlike each other, formed from a part of the documents.

    They begin around others: counted twice, what a topic began with would hold it where it is.
    Where the prior says which words a topic has, none can stand for another, and there is no crowd.
    """
    prior = model.prior.values
    chosen = _some(documents.lengths, rng)
    part = some_of(documents, chosen)
    alone = prior.shape[1] > 1 or not part.counts.nnz
    crowd = model.n_topics if alone else int(CROWD * model.n_topics)
    groups = mean_documents(documents, seed_groups(documents, crowd, rng, chosen))
    if not part.counts.nnz:
        return model.start(_added(noise(model, rng), groups))
    words = distinct_words([part.counts.indices, groups.indices], model.n_words)
    place = np.zeros(model.n_words, np.int32)
    place[words] = np.arange(len(words))

    def narrowed(rows: csr_array) -> csr_array:
        return csr_array((rows.data, place[rows.indices], rows.indptr), (rows.shape[0], len(words)))

    counts = narrowed(part.counts)
    source = CsrSource(counts.indptr, counts.indices, counts.data, len(words), part.weights)
    own = WordPrior(prior if len(prior) == 1 else prior[words], len(words), crowd)
    alpha = model.alpha if alone else np.full(crowd, model.alpha.mean())
    larger = LatentDirichletModel(alpha, own, model.sweeps, seed=model.seed)
    topics, _ = fade(larger, source, _begun(larger, narrowed(groups)), executor, 1)
    found = merged(topics.counts.values, model.n_topics)
    del topics  # as large as what follows
    values = noise(model, rng)
    values[words] += found
    return model.start(values)


def _begun(model: LatentDirichletModel, groups: csr_array) -> Topics:
    """Topics of the prior and the words of each group."""
    values = np.empty((model.n_words, model.n_topics), model.dtype)
    values[...] = model.prior.values
    return model.start(_added(values, groups))


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


def merged(counts: NDArray[Any], n_topics: int) -> NDArray[Any]:
    """Add up topics that are alike until `n_topics` are left.

    Ward's method (1963): to make one of topics with m and n tokens costs m n / (m + n) times the
    chi-squared distance of their words.

    Parameters
    ----------
    counts : array of shape (n_words, crowd)

    Returns
    -------
    merged : array of shape (n_words, n_topics)
    """
    sizes = np.maximum(counts.sum(axis=0, dtype=np.float64), LEAST)
    products = np.zeros((len(sizes), len(sizes)))
    for part in parts_of(len(counts)):
        totals = np.maximum(counts[part].sum(axis=1, keepdims=True), LEAST)
        rows = counts[part] / np.sqrt(totals, dtype=np.float64)
        products += rows.T @ rows
    costs = np.stack([_costs(products, sizes, i) for i in range(len(sizes))])
    owner = np.arange(len(sizes))
    for _ in range(len(sizes) - n_topics):
        kept, gone = sorted(divmod(int(np.argmin(costs)), len(sizes)))
        owner[owner == gone] = kept
        sizes[kept] += sizes[gone]
        products[kept] += products[gone]
        products[:, kept] += products[:, gone]
        costs[kept] = costs[:, kept] = np.where(
            np.isinf(costs[kept]), np.inf, _costs(products, sizes, kept)
        )
        costs[gone] = costs[:, gone] = np.inf
    found = np.zeros((len(counts), n_topics), counts.dtype)
    for topic, into in enumerate(np.unique(owner, return_inverse=True)[1]):
        found[:, into] += counts[:, topic]
    return found


def _costs(
    products: NDArray[np.float64], sizes: NDArray[np.float64], i: int
) -> NDArray[np.float64]:
    """What it costs to make one of topic i and each other; infinite for itself."""
    squares = products.diagonal() / sizes**2 + products[i, i] / sizes[i] ** 2
    squares -= 2.0 * products[i] / sizes / sizes[i]
    # Rounded: which are least alike must not depend on the order of additions in a product.
    costs = np.round(squares / (1.0 / sizes + 1.0 / sizes[i]), 6)
    costs[i] = np.inf
    return np.asarray(costs)

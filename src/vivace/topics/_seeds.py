"""Groups of documents that are alike, unlike each other: what topics form around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace import _core
from vivace.engine import Executor
from vivace.engine.aligned import aligned
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import parts_of
from vivace.topics._documents import Documents

# Documents to choose the first topics from, for each topic; and the tokens that they should have:
# shorter ones say little, the longest ones too much (twice as many tokens were worse).
CANDIDATES_PER_TOPIC, SEED_TOKENS = 40, 20

# A topic begins with this many documents that are alike, but with no more than a quarter of the
# candidates that there are for each. On package descriptions collapsed inference is 0.03 nats a
# token higher after any number of passes than with one document a topic.
ALIKE = 10

# Noise where documents say nothing, in shares of the prior: also where documents are equal, no two
# topics must be.
NOISE = 0.1


def mean_documents(documents: Documents, groups: list[NDArray[np.int64]]) -> csr_array:
    """The mean of the documents of each group, (groups, V)."""
    sizes = np.array([len(group) for group in groups], dtype=np.int64)
    if not len(sizes):
        return csr_array((0, documents.n_words), dtype=documents.counts.dtype)
    rows = documents.take(np.concatenate(groups))
    ends = np.concatenate([[0], np.cumsum(sizes)])
    means = csr_array((np.repeat(1.0 / sizes, sizes), np.arange(ends[-1]), ends)) @ rows
    return csr_array(means, dtype=rows.dtype)


def noise(
    model: LatentDirichletModel,
    executor: Executor,
    rng: np.random.RandomState,
    add: Callable[[slice, NDArray[Any]], None] | None = None,
) -> NDArray[Any]:
    """Counts a little above zero, so that no two topics are equal, (V, K).

    `add` is given each part of the words, and its counts to add to.
    """
    values = aligned((model.n_words, model.n_topics), model.dtype)
    prior = np.broadcast_to(model.prior.values, values.shape)
    seed, parts = int(rng.randint(2**31)), parts_of(model.n_words)

    def work(i: int) -> None:  # each part from a seed of its own, by whatever thread
        part = values[parts[i]]
        np.random.default_rng([seed, i]).random(out=part, dtype=part.dtype.type)
        part *= prior[parts[i]]
        part *= part.dtype.type(NOISE)
        if add is not None:
            add(parts[i], part)

    executor.map(work, range(len(parts)))
    return values


def seed_groups(
    documents: Documents,
    n_topics: int,
    rng: np.random.RandomState,
    left_out: NDArray[np.int64],
) -> list[NDArray[np.int64]]:
    """Documents that are alike, in groups that are not; at most one group a topic.

    The first of each group is drawn with a probability of the distance from the nearest that there
    is: as in k-means++ (Arthur and Vassilvitskii 2007), which takes the square and so more often
    documents that are unlike all others. Distance is one less the cosine of log counts weighted by
    inverse document frequency.
    """
    lengths = documents.lengths.copy()
    lengths[left_out] = 0.0
    if documents.weights is not None:
        lengths *= documents.weights > 0
    candidates = np.flatnonzero(lengths >= SEED_TOKENS)
    if len(candidates) < n_topics:
        candidates = np.flatnonzero(lengths > 0)
    if len(candidates) <= n_topics:
        return [candidates[[i]] for i in range(len(candidates))]
    most = n_topics * CANDIDATES_PER_TOPIC
    if len(candidates) > most:
        candidates = np.sort(rng.choice(candidates, most, replace=False))
    rows = documents.take(candidates)
    alike = max(1, min(ALIKE, len(candidates) // (4 * n_topics)))
    members = np.empty((n_topics, alike), np.int64)
    n_groups = _core.seed_groups(
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int32, copy=False),
        rows.data,
        rows.shape[1],
        int(rng.randint(len(candidates))),
        rng.random_sample(n_topics - 1),
        members,
    )
    return [candidates[group[group >= 0]] for group in members[:n_groups]]

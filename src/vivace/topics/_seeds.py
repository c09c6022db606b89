"""Groups of documents that are alike, unlike each other: what topics form around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.models.aligned import aligned
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


def noise(model: LatentDirichletModel, rng: np.random.RandomState) -> NDArray[Any]:
    """Parameters a little above the prior, so that no two topics are equal, (V, K)."""
    values = aligned((model.n_words, model.n_topics), model.dtype)
    prior = np.broadcast_to(model.prior.values, values.shape)
    for part in parts_of(model.n_words):
        values[part] = prior[part] * (1.0 + NOISE * rng.random_sample(values[part].shape))
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
    rows = _directions(csr_array(documents.take(candidates), dtype=np.float64))
    alike = max(1, min(ALIKE, len(candidates) // (4 * n_topics)))
    groups, taken = [], np.zeros(len(candidates), bool)
    nearest, words = np.zeros(len(candidates)), csr_array(rows.T)
    first = int(rng.randint(len(candidates)))
    while True:
        cosine = _product(words, rows, first)
        taken[first], cosine[first] = True, 2.0
        groups.append(candidates[_largest(cosine, alike)])
        if len(groups) == n_topics:
            return groups
        np.maximum(nearest, cosine, out=nearest)
        weights = np.where(taken, 0.0, np.clip(1.0 - nearest, 0.0, 1.0))
        total = weights.sum()
        if not total > 0.0:  # nothing but copies is left
            return groups
        first = int(np.searchsorted(np.cumsum(weights), rng.random_sample() * total))


def _directions(rows: csr_array) -> csr_array:
    """Log counts weighted by inverse document frequency, of length one; no row may be empty."""
    frequency = np.bincount(rows.indices, minlength=rows.shape[1])
    rows.data = np.log1p(rows.data) * np.log1p(rows.shape[0] / frequency[rows.indices])
    norms = np.sqrt(np.add.reduceat(rows.data**2, rows.indptr[:-1]))
    rows.data /= np.repeat(norms, np.diff(rows.indptr))
    return rows


def _product(words: csr_array, rows: csr_array, row: int) -> NDArray[np.float64]:
    """All rows times one of them; `words` is their transpose, of which few rows are looked at."""
    at = slice(rows.indptr[row], rows.indptr[row + 1])
    pieces = [slice(words.indptr[w], words.indptr[w + 1]) for w in rows.indices[at]]
    found = np.concatenate([words.indices[piece] for piece in pieces])
    values = zip(pieces, rows.data[at], strict=True)
    terms = np.concatenate([words.data[piece] * value for piece, value in values])
    return np.asarray(np.bincount(found, terms, rows.shape[0]))


def _largest(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Places of the n largest that are positive, the first of equals."""
    level = np.partition(values, -n)[-n]
    found = np.flatnonzero((values >= level) & (values > 0.0))
    return np.asarray(found[np.argsort(-values[found], kind="stable")[:n]])

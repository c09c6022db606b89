"""Where a fit starts: random topics, topics that were given, or topics that form around documents.

Random topics are all much alike, and variational inference of short documents hardly leaves them:
every document takes a little of each. Here small groups of documents, unlike each other, are the
first topics, and collapsed inference takes in the others a few at a time, so that they meet topics
that differ. Which documents, and their order, are drawn at random: that of the corpus does not
matter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.engine import CsrSource, ThreadExecutor
from vivace.models.cvb0 import CollapsedModel
from vivace.models.fading import fading_passes
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics, WordPrior, parts_of
from vivace.topics._documents import Documents
from vivace.topics._parameters import positive

# Random topics: Gamma with this shape and mean 1, as in scikit-learn.
START_SHAPE = 100.0

# Documents to choose the first topics from, for each topic; and the tokens that they should have:
# shorter ones say little, the longest ones too much (twice as many tokens were worse).
CANDIDATES_PER_TOPIC, SEED_TOKENS = 40, 20

# A topic begins with this many documents that are alike, but with no more than a quarter of the
# candidates that there are for each. On package descriptions collapsed inference is 0.03 nats a
# token higher after any number of passes than with one document a topic.
ALIKE = 10

# Passes of collapsed inference before variational inference goes on.
PASSES_BEFORE_VB = 10

# These passes have priors that are smaller by this: variational inference shares tokens out by
# exp(digamma(x)), about x - 1/2, and so does at small priors what collapsed inference does at
# smaller ones. Its bound is 0.02 nats a token higher than with the same priors.
PRIORS_OF_VB = 0.5

# Entries that these passes go over: of a larger corpus a random part is used, which fits into the
# memory that documents of a stream may take.
MOST_ENTRIES = 2**23

# From so many documents on variational inference starts from some of them unless told otherwise.
# In fewer it finds its way from a random start, which does not depend on the documents' order.
MANY_DOCUMENTS = 1_000


def drawn_topics(
    parameters: dict[str, Any],
    model: LatentDirichletModel,
    documents: Documents | None,
    rng: np.random.RandomState,
) -> Topics | None:
    """Return topics_init or random topics; None where documents are to make the topics.

    Without documents (the first that arrive may be few) they do not.
    """
    if parameters["topics_init"] is not None:
        return given_topics(parameters["topics_init"], model)
    if documents is not None:
        many = isinstance(model, CollapsedModel) or documents.n_documents >= MANY_DOCUMENTS
        default = "documents" if many else "random"
        if (parameters["init"] or default) == "documents":
            return None
    return random_topics(model, rng)


def formed_topics(
    model: LatentDirichletModel,
    documents: Documents,
    executor: ThreadExecutor,
    rng: np.random.RandomState,
) -> Topics:
    """Topics that form around documents; collapsed models go on from them in their first passes."""
    if isinstance(model, CollapsedModel):
        return document_topics(model, documents, rng)
    prior = WordPrior(model.prior.values * PRIORS_OF_VB, model.n_words, model.n_topics)
    passing = LatentDirichletModel(model.alpha * PRIORS_OF_VB, prior, model.sweeps, seed=model.seed)
    topics = document_topics(passing, documents, rng)
    source, chosen = documents.source, None
    share = MOST_ENTRIES / max(1, source.n_nonzeros)
    if share < 1.0:
        n = max(1, int(share * documents.n_documents))
        chosen = np.sort(rng.choice(documents.n_documents, n, replace=False))
    if not isinstance(source, CsrSource):
        # They are wanted in a random order: read once, and in memory.
        which = slice(None) if chosen is None else chosen
        rows = documents.take(which)
        weights = None if documents.weights is None else documents.weights[which]
        source = CsrSource(rows.indptr, rows.indices, rows.data, rows.shape[1], weights)
        chosen = None
    found = fading_passes(
        passing, source, topics, executor, PASSES_BEFORE_VB, chosen, documents.n_tokens
    )
    totals = found.totals + (model.prior.totals - prior.totals)
    return replace(found, prior=model.prior, alpha=model.alpha, totals=totals)


def given_topics(given: Any, model: LatentDirichletModel) -> Topics:
    """Topics from the parameter topics_init."""
    shape = (model.n_topics, model.n_words)
    values = positive(given, "topics_init", shape, "n_components, words of the vocabulary")
    return model.start(values.T)


def random_topics(model: LatentDirichletModel, rng: np.random.RandomState) -> Topics:
    """Topics of independent random weights, those of scikit-learn for the same generator."""
    values = rng.gamma(START_SHAPE, 1.0 / START_SHAPE, (model.n_topics, model.n_words))
    return model.start(values.T)


def document_topics(
    model: LatentDirichletModel, documents: Documents, rng: np.random.RandomState
) -> Topics:
    """The mean of a group of documents a topic, and a little noise where documents say nothing."""
    values = np.empty((model.n_words, model.n_topics), model.dtype)
    prior = np.broadcast_to(model.prior.values, values.shape)
    for part in parts_of(model.n_words):
        # No two topics must be equal, also where documents are.
        values[part] = prior[part] * (1.0 + 0.1 * rng.random_sample(values[part].shape))
    for k, group in enumerate(seed_groups(documents, model.n_topics, rng)):
        rows = documents.take(group)
        np.add.at(values[:, k], rows.indices, rows.data / len(group))
    return model.start(values)


def seed_groups(
    documents: Documents, n_topics: int, rng: np.random.RandomState
) -> list[NDArray[np.int64]]:
    """Documents that are alike, in groups that are not; at most one group a topic.

    The first of each group is drawn with a probability of the distance from the nearest that there
    is: as in k-means++ (Arthur and Vassilvitskii 2007), which takes the square and so more often
    documents that are unlike all others. Distance is one less the cosine of log counts weighted by
    inverse document frequency.
    """
    lengths = documents.lengths
    if documents.weights is not None:
        lengths = lengths * (documents.weights > 0)
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
    nearest, dense = np.zeros(len(candidates)), np.zeros(rows.shape[1])
    first = int(rng.randint(len(candidates)))
    while True:
        at = slice(rows.indptr[first], rows.indptr[first + 1])
        dense[rows.indices[at]] = rows.data[at]
        cosine = rows @ dense
        dense[rows.indices[at]] = 0.0
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


def _largest(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Places of the n largest that are positive, the first of equals."""
    level = np.partition(values, -n)[-n]
    found = np.flatnonzero((values >= level) & (values > 0.0))
    return np.asarray(found[np.argsort(-values[found], kind="stable")[:n]])

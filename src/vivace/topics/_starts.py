"""Where a fit starts: random topics, topics that were given, or topics that form around documents.

Random topics are all much alike, and variational inference of short documents hardly leaves them:
every document takes a little of each. Here single documents, unlike each other, are the first
topics, and collapsed inference takes in the others a few at a time, so that they meet topics that
differ. Which documents, and their order, are drawn at random: that of the corpus does not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.engine import CsrSource, StopRule, Sweeping, ThreadExecutor, resume, run
from vivace.models.cvb0 import CollapsedModel, store_bytes
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics
from vivace.topics._documents import Documents, some_of
from vivace.topics._parameters import positive

# Random topics: Gamma with this shape and mean 1, as in scikit-learn.
START_SHAPE = 100.0

# Documents to choose the first topics from, for each topic; and the tokens that they should have:
# shorter ones say little, the longest ones too much (twice as many tokens were worse).
CANDIDATES_PER_TOPIC, SEED_TOKENS = 40, 20

# Passes of collapsed inference before variational inference goes on. The bound that it then reaches
# rises with their number: by 0.04 nats a token from 10 to 25 on package descriptions.
PASSES_BEFORE_VB = 25

# Memory that these passes may take; of a larger corpus a random part is used.
MOST_BYTES = 2**31
# Where documents are streamed because memory is short, whatever limit was set.
MOST_BYTES_OF_A_STREAM = 2**27


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
    """Topics that form around documents."""
    topics = document_topics(model, documents, rng)
    if isinstance(model, CollapsedModel):
        return topics
    return collapsed_start(model, documents, topics, executor, rng)


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
    """One document a topic, and a little noise where documents say nothing."""
    values = np.empty((model.n_words, model.n_topics))
    prior = np.broadcast_to(model.prior.values, values.shape)
    # No two topics must be equal, also where documents are.
    np.multiply(prior, 1.0 + 0.1 * rng.random_sample(values.shape), out=values)
    chosen = seed_documents(documents, model.n_topics, rng)
    counts = documents.take(chosen)
    for k in range(len(chosen)):
        at = slice(counts.indptr[k], counts.indptr[k + 1])
        values[counts.indices[at], k] += counts.data[at]
    return model.start(values)


def seed_documents(
    documents: Documents, n_topics: int, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Documents that are unlike each other, at most one a topic.

    Drawn one after the other with a probability of the squared distance from the nearest that
    there is, as in k-means++ (Arthur and Vassilvitskii 2007). Distance is one less the cosine of
    log counts weighted by inverse document frequency.
    """
    lengths = documents.lengths
    if documents.weights is not None:
        lengths = lengths * (documents.weights > 0)
    candidates = np.flatnonzero(lengths >= SEED_TOKENS)
    if len(candidates) < n_topics:
        candidates = np.flatnonzero(lengths > 0)
    if len(candidates) <= n_topics:
        return candidates
    most = n_topics * CANDIDATES_PER_TOPIC
    if len(candidates) > most:
        candidates = np.sort(rng.choice(candidates, most, replace=False))
    rows = csr_array(documents.take(candidates), dtype=np.float64)
    frequency = np.bincount(rows.indices, minlength=rows.shape[1])
    rows.data = np.log1p(rows.data) * np.log1p(len(candidates) / frequency[rows.indices])
    sizes = np.diff(rows.indptr)
    norms = np.sqrt(np.add.reduceat(rows.data**2, rows.indptr[:-1]))
    rows.data /= np.repeat(norms, sizes)
    chosen = [int(rng.randint(len(candidates)))]
    nearest = np.zeros(len(candidates))
    for _ in range(n_topics - 1):
        last = rows[[chosen[-1]]].toarray()[0]
        np.maximum(nearest, rows @ last, out=nearest)
        weights = np.clip(1.0 - nearest, 0.0, 1.0) ** 2
        weights[chosen] = 0.0
        total = weights.sum()
        if not total > 0.0:  # nothing but copies is left
            break
        chosen.append(int(np.searchsorted(np.cumsum(weights), rng.random_sample() * total)))
    return np.asarray(candidates[chosen])


def collapsed_start(
    model: LatentDirichletModel,
    documents: Documents,
    topics: Topics,
    executor: ThreadExecutor,
    rng: np.random.RandomState,
) -> Topics:
    """Topics after some passes of collapsed inference from `topics`, for variational inference."""
    collapsed = CollapsedModel(model.alpha, model.prior, model.sweeps, seed=model.seed)
    source, n_documents = documents.source, documents.n_documents
    most = MOST_BYTES if isinstance(source, CsrSource) else MOST_BYTES_OF_A_STREAM
    share = most / max(1, store_bytes(collapsed, source.n_nonzeros))
    part = documents
    if share < 1.0:
        n = max(1, int(share * n_documents))
        part = some_of(documents, np.sort(rng.choice(n_documents, n, replace=False)))
    collapsed.store = "full"
    fit = resume(topics, collapsed.statistics_of(topics))
    rule = StopRule(0.0, PASSES_BEFORE_VB)
    run(collapsed, part.source, part.layout(), Sweeping(), executor, fit, rule)
    found: Topics = fit.posterior
    if share < 1.0:  # as if all documents had been seen
        factor = documents.n_tokens / max(part.n_tokens, 1.0)
        return model.start(found.counts.values * model.dtype.type(factor) + model.prior.values)
    return found

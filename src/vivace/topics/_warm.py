"""Going on from an earlier fit: topics, and for the same documents what is known about each."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from vivace.engine import Fit, Layout, LocalStore, RowTable, Statistics, resume
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics
from vivace.topics._corpus_streams import StreamSource
from vivace.topics._documents import Documents

if TYPE_CHECKING:
    from vivace.topics._fitting import Fitted


@dataclass
class Carry:
    """What a fit leaves for the next one on the same documents.

    Attributes
    ----------
    key : bytes
        Of the documents, their weights and the priors that local terms of the bound depend on.
    layout, local, batch_statistics, elbo
        As the engine's `Fit` left them.
    """

    key: bytes
    layout: Layout | None
    local: LocalStore
    batch_statistics: dict[int, Statistics] | None
    elbo: float


def carry_of(fit: Fit, model: LatentDirichletModel, documents: Documents) -> Carry:
    """Return what the fit leaves."""
    key = _key(model, documents)
    return Carry(key, fit.layout, fit.local, fit.batch_statistics, fit.elbo)


def warm_fit(
    previous: Fitted, parameters: dict[str, Any], model: LatentDirichletModel, documents: Documents
) -> Fit:
    """Return a fit that goes on from the previous topics; learned priors go on too.

    Raises
    ------
    ValueError
        Another number of topics.
    """
    old = previous.topics
    if old.n_topics != model.n_topics:
        raise ValueError(
            f"warm_start=True goes on from the previous fit, so n_components must stay "
            f"{old.n_topics}; got {model.n_topics}. Set warm_start=False to start afresh."
        )
    # A copy: should this fit fail, the previous one is still there.
    counts = RowTable(old.n_words, old.counts.dense().astype(model.dtype, copy=False))
    prior = model.prior
    if model.learn_prior and old.prior.number is not None and old.dtype == model.dtype:
        prior = old.prior
    alpha = old.alpha if model.learn_alpha else model.alpha
    totals = prior.totals + (old.totals - old.prior.totals)
    topics = Topics(counts, prior, alpha, totals, old.seen)
    statistics = model.statistics_of(topics)
    for name in ("local", "documents", "tokens", "log_theta"):
        if name in statistics and name in previous.statistics:
            statistics[name][...] = previous.statistics[name]
    carry, step = previous.carry, previous.step
    if carry is None or carry.key != _key(model, documents):
        return resume(topics, statistics, step=step)
    # A stochastic bound is none to compare with.
    elbo = carry.elbo if parameters["learning_method"] != "online" else -np.inf
    return resume(
        topics,
        statistics,
        elbo=elbo,
        step=step,
        layout=carry.layout,
        local=carry.local,
        batch_statistics=carry.batch_statistics,
    )


def _key(model: LatentDirichletModel, documents: Documents) -> bytes:
    counts = documents.counts
    stream = isinstance(documents.source, StreamSource)
    weights = np.zeros(0) if documents.weights is None else documents.weights
    # Statistics of batches hold the terms of a given alpha.
    alpha = np.zeros(0) if model.learn_alpha else model.alpha
    digest = blake2b(repr((counts.shape, str(model.dtype), model.learn_alpha)).encode())
    if stream:
        digest.update(counts.fingerprint.encode())
        found: tuple[Any, ...] = (documents.lengths,)
    else:
        found = (counts.indptr, counts.indices, counts.data)
    for array in (*found, weights, alpha):
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()

"""What the comparison of transform shares: the topics, and the bound."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from benchmarks import data
from benchmarks.versus.corpora import Corpus

CHUNK = 65_536  # entries at a time: bounds the memory of the bound
# Priors of the topics that leave words of the test documents likely enough.
FITTED = {"max_iter": 20, "doc_topic_prior": 0.05, "topic_word_prior": 0.1, "random_state": 0}


def given_topics(corpus: Corpus, share: float, n_components: int) -> NDArray[np.float64]:
    """Return Dirichlet parameters of topics (topics x words), fitted once and kept for all."""
    path = data.CACHE / f"topics-{corpus.name}-{n_components}-{share:g}.npy"
    if not path.exists():
        from vivace import LatentDirichletAllocation

        X = corpus.train[: round(share * corpus.train.shape[0])].astype(np.float32)
        model = LatentDirichletAllocation(n_components, **FITTED)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, model.fit(X).components_.astype(np.float64))
    return np.load(path)


def bound_of(components: NDArray[Any], alpha: float, X: Any, gamma: NDArray[Any]) -> float:
    """Return the documents' terms of the bound, one formula for every library.

    `components` (topics x words) and `gamma` (documents x topics) are Dirichlet parameters.
    """
    gamma = np.asarray(gamma, np.float64)
    components = np.asarray(components, np.float64)
    total_of_topic = components.sum(axis=1, keepdims=True)
    log_beta = np.ascontiguousarray((digamma(components) - digamma(total_of_topic)).T)
    log_theta = digamma(gamma) - digamma(gamma.sum(axis=1, keepdims=True))
    n_topics = gamma.shape[1]
    total = ((alpha - gamma) * log_theta).sum() + gammaln(gamma).sum()
    total -= gammaln(gamma.sum(axis=1)).sum()
    total += len(gamma) * (gammaln(n_topics * alpha) - n_topics * gammaln(alpha))
    rows = np.repeat(np.arange(len(gamma)), np.diff(X.indptr))
    for i in range(0, X.nnz, CHUNK):
        part = slice(i, i + CHUNK)
        scores = log_theta[rows[part]] + log_beta[X.indices[part]]
        top = scores.max(axis=1)
        total += X.data[part] @ (top + np.log(np.exp(scores - top[:, None]).sum(axis=1)))
    return float(total)

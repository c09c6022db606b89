"""What the comparison of transform shares: topics that nobody made for himself, and the bound."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import digamma, gammaln

from benchmarks import data
from benchmarks.versus.corpora import Corpus

CHUNK = 65_536  # entries at a time: bounds the memory of the bound
PASSES, PSEUDO = 20, 0.01


def given_topics(corpus: Corpus, share: float, n_components: int) -> NDArray[np.float64]:
    """Return Dirichlet parameters of topics (topics x words), made once and kept.

    They come from a plain EM of the multinomial mixture of documents: of no library that is
    compared, and as concentrated as fitted topics are.
    """
    path = data.CACHE / f"topics-{corpus.name}-{n_components}-{share:g}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, _mixture(corpus.train[: round(share * corpus.train.shape[0])], n_components))
    return np.load(path)


def _mixture(train: Any, n_components: int) -> NDArray[np.float64]:
    counts = sparse.csr_matrix(train, dtype=np.float64)
    rng = np.random.default_rng(0)
    components = counts[rng.choice(counts.shape[0], 10 * n_components, replace=False)].toarray()
    components = components.reshape(n_components, 10, -1).sum(axis=1) + PSEUDO
    weights = np.full(n_components, 1.0 / n_components)
    for _ in range(PASSES):
        scores = counts @ np.log(components / components.sum(axis=1, keepdims=True)).T
        scores += np.log(weights)
        scores -= scores.max(axis=1, keepdims=True)
        resp = np.exp(scores)
        resp /= resp.sum(axis=1, keepdims=True)
        components = (counts.T @ resp).T + PSEUDO
        weights = (resp.sum(axis=0) + 1.0) / (len(resp) + n_components)
    return components


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

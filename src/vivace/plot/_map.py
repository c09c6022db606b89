"""Where topics lie to one another, and which words tell most about them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Logarithms taken for all pairs of topics, some seconds; of larger models the rarer words are
#: taken together, which makes distances smaller by next to nothing.
_LOGARITHMS = 200_000_000


def topic_distances(probability: Array) -> Array:
    """Jensen-Shannon distances between topics, (K, K).

    The square root of the divergence (natural logarithms), a metric from 0 to sqrt(ln 2) that
    embeds in Euclidean space (Endres and Schindelin, 2003; Fuglede and Topsoe, 2004).

    Parameters
    ----------
    probability : (K, V)
        Of each word in each topic; rows sum to 1.
    """
    p = _fewer_words(np.asarray(probability, dtype=np.float64))
    k = len(p)
    own = _entropy(p)
    found = np.zeros((k, k))
    for i in range(k - 1):
        mixed = _entropy(0.5 * (p[i] + p[i + 1 :]))
        found[i, i + 1 :] = np.sqrt(np.maximum(mixed - 0.5 * (own[i] + own[i + 1 :]), 0.0))
    return found + found.T


def classical_scaling(distances: Array) -> Array:
    """Points in the plane whose distances are nearest to those given, (K, 2).

    The two largest principal coordinates (Torgerson 1952; Gower 1966), each turned so that the
    largest entry is positive.
    """
    k = len(distances)
    away = np.eye(k) - 1.0 / k
    values, vectors = np.linalg.eigh(-0.5 * away @ distances**2 @ away)
    found = np.zeros((k, 2))
    for axis in range(min(2, k)):
        value, vector = values[-1 - axis], vectors[:, -1 - axis]
        if value > 1e-12:
            sign = np.sign(vector[np.argmax(np.abs(vector))])
            found[:, axis] = sign * np.sqrt(value) * vector
    return found


def middle_of(points: Array) -> tuple[Array, float]:
    """Middle of the square that holds points (K, 2), and half its side, which is above zero."""
    low, high = points.min(axis=0), points.max(axis=0)
    return 0.5 * (low + high), max(0.5 * float((high - low).max()), 1e-12)


def log_relevance(probability: Array, overall: Array, relevance: float) -> Array:
    """Relevance of words to topics, (K, V): lambda ln p(w | k) + (1 - lambda) ln p(w | k) / p(w).

    Source: Sievert and Shirley, LDAvis (2014).
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probability) - (1.0 - relevance) * np.log(overall))


def _entropy(p: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.where(p > 0.0, p * np.log(p), 0.0).sum(axis=1))


def _fewer_words(p: Array) -> Array:
    """Keep the words that are probable in some topic; the others together are one."""
    k, n_words = p.shape
    most = max(1000, 2 * _LOGARITHMS // max(1, k * k))
    if n_words <= most:
        return p
    kept = np.sort(np.argsort(-p.max(axis=0), kind="stable")[:most])
    rest = np.maximum(1.0 - p[:, kept].sum(axis=1), 0.0)
    return np.concatenate([p[:, kept], rest[:, None]], axis=1)

"""Coherence of topics: how often their top words occur in the same documents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vivace.topics._documents import Documents

Counts = NDArray[np.int64]

# Documents looked at together: a table of them and one topic's words is made at a time.
BLOCK_DOCUMENTS = 8_192


def cooccurrence(documents: Documents, words: NDArray[np.intp]) -> Counts:
    """Return (K, n, n): documents that hold each two of the words (K, n) of a topic.

    On the diagonal the documents that hold one. Memory is that of the result and of some thousand
    documents' top words; the vocabulary squared is never made.
    """
    n_topics, n = words.shape
    # Columns of other words are never looked at.
    distinct, place = np.unique(words, return_inverse=True)
    place = place.reshape(words.shape)
    found = np.zeros((n_topics, n, n), np.int64)
    for i in range(0, documents.n_documents, BLOCK_DOCUMENTS):
        block = documents.take(slice(i, i + BLOCK_DOCUMENTS))[:, distinct].tocsc()
        for k in range(n_topics):
            held = (block[:, place[k]].toarray() > 0).astype(np.float64)
            found[k] += (held.T @ held).astype(np.int64)
    return found


def npmi(found: Counts, n_documents: int) -> NDArray[np.float64]:
    """Mean normalised pointwise mutual information of pairs of words, a topic each.

    Bouma (2009), with shares of documents: ln(p_ij / (p_i p_j)) / -ln p_ij, from -1 (never
    together) over 0 (independent) to 1 (always together).
    """
    share = found / n_documents
    single = np.diagonal(share, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        joint = np.log(share)
        values = (joint - np.log(single[:, :, None] * single[:, None, :])) / -joint
    values[share == 0] = -1.0
    values[share == 1] = 1.0
    return _mean_of_pairs(values, found)


def umass(found: Counts) -> NDArray[np.float64]:
    """Mean of ln((D_ij + 1) / D_j) over pairs, j the word that comes first; a topic each.

    Mimno, Wallach, Talley, Leenders and McCallum (2011), who sum where this takes the mean.
    """
    single = np.diagonal(found, axis1=1, axis2=2)
    with np.errstate(divide="ignore"):
        values = np.log(found + 1.0) - np.log(single[:, None, :])
    return _mean_of_pairs(values, found)


def _mean_of_pairs(values: NDArray[np.float64], found: Counts) -> NDArray[np.float64]:
    """Mean below the diagonal; words that no document holds say nothing and are left out."""
    n = values.shape[1]
    seen = np.diagonal(found, axis1=1, axis2=2) > 0
    used = np.tril(np.ones((n, n), dtype=bool), -1) & seen[:, :, None] & seen[:, None, :]
    total = np.where(used, values, 0.0).sum(axis=(1, 2))
    pairs = used.sum(axis=(1, 2))
    mean = np.full(len(total), np.nan)
    np.divide(total, pairs, out=mean, where=pairs > 0)
    return mean

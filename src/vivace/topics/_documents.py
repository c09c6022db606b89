"""Checks of what users hand in: counts of words in documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import check_non_negative, validate_data

from vivace.engine import CsrSource, Layout
from vivace.estimators.checks import check_weights
from vivace.models.documents import block_rows, row_sums
from vivace.topics._corpus import counts_of


@dataclass
class Documents:
    """Checked counts in canonical compressed rows.

    Attributes
    ----------
    counts : csr_array of shape (n_documents, n_words)
        float64 or float32; no explicit zeros, no duplicates, words in order. Shares memory with
        what the user gave where that was so already.
    weights : ndarray of shape (n_documents,) or None
        Weights of the documents.
    source : CsrSource
        Reads blocks of the two.
    """

    counts: csr_array
    weights: NDArray[np.float64] | None
    source: CsrSource

    @property
    def n_documents(self) -> int:
        """Number of documents, empty ones included."""
        return int(self.counts.shape[0])

    @property
    def n_words(self) -> int:
        """Size of the vocabulary."""
        return int(self.counts.shape[1])

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Number of tokens of each document."""
        return np.asarray(row_sums(self.counts.indptr, self.counts.data))

    @property
    def n_tokens(self) -> float:
        """Weighted number of tokens."""
        lengths = self.lengths
        return float(lengths.sum() if self.weights is None else lengths @ self.weights)

    def layout(self, batch_rows: int | None = None) -> Layout:
        """Blocks and batches; None makes one batch of all documents."""
        rows = None if batch_rows is None else min(batch_rows, self.n_documents)
        return Layout(self.n_documents, rows, block_rows(self.n_documents, self.source.n_nonzeros))


def check_documents(
    estimator: Any,
    X: Any,
    sample_weight: Any = None,
    *,
    reset: bool,
    whom: str,
    dtype: np.dtype[Any] | None = None,
) -> Documents:
    """Check counts and weights; `reset` learns number and names of the columns, and the vocabulary.

    Raises
    ------
    TypeError, ValueError
        Not two-dimensional, empty, not numeric, negative, NaN or infinite, other columns than in
        fit, or weights of another length, negative, not finite or all zero.
    """
    X = validate_data(
        estimator,
        counts_of(estimator, X, reset=reset),
        reset=reset,
        accept_sparse="csr",
        dtype=[np.float64, np.float32] if dtype is None else dtype,
    )
    check_non_negative(X, f"{type(estimator).__name__}.{whom}")
    counts = _canonical(X)
    weights = check_weights(sample_weight, counts.shape[0], "document")
    source = CsrSource(counts.indptr, counts.indices, counts.data, counts.shape[1], weights)
    return Documents(counts, weights, source)


def some_of(documents: Documents, which: Any) -> Documents:
    """Documents at a slice or at an array of places."""
    counts = documents.counts[which]
    weights = None if documents.weights is None else documents.weights[which]
    source = CsrSource(counts.indptr, counts.indices, counts.data, counts.shape[1], weights)
    return Documents(counts, weights, source)


def _canonical(X: Any) -> csr_array:
    if not issparse(X):
        return csr_array(X)
    # A wrapper of the same arrays: what is found out about them is not noted in the user's object.
    counts = csr_array((X.data, X.indices, X.indptr), shape=X.shape)
    if not counts.has_canonical_format:
        counts = counts.copy()
        counts.sum_duplicates()
    if counts.data.size and not counts.data.all():
        counts = counts.copy()
        counts.eliminate_zeros()
    return counts

"""Checks of what users hand in: counts of words in documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import validate_data

from vivace import _core
from vivace.engine import CsrSource, Layout
from vivace.estimators.about import Stopwatch
from vivace.estimators.checks import check_weights, is_float32_frame
from vivace.models.collapsed_table import topic_type
from vivace.models.documents import SUMMED, block_rows, distinct_words, row_sums
from vivace.topics._corpus import counts_of
from vivace.topics._corpus_streams import StreamSource, is_stream

# Bytes of an entry in collapsed inference: the corpus once more in the order of batches, beside its
# counts. And in the lean store, by whether counts are float32, beside the topics.
CORPUS_ENTRY, LEAN_ENTRY = 11, {True: 24, False: 48}

# Limits of sampling, which keeps the number of a topic in 16 bits and the place of a token in 31.
MOST_TOPICS, MOST_TOKENS = 2**16, 2**31

# Blocks of documents of a stream that are looked at together.
PART_BLOCKS = 64


@dataclass
class Documents:
    """Checked counts in canonical compressed rows.

    Attributes
    ----------
    counts : csr_array or CorpusStream of shape (n_documents, n_words)
        float64 or float32; no explicit zeros, no duplicates, words in order. Shares memory with
        what the user gave where that was so already. Of a stream all documents, also where
        `source` reads some of them.
    weights : ndarray of shape (n_documents,) or None
        Weights of the documents.
    source : CsrSource or StreamSource
        Reads blocks of the two.
    """

    counts: Any
    weights: NDArray[np.float64] | None
    source: CsrSource | StreamSource

    @property
    def n_documents(self) -> int:
        """Number of documents, empty ones included."""
        return int(self.source.n_rows)

    @property
    def n_words(self) -> int:
        """Size of the vocabulary."""
        return int(self.counts.shape[1])

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Number of tokens of each document."""
        if isinstance(self.source, StreamSource):
            return self.source.lengths
        return np.asarray(row_sums(self.counts.indptr, self.counts.data))

    def forget(self) -> None:
        """Let go of what is made again where it is asked for: lengths."""
        self.__dict__.pop("lengths", None)

    @property
    def n_tokens(self) -> float:
        """Weighted number of tokens."""
        lengths = self.lengths
        return float(lengths.sum() if self.weights is None else lengths @ self.weights)

    def take(self, which: Any) -> csr_array:
        """Return the counts of some documents."""
        if isinstance(self.source, StreamSource):
            return self.source.take(which)
        return self.counts[which]

    def words(self) -> NDArray[np.int32]:
        """Return the words that occur, rising."""
        source = self.source
        if not isinstance(source, StreamSource):
            return distinct_words([self.counts.indices], self.n_words)
        found = (source.read(*block).data.columns for block in self.blocks())
        return distinct_words(found, self.n_words)

    def word_counts(self) -> NDArray[np.float64]:
        """Return the sum of each column."""
        source = self.source
        if not isinstance(source, StreamSource):
            return np.asarray(self.counts.sum(axis=0, dtype=np.float64)).ravel()
        total = np.zeros(self.n_words)
        for part in self.parts():
            total += part.word_counts()
        return total

    def parts(self) -> Iterator[Documents]:
        """Yield the documents in parts that fit into memory: those of a stream, else all."""
        if not isinstance(self.source, StreamSource):
            yield self
            return
        rows = self.layout().block_rows * PART_BLOCKS
        for start in range(0, self.n_documents, rows):
            yield some_of(self, slice(start, min(start + rows, self.n_documents)))

    def blocks(self) -> list[tuple[int, int]]:
        """Return (start, stop) of the blocks of all documents."""
        layout = self.layout()
        return layout.blocks(layout.batches[0])

    def layout(self, batch_rows: int | None = None) -> Layout:
        """Blocks and batches; None makes one batch of all documents."""
        rows = None if batch_rows is None else min(batch_rows, self.n_documents)
        size = block_rows(self.n_documents, self.source.n_nonzeros, rows)
        return Layout(self.n_documents, rows, size)


def check_documents(
    estimator: Any,
    X: Any,
    sample_weight: Any = None,
    *,
    reset: bool,
    whom: str,
    dtype: Any = None,
) -> Documents:
    """Check counts and weights; `reset` learns number and names of the columns, and the vocabulary.

    Raises
    ------
    TypeError, ValueError
        Not two-dimensional, empty, not numeric, negative, NaN or infinite, other columns than in
        fit, or weights of another length, negative, not finite or all zero.
    """
    X = counts_of(estimator, X, reset=reset, dtype=dtype)
    if is_stream(X):
        weights = check_weights(sample_weight, len(X), "document")
        return Documents(X, weights, StreamSource(X, weights))
    if dtype is None:
        dtype = np.float32 if is_float32_frame(X) else [np.float64, np.float32]
    X = validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=dtype,
        ensure_all_finite=False,
    )
    _check_counts(X, f"{type(estimator).__name__}.{whom}")
    counts = _canonical(X)
    weights = check_weights(sample_weight, counts.shape[0], "document")
    source = CsrSource(counts.indptr, counts.indices, counts.data, counts.shape[1], weights)
    return Documents(counts, weights, source)


def check_memory(parameters: dict[str, Any], documents: Documents) -> None:
    """Refuse collapsed inference of documents of a stream that its memory cannot hold.

    Raises
    ------
    ValueError
        The message says how much it takes.
    """
    stream = documents.counts
    inference = parameters["inference"]
    if inference == "vb" or not isinstance(documents.source, StreamSource):
        return
    topics = int(parameters["n_components"])
    single = stream.dtype == np.float32
    lean = parameters["cvb0_store"] != "full"
    entry: float = topics * (2 if single else 4)
    if lean:
        entry = LEAN_ENTRY[single] + _core.cvb0_lean_entries * topic_type(topics)().itemsize
    if inference == "gibbs":
        token = topic_type(topics)().itemsize
        entry = token * documents.n_tokens / max(1, documents.source.n_nonzeros)
    least = documents.source.n_nonzeros * (CORPUS_ENTRY + stream.dtype.itemsize + entry)
    least += 3 * documents.n_words * topics * stream.dtype.itemsize
    if least > stream.memory:
        raise ValueError(
            f"inference={inference!r} keeps something of every count: {stream.name} takes at least "
            f"{least / 1e6:,.0f} MB of memory, got {stream.memory / 1e6:,.0f}. Give more memory, "
            "or use inference='vb' with learning_method='online'."
        )


def check_tokens(parameters: dict[str, Any], documents: Documents) -> None:
    """Refuse what sampling cannot take apart into tokens of equal weight, and too many topics.

    Raises
    ------
    ValueError
        The message names the remedy.
    """
    if parameters["inference"] != "gibbs":
        return
    wrong, remedy = None, "Use inference='cvb0' for such documents."
    if int(parameters["n_components"]) > MOST_TOPICS:
        wrong, remedy = f"n_components={parameters['n_components']}", "Use inference='cvb0'."
    elif documents.weights is not None:
        wrong = "sample_weight"
    else:
        odd = _fraction(documents)
        wrong = None if odd is None else f"a count of {odd:g}"
    if wrong is None and not documents.n_tokens < MOST_TOKENS:
        wrong = f"{documents.n_tokens:.0f} tokens"
    if wrong is not None:
        raise ValueError(
            "inference='gibbs' draws a topic for every token: counts must be whole numbers without "
            f"sample_weight, for up to {MOST_TOPICS:,} topics and {MOST_TOKENS:,} tokens; got "
            f"{wrong}. {remedy}"
        )


def _fraction(documents: Documents) -> float | None:
    """Return the first count that is no whole number, None without one."""
    source = documents.source
    if not isinstance(source, StreamSource):
        return first_fraction(documents.counts.data)
    for block in documents.blocks():
        odd = first_fraction(source.read(*block).data.values)
        if odd is not None:
            return odd
    return None


def first_fraction(values: NDArray[Any]) -> float | None:
    """Return the first value that is no whole number, None without one."""
    for i in range(0, len(values), SUMMED):
        part = values[i : i + SUMMED]
        odd = part != np.floor(part)
        if odd.any():
            return float(part[odd.argmax()])
    return None


def about_documents(
    watch: Stopwatch, documents: Documents, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What is remembered of a fit, or of another batch after what was known `before`."""
    n = documents.n_documents
    if before is None:
        tokens = float(documents.n_tokens)
        return watch.about(documents.source, n, "documents", n_tokens=tokens)
    seen = before.get("data", {}).get("n_documents", 0)
    return watch.about_more(before, n_documents=int(seen) + n)


def some_of(documents: Documents, which: Any) -> Documents:
    """Documents at a slice or at an array of places, which rise."""
    source = documents.source
    most = not isinstance(which, slice) and 2 * len(which) > documents.n_documents
    if most and isinstance(source, StreamSource):
        weights = None if documents.weights is None else documents.weights[which]
        return Documents(documents.counts, weights, source.chosen(which))
    counts = documents.take(which)
    weights = None if documents.weights is None else documents.weights[which]
    source = CsrSource(counts.indptr, counts.indices, counts.data, counts.shape[1], weights)
    return Documents(counts, weights, source)


def _check_counts(X: Any, whom: str) -> None:
    """Raise unless all counts are finite and not negative; the message says where one is not."""
    values = X.data if issparse(X) else X
    if not values.size or (values.min() >= 0 and values.max() < np.inf):
        return
    at = int(np.argmin((values >= 0) & (values < np.inf)))
    if issparse(X):
        document, word = int(np.searchsorted(X.indptr, at, side="right")) - 1, X.indices[at]
    else:
        document, word = divmod(at, X.shape[1])
    value = values.flat[at]
    where = f"the first is {value} for word {word} of document {document}, counted from 0"
    remedy = "Counts of words are 0 or more: pass them as they were counted."
    if -np.inf < value < 0:
        raise ValueError(f"Negative values in data passed to {whom}: {where}. {remedy}")
    what = "NaN" if np.isnan(value) else "infinity"
    raise ValueError(f"Input X of {whom} contains {what}: {where}. {remedy}")


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

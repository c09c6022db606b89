"""Documents at fixed topics by collapsed inference: what they make of words that were held back.

The shares of a document's topics are integrated out, and every word is looked at in turn with its
own share left out, as in collapsed variational Bayes of order zero (Asuncion, Welling, Smyth and
Teh 2009). Shares of topics found in this way predict the rest of a document better than those of
the variational step (docs/guide/topics.md has numbers).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import Executor
from vivace.engine.aligned import aligned
from vivace.models.documents import Array, Sweeps
from vivace.models.topics import Topics, parts_of


def fold_in(
    topics: Topics,
    source: Any,
    words: NDArray[np.int32],
    blocks: list[tuple[int, int]],
    sweeps: Sweeps,
    executor: Executor,
) -> Array:
    """Return the documents' prior plus expected counts of topics, (n_documents, K).

    Parameters
    ----------
    source : CsrSource or another source of compressed rows
        Counts in the precision of the topics.
    words : (W,) of int32
        The words that occur, rising.
    blocks : list of (start, stop)
        How the documents are cut.
    """
    dtype, n_topics = topics.dtype, topics.n_topics
    stride = _core.topic_stride(n_topics, dtype == np.float32)
    table, alpha = aligned((len(words), stride), dtype), np.zeros(stride, dtype)
    alpha[:n_topics] = topics.alpha

    def fill(part: slice) -> None:
        mean = topics.mean(words[part])
        table[part, :n_topics] = mean / mean.max(axis=1, keepdims=True)
        table[part, n_topics:] = 0

    executor.map(fill, parts_of(len(words)))
    slots = np.zeros(topics.n_words, np.int32)
    slots[words] = np.arange(len(words), dtype=np.int32)
    gamma = np.empty((source.n_rows, n_topics), dtype)

    def work(block: tuple[int, int]) -> None:
        rows = source.read(*block).data
        counts = rows.values.astype(dtype, copy=False)
        here = gamma[block[0] : block[1]]
        _core.topic_fold_in(
            table,
            rows.start,
            slots[rows.columns],
            counts,
            alpha,
            sweeps.most,
            sweeps.tolerance,
            here,
        )

    executor.map(work, blocks)
    return gamma

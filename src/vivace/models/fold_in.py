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


class FoldIn:
    """Collapsed inference of documents at fixed topics, block by block.

    Parameters
    ----------
    topics : Topics
        The topics.
    source : CsrSource or another source of compressed rows
        Counts in the precision of the topics.
    words : (W,) of int32
        The words that occur, rising.
    sweeps : Sweeps
        When a document is done.
    executor : Executor
        Shares the work of the table.
    """

    def __init__(
        self,
        topics: Topics,
        source: Any,
        words: NDArray[np.int32],
        sweeps: Sweeps,
        executor: Executor,
    ) -> None:
        dtype, n_topics = topics.dtype, topics.n_topics
        stride = _core.topic_stride(n_topics, dtype == np.float32)
        table, alpha = aligned((len(words), stride), dtype), np.zeros(stride, dtype)
        alpha[:n_topics] = topics.alpha

        def fill(part: slice) -> None:
            mean = topics.mean(words[part])
            table[part, :n_topics] = mean / mean.max(axis=1, keepdims=True)
            table[part, n_topics:] = 0

        executor.map(fill, parts_of(len(words)))
        self._slots = np.zeros(topics.n_words, np.int32)
        self._slots[words] = np.arange(len(words), dtype=np.int32)
        self._source, self._table, self._alpha, self._sweeps = source, table, alpha, sweeps

    def __call__(self, block: tuple[int, int], gamma: Array) -> None:
        """Fill in prior plus expected counts of topics of the block's documents, (n, K)."""
        rows = self._source.read(*block).data
        _core.topic_fold_in(
            self._table,
            rows.start,
            self._slots[rows.columns],
            rows.values.astype(gamma.dtype, copy=False),
            self._alpha,
            self._sweeps.most,
            self._sweeps.tolerance,
            gamma,
        )

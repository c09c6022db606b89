"""The table of topics that collapsed inference works on, and documents that are visited with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace import _core
from vivace.engine import Block, Executor
from vivace.engine.aligned import Room, aligned, discard
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Doubles, Topics, WordPrior, column_sums, parts_of

# With totals above this 1 / (total - x) is 1 / total + x / total^2 to the precision of the type.
LARGE_TOTAL = {np.dtype(np.float32): 1e3, np.dtype(np.float64): 1e5}

# Topics whose numbers fit into bytes.
MOST_IN_BYTES = 2**8

# Entries of one call, about a tenth of a second: an interrupt waits for it.
CALL_ENTRIES = 1_000_000

# Entries x topics of a block of documents: some tens of microseconds, so that several threads get
# equal shares of a batch. And the fewest entries: each block waits for memory of others at its
# ends.
BLOCK_WORK, MIN_BLOCK_ENTRIES = 30_000, 200


class Visited:
    """Documents in the order of their visits, and the responsibilities of their entries.

    Parameters
    ----------
    model : LatentDirichletModel
        Gives precision and number of topics.
    block : Block
        Documents in compressed rows.
    order : array of int64
        Those that are visited, in this order.
    edges : array of int
        Where the batches begin in `order`, and its length.
    lean : bool, default=False
        Keep the largest responsibilities only.
    room : Room, optional
        Has the arrays of documents that were visited before and are forgotten.
    """

    def __init__(
        self,
        model: LatentDirichletModel,
        block: Block,
        order: NDArray[np.int64],
        edges: NDArray[np.int64],
        lean: bool = False,
        room: Room | None = None,
    ) -> None:
        room = Room() if room is None else room
        rows, dtype = block.data, model.dtype
        self.corpus = corpus = _core.Cvb0Corpus(
            rows.start,
            rows.columns,
            rows.values.astype(dtype, copy=False),
            block.weights,
            rows.n_columns,
            order,
            edges,
            max(MIN_BLOCK_ENTRIES, BLOCK_WORK // model.n_topics),
        )
        width = changed = model.n_topics
        self.kept = None
        if lean:
            changed = _core.topic_stride(model.n_topics, dtype == np.float32)
            width = _core.cvb0_lean_entries
            self.kept = aligned((corpus.n_entries, width), topic_type(model.n_topics))
        narrow = np.uint16 if dtype == np.float32 else np.float32
        self.gamma = room.take("gamma", (corpus.n_entries, width), narrow)
        # What a batch changes the responsibilities from, or for a lean store by.
        self.change = room.take("change", (corpus.most_entries, changed), dtype if lean else narrow)
        self.factors = np.empty(corpus.most_entries, dtype)
        self.moved = np.empty((corpus.most_blocks, model.n_topics))
        self.likelihood = np.zeros(corpus.n_blocks)


def topic_type(n_topics: int) -> type[np.uint8 | np.uint16]:
    """Return the type of a topic's number."""
    return np.uint8 if n_topics <= MOST_IN_BYTES else np.uint16


class CollapsedTable:
    """Prior + expected counts, padded to whole vectors, with the sums of its columns.

    Attributes
    ----------
    values : array (V, stride)
        Zeros from column K on.
    sums : (K,)
        Of each topic.
    prior : WordPrior
    alpha : (K,)
        Prior of a document's topics.
    """

    def __init__(
        self, values: NDArray[Any], sums: Doubles, prior: WordPrior, alpha: Doubles
    ) -> None:
        self.values, self.sums, self.prior, self.alpha = values, sums, prior, alpha
        stride = values.shape[1]
        self._alpha = aligned((stride,), values.dtype, make=np.zeros)
        self._alpha[: len(alpha)] = alpha
        self._least = 0.5 * float(prior.values.min()), 0.5 * float(alpha.min())
        self._totals, self._inverse = (aligned((stride,), values.dtype) for _ in range(2))

    @classmethod
    def of(cls, topics: Topics, executor: Executor, spent: bool = False) -> CollapsedTable:
        """Return the table of these topics; where they are `spent`, nobody reads them again."""
        values = _empty(topics.prior)

        def work(part: slice) -> None:
            topics.parameters(part, out=values[part, : topics.n_topics])
            if spent:
                discard(topics.counts.values[part])

        executor.map(work, parts_of(topics.n_words))
        return cls(values, topics.totals.copy(), topics.prior, topics.alpha)

    @classmethod
    def around(
        cls, groups: csr_array, prior: WordPrior, alpha: Doubles, executor: Executor
    ) -> CollapsedTable:
        """Return a table in which each topic has the counts of a group, (groups, V)."""
        values = _empty(prior)
        counts = values[:, : prior.shape[1]]
        counts[groups.indices, np.repeat(np.arange(groups.shape[0]), np.diff(groups.indptr))] += (
            groups.data
        )
        sums = prior.totals + column_sums(counts, executor)

        def work(part: slice) -> None:
            counts[part] += prior.of(part)

        executor.map(work, parts_of(len(counts)))
        return cls(values, sums, prior, alpha)

    def counts(self, n_tokens: float, executor: Executor, in_place: bool = False) -> NDArray[Any]:
        """Return the table's counts, (V, K), as shares of `n_tokens`; the table is gone.

        Changed in place the rows lie as far apart as its own.
        """
        n_words, n_topics = self.prior.shape
        held = float((self.sums - self.prior.totals).sum())
        factor = self.values.dtype.type(n_tokens / held if held > 0.0 else 1.0)
        table = self.values[:, :n_topics]
        counts = table if in_place else aligned((n_words, n_topics), table.dtype)

        def take(part: slice) -> None:
            np.subtract(table[part], self.prior.of(part), out=counts[part])
            np.maximum(counts[part], 0.0, out=counts[part])
            counts[part] *= factor
            if not in_place:
                discard(self.values[part])

        executor.map(take, parts_of(n_words))
        return counts

    def visit(self, visited: Visited, sweeps: int, fresh: bool, executor: Executor) -> float:
        """Update every entry, batch by batch.

        Parameters
        ----------
        visited : Visited
            The documents.
        sweeps : int
            Times that a document is gone over when its turn has come.
        fresh : bool
            The table holds nothing of these documents yet.
        executor : Executor
            Its threads share the work.

        Returns
        -------
        likelihood : float
            Sum over tokens of the log likelihood, each predicted from all others.
        """
        n_topics, dtype, corpus = len(self.sums), self.values.dtype, visited.corpus
        self._totals[:], self._inverse[:] = np.inf, 0.0
        self._totals[:n_topics] = self.sums
        self._inverse[:n_topics] = 1.0 / self.sums
        divide = bool(self.sums.min() < LARGE_TOTAL[dtype])
        threads = range(getattr(executor, "n_threads", 1))
        batches = corpus.n_batches
        step = max(1, batches * CALL_ENTRIES // max(1, corpus.n_entries))
        for start in range(0, batches, step):
            stop = min(batches, start + step)
            marks = np.zeros(4 * (stop - start), np.int64)

            def work(thread: int, start: int = start, stop: int = stop, marks: Any = marks) -> None:
                _core.cvb0_visit(
                    corpus,
                    self.values,
                    self.sums,
                    self._totals,
                    self._inverse,
                    self._alpha,
                    visited.gamma,
                    visited.kept,
                    visited.change,
                    visited.factors,
                    visited.moved,
                    visited.likelihood,
                    marks,
                    start,
                    stop,
                    sweeps,
                    fresh,
                    divide,
                    *self._least,
                    thread % 2 == 1,
                )

            executor.map(work, threads)
        return float(visited.likelihood.sum())


def _empty(prior: WordPrior) -> NDArray[Any]:
    """Zeros for a table of this prior."""
    dtype, (n_words, n_topics) = prior.values.dtype, prior.shape
    stride = _core.topic_stride(n_topics, dtype == np.float32)
    return aligned((n_words, stride), dtype, make=np.zeros)

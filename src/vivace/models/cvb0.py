"""Collapsed variational Bayes of order zero for latent Dirichlet allocation.

Topics and documents' shares are integrated out; what is left is the responsibilities gamma of each
entry (a word of a document), updated from expected counts that leave out the entry's own share
(Asuncion, Welling, Smyth and Teh 2009). There is no bound; the objective here is the mean log
likelihood of a training token, each predicted from all others.

Batches of documents go through in turn, each against the table of expected counts that the batch
before it left: first the documents, each on its own, then the words, each summed by one thread in
the order of its documents. The bits do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import CsrSource, Executor, Layout, RowTable, Sweeper
from vivace.engine.aligned import aligned
from vivace.models.collapsed_table import CollapsedTable, Visited
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics, parts_of

# Sweeps over a document when it is first met: its words must agree on topics before it counts.
FIRST_SWEEPS = 3

# Entries of the first batch of a fit, and how much larger the next ones are: topics form from few
# documents at a time.
FIRST_ENTRIES, GROWTH = 256, 1.15

# Bytes of responsibilities that change in a batch, old and new, which are written and read again at
# once: they have to stay in cache, and a batch must be enough for several threads (at K = 500 1 MB
# is 10 % faster on one thread, 15 % slower on two).
BATCH_BYTES = 2 * 2**20

# After a pass the table is moved on by this much of what the pass moved it by: fewer passes to the
# same likelihood (half as many late in a fit). Not before the second pass, nor after one that
# lowered the likelihood.
MOMENTUM = 0.8

# Memory up to which all responsibilities are kept (store="auto").
FULL_BYTES = 4 * 2**30


class CollapsedModel(LatentDirichletModel):
    """Latent Dirichlet allocation by collapsed variational Bayes; implements `SweepModel`.

    The posterior is `Topics`: the words' prior and expected counts. Parameters are those of
    `LatentDirichletModel`, whose document step serves at fixed topics.

    Attributes
    ----------
    store : {"auto", "full", "lean"}
        Keep all responsibilities of an entry, or the 12 largest; "auto": all where that takes no
        more than `FULL_BYTES`.
    """

    store: str = "auto"

    def is_lean(self, n_entries: int) -> bool:
        """Whether the responsibilities of so many entries are kept in part."""
        if self.store == "auto":
            return store_bytes(self, n_entries) > FULL_BYTES
        return self.store == "lean"

    @property
    def schedules(self) -> frozenset[str]:
        """The one that leaves passes to the model."""
        return frozenset({"sweep"})

    def begin_sweeps(
        self, source: CsrSource, layout: Layout, posterior: Topics, executor: Executor
    ) -> Sweeper:
        """Start from the topics of `posterior`; its counts are taken back after the first pass."""
        return CollapsedSweeps(self, source, layout, posterior, executor)


class CollapsedSweeps:
    """Passes over one corpus; implements `Sweeper`.

    Memory, the corpus' own aside: a table of V x K and two posteriors; responsibilities in a narrow
    type (float32 fits: 2 bytes a nonzero and topic, float64 fits: 4), or with a lean store 36 bytes
    a nonzero (60; 48 and 72 with more than 256 topics); and the corpus once more in the order of
    batches (about 15 bytes a nonzero).
    """

    def __init__(
        self,
        model: CollapsedModel,
        source: CsrSource,
        layout: Layout,
        posterior: Topics,
        executor: Executor,
    ) -> None:
        self._model = model
        self._executor = executor
        block = source.read(0, source.n_rows)
        sizes = np.diff(block.data.start)
        order = np.random.default_rng(model.seed).permutation(source.n_rows)
        stride = _core.topic_stride(model.n_topics, model.dtype == np.float32)
        edges = batch_edges(sizes[order], layout.batch_rows, stride * model.dtype.itemsize)
        self._visited = Visited(model, block, order, edges, model.is_lean(source.n_nonzeros))
        self._tokens = source.total_weight
        self._alpha_of, self._prior = posterior.alpha, posterior.prior
        self._table = CollapsedTable.of(posterior, executor)
        # Of the two passes before. What the table holds beyond expected counts follows from them
        # and the step that it was made with; now all of it is that, in the place of the second.
        shape = posterior.counts.shape
        self._counts = [aligned(shape, model.dtype, make=np.zeros) for _ in range(2)]
        for part in parts_of(model.n_words):
            posterior.parameters(part, out=self._counts[1][part])
        self._step: float | None = None
        self._passes = 0
        self._last = -np.inf

    def state(self) -> dict[str, Any]:
        """Return all that the next pass goes on from; the arrays are those at work."""
        return {
            "table": self._table.values,
            "sums": self._table.sums,
            "counts": self._counts[0],
            "before": self._counts[1],
            "step": self._step,
            "gamma": self._visited.gamma,
            "kept": self._visited.kept,
            "passes": self._passes,
            "last": self._last,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a `state`."""
        self._table.values[...] = state["table"]
        self._table.sums = state["sums"]
        self._counts[0][...] = state["counts"]
        self._counts[1][...] = state["before"]
        self._step = state["step"]
        self._visited.gamma[...] = state["gamma"]
        if self._visited.kept is not None:
            self._visited.kept[...] = state["kept"]
        self._passes, self._last = int(state["passes"]), float(state["last"])

    def sweep(self) -> tuple[Topics, float]:
        """Update every entry once (in the first pass `FIRST_SWEEPS` times)."""
        first = self._passes == 0
        sweeps = FIRST_SWEEPS if first else 1
        likelihood = self._table.visit(self._visited, sweeps, first, self._executor)
        self._passes += 1
        objective = likelihood / self._tokens if self._tokens > 0 else 0.0
        step = MOMENTUM if self._passes > 2 and objective > self._last else 0.0
        self._last = objective
        return self._move_on(step), objective

    def _move_on(self, step: float) -> Topics:
        """End a pass: return its posterior, make the next table."""
        previous, counts = self._counts
        prior, n_topics = self._prior, self._model.n_topics

        def work(part: slice) -> NDArray[np.float64]:
            sums = np.empty((2, n_topics))
            _core.cvb0_extrapolate(
                self._table.values,
                previous,
                counts,
                prior.values,
                part.start,
                part.stop,
                self._step,
                step,
                sums,
            )
            return sums

        sums = np.sum(self._executor.map(work, parts_of(len(counts))), axis=0)
        self._table.sums, self._step = sums[1], step
        # The caller has `counts` until the next pass is done; nobody has the other.
        self._counts = [counts, previous]
        return Topics(RowTable(len(counts), counts), prior, self._alpha_of, prior.totals + sums[0])


def store_bytes(model: LatentDirichletModel, n_entries: int) -> int:
    """Memory that all responsibilities of a corpus take."""
    return int(n_entries) * model.n_topics * (2 if model.dtype == np.float32 else 4)


def batch_edges(
    sizes: NDArray[np.integer[Any]],
    batch_rows: int | None,
    entry_bytes: int,
    first_entries: int = FIRST_ENTRIES,
) -> NDArray[np.int64]:
    """Cut documents into batches.

    Parameters
    ----------
    sizes : (D,)
        Entries of each document.
    batch_rows : int or None
        Most documents of a batch; None lets `BATCH_BYTES` decide alone.
    entry_bytes : int
        Bytes of an entry's responsibilities at work.
    first_entries : int
        Entries of the first batch.

    Returns
    -------
    edges : (batches + 1,)
        First documents of the batches, and the number of documents.
    """
    ends = np.cumsum(sizes)
    edges = [0]
    most, wanted = max(1, BATCH_BYTES // entry_bytes), float(first_entries)
    while edges[-1] < len(sizes):
        first = edges[-1]
        done = int(ends[first - 1]) if first else 0
        stop = int(np.searchsorted(ends, done + min(most, int(wanted)), side="right"))
        if batch_rows is not None:
            stop = min(stop, first + batch_rows)
        edges.append(max(stop, first + 1))
        wanted = min(wanted * GROWTH, float(most))
    return np.array(edges, np.int64)

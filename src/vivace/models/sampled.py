"""Collapsed Gibbs sampling for latent Dirichlet allocation.

Topics and documents' shares are integrated out; every token has one topic, drawn anew in each pass
given all others (Griffiths and Steyvers 2004). A document sees its own tokens as they are and those
of all others as the pass before left them (Newman, Asuncion, Smyth and Welling 2009, who do so with
parts of a corpus): documents can go through in any order and on any thread, and the bits are the
same. Random numbers are a function of the seed, the pass and the token's place.

The posterior's counts are means of the counts of recent passes: one sample is noisy, and what its
noise costs on held-out words takes many more passes to make up for.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from vivace import _core
from vivace.engine import CsrSource, Executor, Layout, RowTable, Sweeper
from vivace.models.cvb0 import CollapsedModel
from vivace.models.documents import row_sums
from vivace.models.topics import Topics, parts_of

# Sweeps over a document in the first pass: its tokens, which have no topic yet, must agree on some.
FIRST_SWEEPS = 3

# Means of counts speak for about this share of the passes so far, and for the last few at least:
# in early passes topics still move.
RECENT_SHARE, RECENT_PASSES = 0.4, 8

# Tokens of a task for a thread: about a millisecond.
TASK_TOKENS = 20_000

# A learned alpha is at least this: a topic that no document has must not become impossible.
LEAST_ALPHA = 1e-4


class SampledModel(CollapsedModel):
    """Latent Dirichlet allocation by collapsed Gibbs sampling; implements `SweepModel`.

    The posterior is `Topics`: the words' prior and mean counts. Parameters are those of
    `LatentDirichletModel`, whose document step serves at fixed topics; `learn_alpha` is heeded.
    """

    def begin_sweeps(
        self, source: CsrSource, layout: Layout, posterior: Topics, executor: Executor
    ) -> Sweeper:
        """Draw the first topics of tokens given those of `posterior`."""
        return SampledSweeps(self, source, posterior, executor)


class SampledSweeps:
    """Passes over one corpus; implements `Sweeper`.

    Memory, the corpus' own aside: 10 bytes a token, a table of V x K in float32 and two posteriors,
    or one where the topics of a pass are gone with the next (`in_place`).
    """

    def __init__(
        self,
        model: SampledModel,
        source: CsrSource,
        posterior: Topics,
        executor: Executor,
        in_place: bool = False,
    ) -> None:
        self._model, self._executor = model, executor
        rows = source.read(0, source.n_rows).data
        values = rows.values.astype(model.dtype, copy=False)
        self._corpus = _core.SampledCorpus(rows.start, rows.columns, values, rows.n_columns)
        lengths = row_sums(rows.start, values)
        ends = np.concatenate([[0.0], np.cumsum(lengths)])
        self._lengths = np.unique(lengths, return_counts=True)
        self._blocks = _blocks(ends)
        self._topic = np.zeros(self._corpus.n_tokens, np.uint16)
        self._prior = posterior.prior
        self._stride = _core.topic_stride(model.n_topics, True)
        self._table = np.zeros((model.n_words, self._stride), np.float32)
        for part in parts_of(model.n_words):
            self._table[part, : model.n_topics] = posterior.mean(part)
        self._totals, self._alpha = posterior.totals, posterior.alpha
        means = np.zeros(posterior.counts.shape, model.dtype)
        self._means = [means, means if in_place else np.zeros_like(means)]
        self._passes = 0

    def state(self) -> dict[str, Any]:
        """Return all that the next pass goes on from; the arrays are those at work."""
        return {
            "topic": self._topic,
            "means": self._means[0],
            "alpha": self._alpha,
            "passes": self._passes,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a `state`."""
        self._topic[...] = state["topic"]
        self._means[0][...] = state["means"]
        self._alpha, self._passes = state["alpha"], int(state["passes"])
        if self._passes:
            self._count(0.0)

    def sweep(self) -> tuple[Topics, float]:
        """Draw every token's topic once (in the first pass `FIRST_SWEEPS` times)."""
        likelihood = self._draw()
        self._passes += 1
        recent = max(RECENT_PASSES, RECENT_SHARE * self._passes)
        totals = self._count(max(1.0 / recent, 2.0 / (self._passes + 1)))
        means = self._means[0]
        topics = Topics(RowTable(len(means), means), self._prior, self._alpha, totals)
        return topics, likelihood / self._corpus.n_tokens if self._corpus.n_tokens else 0.0

    def _draw(self) -> float:
        """New topics; where alpha is learned also a step towards the best one for the old topics.

        The fixed-point iteration of Minka (2000, Estimating a Dirichlet distribution).
        """
        n_topics, first = self._model.n_topics, self._passes == 0
        learning = self._model.learn_alpha and not first
        alpha, one = self._padded(self._alpha), self._padded(1.0 / self._totals)
        # Not read for topics without a token.
        rest = self._padded(self._totals / np.maximum(self._totals - 1.0, self._prior.totals))
        least = 0.5 * float(self._prior.values.min()) * float(one[:n_topics].min())
        key = np.random.SeedSequence([self._model.seed, self._passes])
        bits = int(key.generate_state(1, np.uint64)[0])

        def work(block: tuple[int, int]) -> tuple[float, NDArray[np.float64] | None]:
            found = np.empty(n_topics) if learning else None
            likelihood = _core.sampled_documents(
                self._corpus,
                *block,
                self._topic,
                self._table,
                alpha,
                one,
                rest,
                least,
                n_topics,
                FIRST_SWEEPS if first else 1,
                bits,
                found,
            )
            return likelihood, found

        results = self._executor.map(work, self._blocks)
        if learning:
            lengths, documents = self._lengths
            total = float(self._alpha.sum())
            share = documents @ (digamma(lengths + total) - digamma(total))
            gains = np.sum([found for _, found in results if found is not None], axis=0)
            if share > 0.0:
                self._alpha = np.maximum(self._alpha * gains / share, LEAST_ALPHA)
        return float(np.sum([likelihood for likelihood, _ in results]))

    def _count(self, rate: float) -> NDArray[np.float64]:
        """Count words in topics, move means on by `rate` and return their totals, prior included.

        Makes the table of the next pass.
        """
        n_topics, parts = self._model.n_topics, parts_of(self._model.n_words)
        means, spare = self._means

        def count(part: slice) -> NDArray[np.float64]:
            sums = np.empty(n_topics)
            _core.sampled_counts(
                self._corpus, part.start, part.stop, self._topic, self._table, sums
            )
            return sums

        counted = np.sum(self._executor.map(count, parts), axis=0)
        self._totals = counted + self._prior.totals
        one = self._padded(1.0 / self._totals)

        def average(part: slice) -> NDArray[np.float64]:
            sums = np.empty(n_topics)
            _core.sampled_means(
                means,
                part.start,
                part.stop,
                self._table,
                spare,
                self._prior.values,
                one,
                rate,
                sums,
            )
            return sums

        sums = np.sum(self._executor.map(average, parts), axis=0)
        # The caller has the new means until the next pass is done; nobody has the others.
        self._means = [spare, means]
        return np.asarray(self._prior.totals + sums)

    def _padded(self, values: Any) -> NDArray[np.float32]:
        """Numbers of the topics as kernels take them, whole vectors long."""
        found = np.zeros(self._stride, np.float32)
        found[: self._model.n_topics] = values
        return found


def _blocks(ends: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Runs of documents of some `TASK_TOKENS` each; `ends` are offsets into tokens."""
    n = max(1, int(ends[-1]) // TASK_TOKENS)
    cuts = np.searchsorted(ends, np.linspace(0.0, ends[-1], n + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], cuts, [len(ends) - 1]]))
    return [(int(a), int(b)) for a, b in pairwise(edges)]

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
from vivace.engine.aligned import aligned, discard
from vivace.models.collapsed_table import topic_type
from vivace.models.cvb0 import CollapsedModel
from vivace.models.documents import row_sums
from vivace.models.fading import fade
from vivace.models.sampled_means import Means, PackedMeans, PostedMeans
from vivace.models.topics import Topics, parts_of

# With so many entries (words of documents) topics can be looked at before they form from them: that
# takes a tenth of a second and more. The most that they form from, a random part of a larger
# corpus: more of them say the same.
LOOK_ENTRIES, MOST_ENTRIES = 2**18, 2**23

# Share of the topics of a part of the documents that topics of all form from: more would hold them
# where they are. With a quarter a held-out token is 0.012 to 0.015 nats better after that pass, and
# 0.003 after 14 more (package descriptions in two splits, 3 and 10 seeds; topic_word_prior 0.03).
# Not for the start of variational inference with a prior of 0.1, which a tenth made 0.02 worse.
BEGUN = 0.25

# Sweeps over a document in the first pass of sampling: its tokens, which have no topic yet, must
# agree on some.
FIRST_SWEEPS = 3

# Means of counts speak for about this share of the passes so far, and for the last few at least:
# in early passes topics still move.
RECENT_SHARE, RECENT_PASSES = 0.4, 8

# After topics formed documents are drawn with a larger alpha: the sum over topics by this share of
# the mean document's tokens, which falls by e in so many passes. Topics move on more freely, and
# are 0.005 to 0.013 nats a held-out token better after 100 passes (package descriptions in two
# splits, 100 topics, two seeds each); in the first 30 they are up to 0.017 worse.
LOOSE_SHARE, LOOSE_PASSES = 0.14, 8.0

# Tokens of a task for a thread: about a millisecond.
TASK_TOKENS = 20_000

# A learned alpha is at least this: a topic that no document has must not become impossible.
LEAST_ALPHA = 1e-4


class SampledModel(CollapsedModel):
    """Latent Dirichlet allocation by collapsed Gibbs sampling; implements `SweepModel`.

    The posterior is `Topics`: the words' prior and mean counts. Parameters are those of
    `LatentDirichletModel`, whose document step serves at fixed topics; `learn_alpha` is heeded.

    Attributes
    ----------
    forming : bool
        Topics form in the first passes by collapsed variational inference (`fade`): one token at a
        time that takes many more. Else these topics are given.
    begun : float
        Mean log likelihood of a token when the topics were made that form from here.
    """

    forming: bool = False
    begun: float = float("nan")

    def begin_sweeps(
        self, source: CsrSource, layout: Layout, posterior: Topics, executor: Executor
    ) -> Sweeper:
        """Go on from the topics of `posterior`."""
        return SampledSweeps(self, source, posterior, executor)


class SampledSweeps:
    """Passes over one corpus; implements `Sweeper`.

    Memory beyond the documents: a byte a token (2 with more than 256 topics) and 8 a document, a
    table of V x K in float32 and two posteriors; before, while topics form, that of `fade`. Where
    nobody looks at the topics before the last pass (`in_place`: `draw` and `take` instead of
    `sweep`) means are kept without their zeros, and the memory of `posterior` is given back. Of
    `chosen` documents alone topics are drawn; they are read where they are.
    """

    def __init__(
        self,
        model: SampledModel,
        source: CsrSource,
        posterior: Topics,
        executor: Executor,
        in_place: bool = False,
        chosen: NDArray[np.int64] | None = None,
    ) -> None:
        self._model, self._executor = model, executor
        rows = source.read(0, source.n_rows).data
        # In memory from here on, wherever the documents come from.
        self._source = CsrSource(*rows)
        tokens = row_sums(rows.start, rows.values)
        self._chosen = chosen
        if chosen is not None:
            tokens = tokens[chosen]
        self._ends = np.concatenate([[0.0], np.cumsum(tokens)])
        self._in_place = in_place
        self._parts = _parts(np.diff(rows.start), model.seed) if model.forming else []
        self._topics, self._prior = posterior, posterior.prior
        self._formed = self._passes = 0

    def state(self) -> dict[str, Any]:
        """Return all that the next pass goes on from; the arrays are those at work."""
        state: dict[str, Any] = {"formed": self._formed, "passes": self._passes}
        if self._passes:
            state |= {"topic": self._topic, "means": self._posted().values, "alpha": self._alpha}
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a `state`; what was formed is the posterior that this began with."""
        self._formed = int(state["formed"])
        if int(state["passes"]):
            self._begin()
            self._topic[...] = state["topic"]
            self._posted().values[...] = state["means"]
            self._alpha, self._passes = state["alpha"], int(state["passes"])
            self._count(0.0)

    def sweep(self) -> tuple[Topics, float]:
        """Let topics form, or draw every token's topic (the first time `FIRST_SWEEPS` times)."""
        if self._formed < len(self._parts):
            return self._form()
        totals, likelihood = self.draw()
        means = self._posted().values
        return Topics(RowTable(len(means), means), self._prior, self._alpha, totals), likelihood

    def draw(self) -> tuple[NDArray[np.float64], float]:
        """Draw every token's topic; totals of the means and likelihood."""
        if self._passes == 0:
            self._begin()
        likelihood = self._draw()
        self._passes += 1
        recent = max(RECENT_PASSES, RECENT_SHARE * self._passes)
        totals = self._count(max(1.0 / recent, 2.0 / (self._passes + 1)))
        return totals, likelihood / self._corpus.n_tokens if self._corpus.n_tokens else 0.0

    def take(self) -> NDArray[Any]:
        """Return the means of counts as the last pass left them; all else is gone."""
        del self._corpus, self._table, self._topic
        assert isinstance(self._means, PackedMeans)
        return self._means.take()

    def _posted(self) -> PostedMeans:
        assert isinstance(self._means, PostedMeans)
        return self._means

    def _form(self) -> tuple[Topics, float]:
        """Take in the documents; the counts come to theirs.

        Where that takes long a pass before it does nothing: a look at what topics form from.
        """
        chosen, lengths = self._parts[self._formed], np.diff(self._ends)
        self._formed += 1
        if not len(chosen):
            return self._topics, self._model.begun
        found = fade(
            self._model, self._source, self._topics, self._executor, 1, chosen, lengths, keep=BEGUN
        )
        self._topics = found[0]
        return found

    def _begin(self) -> None:
        """Make what sampling works on."""
        model, posterior = self._model, self._topics
        rows = self._source.read(0, self._source.n_rows).data
        self._corpus = _core.SampledCorpus(
            rows.start, rows.columns, rows.values, rows.n_columns, self._chosen
        )
        self._lengths = np.unique(np.diff(self._ends), return_counts=True)
        self._blocks = _blocks(self._ends)
        shares = self._corpus.word_edges(getattr(self._executor, "n_threads", 1))
        self._shares = list(pairwise(shares))
        self._topic = aligned((self._corpus.n_tokens,), topic_type(model.n_topics), make=np.zeros)
        self._stride = _core.topic_stride(model.n_topics, True)
        self._table = aligned((model.n_words, self._stride), np.float32, make=np.zeros)
        for part in parts_of(model.n_words):
            self._table[part, : model.n_topics] = posterior.mean(part)
            if self._in_place:
                discard(posterior.counts.values[part])
        self._totals, self._alpha = posterior.totals, posterior.alpha
        # As large as the vocabulary or the documents, which are the corpus' now.
        del posterior, self._topics, self._source, self._ends
        self._parts = []
        shape = model.n_words, model.n_topics
        means: type[PackedMeans | PostedMeans] = PackedMeans if self._in_place else PostedMeans
        self._means: Means = means(shape, model.dtype)
        _core.give_back()

    def _draw(self) -> float:
        """New topics; where alpha is learned also a step towards the best one for the old topics.

        The fixed-point iteration of Minka (2000, Estimating a Dirichlet distribution).
        """
        n_topics, first = self._model.n_topics, self._passes == 0
        # Nothing depends on the alpha of one topic.
        learning = self._model.learn_alpha and n_topics > 1 and not first
        used = self._alpha + self._loose()
        alpha, one = self._padded(used), self._padded(1.0 / self._totals)
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
            total = float(used.sum())
            share = documents @ (digamma(lengths + total) - digamma(total))
            gains = np.sum([found for _, found in results if found is not None], axis=0)
            if share > 0.0:
                self._alpha = np.maximum(used * gains / share, LEAST_ALPHA)
        return float(np.sum([likelihood for likelihood, _ in results]))

    def _loose(self) -> float:
        """What alpha is larger by in this pass, where topics formed in those before."""
        if not (self._model.forming and self._passes):
            return 0.0
        lengths, documents = self._lengths
        mean = self._corpus.n_tokens / max(1, int(documents[lengths > 0].sum()))
        share = LOOSE_SHARE * mean / self._model.n_topics
        return float(share * np.exp(-self._passes / LOOSE_PASSES))

    def _count(self, rate: float) -> NDArray[np.float64]:
        """Count words in topics, move means on by `rate` and return their totals, prior included.

        Makes the table of the next pass.
        """
        n_topics, parts = self._model.n_topics, parts_of(self._model.n_words)
        counts = self._table.view(np.int32)

        def count(words: tuple[int, int]) -> NDArray[np.int64]:
            sums = np.empty(n_topics, np.int64)
            _core.sampled_counts(self._corpus, *words, self._topic, counts, sums)
            return sums

        # Each goes through all documents. Counts are whole numbers: shares do not matter to bits.
        counted = np.sum(self._executor.map(count, self._shares), axis=0)
        self._totals = counted + self._prior.totals
        one = self._padded(1.0 / self._totals)

        def average(part: slice) -> NDArray[np.float64]:
            sums = np.empty(n_topics)
            previous, new = self._means.rows(part)
            _core.sampled_means(
                previous,
                0,
                part.stop - part.start,
                self._table[part],
                new,
                self._prior.of(part),
                one,
                rate,
                sums,
            )
            self._means.keep(part, new)
            return sums

        sums = np.sum(self._executor.map(average, parts), axis=0)
        self._means.end_pass()
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


def _parts(sizes: NDArray[np.integer[Any]], seed: int) -> list[NDArray[np.int64]]:
    """Documents of `sizes` entries that topics form from: none for a look, then some or all."""
    order = np.random.default_rng([seed, 1]).permutation(len(sizes))
    ends = np.cumsum(sizes[order])
    chosen = order[: int(np.searchsorted(ends, MOST_ENTRIES)) + 1]
    return [chosen] if ends[-1] < LOOK_ENTRIES else [chosen[:0], chosen]

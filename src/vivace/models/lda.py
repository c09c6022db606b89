"""Latent Dirichlet allocation behind the functions that the engine calls.

theta_d ~ Dirichlet(alpha), beta_k ~ Dirichlet(eta); each token draws a topic from theta_d and a
word from beta_k (Blei, Ng and Jordan 2003). q(theta_d) is Dirichlet(gamma_d), q(beta_k) is
Dirichlet(lambda_k), as in Hoffman, Blei and Bach (2010).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from vivace.engine import Block, Executor, Infeasible, RowTable, Statistics, ThreadExecutor
from vivace.engine.aligned import ThreadRoom, aligned
from vivace.io.spool import Shelf
from vivace.models import priors
from vivace.models.document_groups import GroupedBatch
from vivace.models.document_state import DocumentParameters, DocumentState
from vivace.models.documents import (
    Array,
    Doubles,
    Group,
    Sweeps,
    document_step,
    make_table,
    row_sums,
)
from vivace.models.topics import (
    Topics,
    WordPrior,
    counted_terms,
    least_parameter,
    terms,
    topics_of,
)

# Passes in which documents start afresh. A document that goes on from the pass before is done
# sooner, but early topics are much alike, and it keeps to the few that it took to then.
COLD_PASSES = 20

# Priors are learned once so many times the words of the vocabulary were gone over: while topics are
# alike, documents take a little of each, and priors learned from that keep it so (12,000 short
# descriptions, 50 topics, online: 0.06 nats a held-out word worse at once than after 5 to 20).
LEARN_AFTER = 10

# Share of the vocabulary from which on a batch's counts are a table of all words; and where the
# batch is the corpus, so that the posterior takes that table over: it is beside those counts until
# the next pass is done.
WHOLE, WHOLE_CORPUS = 0.9, 0.5

# Fixed-point steps towards the best prior of words whenever it is learned.
WORD_PRIOR_STEPS = 2

__all__ = ["LatentDirichletModel", "Sweeps", "Topics"]


class LatentDirichletModel:
    """Latent Dirichlet allocation with V words; implements `Model` and `BatchModel`.

    Statistics: `counts` (V, K), the expected counts of words in topics, a table of rows; `totals`
    (K,), their sums; `local` (), the documents' own terms of the bound; `documents` () and `tokens`
    (), weighted numbers. Where alpha is learned there is `log_theta` (K,), the sum of E ln theta,
    and `local` is without the terms that hold alpha.

    Parameters
    ----------
    alpha : (K,)
        Prior of a document's topics; where it is learned the one to start with.
    prior : WordPrior
        Prior of a topic's words, in the precision of topics and documents; sums are float64.
    sweeps : Sweeps
        When the step of a document ends.
    keep_documents : bool
        Start a document where the pass before left it. Batch and memoized learning need it for a
        bound that never falls; it takes up to n x K numbers, mostly far fewer
        (`DocumentParameters`).
    seed : int
        Decides where documents start that were not seen before.
    learn_alpha, learn_prior : bool
        Learn the priors; that of words must be one number.
    """

    def __init__(
        self,
        alpha: Doubles,
        prior: WordPrior,
        sweeps: Sweeps,
        keep_documents: bool = True,
        seed: int = 0,
        *,
        learn_alpha: bool = False,
        learn_prior: bool = False,
    ) -> None:
        self.alpha = np.ascontiguousarray(alpha, dtype=np.float64)
        self.prior = prior
        self.n_words, self.n_topics = prior.shape
        self.dtype = prior.values.dtype
        self.sweeps = sweeps
        self.keep_documents = keep_documents
        self.seed = int(seed)
        self.learn_alpha = learn_alpha
        self.learn_prior = learn_prior
        # Who shares the work over the vocabulary in global steps and bounds.
        self.executor: Executor | None = None
        #: Replace what is kept of documents block by block during a pass, not when it is accepted:
        #: it takes half the memory. For schedules that accept every pass. An interrupted pass then
        #: leaves some documents as it found them and others closer to the same topics.
        self.replace_states = False
        #: Documents look for an optimum of few topics: for topics that differ, as from those that
        #: are alike all would take to the same ones. Where documents are kept every second pass
        #: does, and they keep the higher of the two optima.
        self.sharpen = False
        #: Share of the vocabulary from which on a batch's counts are a table of all words.
        self.whole = WHOLE
        #: Pack the counts of topics without their zeros while a pass by them is under way: for
        #: schedules that make new ones of each pass.
        self.pack_topics = False
        #: Where what is kept of documents goes that are larger than memory.
        self.shelf: Shelf | None = None
        if learn_prior and prior.number is None:
            raise ValueError("a learned prior of words must be one number")

    @property
    def schedules(self) -> frozenset[str]:
        """All three."""
        return frozenset({"batch", "online", "memoized"})

    # -- the engine's functions ---------------------------------------------------------------

    def prepare(self, posterior: Topics) -> Topics:
        """Nothing here: tables are made for the words of a batch, when it is read."""
        return posterior

    def local_step(
        self, block: Block, prepared: Topics, local: Any
    ) -> tuple[Statistics, DocumentState]:
        """One block as a batch of its own."""
        blocks = [(block.start, block.stop)]
        states = None if local is None else [local]
        statistics, new = self.local_batch(
            lambda start, stop: block, blocks, prepared, states, ThreadExecutor(1)
        )
        return statistics, new[0]

    def local_batch(
        self,
        read: Callable[[int, int], Block],
        blocks: Sequence[tuple[int, int]],
        prepared: Topics,
        states: list[DocumentState] | None,
        executor: Executor,
    ) -> tuple[Statistics, list[DocumentState]]:
        """Documents and words of a batch, group by group; the record holds one table of words."""
        seed = self.seed if states is None else None
        replacing = self.replace_states and states is not None
        known = [DocumentState(None, 0)] * len(blocks) if states is None else states
        passes, places = known[0].passes, {start: i for i, (start, _) in enumerate(blocks)}
        sharpen = self.sharpen and (passes % 2 == 1 or not self.keep_documents)
        batch = GroupedBatch(read, blocks, self.n_words)
        words = batch.words(executor)
        if self.pack_topics:
            prepared.counts.pack(executor)
        # Of a single group the sums of words take the place of the table: memory is for one.
        all_words = len(words) >= self.whole * self.n_words
        alone = len(batch.groups) == 1 and not all_words
        table = make_table(prepared, words, executor, pack=not alone)
        counts = None if alone else self._counts(None if all_words else words)
        room, common = ThreadRoom(), prepared.alpha.astype(self.dtype)

        def work(group: Group, block: tuple[int, int], rows: slice) -> _Block:
            log_theta = np.zeros(self.n_topics) if self.learn_alpha else None
            place, n_rows = places[block[0]], rows.stop - rows.start
            gamma = room.take("gamma", (n_rows, self.n_topics), self.dtype)
            document_step(
                group,
                rows,
                prepared,
                table,
                self.sweeps,
                previous=known[place].loaded(room),
                warm=passes >= COLD_PASSES,
                seed=seed,
                log_theta=log_theta,
                sharpen=sharpen,
                gamma=gamma,
            )
            kept = None
            if self.keep_documents:
                kept = DocumentParameters.of(gamma, common, room, self.shelf)
            state = DocumentState(kept, passes + 1)
            if replacing:
                known[place] = state
            return _Block(state, log_theta, *_sums(group, rows))

        found: list[_Block] = batch.run(work, prepared, table, counts, executor)
        if counts is None:
            counts = RowTable(self.n_words, table.narrowed(self.n_topics), words)
        record = self._statistics(counts)
        local = record["local"]
        for one in found:
            local += one.bound
            record["documents"][...] += one.documents
            record["tokens"][...] += one.tokens
            if one.log_theta is not None:
                record["log_theta"][...] += one.log_theta
        totals, expected = counted_terms(prepared, words, counts.values, executor)
        record["totals"][...] = totals
        # ln s holds E ln beta of the topics that the step was made with; the record must not.
        local -= expected
        if self.learn_alpha:
            local -= self._alpha_terms(prepared.alpha, record)
        return record, [one.state for one in found]

    def global_step(self, statistics: Statistics, previous: Topics) -> Topics:
        """Conjugate update, lambda = prior + counts, and learned priors.

        Raises
        ------
        Infeasible
            If a count is so negative that no posterior exists.
        """
        counts, alpha, prior = statistics.table("counts"), previous.alpha, previous.prior
        seen = previous.seen + counts.n_changed
        fresh, ripe = not counts.waiting, seen > LEARN_AFTER * self.n_words
        once_more = seen // self.n_words > previous.seen // self.n_words
        if self.learn_prior and ripe and once_more and not (self.keep_documents or fresh):
            # A stochastic step goes over the vocabulary after as many rows of words, by the
            # topics before it: what is not committed must not be read.
            prior = self._learned_prior(previous)
        if self.learn_alpha and ripe:
            documents = float(statistics["documents"])
            alpha = priors.document_prior(alpha, documents, statistics["log_theta"])
        if fresh:
            counts = counts if counts.rows is None else RowTable(self.n_words, counts.dense())
            least = least_parameter(counts, prior, self.executor)
            if not least > 0.0:
                raise Infeasible(f"expected counts above minus the prior, got {least} with it")
        topics = Topics(counts, prior, alpha, prior.totals + statistics["totals"], seen)
        if self.learn_prior and fresh and ripe:
            prior = self._learned_prior(topics)
            topics = replace(topics, prior=prior, totals=prior.totals + statistics["totals"])
        return topics

    def elbo(self, posterior: Topics, statistics: Statistics) -> float:
        """Evidence lower bound, complete; exact for any pair.

        The multinomial coefficients are not in it: the data are sequences of tokens.
        """
        counts = statistics.table("counts")
        bound = float(statistics["local"]) + self._constants(posterior)
        if self.learn_alpha:
            bound += self._alpha_terms(posterior.alpha, statistics)
        if counts is posterior.counts:  # the two inner products with E ln beta cancel
            return bound + terms(posterior, None, self.executor, log_gamma=True)
        settings: dict[str, Any] = {"own_factor": -1.0, "log_gamma": True}
        if counts.rows is None:
            settings |= {"statistics": counts.kernel, "factor": counts.scale}
        else:
            bound += terms(
                posterior, counts.rows, self.executor, statistics=counts.values, factor=counts.scale
            )
        return bound + terms(posterior, None, self.executor, **settings)

    def standardised(self, statistics: Statistics) -> Doubles:
        """Counts over the number of tokens."""
        tokens = float(statistics["tokens"])
        counts = statistics.table("counts").dense().astype(np.float64)
        return np.asarray(counts.ravel() / (tokens if tokens > 0.0 else 1.0))

    def zero_statistics(self) -> Statistics:
        """Statistics of no documents."""
        return self._statistics(RowTable(self.n_words, self._zeros(self.n_words)))

    # -- beside the engine --------------------------------------------------------------------

    def start(self, parameters: Array) -> Topics:
        """Topics with these Dirichlet parameters, (V, K), at the model's priors."""
        return topics_of(parameters, self.prior, self.alpha, self.dtype)

    def topic_bound(self, posterior: Topics, executor: Executor | None = None) -> float:
        """E ln p(beta) - E ln q(beta) of all topics."""
        own = terms(posterior, None, executor, own_factor=-1.0, log_gamma=True)
        return own + self._constants(posterior)

    def statistics_of(self, topics: Topics) -> Statistics:
        """Statistics that make these topics, without documents: for a start."""
        record = self._statistics(topics.counts)
        record["totals"][...] = topics.totals - topics.prior.totals
        return record

    def _constants(self, posterior: Topics) -> float:
        return posterior.prior.log_norm - float(gammaln(posterior.totals).sum())

    def _alpha_terms(self, alpha: Doubles, statistics: Statistics) -> float:
        norm = float(gammaln(alpha.sum()) - gammaln(alpha).sum())
        return float(statistics["documents"]) * norm + float(alpha @ statistics["log_theta"])

    def _learned_prior(self, topics: Topics) -> WordPrior:
        prior, counted = topics.prior, topics.totals - topics.prior.totals
        for _ in range(WORD_PRIOR_STEPS):
            assert prior.number is not None
            at = replace(topics, prior=prior, totals=counted + prior.totals)
            psi_sum = terms(at, None, self.executor, digamma=True)
            eta = priors.word_prior(prior.number, psi_sum, at.totals, self.n_words)
            prior = WordPrior(np.full((1, 1), eta, self.dtype), self.n_words, self.n_topics)
        return prior

    def _counts(self, words: NDArray[np.int32] | None) -> RowTable:
        """Zeros with a row for each of the words (None: of all)."""
        rows = self.n_words if words is None else len(words)
        return RowTable(self.n_words, self._zeros(rows), words)

    def _statistics(self, counts: RowTable) -> Statistics:
        arrays: dict[str, Any] = {name: np.zeros(()) for name in ("local", "documents", "tokens")}
        axes: dict[str, int | None] = dict.fromkeys(arrays)
        names = ("totals", "log_theta") if self.learn_alpha else ("totals",)
        arrays |= {name: np.zeros(self.n_topics) for name in names}
        return Statistics(arrays, axes | dict.fromkeys(names, 0), {"counts": counts})

    def _zeros(self, n_rows: int) -> Array:
        return aligned((n_rows, self.n_topics), self.dtype, make=np.zeros)


class _Block(NamedTuple):
    """What becomes of a block: its state, and sums over its documents."""

    state: DocumentState
    log_theta: Doubles | None
    bound: float
    documents: float
    tokens: float


def _sums(group: Group, at: slice) -> tuple[float, float, float]:
    """Weighted sums over some documents of a group: terms of the bound, ones, tokens."""
    assert group.bound is not None
    start, bound = group.rows.start[at.start : at.stop + 1], group.bound[at]
    values = group.rows.values[start[0] : start[-1]]
    if group.row_weights is None:
        return float(bound.sum()), float(len(bound)), float(values.sum(dtype=np.float64))
    weights = group.row_weights[at]
    tokens = weights @ row_sums(start - start[0], values)
    return float(weights @ bound), float(weights.sum()), float(tokens)

"""Latent Dirichlet allocation behind the functions that the engine calls.

theta_d ~ Dirichlet(alpha), beta_k ~ Dirichlet(eta); each token draws a topic from theta_d and a
word from beta_k (Blei, Ng and Jordan 2003). q(theta_d) is Dirichlet(gamma_d), q(beta_k) is
Dirichlet(lambda_k), as in Hoffman, Blei and Bach (2010).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from vivace.engine import Block, Executor, Infeasible, Statistics, ThreadExecutor
from vivace.models.documents import (
    GROUP_BLOCKS,
    Array,
    Doubles,
    Sweeps,
    Topics,
    WordIndex,
    add_word_sums,
    document_step,
    make_table,
    row_sums,
    topic_terms,
    word_index,
)

# Passes in which documents start afresh. A document that goes on from the pass before is done
# sooner, but early topics are much alike, and it keeps to the few that it took to then.
COLD_PASSES = 20

__all__ = ["LatentDirichletModel", "Sweeps", "Topics"]


class DocumentState(NamedTuple):
    """What is kept for a block between passes.

    Attributes
    ----------
    gamma : (n, K) or None
        The documents' parameters, to start from next time.
    words : WordIndex or None
        In the first block of each group, the words of the group; it depends on the data alone.
    passes : int
        Number of passes made.
    """

    gamma: Array | None
    words: WordIndex | None
    passes: int


class LatentDirichletModel:
    """Latent Dirichlet allocation with V words; implements `Model` and `BatchModel`.

    Statistics: `counts` (V, K), the expected counts of words in topics; `local` (), the documents'
    own terms of the bound; `documents` () and `tokens` (), weighted numbers.

    Parameters
    ----------
    alpha : (K,)
        Prior of a document's topics.
    eta : float
        Prior of a topic's words.
    n_words : int
        V.
    dtype : float32 or float64
        Type of topics and documents; sums are float64.
    sweeps : Sweeps
        When the step of a document ends.
    keep_documents : bool
        Start a document where the pass before left it. Batch and memoized learning need it for a
        bound that never falls; it takes n x K numbers.
    seed : int
        Decides where documents start that were not seen before.
    """

    def __init__(
        self,
        alpha: Doubles,
        eta: float,
        n_words: int,
        dtype: np.dtype[Any],
        sweeps: Sweeps,
        keep_documents: bool = True,
        seed: int = 0,
    ) -> None:
        self.alpha = np.ascontiguousarray(alpha, dtype=np.float64)
        self.eta = float(eta)
        self.n_words = int(n_words)
        self.n_topics = len(self.alpha)
        self.dtype = np.dtype(dtype)
        self.sweeps = sweeps
        self.keep_documents = keep_documents
        self.seed = int(seed)

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
        states: Sequence[DocumentState] | None,
        executor: Executor,
    ) -> tuple[Statistics, list[DocumentState]]:
        """Documents and words of a batch, group by group; the record holds one table of words."""
        seed: int | None
        groups = [slice(i, i + GROUP_BLOCKS) for i in range(0, len(blocks), GROUP_BLOCKS)]
        if states is None:
            indices = executor.map(lambda g: self._index(read, blocks[g]), groups)
            states, seed = [DocumentState(None, None, 0)] * len(blocks), self.seed
        else:
            seed = None
            indices = [index for state in states if (index := state.words) is not None]
        words = self._distinct(indices)
        table = make_table(prepared, words, executor)
        record = self.zero_statistics()
        counts, local = record["counts"], record["local"]
        new: list[DocumentState] = []
        for index, at in zip(indices, groups, strict=True):
            group = document_step(
                read,
                blocks[at],
                prepared,
                table,
                self.alpha,
                self.sweeps,
                executor,
                previous=self._previous(states[at]),
                warm=states[0].passes >= COLD_PASSES,
                seed=seed,
            )
            add_word_sums(group, index, prepared, table, counts, executor)
            assert group.bound is not None
            lengths = row_sums(group.rows.start, group.rows.values)
            w = group.row_weights
            local += group.bound.sum() if w is None else w @ group.bound
            record["documents"][...] += len(lengths) if w is None else w.sum()
            record["tokens"][...] += lengths.sum() if w is None else w @ lengths
            new += self._states(blocks[at], group.gamma, index, states[0].passes + 1)
        # ln s holds E ln beta of the topics that the step was made with; the record must not.
        local -= topic_terms(prepared, words, counts, None, executor)
        return record, new

    def global_step(self, statistics: Statistics, previous: Any = None) -> Topics:
        """Conjugate update: lambda = eta + counts.

        Raises
        ------
        Infeasible
            If a count is so negative that no posterior exists.
        """
        values = np.add(statistics["counts"], self.eta)
        if not values.min() > 0.0:
            raise Infeasible(f"expected counts above {-self.eta}, got {values.min() - self.eta}")
        return make_topics(values, self.dtype)

    def elbo(self, posterior: Topics, statistics: Statistics) -> float:
        """Evidence lower bound, complete; exact for any pair.

        The multinomial coefficients are not in it: the data are sequences of tokens.
        """
        terms = topic_terms(posterior, None, statistics["counts"], self.eta)
        return terms + self._constants(posterior) + float(statistics["local"])

    def standardised(self, statistics: Statistics) -> Doubles:
        """Counts over the number of tokens."""
        tokens = float(statistics["tokens"])
        return np.asarray(statistics["counts"].ravel() / (tokens if tokens > 0.0 else 1.0))

    def zero_statistics(self) -> Statistics:
        """Statistics of no documents."""
        arrays = {
            "counts": np.zeros((self.n_words, self.n_topics)),
            "local": np.zeros(()),
            "documents": np.zeros(()),
            "tokens": np.zeros(()),
        }
        return Statistics(arrays, {"counts": 1, "local": None, "documents": None, "tokens": None})

    # -- beside the engine --------------------------------------------------------------------

    def topic_bound(self, posterior: Topics, executor: Executor | None = None) -> float:
        """E ln p(beta) - E ln q(beta) of all topics."""
        terms = topic_terms(posterior, None, None, self.eta, executor)
        return terms + self._constants(posterior)

    def statistics_of(self, topics: Topics) -> Statistics:
        """Statistics that make these topics, without documents: for a start."""
        record = self.zero_statistics()
        record["counts"][...] = topics.values - self.eta
        return record

    def _constants(self, posterior: Topics) -> float:
        size, eta = self.n_words, self.eta
        constant = self.n_topics * (gammaln(size * eta) - size * gammaln(eta))
        return float(constant - gammaln(posterior.totals).sum())

    def _index(
        self, read: Callable[[int, int], Block], blocks: Sequence[tuple[int, int]]
    ) -> WordIndex:
        return word_index(read(blocks[0][0], blocks[-1][1]).data)

    def _distinct(self, indices: Sequence[WordIndex]) -> NDArray[np.int32]:
        if len(indices) == 1:
            return indices[0].words
        seen = np.zeros(self.n_words, dtype=bool)
        for index in indices:
            seen[index.words] = True
        return np.flatnonzero(seen).astype(np.int32)

    def _previous(self, states: Sequence[DocumentState]) -> Array | None:
        gammas = [state.gamma for state in states]
        kept = [gamma for gamma in gammas if gamma is not None]
        return np.concatenate(kept) if len(kept) == len(gammas) else None

    def _states(
        self, blocks: Sequence[tuple[int, int]], gamma: Array, index: WordIndex, passes: int
    ) -> list[DocumentState]:
        first = blocks[0][0]
        return [
            DocumentState(
                gamma[start - first : stop - first] if self.keep_documents else None,
                index if start == first else None,
                passes,
            )
            for start, stop in blocks
        ]


def make_topics(values: Array, dtype: np.dtype[Any]) -> Topics:
    """Topics with these parameters, (V, K)."""
    values = np.ascontiguousarray(values, dtype=dtype)
    totals = values.sum(axis=0, dtype=np.float64)
    return Topics(values, totals, digamma(totals))

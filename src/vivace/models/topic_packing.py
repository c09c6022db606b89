"""Topics and local states of documents as plain values, for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vivace.engine import RowTable, Statistics
from vivace.models.lda import DocumentState, LatentDirichletModel
from vivace.models.topics import Topics, WordPrior


class TopicsPacking:
    """Packs what the statistics of topics do not tell: priors in use, and the documents' step.

    Parameters
    ----------
    model : LatentDirichletModel
        With the priors to begin with.
    """

    keeps_local = True

    def __init__(self, model: LatentDirichletModel) -> None:
        self._model = model

    def pack_posterior(self, posterior: Topics) -> dict[str, Any]:
        """Priors, totals and the rows of words gone over."""
        return {
            "alpha": posterior.alpha,
            "totals": posterior.totals,
            "seen": posterior.seen,
            "prior": posterior.prior.number if self._model.learn_prior else None,
        }

    def unpack_posterior(self, packed: Mapping[str, Any], statistics: Statistics) -> Topics:
        """Put topics together as the global step does; they share the statistics' table."""
        model = self._model
        counts, prior = statistics.table("counts"), model.prior
        if packed["prior"] is not None:
            values = np.full((1, 1), packed["prior"], model.dtype)
            prior = WordPrior(values, model.n_words, model.n_topics)
        if counts.rows is not None:
            counts = RowTable(model.n_words, counts.dense())
        return Topics(counts, prior, packed["alpha"], packed["totals"], int(packed["seen"]))

    def pack_local(self, states: Sequence[DocumentState]) -> dict[str, Any]:
        """Parameters of the documents in runs that share memory, and passes."""
        found = [state.loaded() for state in states]
        gammas = [gamma for gamma in found if gamma is not None]
        return {
            "gamma": _runs(gammas) if len(gammas) == len(states) else None,
            "passes": np.array([state.passes for state in states], dtype=np.int64),
        }

    def unpack_local(self, packed: Mapping[str, Any], sizes: Sequence[int]) -> list[DocumentState]:
        """Cut the runs into blocks again."""
        blocks: list[Any] = [None] * len(sizes)
        if packed["gamma"] is not None:
            runs, at, i = packed["gamma"], 0, 0
            for k, size in enumerate(sizes):
                if at == len(runs[i]):
                    i, at = i + 1, 0
                blocks[k] = runs[i][at : at + size]
                at += size
        if packed["passes"].min(initial=0) < 0 or packed["passes"].max(initial=0) >= 2**31:
            raise ValueError("passes over documents must be counts")
        shelf = self._model.shelf
        if shelf is not None:
            blocks = [None if gamma is None else shelf.put(gamma) for gamma in blocks]
        return [
            DocumentState(gamma, int(passes))
            for gamma, passes in zip(blocks, packed["passes"], strict=True)
        ]


class CollapsedPacking(TopicsPacking):
    """Packs topics of collapsed inference, which no statistics make."""

    keeps_local = False

    def pack_posterior(self, posterior: Topics) -> dict[str, Any]:
        """The expected counts, and what other topics have."""
        return {**super().pack_posterior(posterior), "counts": posterior.counts.values}

    def unpack_posterior(self, packed: Mapping[str, Any], statistics: Statistics) -> Topics:
        """Put topics together again."""
        found = super().unpack_posterior(packed, statistics)
        return replace(found, counts=RowTable(self._model.n_words, packed["counts"]))


def _runs(gammas: list[Any]) -> list[Any]:
    """Views that together are all of an array give it back, so that nothing is copied."""
    found: list[Any] = []
    first = 0
    while first < len(gammas):
        base, last, rows = gammas[first].base, first, 0
        while last < len(gammas) and base is not None and gammas[last].base is base:
            rows += len(gammas[last])
            last += 1
        if base is not None and base.shape == (rows, gammas[first].shape[1]):
            found.append(base)
        else:
            last = first + 1
            found.append(gammas[first])
        first = last
    return found

"""Topics and local states of documents as plain values, for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vivace.engine import RowTable, Statistics
from vivace.engine.aligned import Room
from vivace.models.document_state import DocumentParameters, DocumentState
from vivace.models.lda import LatentDirichletModel
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
        """Parameters of the documents as they are kept, one block after the other, and passes."""
        passes = np.array([state.passes for state in states], dtype=np.int64)
        found = [state.parameters for state in states if state.parameters is not None]
        if not found or len(found) < len(states):
            return {"passes": passes, "kept": None}
        # Of an interrupted pass with a learned prior there are two.
        common = {id(one.common): one.common for one in found}
        places = {which: i for i, which in enumerate(common)}
        bits, kept = zip(*(one.pack() for one in found), strict=True)
        return {
            "passes": passes,
            "kept": np.concatenate(kept),
            "bits": np.concatenate(bits),
            "sizes": np.array([len(one) for one in kept], dtype=np.int64),
            "common": np.stack(list(common.values())),
            "which": np.array([places[id(one.common)] for one in found], dtype=np.int64),
        }

    def unpack_local(self, packed: Mapping[str, Any], sizes: Sequence[int]) -> list[DocumentState]:
        """Cut into blocks again."""
        passes = packed["passes"]
        if passes.min(initial=0) < 0 or passes.max(initial=0) >= 2**31:
            raise ValueError("passes over documents must be counts")
        blocks: list[DocumentParameters | None] = [None] * len(sizes)
        if packed["kept"] is not None:
            rows, values = np.cumsum([0, *sizes]), np.cumsum([0, *packed["sizes"]])
            if len(packed["bits"]) != rows[-1] or len(packed["kept"]) != values[-1]:
                raise ValueError("parameters of documents must be as many as there are documents")
            room, shelf, common = Room(), self._model.shelf, list(packed["common"])
            for i, which in enumerate(packed["which"]):
                one = DocumentParameters(
                    common[which],
                    packed["bits"][rows[i] : rows[i + 1]],
                    packed["kept"][values[i] : values[i + 1]],
                )
                gamma = one.load(room)  # refuses what was never packed
                blocks[i] = DocumentParameters.of(gamma, one.common, room, shelf)
        return [
            DocumentState(parameters, int(n)) for parameters, n in zip(blocks, passes, strict=True)
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

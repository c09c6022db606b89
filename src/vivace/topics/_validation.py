"""Held-out documents during a fit: when to stop, and which topics were the best."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vivace.engine import Executor, Fit, Packing, Statistics, pack_fit, unpack_fit
from vivace.estimators.scores import Scores
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics
from vivace.topics._completion import completion_score, split_tokens
from vivace.topics._documents import Documents, some_of


class Validation(Scores):
    """Scores held-out documents by completion after each pass, and keeps the best topics.

    Completion, and not the bound of whole documents: it asks whether topics say something about
    words that they were not shown, and it does not reward a document's freedom to fit itself.

    Parameters
    ----------
    documents : Documents
        The held-out ones: whole numbers.
    model : LatentDirichletModel
        For the documents' step.
    executor : Executor
        Who shares the work.
    patience : int
        The fit is done after so many passes in succession without a better score.
    """

    def __init__(
        self, documents: Documents, model: LatentDirichletModel, executor: Executor, patience: int
    ) -> None:
        super().__init__(patience)
        # One split for all passes: scores are to differ by the topics alone.
        self._known, self._asked, _ = split_tokens(documents, model.seed)
        self._model, self._executor = model, executor
        self._kept: tuple[Topics, Statistics, float] | None = None

    def look(self, fit: Fit) -> float:
        """Score the topics of a pass."""
        topics: Topics = fit.posterior
        score = completion_score(
            topics, self._known, self._asked, self._model.sweeps, self._executor
        )[0]
        found = self._copy(fit) if self.rises(score) else self._kept
        self.add(score, _kept=found)
        return score

    def _copy(self, fit: Fit) -> tuple[Topics, Statistics, float]:
        """What is kept of a pass: the fit goes on in the same memory."""
        topics: Topics = fit.posterior
        kept = replace(topics, counts=topics.counts.copy())
        statistics = self._model.statistics_of(kept)
        for name in fit.statistics.axes:
            if name in statistics:
                statistics[name][...] = fit.statistics[name]
        return kept, statistics, fit.elbo

    def kept(self, packing: Packing) -> dict[str, Any]:
        """Return the best topics, for a checkpoint."""
        assert self._kept is not None
        topics, statistics, elbo = self._kept
        return pack_fit(Fit(topics, statistics, elbo), packing)

    def restore_kept(self, kept: dict[str, Any], packing: Packing) -> None:
        """Take over what was `kept`."""
        fit = unpack_fit(kept, packing)
        self._kept = fit.posterior, fit.statistics, fit.elbo

    def restore(self, fit: Fit) -> None:
        """Put the best topics in the place of the last."""
        if self._kept is not None and self.best < len(self.trace) - 1:
            topics, statistics, elbo = self._kept
            fit.commit(posterior=topics, statistics=statistics, elbo=elbo)


def hold_out(
    documents: Documents, fraction: float, rng: np.random.RandomState
) -> tuple[Documents, Documents]:
    """Split documents at random into those to fit and those to hold out.

    Raises
    ------
    ValueError
        No document of two tokens is left for either.
    """
    usable = np.flatnonzero(documents.lengths >= 2)
    if documents.weights is not None:
        usable = usable[documents.weights[usable] > 0]
    n_held = round(fraction * len(usable))
    if not 0 < n_held < len(usable):
        raise ValueError(
            f"validation_fraction={fraction:g} of {len(usable)} documents of two or more words "
            f"makes {n_held}; at least one must be held out and one be left. Give more documents "
            "or another fraction."
        )
    held = np.zeros(documents.n_documents, dtype=bool)
    held[rng.permutation(usable)[:n_held]] = True
    return some_of(documents, np.flatnonzero(~held)), some_of(documents, np.flatnonzero(held))

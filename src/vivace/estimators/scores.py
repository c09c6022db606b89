"""Scores of held-out data after each pass of a fit: which one was the best, and when to stop."""

from __future__ import annotations

from typing import Any

import numpy as np


class Scores:
    """Scores of held-out data, pass by pass.

    Parameters
    ----------
    patience : int
        The fit is done after so many passes in succession without a better score.

    Attributes
    ----------
    trace : list of float
        The scores; higher is better.
    best : int
        The pass with the best of them, counted from 0; -1 before the first.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.trace: list[float] = []
        self.best = -1

    @property
    def done(self) -> bool:
        """Whether the score has not risen for a while."""
        return len(self.trace) - 1 - self.best >= self._patience

    @property
    def highest(self) -> float:
        """The best score; -inf before the first."""
        return self.trace[self.best] if self.trace else -np.inf

    def add(self, score: float, **more: Any) -> None:
        """Note the score of a pass; `more` are attributes to set where it is the best so far.

        In one step: an interrupt finds all of it noted, or nothing.
        """
        changes: dict[str, Any] = {"trace": [*self.trace, score]}
        if self.rises(score):
            changes |= {"best": len(self.trace), **more}
        vars(self).update(changes)

    def rises(self, score: float) -> bool:
        """Whether a score is better than all so far."""
        return self.best < 0 or score > self.trace[self.best]

    def state(self) -> dict[str, Any]:
        """Return the scores so far, for a checkpoint."""
        return {"trace": list(self.trace), "best": self.best}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take over a `state`.

        Raises
        ------
        ValueError
            It is not what `state` returns.
        """
        trace, best = [float(score) for score in state["trace"]], int(state["best"])
        if not -1 <= best < len(trace) or (best < 0) != (not trace):
            raise ValueError(f"the best of {len(trace)} scores cannot be number {best}")
        self.trace, self.best = trace, best

    def attributes(self) -> dict[str, Any]:
        """Attributes that a fit with held-out data sets."""
        return {
            "validation_trace_": np.array(self.trace, dtype=np.float64),
            "best_iter_": self.best + 1,
        }

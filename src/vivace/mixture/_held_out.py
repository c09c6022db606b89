"""Rows that are held out of a fit: which ones, their score after each iteration, the best state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Fit, Packing, pack_fit, unpack_fit
from vivace.estimators.scores import Scores

#: Held-out rows that are scored after an iteration, evenly spread: enough for four digits of a mean
#: whose rows differ by some nats.
MOST_SCORED = 50_000


class Validation(Scores):
    """Scores held-out rows after each iteration, and keeps the best state.

    Parameters
    ----------
    score : callable
        Returns the score of the fit as it is.
    patience : int
        The fit is done after so many iterations in succession without a better score.
    """

    def __init__(self, score: Callable[[], float], patience: int) -> None:
        super().__init__(patience)
        self._score = score
        self._kept: Fit | None = None

    def look(self, fit: Fit, accepted: bool) -> float:
        """Score the state after an iteration; a rejected trial left it as it was."""
        score = self._score() if accepted or not self.trace else self.trace[-1]
        # Not a copy: a step makes new records and posteriors, and changes none.
        self.add(score, _kept=Fit(fit.posterior, fit.statistics, fit.elbo))
        return score

    def restore(self, fit: Fit) -> None:
        """Put the best state in the place of the last."""
        kept = self._kept
        if kept is not None and self.best < len(self.trace) - 1:
            fit.commit(posterior=kept.posterior, statistics=kept.statistics, elbo=kept.elbo)

    def scores(self) -> Scores:
        """Return the scores without the data behind them."""
        found = Scores(self._patience)
        found.restore_state(self.state())
        return found

    def kept(self, packing: Packing) -> dict[str, Any]:
        """Return the best state, for a checkpoint."""
        assert self._kept is not None
        return pack_fit(self._kept, packing)

    def restore_kept(self, kept: dict[str, Any], packing: Packing) -> None:
        """Take over what was `kept`."""
        self._kept = unpack_fit(kept, packing)


def n_held_out(n_rows: int, fraction: float) -> int:
    """Return how many of so many rows are held out."""
    return round(fraction * n_rows)


def hold_out(
    rows: Any, fraction: float, seed: int, n_components: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose rows at random that are held out.

    Returns
    -------
    held : ndarray of int
        Their positions, which rise.
    scored : ndarray of int
        `MOST_SCORED` of them at most.

    Raises
    ------
    ValueError
        Nothing is held out, or too little is left.
    """
    usable = rows.n_weighted
    n = n_held_out(usable, fraction)
    least = max(2, n_components)
    if n < 1 or usable - n < least:
        raise ValueError(
            f"validation_fraction={fraction:g} of {usable} rows makes {n}; at least one must be "
            f"held out and {least} be left (a row for each component). Give more rows or another "
            "fraction."
        )
    rng = np.random.default_rng(seed)
    held = spread(usable, n, rng)
    if usable < rows.n_rows:
        held = np.flatnonzero(rows.weights)[held]
    return held, held if n <= MOST_SCORED else held[spread(n, MOST_SCORED, rng)]


def spread(n: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one number from each of `wanted` equally long runs of 0, ..., n - 1.

    So it takes no memory beside the result, and rows are read from front to back.
    """
    edges = np.arange(wanted + 1, dtype=np.int64) * n // wanted
    return edges[:-1] + (rng.random(wanted) * np.diff(edges)).astype(np.int64)

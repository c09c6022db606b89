"""`--validation FRACTION` of mixtures: rows that are held out and scored after each pass."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.cli.errors import Failure
from vivace.io.frame_stream import FrameStream
from vivace.io.stream import ArrayTable, TableStream

# Held-out rows that are scored after a pass, the first ones in the order of the draw: enough for
# four digits of a mean whose rows differ by some nats.
MOST_SCORED = 50_000


class HeldOut:
    """Scores held-out rows after each pass; give it to a fit as a callback.

    Parameters
    ----------
    estimator : object
        The one that is fitted.
    rows : object
        Rows as the estimator takes them.
    receivers : sequence of object
        Their attribute `held_out` is set to each score, nats a row.
    """

    with_state = True

    def __init__(self, estimator: Any, rows: Any, receivers: Sequence[Any]) -> None:
        self._estimator, self._rows, self._receivers = estimator, rows, receivers

    def __call__(self, progress: Any, state: Any) -> None:
        """Score with the model so far."""
        model = copy(self._estimator)
        vars(model).update(state())
        score = float(np.mean(model.score_samples(self._rows)))
        for receiver in self._receivers:
            receiver.held_out = score


def split_rows(rows: Any, fraction: float, seed: int) -> tuple[Any, Any]:
    """Return rows to fit, and rows to score."""
    table = rows if isinstance(rows, TableStream) else ArrayTable(rows)
    held = _drawn(len(table), fraction, seed)
    return table.without(np.sort(held)), table[np.sort(held[:MOST_SCORED])]


def split_frame(rows: Any, fraction: float, seed: int) -> tuple[Any, Any]:
    """Return rows to fit, and rows to score, of a table of mixed columns."""
    if not isinstance(rows, FrameStream):
        return split_rows(rows, fraction, seed)
    held = _drawn(len(rows), fraction, seed)
    return rows.without(np.sort(held)), rows.only(np.sort(held[:MOST_SCORED]))


def _drawn(n_rows: int, fraction: float, seed: int) -> NDArray[np.int64]:
    """Positions of the held-out rows, in the order of the draw."""
    n = round(fraction * n_rows)
    if not 0 < n < n_rows:
        raise Failure(
            f"--validation {fraction:g}: of {n_rows} rows that makes {n}; at least one must be "
            "held out and one be left"
        )
    return np.random.default_rng([seed, n_rows]).choice(n_rows, n, replace=False, shuffle=True)

"""SQUAREM: extrapolation of statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace.engine.model import Infeasible, Model
from vivace.engine.statistics import Statistics

# Below this distance from -1 an extrapolation is as good as the plain iterate.
SMALLEST_EXCESS = 0.01


class Squarem:
    """Proposes where to map from next, from three successive statistics of plain maps.

    Varadhan and Roland (2008), step length S3: with v0, v1 = F(v0), v2 = F(v1), r = v1 - v0
    and w = (v2 - v1) - r, the proposal is ``v0 - 2 a r + a^2 w`` with a = -|r| / |w|, at
    most -1 (which is v2). Lengths are taken in the model's standardised coordinates.
    """

    def __init__(self) -> None:
        self._cycle: list[Statistics] = []

    def plain(self, statistics: Statistics) -> None:
        """Take the statistics of a plain map."""
        self._cycle.append(statistics)

    def accepted(self, statistics: Statistics) -> None:
        """The map from the proposal was accepted with these statistics."""
        self._cycle = [statistics]

    def rejected(self) -> None:
        """The map from the proposal was rejected: the cycle goes on from v2."""
        del self._cycle[:-1]

    def propose(self, model: Model, previous: Any) -> Any:
        """Return a posterior to map from, None when a plain map is due."""
        if len(self._cycle) < 3:
            return None
        v0, v1, v2 = self._cycle
        a = _step_length(*(model.standardised(v) for v in self._cycle))
        while a < -1.0 - SMALLEST_EXCESS:
            trial = Statistics.combine([(1 + a) * (1 + a), -2 * a * (1 + a), a * a], [v0, v1, v2])
            try:
                # Impossible statistics may show as a logarithm of a negative number first.
                with np.errstate(all="ignore"):
                    return model.global_step(trial, previous)
            except Infeasible:
                a = (a - 1.0) / 2.0
        del self._cycle[:-1]
        return None


def _step_length(z0: Any, z1: Any, z2: Any) -> float:
    r = z1 - z0
    w = (z2 - z1) - r
    length = float(np.linalg.norm(w))
    return -float(np.linalg.norm(r)) / length if length > 0 else -1.0

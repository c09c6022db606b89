"""Columns of few values: the kernel looks up what each adds to the scores, tile by tile."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.categorical import Categorical
from vivace.models.parts.base import LevelledPart, counts_there
from vivace.models.parts.feature import FeaturePart
from vivace.models.parts.gather import GatherPart


class LevelColumns(NamedTuple):
    """What a call of the kernel reads of levels: one argument of `_core.mixture_step`.

    Attributes
    ----------
    codes : (n, J) of int32
    first : (J + 1,) of int32
        Where each column's levels begin among the rows of the table.
    table : (V + 1, padded K)
        What every level adds to the scores, and a row of zeros.
    sums : (V + 1, padded K) or None
        Where weighted responsibilities are added up.
    """

    codes: NDArray[np.int32]
    first: NDArray[np.int32]
    table: Array
    sums: Array | None


class LevelsPart(LevelledPart, GatherPart):
    """Categorical columns; the last value of each is the gap."""

    family: Categorical
    gathers = False

    @property
    def level_sizes(self) -> NDArray[np.int64]:
        """Levels, and the gap."""
        found: NDArray[np.int64] = 1 + np.diff(self.prior["start"]).astype(np.int64)
        return found

    def values(self, x: NDArray[np.int32]) -> NDArray[np.int32]:
        """Codes of levels; gaps are negative."""
        return x

    def level_scores(self, posterior: Any) -> tuple[Array, Array]:
        """E ln p of every level, and zero for gaps."""
        found, _ = self.family.prepare(self.prior, posterior)
        table = np.zeros((int(self.level_sizes.sum()), self.n_components))
        table[self._levels] = found[:-1, : self.n_components]
        return np.zeros(self.n_components), table

    def level_sums(self, sums: Array, counts: Array) -> dict[str, Array]:
        """The family's field."""
        return {"sums": np.ascontiguousarray(sums[self._levels])}

    @property
    def _levels(self) -> NDArray[np.bool_]:
        """Which of the values are levels."""
        found = np.ones(int(self.level_sizes.sum()), dtype=bool)
        found[np.cumsum(self.level_sizes) - 1] = False
        return found


class FlagsPart(LevelledPart, FeaturePart):
    """Columns of 0 and 1 (`flags`), the only feature of which is the value itself.

    Statistics are those of `FeaturePart`. Values are 0, 1 and, where a unit may be missing, the
    gap.
    """

    @property
    def level_sizes(self) -> NDArray[np.int64]:
        """Two, or three with the gap."""
        return 2 + self.gaps.astype(np.int64)

    def values(self, x: NDArray[Any]) -> NDArray[Any]:
        """The columns themselves; gaps are 2."""
        return np.where(np.isnan(x), 2.0, x) if self.gaps.any() else x

    def level_scores(self, posterior: Any) -> tuple[Array, Array]:
        """Nothing for 0, the coefficient for 1, and what a gap adds."""
        constant, own, lost = self.scores(posterior)
        table = np.zeros((int(self.level_sizes.sum()), len(constant)))
        table[self._ones] = own.T
        table[self._ones[self.gaps] + 1] = lost
        return constant, table

    def level_sums(self, sums: Array, counts: Array) -> dict[str, Array]:
        """Sums of ones, and counts of what is there."""
        there = counts_there(counts, sums[self._ones[self.gaps] + 1])
        return self.sums(sums[self._ones].T, there)

    @property
    def _ones(self) -> NDArray[np.int64]:
        """Places of the value 1 of each column."""
        return np.asarray(np.cumsum(self.level_sizes) - self.level_sizes + 1)

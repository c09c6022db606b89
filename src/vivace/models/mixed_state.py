"""What a mixture over a table hands from one function to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Statistics
from vivace.families.base import Array
from vivace.models.parts.gaps import GapTables, Runs


@dataclass(frozen=True)
class MixedPosterior:
    """Posterior of a mixture over a table; arrays are not to be written to.

    Attributes
    ----------
    statistics : Statistics
        Those that made it, with empty components cleaned of rounding.
    log_weights : (K,)
        Expected log weights.
    parts : tuple
        The posterior of each part.
    """

    statistics: Statistics
    log_weights: Array
    parts: tuple[Any, ...]

    @property
    def counts(self) -> Array:
        """N_k, (K,)."""
        return self.statistics["counts"]


class BlockState(NamedTuple):
    """What is kept for a block between passes, all of which follows from the data.

    Attributes
    ----------
    base : float
        Sum of the base measure.
    runs : Runs or None
        Rows by the pattern of their gaps, where correlated columns have some.
    codes : (n, J) of int32 or None
        Joint levels of columns of few values; None where they are made anew in each pass.
    """

    base: float
    runs: Runs | None
    codes: NDArray[np.int32] | None


@dataclass(frozen=True)
class Prepared:
    """What a local step reads.

    Attributes
    ----------
    eta : (K, F)
        Natural parameters; without those of the correlated columns where these may have gaps.
    gathers : dict
        What parts made that meet the rows, by their place.
    tables : tuple of GapTables
        Of each correlated group where these may have gaps.
    lost : (G, padded K) or None
        What gaps of the other columns add to the scores.
    levels : (V + 1, padded K) or None
        What joint levels add to the scores.
    """

    eta: Array
    gathers: Mapping[int, Any]
    tables: tuple[GapTables, ...] = ()
    lost: Array | None = None
    levels: Array | None = None

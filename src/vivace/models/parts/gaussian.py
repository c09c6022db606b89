"""The group of correlated Gaussian columns whose features the kernel makes itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.gaussian import GaussianFamily, GaussianPosterior
from vivace.models.parts.base import Fields
from vivace.models.parts.correlated import CorrelatedPart
from vivace.models.parts.gaps import GapTables
from vivace.models.scaling import Scaling


class GaussianPart(CorrelatedPart):
    """Correlated Gaussian columns; the model holds at most one of these.

    Statistics: `suff` (K, F), counts, sums and products in z, as the family's update takes them;
    with `gaps` those of completed rows, and `gaps` (K,), the entropy of what was filled in.

    Parameters
    ----------
    family : Correlated
        See `vivace.families.correlated`.
    prior : dict of arrays
    n_columns : int
    scaling : Scaling
        From the units of the data to z.
    gaps : bool
        Whether values may be missing.
    gaussian : GaussianFamily, optional
        In z; made from the prior if left out.
    """

    def __init__(
        self,
        family: Any,
        prior: Any,
        n_columns: int,
        scaling: Scaling,
        gaps: bool = False,
        gaussian: GaussianFamily | None = None,
    ) -> None:
        super().__init__(family, prior, n_columns)
        self.scaling = scaling
        self.gaps = gaps
        self.gaussian = family.bind(prior) if gaussian is None else gaussian
        self.n_features = 1 + n_columns + n_columns * (n_columns + 1) // 2

    def fields(self, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """One field, or two."""
        found: dict[str, tuple[tuple[int, ...], int]] = {}
        found["suff"] = ((n_components, self.n_features), 0)
        if self.gaps:
            found["gaps"] = ((n_components,), 0)
        return found

    def update(self, counts: Array, statistics: Fields) -> GaussianPosterior:
        """Conjugate update."""
        posterior: GaussianPosterior = self.gaussian.update(statistics["suff"])
        return posterior

    def eta(self, posterior: GaussianPosterior) -> Array:
        """Expected natural parameters (K, F)."""
        found: Array = self.gaussian.expected_natural(posterior)[0]
        return found

    def bound(
        self, posterior: Any, made: tuple[Array, Fields], counts: Array, statistics: Fields
    ) -> float:
        """As in the Gaussian mixture."""
        suff = statistics["suff"]
        found = self.gaussian.log_normaliser(posterior)
        found += ((suff - posterior.suff) * self.eta(posterior)).sum()
        return float(found + statistics["gaps"].sum() if self.gaps else found)

    def base(self, x: NDArray[Any]) -> Array:
        """The Jacobian of the coordinates of what is there."""
        return np.asarray(-(~np.isnan(x) @ np.log(self.scaling.scale)))

    def tables(self, posterior: GaussianPosterior) -> GapTables:
        """What rows with gaps need."""
        structure, precisions = posterior.structure, posterior.precisions
        log_det = (
            -precisions.factor.log_det
            if precisions.known
            else structure.expected_log_det(precisions.dof, precisions.factor.log_det)
        )
        constant = log_det - self.n_columns / posterior.mean_precision
        return GapTables(precisions.expected(structure), posterior.means, constant)

"""Groups of correlated Gaussian columns, whose features the kernel makes itself."""

from __future__ import annotations

from dataclasses import replace
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
    """Correlated Gaussian columns.

    Statistics: `suff` (K, F), counts, sums and products in z; with `gaps` those of completed rows,
    and `gaps` (K,), the entropy of what was filled in. Where components share their covariance,
    the sums of all of them are the family's shared statistics.

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
        In z, 'full' or 'tied'; made from the prior if left out.
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
        suff = statistics["suff"]
        if self.gaussian.prior.tied:
            return self.gaussian.update(suff[:, : 1 + self.n_columns], suff.sum(axis=0))
        return self.gaussian.update(suff)

    def fresh(self, posterior: GaussianPosterior) -> GaussianPosterior:
        """A component without data; tied ones share their covariance with it."""
        found: GaussianPosterior = super().fresh(posterior)
        return replace(found, precisions=posterior.precisions) if posterior.tied else found

    def eta(self, posterior: GaussianPosterior) -> Array:
        """Expected natural parameters (K, F)."""
        own, shared = self.gaussian.expected_natural(posterior)
        if not posterior.tied:
            return own
        found = np.tile(shared, (len(own), 1))
        found[:, : own.shape[1]] += own
        return found

    def bound(
        self, posterior: Any, made: tuple[Array, Fields], counts: Array, statistics: Fields
    ) -> float:
        """As in the Gaussian mixture."""
        suff = statistics["suff"]
        own, shared = self.gaussian.expected_natural(posterior)
        found = self.gaussian.log_normaliser(posterior)
        if posterior.shared is not None:
            found += (suff.sum(axis=0) - posterior.shared) @ shared
            suff = suff[:, : 1 + self.n_columns]
        found += ((suff - posterior.suff) * own).sum()
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

"""The group of correlated Gaussian columns whose features the kernel makes itself."""

from __future__ import annotations

from typing import Any

from vivace.families.base import Array
from vivace.families.gaussian import GaussianPosterior
from vivace.models.parts.base import Fields, Part
from vivace.models.scaling import Scaling


class GaussianPart(Part):
    """Correlated Gaussian columns; the model holds at most one of these.

    Statistics: `suff` (K, F), counts, sums and products in z, as the family's update takes them.

    Parameters
    ----------
    family : Correlated
        See `vivace.families.correlated`.
    prior : dict of arrays
    n_columns : int
    scaling : Scaling
        From the units of the data to z.
    """

    scaling: Scaling

    def __init__(self, family: Any, prior: Any, n_columns: int, scaling: Scaling) -> None:
        super().__init__(family, prior, n_columns)
        self.scaling = scaling
        self.gaussian = family.bind(prior)
        self.n_features = 1 + n_columns + n_columns * (n_columns + 1) // 2

    def fields(self, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """One field."""
        return {"suff": ((n_components, self.n_features), 0)}

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
        return float(found - suff[:, 0].sum() * self.scaling.log_jacobian)

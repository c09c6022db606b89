"""The columns of a Gaussian mixture with diagonal precisions whose rows may have gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.gaussian import GaussianComponents, GaussianPrior
from vivace.families.pooled import PooledNormal
from vivace.models.parts.feature import FeaturePart
from vivace.models.scaling import Scaling


class PooledPart(FeaturePart):
    """Columns of a `PooledNormal` family, every one of which may have gaps.

    Parameters
    ----------
    prior : GaussianPrior
        In z; its covariance type is one of the diagonal or spherical ones.
    scaling : Scaling
        From the units of the data to z.
    """

    family: PooledNormal
    scaling: Scaling

    def __init__(self, prior: GaussianPrior, scaling: Scaling) -> None:
        family, d = PooledNormal(prior.covariance_type), len(prior.mean)
        super().__init__(family, family.arrays(prior), d, np.ones(d, dtype=bool), scaling)

    def fresh(self, posterior: GaussianComponents) -> GaussianComponents:
        """A component without data; tied types share their precisions with it."""
        found: GaussianComponents = super().fresh(posterior)
        return replace(found, precisions=posterior.precisions) if self.family.tied else found

    def log_predictive_rows(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Log densities of whole rows in the units of the data, (n, K), gaps left out."""
        found = self.family.log_predictive_rows(posterior, self.scaling.to_z(x))
        found -= (~np.isnan(x) @ np.log(self.scaling.scale))[:, None]
        return found

    def conditional(self, posterior: Any, x: NDArray[Any]) -> tuple[Array, Array]:
        """Mean and variance of what is missing given what is there, (1 or n, d, K) each."""
        dof, square = self.family.given(posterior, self.scaling.to_z(x))
        variance = np.where(dof > 2.0, square * dof / np.where(dof > 2.0, dof - 2.0, 1.0), np.inf)
        scale = self.scaling.scale[:, None]
        return self.scaling.from_z(posterior.means).T[None], variance * scale**2

    def draw_given(
        self, posterior: Any, x: Any, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """Draws of what is missing from the conditional Student-t; the others as they are."""
        z = self.scaling.to_z(x)
        dof, square = self.family.given(posterior, z)
        at = np.arange(len(z)) if len(dof) > 1 else np.zeros(len(z), dtype=np.intp)
        dof, square = dof[at, :, labels], square[at, :, labels]
        # One chi-square a row where dof has one column: the columns share their precision.
        noise = rng.standard_normal(z.shape) / np.sqrt(rng.chisquare(dof) / dof)
        drawn = posterior.means[labels] + np.sqrt(square) * noise
        return self.scaling.from_z(np.where(np.isnan(z), drawn, z))

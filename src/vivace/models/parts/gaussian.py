"""The group of correlated Gaussian columns whose features the kernel makes itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.gaussian import GaussianFamily, GaussianPosterior
from vivace.models.parts.base import Fields, Part, patterns
from vivace.models.parts.gaps import GapTables
from vivace.models.scaling import Scaling


class GaussianPart(Part):
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

    scaling: Scaling

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

    # -- predictions --------------------------------------------------------------------------

    def log_predictive_rows(self, posterior: GaussianPosterior, x: NDArray[Any]) -> Array:
        """Log densities of whole rows, (n, K), gaps left out: exact marginals of the Student-t."""
        z, there = self.scaling.to_z(x), ~np.isnan(x)
        out = np.zeros((len(x), len(posterior.means)))
        for rows, columns in patterns(there):
            if len(columns):
                found = self.family.log_predictive_rows(posterior, z[rows], columns)
                out[rows] = found - np.log(self.scaling.scale[columns]).sum()
        return out

    def log_predictive(self, posterior: GaussianPosterior, x: NDArray[Any]) -> Array:
        """Marginals of the columns, (n, d, K), zero for gaps."""
        found = self.family.log_predictive(posterior, self.scaling.to_z(x))
        found = found - np.log(self.scaling.scale)[:, None]
        return np.asarray(np.where(np.isnan(x)[:, :, None], 0.0, found))

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """In the units of the data."""
        return self.scaling.from_z(super().draw(posterior, labels, rng))

    def conditional(self, posterior: GaussianPosterior, x: NDArray[Any]) -> tuple[Array, Array]:
        """Mean and variance of what is missing given what is there, (n, d, K) each."""
        z, (n, d), k = self.scaling.to_z(x), x.shape, len(posterior.means)
        mean, variance = np.zeros((n, d, k)), np.zeros((n, d, k))
        for rows, columns in patterns(~np.isnan(x)):
            gone = np.setdiff1d(np.arange(d), columns)
            for j in range(k if len(gone) else 0):
                dof, place, matrix = self.family.given(posterior, j, z[rows], columns, gone)
                with np.errstate(divide="ignore"):
                    factor = np.where(dof > 2.0, dof / np.maximum(dof - 2.0, 1e-300), np.inf)
                own = np.diagonal(matrix, axis1=1, axis2=2) * factor
                mean[rows[:, None], gone, j] = place
                variance[rows[:, None], gone, j] = own
        scale = self.scaling.scale[:, None]
        return self.scaling.centre[:, None] + scale * mean, variance * scale**2

    def draw_given(
        self, posterior: Any, x: Any, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """Draws of what is missing from the conditional Student-t; the others as they are."""
        z, d = self.scaling.to_z(x), x.shape[1]
        for rows, columns in patterns(~np.isnan(x)):
            gone = np.setdiff1d(np.arange(d), columns)
            for j in np.unique(labels[rows]) if len(gone) else ():
                own = rows[labels[rows] == j]
                dof, place, matrix = self.family.given(posterior, j, z[own], columns, gone)
                noise = rng.standard_normal((len(own), len(gone), 1))
                noise /= np.sqrt(rng.chisquare(dof, len(own)) / dof)[:, None, None]
                z[np.ix_(own, gone)] = place + (np.linalg.cholesky(matrix) @ noise)[:, :, 0]
        return self.scaling.from_z(z)

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """In the units of the data."""
        mean, variance = super().moments(posterior)
        return self.scaling.from_z(mean), variance * self.scaling.scale**2

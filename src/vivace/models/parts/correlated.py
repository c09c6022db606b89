"""Predictions of correlated columns: densities of rows with gaps, and what is missing of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.student import StudentT
from vivace.models.parts.base import Part, patterns
from vivace.models.parts.gather import GatherPart
from vivace.models.scaling import Scaling


class CorrelatedPart(Part):
    """A part of a `Correlated` family: its predictive is a multivariate Student-t."""

    scaling: Scaling

    # -- predictions --------------------------------------------------------------------------

    def log_predictive_rows(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Log densities of whole rows, (n, K), gaps left out: exact marginals of the Student-t."""
        z, there = self.scaling.to_z(x), ~np.isnan(x)
        out = np.zeros((len(x), self._components(posterior)))
        for rows, columns in patterns(there):
            if len(columns):
                found = self.family.log_predictive_rows(posterior, z[rows], columns)
                out[rows] = found - np.log(self.scaling.scale[columns]).sum()
        return out

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Marginals of the columns, (n, d, K), zero for gaps."""
        found = self.family.log_predictive(posterior, self.scaling.to_z(x))
        found = found - np.log(self.scaling.scale)[:, None]
        return np.asarray(np.where(np.isnan(x)[:, :, None], 0.0, found))

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """In the units of the data."""
        return self.scaling.from_z(super().draw(posterior, labels, rng))

    def conditional(self, posterior: Any, x: NDArray[Any]) -> tuple[Array, Array]:
        """Mean and variance of what is missing given what is there, (n, d, K) each."""
        z, (n, d), k = self.scaling.to_z(x), x.shape, self._components(posterior)
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

    def _components(self, posterior: Any) -> int:
        return len(posterior.means)


class StudentPart(CorrelatedPart, GatherPart):
    """Student-t columns: they meet the rows."""

    family: StudentT
    scaling: Scaling

    def base(self, x: NDArray[Any]) -> Array:
        """The Jacobian of the coordinates of what is there."""
        return np.asarray(-(~np.isnan(x) @ np.log(self.scaling.scale)))

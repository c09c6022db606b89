"""The posterior of all Gaussian components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vivace.families.base import Array
from vivace.families.gaussian.structure import Factor, Structure


@dataclass(frozen=True)
class Precisions:
    """q of C precisions: C = K components, or 1 for tied types.

    Attributes
    ----------
    dof : (C,)
        Degrees of freedom; infinite where covariances are known constants. (C, D) where counts
        are those of each column.
    factor : Factor
        Of the scales dof x covariance; of the covariances themselves where they are known.
    """

    dof: Array
    factor: Factor

    @property
    def known(self) -> bool:
        """Whether covariances are constants of the model."""
        return bool(np.isinf(self.dof).any())

    def expected(self, structure: Structure) -> Array:
        """E[precision], a stack of C matrices."""
        if self.known:
            return self.factor.inverse
        return structure.weighted(self.dof, self.factor.inverse)

    def covariances(self, structure: Structure) -> Array:
        """Inverse of E[precision], a stack of C matrices."""
        if self.known:
            return self.factor.scale
        return structure.weighted(1.0 / self.dof, self.factor.scale)


@dataclass(frozen=True)
class GaussianComponents:
    """What is believed of K components in z; arrays are not to be written to.

    Attributes
    ----------
    covariance_type : str
        As in the prior.
    structure : Structure
    mean_precision : (K,)
        beta_k; infinite where means are known constants. (K, D) where counts are those of each
        column (diagonal types with gaps).
    means : (K, D)
        E[mean].
    precisions : Precisions
        q of the precisions.
    """

    covariance_type: str
    structure: Structure
    mean_precision: Array
    means: Array
    precisions: Precisions

    @property
    def tied(self) -> bool:
        """Whether all components share one covariance."""
        return self.covariance_type.startswith("tied")

    @property
    def dof(self) -> Array:
        """Degrees of freedom, (K,), one number repeated for tied types.

        (K, D), or (D,) for tied_diag, where counts are those of each column.
        """
        held = self.precisions.dof
        if held.ndim > 1:
            return held[0] if self.tied else held
        return np.broadcast_to(held, len(self.means)).copy()

    @property
    def scale(self) -> Array:
        """Product of dof and `covariances`, in its shape; covariances themselves where known."""
        return self._shaped(self.precisions.factor.scale)

    @property
    def covariances(self) -> Array:
        """Inverse of E[precision] in scikit-learn's shape of covariances_."""
        return self._shaped(self.precisions.covariances(self.structure))

    @property
    def standard_deviations(self) -> Array:
        """Roots of the diagonals of `covariances`, (K, D), (1, D), (K, 1) or (1, 1)."""
        stack = self.precisions.covariances(self.structure)
        return np.sqrt(self.structure.variances(stack))

    def _shaped(self, stack: Array) -> Array:
        return stack[0] if self.tied else stack


@dataclass(frozen=True)
class GaussianPosterior(GaussianComponents):
    """Posterior of K components and the statistics that made it.

    Attributes
    ----------
    suff : (K, F), shared : (G,) or None
        The statistics, cleaned of rounding.
    scatter : (C, Q)
        Moments about the means plus the pull of the prior mean: what the data add to the prior's
        scale.
    """

    suff: Array
    shared: Array | None
    scatter: Array

    @property
    def counts(self) -> Array:
        """N_k, (K,)."""
        return self.suff[:, 0]

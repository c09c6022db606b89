"""Diagonal and spherical precisions: Gamma distributions."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.families.gaussian.structure import Factor, Structure

LOG_PI = np.log(np.pi)


def _check(scale: Array) -> None:
    if not (np.isfinite(scale).all() and (scale > 0.0).all()):
        raise ImpossibleStatisticsError("a scale is not positive and finite")


class Diag(Structure):
    """One Gamma for each column: matrices and moments are (C, D)."""

    kind = "diag"

    def outer(self, vectors: Array) -> Array:
        """Squares."""
        return vectors**2

    def scale(self, moments: Array) -> Array:
        """As they are."""
        return moments

    def trace(self, moments: Array) -> Array:
        """Sum over the columns."""
        return np.asarray(moments.sum(axis=1))

    def clip(self, moments: Array) -> tuple[Array, Array]:
        """Lift negative entries to zero."""
        lift = np.maximum(-moments, 0.0)
        return lift, lift.max(axis=1)

    def factor(self, scale: Array) -> Factor:
        """Reciprocals and the sum of logarithms."""
        _check(scale)
        return Factor(scale, 1.0 / scale, np.log(scale).sum(axis=1))

    def coefficients(self, precision: Array) -> Array:
        """As they are."""
        return precision

    def times(self, precision: Array, vectors: Array) -> Array:
        """Column by column."""
        return precision * vectors

    def variances(self, scale: Array) -> Array:
        """As they are, (C, D)."""
        return scale

    def log_normaliser(self, dof: Array, log_det: Array) -> Array:
        """Equals sum_d ln Gamma(nu/2) - nu/2 ln(scale_d / 2) (PRML B.26)."""
        half = 0.5 * dof
        return np.asarray(self.d * (gammaln(half) + half * np.log(2.0)) - half * log_det)

    def expected_log_det(self, dof: Array, log_det: Array) -> Array:
        """Equals sum_d psi(nu/2) - ln(scale_d / 2) (PRML B.30)."""
        return np.asarray(self.d * (digamma(0.5 * dof) + np.log(2.0)) - log_det)

    def student_exponent(self, dof: Array) -> Array:
        """(nu + 1) / 2 of each column."""
        return np.asarray(0.5 * (dof + 1.0))

    def student_form(self, factor: Factor) -> Array:
        """1 / scale_d; every column has a Student density of its own."""
        return factor.inverse

    def student_constant(self, dof: Array, log_det: Array) -> Array:
        """Equals sum_d ln Gamma(b) - ln Gamma(b - 1/2) - 1/2 ln(pi scale_d)."""
        b = self.student_exponent(dof)
        ratio = gammaln(b) - gammaln(b - 0.5)
        return np.asarray(self.d * (ratio - 0.5 * LOG_PI) - 0.5 * log_det)


class Spherical(Structure):
    """One Gamma for all columns: matrices are (C,), moments traces (C, 1)."""

    kind = "spherical"

    def outer(self, vectors: Array) -> Array:
        """|v|^2."""
        return np.asarray((vectors**2).sum(axis=1, keepdims=True))

    def scale(self, moments: Array) -> Array:
        """Trace / D."""
        return moments[:, 0] / self.d

    def trace(self, moments: Array) -> Array:
        """The one column."""
        return moments[:, 0]

    def clip(self, moments: Array) -> tuple[Array, Array]:
        """Lift a negative trace to zero."""
        lift = np.maximum(-moments, 0.0)
        return lift, lift[:, 0]

    def factor(self, scale: Array) -> Factor:
        """Reciprocals and D times the logarithm."""
        _check(scale)
        return Factor(scale, 1.0 / scale, self.d * np.log(scale))

    def coefficients(self, precision: Array) -> Array:
        """The one column."""
        return precision[:, None]

    def times(self, precision: Array, vectors: Array) -> Array:
        """Number times vector."""
        return precision[:, None] * vectors

    def variances(self, scale: Array) -> Array:
        """The one variance, (C, 1)."""
        return scale[:, None]

    def log_normaliser(self, dof: Array, log_det: Array) -> Array:
        """Equals ln Gamma(a) - a ln c with a = D nu/2, c = D scale/2 (PRML B.26)."""
        a = 0.5 * self.d * dof
        return np.asarray(gammaln(a) - a * np.log(0.5 * self.d) - 0.5 * dof * log_det)

    def expected_log_det(self, dof: Array, log_det: Array) -> Array:
        """D (psi(a) - ln c) (PRML B.30)."""
        a = 0.5 * self.d * dof
        return np.asarray(self.d * (digamma(a) - np.log(0.5 * self.d)) - log_det)

    def student_exponent(self, dof: Array) -> Array:
        """(df + D) / 2 with df = D nu."""
        return np.asarray(0.5 * self.d * (dof + 1.0))

    def student_form(self, factor: Factor) -> Array:
        """1 / (D scale)."""
        return factor.inverse / self.d

    def student_constant(self, dof: Array, log_det: Array) -> Array:
        """Equals ln Gamma(b) - ln Gamma(b - D/2) - D/2 ln(pi D scale)."""
        b = self.student_exponent(dof)
        ratio = gammaln(b) - gammaln(b - 0.5 * self.d)
        return np.asarray(ratio - 0.5 * (self.d * (LOG_PI + np.log(self.d)) + log_det))

"""Full precision matrices: Wishart distributions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtrtri
from scipy.special import digamma, gammaln

from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.families.gaussian.structure import Factor, Structure

LOG_2, LOG_PI = np.log(2.0), np.log(np.pi)


@lru_cache(maxsize=64)
def _index(d: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Places of the upper triangle in a flat matrix, their inverse, and 1 or 2 for each.

    The order is z_i z_j for i <= j, row by row.
    """
    i, j = np.triu_indices(d)
    place = np.zeros((d, d), dtype=np.intp)
    place[i, j] = place[j, i] = np.arange(len(i))
    return i * d + j, place.ravel(), np.where(i == j, 1.0, 2.0)


class Full(Structure):
    """Matrices are (C, D, D), moments packed upper triangles (C, D(D+1)/2)."""

    kind = "full"

    def outer(self, vectors: Array) -> Array:
        """Packed v v^T."""
        i, j = np.divmod(_index(self.d)[0], self.d)
        return np.asarray(vectors[:, i] * vectors[:, j])

    def scale(self, moments: Array) -> Array:
        """Unpack the upper triangle to symmetric matrices."""
        spread = np.take(moments, _index(self.d)[1], axis=1)
        return spread.reshape(-1, self.d, self.d)

    def trace(self, moments: Array) -> Array:
        """Sum of the diagonal entries."""
        return np.asarray(moments[:, _index(self.d)[2] == 1.0].sum(axis=1))

    def clip(self, moments: Array) -> tuple[Array, Array]:
        """Lift negative eigenvalues to zero."""
        values, vectors = np.linalg.eigh(self.scale(moments))
        lift = np.maximum(-values, 0.0)
        change = (vectors * lift[:, None, :]) @ vectors.transpose(0, 2, 1)
        return self.pack(change), lift.max(axis=1)

    def factor(self, scale: Array) -> Factor:
        """Cholesky factors, their inverses and the inverses of the scales."""
        try:
            lower = np.linalg.cholesky(scale)
        except np.linalg.LinAlgError:
            raise ImpossibleStatisticsError("a scale matrix is not positive definite") from None
        log_det = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        if not np.isfinite(log_det).all():
            raise ImpossibleStatisticsError("a scale matrix is not finite")
        root = np.empty_like(lower)
        for k in range(len(lower)):  # a loop over LAPACK calls beats batched solves 3 times
            root[k] = dtrtri(lower[k].T, lower=0)[0]
        return Factor(scale, root @ root.transpose(0, 2, 1), log_det, root)

    def coefficients(self, precision: Array) -> Array:
        """Packed upper triangle; both halves of an off-diagonal entry in one number."""
        return np.asarray(self.pack(precision) * _index(self.d)[2])

    def times(self, precision: Array, vectors: Array) -> Array:
        """Matrix times vector."""
        if len(precision) == 1:
            return np.asarray(vectors @ precision[0])
        return np.asarray((precision @ vectors[:, :, None])[:, :, 0])

    def variances(self, scale: Array) -> Array:
        """Diagonals, (C, D)."""
        return np.asarray(np.diagonal(scale, axis1=1, axis2=2))

    def log_normaliser(self, dof: Array, log_det: Array) -> Array:
        """Wishart: nu D/2 ln 2 - nu/2 ln |scale| + ln Gamma_D(nu/2) (PRML B.79)."""
        log_gamma = gammaln(self._halves(dof)).sum(axis=1) + self.d * (self.d - 1) / 4.0 * LOG_PI
        return np.asarray(0.5 * dof * (self.d * LOG_2 - log_det) + log_gamma)

    def expected_log_det(self, dof: Array, log_det: Array) -> Array:
        """sum_i psi((nu + 1 - i)/2) + D ln 2 - ln |scale| (PRML B.81)."""
        return np.asarray(digamma(self._halves(dof)).sum(axis=1) + self.d * LOG_2 - log_det)

    def student_exponent(self, dof: Array) -> Array:
        """(df + D) / 2 with df = nu + 1 - D (PRML 10.81, 10.82)."""
        return np.asarray(0.5 * (dof + 1.0))

    def student_form(self, factor: Factor) -> Array:
        """The inverse of the scale."""
        return factor.inverse

    def student_constant(self, dof: Array, log_det: Array) -> Array:
        """Equals ln Gamma(b) - ln Gamma(b - D/2) - D/2 ln pi - 1/2 ln |scale|."""
        b = self.student_exponent(dof)
        ratio = gammaln(b) - gammaln(b - 0.5 * self.d)
        return np.asarray(ratio - 0.5 * (self.d * LOG_PI + log_det))

    def pack(self, matrices: Array) -> Array:
        """Upper triangles of symmetric matrices, row by row."""
        return np.take(matrices.reshape(-1, self.d**2), _index(self.d)[0], axis=1)

    def _halves(self, dof: Array) -> Any:
        """(nu + 1 - i) / 2 for i = 1..D, (C, D)."""
        return 0.5 * (np.asarray(dof)[:, None] - np.arange(float(self.d)))

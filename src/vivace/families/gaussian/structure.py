"""What differs between full, diagonal and spherical precision matrices.

A `Structure` works on stacks: C precisions at a time (C = K components, or 1 for tied types).

- A *matrix* (scale, precision) is (C, D, D) for full, (C, D) for diag, (C,) for spherical.
- A *moment* (sums of squares, scatters) stays in the quadratic columns of the features, (C, Q):
  the packed upper triangle for full, the squares for diag, their sum for spherical.

Precisions are Wishart, W(nu, scale^-1), or products of Gammas written in the same two numbers, so
that dof and scale mean the same everywhere: E[precision] = dof scale^-1 (Gamma shape dof / 2 and
rate scale / 2; for spherical D dof / 2 and D scale / 2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from vivace.families.base import Array
from vivace.families.kinds import Kind


@dataclass(frozen=True)
class Factor:
    """A stack of scales, inverted once.

    Attributes
    ----------
    scale, inverse : matrix
        The scale and its inverse, in the shapes of the structure.
    log_det : (C,)
        Logarithm of the determinant of the D x D scale.
    root : (C, D, D) or None
        Full only: upper triangular with root root^T = inverse (the transposed inverse of the
        scale's Cholesky factor; scikit-learn's precisions_cholesky_ but for sqrt(dof)).
    """

    scale: Array
    inverse: Array
    log_det: Array
    root: Array | None = None


class Structure(ABC):
    """Operations on stacks of precisions of one shape, for `d` columns."""

    kind: ClassVar[Kind]

    def __init__(self, d: int) -> None:
        self.d = d

    # -- moments ------------------------------------------------------------------------------

    @abstractmethod
    def outer(self, vectors: Array) -> Array:
        """Moments of v v^T for vectors (C, D)."""

    @abstractmethod
    def scale(self, moments: Array) -> Array:
        """Contribution of a scatter to the scale: a stack of matrices (spherical: trace / D)."""

    @abstractmethod
    def trace(self, moments: Array) -> Array:
        """Trace of each moment, (C,)."""

    @abstractmethod
    def clip(self, moments: Array) -> tuple[Array, Array]:
        """Least change that makes a scatter positive semi-definite.

        Returns
        -------
        change : (C, Q)
            To be added to the scatter.
        size : (C,)
            Its largest eigenvalue.
        """

    # -- precisions ---------------------------------------------------------------------------

    @abstractmethod
    def factor(self, scale: Array) -> Factor:
        """Invert a stack of scales; ImpossibleStatisticsError if one is not positive definite."""

    @abstractmethod
    def coefficients(self, precision: Array) -> Array:
        """Quadratic columns (C, Q) whose product with features is z^T precision z.

        Their product with a moment is tr(precision moment).
        """

    def weighted(self, weights: Array, matrices: Array) -> Array:
        """Multiply each matrix of a stack by its weight, (C,), or by its columns', (C, D)."""
        return weights.reshape(*weights.shape, *(1,) * (matrices.ndim - weights.ndim)) * matrices

    @abstractmethod
    def times(self, precision: Array, vectors: Array) -> Array:
        """Precision times vector, (K, D); one precision serves all vectors when C = 1."""

    @abstractmethod
    def variances(self, scale: Array) -> Array:
        """Diagonal of each scale, (C, D); (C, 1) for spherical."""

    # -- distributions ------------------------------------------------------------------------

    @abstractmethod
    def log_normaliser(self, dof: Array, log_det: Array) -> Array:
        """Logarithm of Z of the distribution of each precision, (C,) (PRML B.79, B.27)."""

    @abstractmethod
    def expected_log_det(self, dof: Array, log_det: Array) -> Array:
        """E ln |precision| of each, (C,) (PRML B.81, B.30)."""

    @abstractmethod
    def student_exponent(self, dof: Array) -> Array:
        """Exponent b in the predictive density exp(a) (1 + q)^-b of a component, (C,)."""

    @abstractmethod
    def student_form(self, factor: Factor) -> Array:
        """Precision matrix M with q = (z - m)^T M (z - m) / (1 + 1 / mean precision)."""

    @abstractmethod
    def student_constant(self, dof: Array, log_det: Array) -> Array:
        """Constant a of the predictive, (C,), but for the part -D/2 ln(1 + 1/beta_k)."""

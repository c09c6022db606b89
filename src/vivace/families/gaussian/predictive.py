"""Posterior predictive densities of Gaussian components, in the form that the kernels evaluate.

Three kinds of terms, each ln p(z | k) for a set of components:

- `StudentTerms`: a_k - b_k ln(1 + q_nk), q = features(z) . eta_q[k] (full and spherical shapes);
- `StudentDiagTerms`: a_k - sum_d b_kd ln(1 + inv_scale2_kd (z_d - mean_kd)^2) (diagonal shapes);
- `GaussianTerms`: features(z) . eta[k] (known covariances).

Sources: Bishop, PRML 10.81 and 10.82 (full); the same integral with Gamma precisions.
q comes out of features about one common centre: with the clusters s standard deviations away
from it, rounding changes q by about s^2 x 1e-16 / N_k, hence ln p by about s^2 x 1e-16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vivace.families.base import Array
from vivace.families.gaussian.posterior import Precisions
from vivace.families.gaussian.structure import Structure
from vivace.families.kinds import Kind


@dataclass(frozen=True)
class StudentTerms:
    """ln p = a_k - b_k log1p(features(z) . eta_q[k]); eta_q (K, F(score_kind)), a, b (K,)."""

    score_kind: Kind
    eta_q: Array
    a: Array
    b: Array


@dataclass(frozen=True)
class StudentDiagTerms:
    """ln p = a_k - sum_d b_kd log1p(inv_scale2_kd (z_d - means_kd)^2); a (K,), others (K, D)."""

    means: Array
    inv_scale2: Array
    a: Array
    b: Array


@dataclass(frozen=True)
class GaussianTerms:
    """ln p = features(z) . eta[k]; eta (K, F(score_kind))."""

    score_kind: Kind
    eta: Array


Terms = StudentTerms | StudentDiagTerms | GaussianTerms


@dataclass(frozen=True)
class Predictive:
    """Predictive densities of a posterior.

    Attributes
    ----------
    components : Terms
        Of the K components.
    fresh : Terms
        Of one component that has seen no data: the prior predictive; for tied types with the
        covariance that all components share.
    """

    components: Terms
    fresh: Terms


def quadratic_form(
    structure: Structure, matrix: Array, means: Array, common: Array | float = 0.0
) -> Array:
    """Natural parameters of common + (z - m)^T M (z - m), (K, F): constant, linear, quadratic.

    All three come from the same rounded M, so that rounding of M moves the form by its own
    relative error and not by that of the distance of m from the origin.
    """
    linear = structure.times(matrix, means)
    constant = common + (linear * means).sum(axis=1)
    quadratic = structure.coefficients(matrix)
    quadratic = np.broadcast_to(quadratic, (len(means), quadratic.shape[1]))
    return np.concatenate([constant[:, None], -2.0 * linear, quadratic], axis=1)


def predictive_terms(
    structure: Structure, precisions: Precisions, mean_precision: Array, means: Array
) -> Terms:
    """Density of a new row in each component, its parameters integrated out."""
    d = structure.d
    spread = 1.0 + 1.0 / mean_precision  # 1 where the mean is known
    log_det = precisions.factor.log_det
    shrink = -0.5 * d * np.log(spread)
    if precisions.known:
        matrix = structure.weighted(1.0 / spread, precisions.factor.inverse)
        common = d * np.log(2.0 * np.pi * spread) + log_det
        return GaussianTerms(
            structure.kind, -0.5 * quadratic_form(structure, matrix, means, common)
        )
    matrix = structure.weighted(1.0 / spread, structure.student_form(precisions.factor))
    a = structure.student_constant(precisions.dof, log_det) + shrink
    b = np.broadcast_to(structure.student_exponent(precisions.dof), a.shape)
    if structure.kind == "diag":
        matrix = np.broadcast_to(matrix, means.shape)
        exponents = np.repeat(b[:, None], d, axis=1)
        return StudentDiagTerms(means, np.ascontiguousarray(matrix), a, exponents)
    eta_q = quadratic_form(structure, matrix, means)
    return StudentTerms(structure.kind, eta_q, a, np.ascontiguousarray(b))

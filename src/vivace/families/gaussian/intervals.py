"""Credible intervals of means and variances, from the marginals of the posterior, in z.

A mean's marginal is a Student t, a variance's an inverse Gamma. With e degrees of freedom and S
the sum of squares behind a variance,

    mean ~ t(e) with squared scale S / (beta e),    variance ~ inverse Gamma(e / 2, S / 2):

full: e = dof + 1 - D, S the diagonal of the scale (marginal of an inverse Wishart); diag: e = dof,
S = scale; spherical: e = D dof, S = D scale. Source: Gelman et al., *Bayesian Data Analysis*
(3rd edition, 2013), section 3.6 and appendix A.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammainccinv, ndtri, stdtrit

from vivace.families.base import Array
from vivace.families.gaussian.posterior import GaussianComponents


def mean_intervals(posterior: GaussianComponents, level: float) -> Array:
    """Equal-tailed intervals of every mean, (2, K, D): low, high; known means are their own."""
    tail = _tail(level)
    beta = _by_column(posterior.mean_precision)
    e, squares = _marginals(posterior)
    if posterior.precisions.known:
        half = -ndtri(tail) * np.sqrt(squares / beta)
    else:
        half = -stdtrit(e, tail) * np.sqrt(squares / (beta * e))
    return np.stack([posterior.means - half, posterior.means + half])


def variance_intervals(posterior: GaussianComponents, level: float) -> Array:
    """Equal-tailed intervals of the diagonal of every covariance: low, high in the first axis.

    Then (K, D) for full and diag, (K,) for spherical, (D,) for tied and tied_diag, and no more
    for tied_spherical. Known covariances are their own intervals.
    """
    tail = _tail(level)
    e, squares = _marginals(posterior)
    if posterior.precisions.known:
        bounds = np.stack([squares, squares])
    else:
        quantiles = [gammainccinv(0.5 * e, p) for p in (tail, 1.0 - tail)]
        bounds = np.stack([0.5 * squares / q for q in quantiles])
    if posterior.structure.kind == "spherical":
        bounds = bounds[..., 0]
    return bounds[:, 0] if posterior.covariance_type.startswith("tied") else bounds


def _marginals(posterior: GaussianComponents) -> tuple[Array, Array]:
    """(e, S) of each variance, (C, 1) or (C, D), and (C, D); (C, 1) for spherical.

    S is the variance itself where covariances are known.
    """
    structure, precisions = posterior.structure, posterior.precisions
    squares = structure.variances(precisions.factor.scale)
    dof, d = _by_column(precisions.dof), structure.d
    if precisions.known or structure.kind == "diag":
        return dof, squares
    if structure.kind == "full":
        return dof + 1.0 - d, squares
    return d * dof, d * squares


def _by_column(counts: Array) -> Array:
    """One row a component, whether columns have counts of their own or not."""
    return counts[:, None] if counts.ndim == 1 else counts


def _tail(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, as 0.95 does; got {level!r}")
    return 0.5 * (1.0 - level)

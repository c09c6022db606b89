"""Credible intervals of the parameters under the posterior."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv, ndtri, stdtrit

from vivace.families.gaussian import GaussianPosterior
from vivace.models.mixture import MixtureModel

Array = NDArray[np.float64]

# The interval of stick-breaking weights is a seeded draw: asked twice, it answers the same.
_SEED = 0


class CredibleIntervals(NamedTuple):
    """Equal-tailed credible intervals; in each array the first axis is (lower, upper).

    Attributes
    ----------
    weights : ndarray of shape (2, n_components)
        Of the weights, normalised over the components as `weights_` is.
    means : ndarray of shape (2, n_components, n_features)
        Of each coordinate of each mean.
    variances : ndarray of shape (2, ...)
        Of the diagonal of each covariance: (n_components, n_features) for full and diag,
        (n_components,) for spherical, (n_features,) for tied and tied_diag, () for tied_spherical.
    """

    weights: Array
    means: Array
    variances: Array


def credible_intervals(
    model: MixtureModel, gaussian: GaussianPosterior, level: float
) -> CredibleIntervals:
    """Intervals that hold `level` of the posterior mass of each parameter.

    A mean has a Student-t marginal, a variance an inverse Gamma one: with e = dof + 1 - D (full),
    dof (diag), D dof (spherical) and S the diagonal of the scale (D times it for spherical), the
    mean has e degrees of freedom and squared scale S / (mean_precision e), the variance has shape
    e / 2 and scale S / 2 (Bishop, PRML (2006), appendix B; Gelman et al., BDA3, section 3.6).
    """
    tail = 0.5 * (1.0 - level)
    probability = np.array([tail, 1.0 - tail])
    structure, held = gaussian.structure, gaussian.precisions
    d, k = structure.d, len(gaussian.means)
    diagonal = structure.variances(held.factor.scale)
    if structure.kind == "spherical":
        diagonal = diagonal.reshape(-1, 1)
    beta = gaussian.mean_precision[:, None]
    if held.known:
        bounds = np.stack([diagonal, diagonal])
        half = ndtri(1.0 - tail) * np.sqrt(diagonal / beta)
    else:
        dof = held.dof[:, None]
        e = {"full": dof + 1.0 - d, "diag": dof, "spherical": d * dof}[structure.kind]
        sums = d * diagonal if structure.kind == "spherical" else diagonal
        bounds = 0.5 * sums / gammainccinv(0.5 * e, probability[:, None, None])
        half = stdtrit(e, 1.0 - tail) * np.sqrt(sums / (beta * e))
    half = np.broadcast_to(np.where(np.isinf(beta), 0.0, half), (k, d))
    means = model.scaling.from_z(gaussian.means + np.stack([-half, half]))
    if structure.kind == "spherical":
        variances = model.scaling.covariances_from_z(bounds[..., 0], "spherical")
    else:
        variances = model.scaling.covariances_from_z(bounds, "diag")
    if gaussian.covariance_type.startswith("tied"):
        variances = variances[:, 0]
    rng = np.random.default_rng(_SEED)
    weights = model.weight_model.interval(gaussian.counts, level, rng)
    return CredibleIntervals(weights, means, variances)

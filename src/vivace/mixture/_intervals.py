"""Credible intervals of the parameters, in the data's units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.families.gaussian.intervals import mean_intervals, variance_intervals
from vivace.models.incomplete import IncompleteModel, IncompletePosterior
from vivace.models.mixture import MixtureModel, MixturePosterior

Array = NDArray[np.float64]

# The interval of stick-breaking weights is a seeded draw: asked twice, it answers the same.
SEED = 0


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


def check_level(level: float) -> None:
    """Raise ValueError where `level` is no share of posterior mass."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be a number between 0 and 1, got {level!r}.")


def credible_intervals(
    model: MixtureModel | IncompleteModel,
    posterior: MixturePosterior | IncompletePosterior,
    level: float,
) -> CredibleIntervals:
    """Intervals that hold `level` of the posterior mass of each parameter."""
    gaussian = posterior.gaussian
    spherical = gaussian.structure.kind == "spherical"
    rng = np.random.default_rng(SEED)
    return CredibleIntervals(
        weights=model.weight_model.interval(posterior.counts, level, rng),
        means=model.scaling.from_z(mean_intervals(gaussian, level)),
        variances=model.scaling.covariances_from_z(
            variance_intervals(gaussian, level), "spherical" if spherical else "diag"
        ),
    )

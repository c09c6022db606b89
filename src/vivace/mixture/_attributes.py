"""From the posterior (in z coordinates) to the fitted attributes (in the data's units)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.gaussian import GaussianComponents
from vivace.mixture._parameters import MATRIX_TYPES
from vivace.mixture._prior import PriorValues
from vivace.models.incomplete import IncompleteModel
from vivace.models.mixture import MixtureModel
from vivace.models.scaling import Scaling

Array = NDArray[np.float64]

# A component is in use when it holds more than half a row. Half, not a whole one: the component of
# a lonely row holds one row less what its neighbours take of it.
LEAST_ROWS = 0.5


def fitted_attributes(
    model: MixtureModel | IncompleteModel, posterior: Any, row_weight: float, dtype: np.dtype[Any]
) -> dict[str, Any]:
    """Return the attributes that describe the posterior.

    Parameters
    ----------
    model : MixtureModel or IncompleteModel
    posterior : MixturePosterior or IncompletePosterior
        float64, in z coordinates.
    row_weight : float
        Mean weight of the rows.
    dtype : dtype
        Of the arrays returned; one beyond the range of float32 stays float64.
    """
    gaussian, weights = posterior.gaussian, model.weight_model
    counts = np.asarray(posterior.counts)
    mean = weights.mean(counts)
    concentration = weights.concentration(counts)
    covariances, precisions, factors = second_moments(model.scaling, gaussian)

    def out(value: Any) -> NDArray[Any]:
        # A copy always: who changes an attribute must not change the posterior.
        exact = np.array(value, dtype=np.float64)
        with np.errstate(over="ignore", under="ignore"):
            short = exact.astype(dtype)
        return exact if (np.isfinite(exact) & ~np.isfinite(short)).any() else short

    return {
        "weights_": out(mean / mean.sum()),
        "means_": out(model.scaling.from_z(gaussian.means)),
        "covariances_": _number(out(covariances)),
        "precisions_": _number(out(precisions)),
        "precisions_cholesky_": _number(out(factors)),
        "weight_concentration_": (
            tuple(out(part) for part in concentration)
            if isinstance(concentration, tuple)
            else out(concentration)
        ),
        "mean_precision_": out(gaussian.mean_precision),
        "degrees_of_freedom_": out(gaussian.dof),
        "leftover_weight_": float(weights.leftover(counts)),
        "n_effective_components_": int(np.count_nonzero(in_use(counts, row_weight))),
    }


def prior_attributes(prior: PriorValues) -> dict[str, Any]:
    """Return the attributes that describe the prior, float64, in the data's units."""
    return {
        "weight_concentration_prior_": prior.weight_concentration,
        "mean_precision_prior_": prior.mean_precision,
        "mean_prior_": prior.mean.copy(),
        "degrees_of_freedom_prior_": prior.degrees_of_freedom,
        "covariance_prior_": _number(prior.covariance.copy()),
    }


def in_use(counts: Array, row_weight: float) -> NDArray[np.bool_]:
    """Which components hold something: more than `LEAST_ROWS` rows.

    A row counts as one, or as the mean weight where that is less (weights that sum to 1).
    """
    return np.asarray(counts > LEAST_ROWS * min(1.0, row_weight))


def second_moments(scaling: Scaling, gaussian: GaussianComponents) -> tuple[Array, Array, Array]:
    """Covariances, precisions and Cholesky factors of the precisions, in the data's units.

    The covariances are scale / degrees of freedom, scikit-learn's. Factors are upper triangular,
    precision = factor factor^T.
    """
    kind, s = gaussian.covariance_type, scaling.scale
    covariances = np.asarray(gaussian.covariances)
    if kind not in MATRIX_TYPES:
        covariances = scaling.covariances_from_z(covariances, kind)
        return covariances, 1.0 / covariances, np.sqrt(1.0 / covariances)
    held = gaussian.precisions
    assert held.factor.root is not None
    roots = held.factor.root / s[:, np.newaxis]
    if not held.known:
        roots = roots * np.sqrt(held.dof)[:, np.newaxis, np.newaxis]
    precisions = roots @ roots.transpose(0, 2, 1)
    if kind == "tied":
        roots, precisions = roots[0], precisions[0]
    return scaling.covariances_from_z(covariances, kind), precisions, roots


def _number(value: NDArray[Any]) -> Any:
    """Turn an array without dimensions into a number."""
    return value[()] if value.ndim == 0 else value

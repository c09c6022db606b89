"""From data and parameters to coordinates and prior.

All work happens in z = (x - centre) / scale; this module makes centre and scale, fills in the
default priors (scikit-learn's), and maps every given value into z.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.estimators.parameters import checking_parameters
from vivace.families.gaussian import GaussianFamily, GaussianPrior
from vivace.mixture._moments import Moments
from vivace.mixture._parameters import (
    MATRIX_TYPES,
    SPHERICAL_TYPES,
    shape_of_covariance_prior,
    shape_of_covariances,
)
from vivace.mixture._validation import check_values
from vivace.models.scaling import Scaling
from vivace.models.weights import Dirichlet, DirichletProcess, PitmanYor, WeightModel

Array = NDArray[np.float64]

# A matrix in standardised coordinates counts as singular when its smallest eigenvalue is below
# this part of the largest: 16 digits less the 3 that a Cholesky factor of 100 columns may lose.
_SINGULAR = 1e-13


@dataclass(frozen=True)
class PriorValues:
    """The prior in data units and scikit-learn's names; become the `*_prior_` attributes.

    `ridge` (n_features,) is the part of `reg_covar`: it belongs to the prior's scale matrix and is
    not shown in `covariance`.
    """

    weight_concentration: float
    mean_precision: float
    mean: Array
    degrees_of_freedom: float
    covariance: Array
    ridge: Array


def make_scaling(moments: Moments, covariance_type: str) -> Scaling:
    """Centre: the weighted means. Scale: the standard deviations, one for all if spherical."""
    scale = np.sqrt(column_variances(moments))
    if covariance_type in SPHERICAL_TYPES:
        scale = np.full_like(scale, np.sqrt(np.mean(scale**2)))
    return Scaling(moments.mean.copy(), scale)


def column_variances(moments: Moments) -> Array:
    """Variances, with a positive floor for constant columns.

    A constant column has no scale of its own. It is given the mean variance of the other columns,
    or, where all columns are constant, the variance 1. The fit does not depend on the choice (the
    column says nothing about the components); densities of new rows do.
    """
    variance = moments.variance.copy()
    constant = variance == 0.0
    variance[constant] = 1.0 if constant.all() else variance[~constant].mean()
    return variance


def make_prior(
    parameters: dict[str, Any], moments: Moments, scatter: Callable[[Scaling], Array]
) -> PriorValues:
    """Fill in what was not given, in scikit-learn's way.

    Parameters
    ----------
    parameters : dict
        `get_params(deep=False)`.
    moments : Moments
    scatter : callable
        Returns sum w z z^T in the given coordinates; called only where the default full or tied
        covariance prior needs it.

    Raises
    ------
    ValueError
        A prior has another shape than the data ask for, or is not a valid one.
    """
    n_features, kind = len(moments.mean), parameters["covariance_type"]
    concentration = parameters["weight_concentration_prior"]
    mean_precision = parameters["mean_precision_prior"]
    mean = parameters["mean_prior"]
    return PriorValues(
        weight_concentration=(
            1.0 / parameters["n_components"] if concentration is None else float(concentration)
        ),
        mean_precision=1.0 if mean_precision is None else float(mean_precision),
        mean=(
            moments.mean.copy()
            if mean is None
            else check_values(mean, "mean_prior", (n_features,), "one value a column")
        ),
        degrees_of_freedom=_degrees_of_freedom(parameters, n_features),
        covariance=_covariance(parameters["covariance_prior"], kind, moments, scatter),
        ridge=float(parameters["reg_covar"]) * column_variances(moments),
    )


@checking_parameters()
def _degrees_of_freedom(parameters: dict[str, Any], n_features: int) -> float:
    given, kind = parameters["degrees_of_freedom_prior"], parameters["covariance_type"]
    if given is None:
        return float(n_features)
    if kind in MATRIX_TYPES and given <= n_features - 1:
        raise ValueError(
            f"The parameter 'degrees_of_freedom_prior' should be greater than {n_features - 1}, "
            f"but got {given:.3f}. A Wishart distribution over {n_features} columns needs more "
            "than that; covariance_type 'diag' takes any positive number."
        )
    return float(given)


def _covariance(
    given: Any, kind: str, moments: Moments, scatter: Callable[[Scaling], Array]
) -> Array:
    n_features = len(moments.mean)
    if given is not None:
        shape = shape_of_covariance_prior(kind, n_features)
        what = f"covariance_type {kind!r}, n_features = {n_features}"
        value = check_values(given, "covariance_prior", shape, what)
        _check_covariance(value, kind, "covariance_prior")
        return value
    if kind in MATRIX_TYPES:
        scaling = Scaling(moments.mean, np.sqrt(column_variances(moments)))
        matrix = scatter(scaling) * np.outer(scaling.scale, scaling.scale) / moments.denominator
        np.fill_diagonal(matrix, moments.variance)
        return matrix
    if kind in SPHERICAL_TYPES:
        return np.asarray(moments.variance.mean())
    return moments.variance.copy()


@checking_parameters()
def _check_covariance(value: Array, kind: str, name: str) -> None:
    """Refuse what is no covariance: not symmetric, not positive definite, not positive."""
    if kind not in MATRIX_TYPES:
        if not (value > 0.0).all():
            raise ValueError(f"{name} must be positive everywhere, got {value.min():g}.")
        return
    for index, matrix in enumerate(value.reshape(-1, *value.shape[-2:])):
        which = f"{name}[{index}]" if value.ndim == 3 else name
        if not np.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-9 * np.abs(matrix).max()):
            raise ValueError(f"{which} must be symmetric. Pass (C + C.T) / 2.")
        if not _definite(matrix):
            raise ValueError(
                f"{which} must be positive definite. Add a small part of the diagonal to it."
            )


def _definite(matrix: Array) -> bool:
    diagonal = np.diag(matrix)
    if not (diagonal > 0.0).all():
        return False
    inverse = 1.0 / np.sqrt(diagonal)
    smallest = np.linalg.eigvalsh(matrix * np.outer(inverse, inverse))[0]
    return bool(smallest > _SINGULAR)


def make_family(parameters: dict[str, Any], prior: PriorValues, scaling: Scaling) -> GaussianFamily:
    """The family in z coordinates: prior and known values mapped there.

    Raises
    ------
    ValueError
        The prior's scale matrix is singular.
    """
    kind = parameters["covariance_type"]
    n_features = len(scaling.scale)
    ridge = np.diag(prior.ridge) if kind in MATRIX_TYPES else prior.ridge
    if kind in SPHERICAL_TYPES:
        ridge = prior.ridge.mean()
    scale = scaling.covariances_to_z(prior.covariance + ridge, kind)
    valid = _definite(scale) if kind in MATRIX_TYPES else bool((scale > 0.0).all())
    if not valid:
        raise ValueError(
            "The prior covariance is singular (constant or dependent columns, or fewer rows than "
            "columns), so the model has no density. Set reg_covar > 0 (its default is 1e-6 of each "
            "column's variance), give covariance_prior, or leave such columns out."
        )
    means, covariances = known_values(parameters, n_features)
    if means is not None:
        means = scaling.to_z(means)
    if covariances is not None:
        covariances = scaling.covariances_to_z(covariances, kind)
    gaussian = GaussianPrior(
        kind,
        scaling.to_z(prior.mean),
        prior.mean_precision,
        prior.degrees_of_freedom,
        scale if scale.ndim else float(scale),
    )
    return GaussianFamily(gaussian, fixed_means=means, fixed_covariances=covariances)


def known_values(parameters: dict[str, Any], n_features: int) -> tuple[Array | None, Array | None]:
    """Check `fixed_means` and `fixed_covariances`, in data units; None where not given."""
    kind, k = parameters["covariance_type"], parameters["n_components"]
    means, covariances = parameters["fixed_means"], parameters["fixed_covariances"]
    if means is not None:
        what = "n_components, n_features"
        means = check_values(means, "fixed_means", (k, n_features), what)
    if covariances is not None:
        shape = shape_of_covariances(kind, k, n_features)
        what = f"that of covariances_ for covariance_type {kind!r}"
        covariances = check_values(covariances, "fixed_covariances", shape, what)
        _check_covariance(covariances, kind, "fixed_covariances")
    return means, covariances


def make_weight_model(parameters: dict[str, Any], concentration: float) -> WeightModel:
    """Dirichlet, Dirichlet process or Pitman-Yor."""
    kind = parameters["weight_concentration_prior_type"]
    if kind == "dirichlet_distribution":
        return Dirichlet(concentration)
    if kind == "dirichlet_process":
        return DirichletProcess(concentration)
    return PitmanYor(concentration, float(parameters["discount"]))

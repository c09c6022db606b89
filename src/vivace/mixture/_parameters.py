"""What each constructor parameter may be, and the shapes that go with a covariance type."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Options, StrOptions

from vivace.estimators.parameters import Number, integer

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical", "tied_diag", "tied_spherical")
# Covariances whose prior is a Wishart distribution; the others have Gamma priors.
MATRIX_TYPES = ("full", "tied")
SPHERICAL_TYPES = ("spherical", "tied_spherical")

_positive = Number(Real, 0.0, None, closed="neither")
_count = integer(1)

CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [_count],
    "covariance_type": [StrOptions(set(COVARIANCE_TYPES))],
    "tol": [Number(Real, 0.0, None, closed="left")],
    "reg_covar": [Number(Real, 0.0, None, closed="left")],
    "max_iter": [integer(0)],
    "n_init": [_count],
    "init_params": [StrOptions({"kmeans", "k-means++", "random", "random_from_data"})],
    "means_init": ["array-like", None],
    "weight_concentration_prior_type": [
        StrOptions({"dirichlet_process", "dirichlet_distribution", "pitman_yor"})
    ],
    "weight_concentration_prior": [None, _positive],
    "discount": [Number(Real, 0.0, 1.0, closed="left")],
    "mean_precision_prior": [None, _positive],
    "mean_prior": ["array-like", None],
    "degrees_of_freedom_prior": [None, _positive],
    "covariance_prior": ["array-like", None, _positive],
    "missing": [StrOptions({"error", "marginalize"})],
    "fixed_means": ["array-like", None],
    "fixed_covariances": ["array-like", None, _positive],
    "learning_method": [StrOptions({"batch", "online", "memoized"})],
    "acceleration": [StrOptions({"squarem"}), None],
    "batch_size": [None, _count],
    "learning_decay": [Number(Real, 0.0, 1.0, closed="both")],
    "learning_offset": [Number(Real, 1.0, None, closed="left")],
    "total_samples": [None, _positive],
    "n_jobs": [None, Options(Integral, {-1}), _count],
    "random_state": ["random_state"],
    "validation_fraction": [None, Number(Real, 0.0, 1.0, closed="neither")],
    "n_iter_no_change": [_count],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
    "verbose_interval": [_count],
}

_OF_ANY_MIXTURE = (
    "n_components", "weight_concentration_prior_type", "weight_concentration_prior", "discount",
    "tol", "max_iter", "n_init", "init_params", "learning_method", "acceleration", "batch_size",
    "learning_decay", "learning_offset", "total_samples", "n_jobs", "random_state",
    "validation_fraction", "n_iter_no_change", "warm_start", "verbose", "verbose_interval",
)  # fmt: skip
TABLE_CONSTRAINTS: dict[str, Any] = {
    "families": "no_validation",  # by `_assign`, which knows the columns
    **{name: CONSTRAINTS[name] for name in _OF_ANY_MIXTURE},
}


def shape_of_covariances(
    covariance_type: str, n_components: int, n_features: int
) -> tuple[int, ...]:
    """Shape of `covariances_`, `precisions_` and `fixed_covariances`."""
    shapes: dict[str, tuple[int, ...]] = {
        "full": (n_components, n_features, n_features),
        "tied": (n_features, n_features),
        "diag": (n_components, n_features),
        "spherical": (n_components,),
        "tied_diag": (n_features,),
        "tied_spherical": (),
    }
    return shapes[covariance_type]


def shape_of_covariance_prior(covariance_type: str, n_features: int) -> tuple[int, ...]:
    """Shape of `covariance_prior` and `covariance_prior_`."""
    if covariance_type in MATRIX_TYPES:
        return (n_features, n_features)
    return () if covariance_type in SPHERICAL_TYPES else (n_features,)

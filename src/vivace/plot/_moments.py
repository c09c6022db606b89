"""Means and covariances of the components of any mixture, in the units of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """What ellipses are drawn from; components in use only, the heaviest first.

    Attributes
    ----------
    components : (K,)
        Their numbers in the model.
    weights : (K,)
    columns : list of int
        The D numeric columns among those of the data.
    names : list of str
        Their names.
    means : (K, D)
    covariances : (K, D, D)
    """

    components: NDArray[np.intp]
    weights: Array
    columns: list[int]
    names: list[str]
    means: Array
    covariances: Array


def is_table(estimator: Any) -> bool:
    """Whether a mixture is one over tables of mixed columns."""
    return hasattr(estimator, "families_")


def named(estimator: Any) -> str:
    """The class of an estimator and whose it is: scikit-learn's have the same names."""
    kind = type(estimator)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def check_mixture(estimator: Any) -> None:
    """Refuse what is no fitted mixture."""
    check_is_fitted(estimator)
    if not hasattr(estimator, "n_effective_components_"):
        raise TypeError(
            f"estimator: expected a mixture of vivace, got {named(estimator)}. Remedy: "
            "plot_topics, plot_terms, plot_sizes, plot_elbo and plot_held_out draw topics"
        )


def components_in_use(estimator: Any) -> NDArray[np.intp]:
    """Numbers of the components that hold something, the heaviest first."""
    check_mixture(estimator)
    order = np.argsort(-np.asarray(estimator.weights_), kind="stable")
    return order[: max(1, int(estimator.n_effective_components_))]


def column_names(estimator: Any) -> list[str]:
    """Names of the columns of the data: x0, x1, ... where they have none."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return [f"x{j}" for j in range(int(estimator.n_features_in_))]
    return [str(name) for name in names]


def moments(estimator: Any) -> Moments:
    """Return the moments of the columns that are Gaussian or Student-t; D may be 0."""
    used = components_in_use(estimator)
    names = column_names(estimator)
    if is_table(estimator):
        columns, means, covariances = _of_table(estimator)
    else:
        columns = list(range(len(names)))
        means = np.asarray(estimator.means_, dtype=np.float64)
        covariances = _whole(estimator.covariances_, estimator.covariance_type, *means.shape)
    return Moments(
        used,
        np.asarray(estimator.weights_, dtype=np.float64)[used],
        columns,
        [names[j] for j in columns],
        means[used],
        covariances[used],
    )


def _whole(covariances: Any, kind: str, k: int, d: int) -> Array:
    """Covariances of any type as (K, D, D)."""
    given = np.asarray(covariances, dtype=np.float64)
    if kind in ("full", "tied"):
        return np.array(np.broadcast_to(given, (k, d, d)))
    if kind == "spherical":
        given = given[:, None]
    variances = np.broadcast_to(given, (k, d))
    return np.asarray(variances[:, :, None] * np.eye(d))


def _of_table(estimator: Any) -> tuple[list[int], Array, Array]:
    """Columns, means and covariances of the parts with places and spreads."""
    fitted = estimator._fitted
    columns: list[int] = []
    means, blocks = [], []
    for part, own, one in zip(
        fitted.model.parts, fitted.fit.posterior.parts, fitted.prior.assignments, strict=True
    ):
        d = len(one.columns)
        if one.family.name == "gaussian":
            mean, matrix = own.means, np.asarray(own.covariances)
        elif one.family.name == "student_t":
            mean, matrix = own.means, own.factor.scale / own.wishart_dof[:, None, None]
        elif one.family.name == "gaussian_diag":
            mean = own["mean"]
            matrix = (own["scale"] / own["dof"])[:, :, None] * np.eye(d)
        else:
            continue
        scale = part.scaling.scale
        columns += one.columns
        means.append(part.scaling.from_z(mean))
        blocks.append(matrix * np.outer(scale, scale))
    k = len(estimator.weights_)
    covariances = np.zeros((k, len(columns), len(columns)))
    at = 0
    for block in blocks:
        d = block.shape[1]
        covariances[:, at : at + d, at : at + d] = block
        at += d
    return columns, np.concatenate(means, axis=1) if means else np.zeros((k, 0)), covariances

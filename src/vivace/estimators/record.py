"""Pieces of the records that model files hold of fitted estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def parameters_record(estimator: Any) -> dict[str, Any]:
    """Parameters: array-likes of any library as NumPy arrays, numbers and text as they are."""
    return {name: _plain(value) for name, value in estimator.get_params(deep=False).items()}


def names_record(estimator: Any) -> list[str] | None:
    """Names of the columns, None where fit saw none."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def restore_features(estimator: Any, names: Any, n_features: int, what: str = "columns") -> None:
    """Set n_features_in_, and feature_names_in_ where there are names.

    Raises
    ------
    ValueError
        Another number of names.
    """
    estimator.n_features_in_ = n_features
    if names is not None:
        found = np.asarray(names, dtype=object)
        if found.shape != (n_features,):
            raise ValueError(f"feature_names must name {n_features} {what}, got {found.shape}")
        estimator.feature_names_in_ = found


def _plain(value: Any) -> Any:
    known = (bool, int, float, str, np.generic, np.ndarray, np.random.RandomState, list, tuple)
    return value if value is None or isinstance(value, known) else np.asarray(value)

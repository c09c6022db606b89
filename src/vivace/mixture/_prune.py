"""Dropping components that hold nothing, without another look at the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Statistics


def merge_into(
    statistics: Statistics, eta: NDArray[np.float64], kept: NDArray[np.bool_]
) -> Statistics:
    """Hand what dropped components hold to kept ones, so that rows still sum to 1.

    Each dropped component goes to the kept one j with the largest <statistics, eta[j]>, the sum of
    its rows' log joints. Statistics add; the entropy of a sum of responsibilities does not follow
    from statistics, but by the concavity of the binary entropy h (in nats) it loses no more than
    (A + B) h(A / (A + B)) for counts A and B: what is returned as entropy is never more than the
    true one, so that the bound made from it holds.

    Parameters
    ----------
    statistics : Statistics
        Fields suff (n_components, F) and entropy (n_components,), and what needs no change.
    eta : ndarray of shape (n_components, F)
        Expected natural parameters of the posterior that `statistics` made.
    kept : ndarray of shape (n_components,), bool
        At least one True.
    """
    merged = statistics.copy()
    suff, entropy = merged["suff"], merged["entropy"]
    survivors = np.flatnonzero(kept)
    for a in np.flatnonzero(~kept):
        j = survivors[np.argmax(eta[survivors] @ statistics["suff"][a])]
        loss = _entropy_of_split(suff[a, 0], suff[j, 0])
        suff[j] += suff[a]
        entropy[j] = max(entropy[j] + entropy[a] - loss, 0.0)
    return merged.take(survivors)


def merge_by_bound(
    statistics: Statistics,
    kept: NDArray[np.bool_],
    bound: Callable[[Statistics], float],
) -> Statistics:
    """`merge_into` for any model: a dropped component goes where the bound is then highest.

    Parameters
    ----------
    statistics : Statistics
        With `counts` and `entropy`.
    kept : (K,) of bool
    bound : callable
        Bound of the statistics of the kept components.
    """
    survivors = np.flatnonzero(kept)
    merged = statistics.copy()
    for a in np.flatnonzero(~kept):
        if not merged["counts"][a] > 0.0:
            continue
        tried = [_merged(merged, int(a), int(j)) for j in survivors]
        bounds = [bound(candidate.take(survivors)) for candidate in tried]
        merged = tried[int(np.argmax(bounds))]
    return merged.take(survivors)


def _merged(statistics: Statistics, a: int, j: int) -> Statistics:
    """Statistics in which j has what a had."""
    found = statistics.copy()
    loss = _entropy_of_split(float(found["counts"][a]), float(found["counts"][j]))
    entropy = max(float(found["entropy"][j] + found["entropy"][a]) - loss, 0.0)
    for name, axis in found.axes.items():
        if axis is not None:
            by_component = np.moveaxis(found[name], axis, 0)
            by_component[j] += by_component[a]
            by_component[a] = 0.0
    found["entropy"][j] = entropy
    return found


def parameters_of_kept(
    parameters: dict[str, Any], kept: NDArray[np.bool_], concentration: float
) -> dict[str, Any]:
    """Parameters of the smaller model: the same prior for each component that stays."""
    changed = dict(parameters)
    changed["n_components"] = int(np.count_nonzero(kept))
    changed["weight_concentration_prior"] = concentration
    for name in ("means_init", "fixed_means", "fixed_covariances"):
        shared = name == "fixed_covariances" and parameters["covariance_type"].startswith("tied")
        if parameters[name] is not None and not shared:
            changed[name] = np.asarray(parameters[name])[kept]
    return changed


def _entropy_of_split(a: float, b: float) -> float:
    """(a + b) h(a / (a + b)), 0 where one of them is 0."""
    if min(a, b) <= 0.0:
        return 0.0
    return float(a * np.log1p(b / a) + b * np.log1p(a / b))

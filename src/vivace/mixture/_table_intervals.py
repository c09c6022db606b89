"""Credible intervals of the parameters of a mixture over a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Estimate
from vivace.mixture._assign import Assignment
from vivace.mixture._intervals import SEED
from vivace.mixture._state import Fitted

Array = NDArray[np.float64]
#: For each part its estimates, or that its family has none.
Described = list[list[Estimate] | NotImplementedError]


class TableCredibleIntervals(NamedTuple):
    """Equal-tailed credible intervals; in each array the first axis is (lower, upper).

    Attributes
    ----------
    weights : ndarray of shape (2, n_components)
        Of the weights, normalised over the components as `weights_` is.
    parameters : dict
        For each column, by name (by position where columns have none), a dict from the names of
        its parameters, as `profiles` has them, to arrays of shape (2, n_components) in the units
        of the data. Where a family has no interval for a parameter, both ends are the estimate.
    """

    weights: Array
    parameters: dict[Any, dict[str, Array]]


def table_intervals(
    fitted: Fitted, level: float, names: NDArray[Any] | None
) -> TableCredibleIntervals:
    """Intervals that hold `level` of the posterior mass of each parameter."""
    weights = weight_intervals(fitted, level)
    found: dict[Any, dict[str, Array]] = {}
    for one, estimate, name in estimates(fitted, level):
        column = label(one.columns[estimate.column], names)
        found.setdefault(column, {})[name] = np.stack([estimate.low, estimate.high])
    return TableCredibleIntervals(weights, found)


def weight_intervals(fitted: Fitted, level: float) -> Array:
    """Of the weights, (2, K)."""
    rng = np.random.default_rng(SEED)
    counts = fitted.fit.posterior.counts
    return np.asarray(fitted.model.weight_model.interval(counts, level, rng))


def describe(fitted: Fitted, level: float) -> Described:
    """What the parts say of their parameters: the costly step, where a column has many levels."""
    found: Described = []
    for part, own in zip(fitted.model.parts, fitted.fit.posterior.parts, strict=True):
        try:
            found.append(part.describe(own, level))
        except NotImplementedError as error:
            found.append(error)
    return found


def estimates(
    fitted: Fitted, level: float, described: Described | None = None
) -> Iterator[tuple[Assignment, Estimate, str]]:
    """Parameters of all columns, with the names that people read.

    Raises
    ------
    NotImplementedError
        A family lacks `describe`.
    """
    described = describe(fitted, level) if described is None else described
    for found, one in zip(described, fitted.prior.assignments, strict=True):
        if isinstance(found, NotImplementedError):
            raise found
        for estimate in found:
            name = estimate.name
            if isinstance(name, int):
                name = f"P({one.levels[estimate.column][name]})"
            yield one, estimate, name


def label(j: int, names: NDArray[Any] | None) -> Any:
    """The name of column j, or its position."""
    return j if names is None else str(names[j])

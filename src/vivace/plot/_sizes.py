"""How large components and topics are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.plot._canvas import INK, MAIN, grid, new_axes, readable_ticks
from vivace.plot._moments import components_in_use, is_table

Array = NDArray[np.float64]

_MOST = 40  # bars


def plot_sizes(
    estimator: Any, *, level: float = 0.95, max_components: int = _MOST, ax: Any = None
) -> Any:
    """Plot the weights of components with credible intervals, or the sizes of topics.

    Parameters
    ----------
    estimator : fitted mixture or LatentDirichletAllocation
        Of a mixture the components in use are shown. Topics are shown by their share of the
        tokens, which has no interval.
    level : float, default=0.95
        Posterior mass inside an interval. Mean-field intervals tend to be too narrow.
    max_components : int, default=40
        Show no more than the largest.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes
    """
    number, size, low, high = sizes(estimator, level)
    n = min(len(number), max_components)
    number, size = number[:n], size[:n]
    ax = new_axes(ax, 6.0, 1.0 + 0.22 * n)
    place = np.arange(n)
    topics = low is None
    ax.barh(place, 100.0 * size, height=0.7, color=MAIN, alpha=0.85 if topics else 0.6)
    if low is not None and high is not None:
        ends = np.stack([size - low[:n], high[:n] - size])
        error = {"ecolor": INK, "elinewidth": 1.4, "capsize": 2.5}
        ax.errorbar(100.0 * size, place, xerr=100.0 * np.maximum(ends, 0.0), fmt="none", **error)
    ax.set_yticks(place, [str(k) for k in number])
    ax.set_ylim(n - 0.4, -0.6)
    ax.set_xlim(left=0.0)
    readable_ticks(ax.xaxis, 7)
    ax.set_ylabel("topic" if topics else "component")
    ax.set_xlabel(
        "share of the tokens, %" if topics else f"weight, % ({100 * level:g} % credible interval)"
    )
    grid(ax, "x")
    return ax


def sizes(
    estimator: Any, level: float = 0.95
) -> tuple[NDArray[np.intp], Array, Array | None, Array | None]:
    """Numbers, sizes and ends of their intervals; the largest first, of components in use."""
    if hasattr(type(estimator), "top_words"):
        tokens = np.asarray(estimator.topic_sizes_, dtype=np.float64)
        share = tokens / (tokens.sum() or 1.0)
        order = np.argsort(-share, kind="stable")
        return order, share[order], None, None
    used = components_in_use(estimator)
    weights = np.asarray(estimator.weights_, dtype=np.float64)[used]
    if is_table(estimator):
        fitted = estimator._fitted
        counts = fitted.fit.posterior.counts
        # As `profiles`: the interval of stick-breaking weights is a seeded draw.
        low, high = fitted.model.weight_model.interval(counts, level, np.random.default_rng(0))
    else:
        low, high = estimator.credible_interval(level).weights
    return used, weights, np.asarray(low)[used], np.asarray(high)[used]

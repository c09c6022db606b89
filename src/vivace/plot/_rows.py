"""What a mixture says of rows: how sure it is of their components, and how usual they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vivace.plot._canvas import ACCENT, INK, MAIN, grid, new_axes, readable_ticks, say_instead
from vivace.plot._moments import check_mixture
from vivace.plot._table import columns_of, n_rows_of, take

Array = NDArray[np.float64]

_ROWS_AT_A_TIME = 1 << 14


def entropies(estimator: Any, X: Any) -> Array:
    """Entropy of each row's responsibilities in nats, (n,): 0 where the component is certain."""
    check_mixture(estimator)
    X = columns_of(estimator, X)
    n = n_rows_of(X)
    found = np.empty(n)
    for start in range(0, n, _ROWS_AT_A_TIME):
        some = take(X, np.arange(start, min(n, start + _ROWS_AT_A_TIME)))
        r = np.asarray(estimator.predict_proba(some), np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(r > 0.0, r * np.log(r), 0.0)
        found[start : start + len(r)] = np.maximum(-terms.sum(axis=1), 0.0)
    return found


def plot_responsibilities(
    estimator: Any, X: Any = None, *, entropy: ArrayLike | None = None, ax: Any = None
) -> Any:
    """Plot a histogram of the entropies of rows' responsibilities.

    Rows at 0 belong to one component; at ln 2 = 0.69 nats two are equally probable.

    Parameters
    ----------
    estimator : fitted mixture
    X : table of shape (n_samples, n_features), optional
        Rows to judge by.
    entropy : array-like of shape (n_samples,), optional
        Their entropies, if known; X is then not needed.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes
    """
    if entropy is None and X is None:
        raise ValueError("expected X, rows to judge by, or their entropy; got neither")
    values = entropies(estimator, X) if entropy is None else np.asarray(entropy, np.float64)
    ax = new_axes(ax)
    top = max(float(values.max(initial=0.0)) * 1.02, 1.1 * np.log(2.0))
    shares = np.full(len(values), 100.0 / max(1, len(values)))
    ax.hist(values, bins=np.linspace(0.0, top, 41), weights=shares, color=MAIN, alpha=0.85)
    low, high = 50.0 / max(1, len(values)), 200.0
    ax.set_ylim(low, high)
    ax.set_yscale("log")
    for count in range(2, 8):
        if np.log(count) < top:
            ax.axvline(np.log(count), color=INK, linewidth=0.8, linestyle=":")
            ax.text(np.log(count), high, f" {count}", va="top", fontsize="small")
    _percent_ticks(ax)
    ax.set_xlabel(
        "entropy of the responsibilities, nats\n(dotted: that of 2, 3, … equal components)"
    )
    ax.set_ylabel("rows, %")
    grid(ax, "y")
    return ax


def plot_densities(
    estimator: Any,
    X: Any = None,
    *,
    log_density: ArrayLike | None = None,
    share: float = 0.01,
    ax: Any = None,
) -> Any:
    """Plot a histogram of log predictive densities, with the most unusual rows marked.

    Parameters
    ----------
    estimator : fitted mixture
    X : table of shape (n_samples, n_features), optional
        Rows to judge by; `score_samples` says how usual they are.
    log_density : array-like of shape (n_samples,), optional
        Their log predictive densities, if known; X is then not needed.
    share : float, default=0.01
        Share of the rows, the least probable ones, that is marked.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes
        With a sentence where a family lacks `log_predictive`.
    """
    if log_density is None and X is None:
        raise ValueError("expected X, rows to judge by, or their log_density; got neither")
    if log_density is None:
        check_mixture(estimator)
        X = columns_of(estimator, X)
    try:
        given = estimator.score_samples(X) if log_density is None else log_density
    except NotImplementedError as error:  # a family of the user's own
        ax = new_axes(ax)
        say_instead(ax, f"no densities: {error}")
        return ax
    values = np.asarray(given, dtype=np.float64)
    values = values[np.isfinite(values)]
    ax = new_axes(ax)
    if len(values):
        limit = float(np.quantile(values, share))
        # A few rows far out would leave one bar of all others.
        low = max(float(values.min()), limit - 3.0 * (float(values.max()) - limit))
        high = max(float(values.max()), low + 1e-6 * max(1.0, abs(low)))
        edges = np.linspace(low, high, 61)
        weights = np.full(len(values), 100.0 / len(values))
        heights, _, bars = ax.hist(
            np.clip(values, low, None), bins=edges, weights=weights, color=MAIN, alpha=0.85
        )
        for bar, edge in zip(bars, edges[1:], strict=False):
            if edge <= limit:
                bar.set_facecolor(ACCENT)
        ax.axvline(limit, color=ACCENT, linewidth=1.0, linestyle="--")
        ax.set_ylim(0.5 * weights[0], 1.5 * float(np.max(heights)))
        ax.set_yscale("log")
        _percent_ticks(ax)
        readable_ticks(ax.xaxis, 7)
        rest = " (the first bar holds all below)" if low > values.min() else ""
        ax.set_title(
            f"left of the dashed line: {100 * share:g} % of the rows", fontsize="small", loc="left"
        )
        ax.set_xlabel(f"log predictive density, nats{rest}")
    ax.set_ylabel("rows, %")
    grid(ax, "y")
    return ax


def _percent_ticks(ax: Any) -> None:
    """Plain numbers on a logarithmic axis of percentages."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())

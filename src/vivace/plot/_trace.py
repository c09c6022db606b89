"""How a fit went: the bound after each iteration, and the score of what was held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace.plot._canvas import ACCENT, MAIN, grid, new_axes, readable_ticks

#: Half of an axis at the least, as a share of what it shows.
_FLAT = 1e-6


def plot_elbo(
    estimator: Any, *, per: float | None = None, unit: str = "row", ax: Any = None
) -> Any:
    """Plot the evidence lower bound after each iteration.

    Parameters
    ----------
    estimator : fitted estimator
        Any of vivace's. Topics that were fitted by collapsed inference have no bound: their mean
        log likelihood of a token is shown.
    per : float, optional
        Divide the bound by this, such as the number of rows.
    unit : str, default='row'
        What `per` counts.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        The estimator has no trace (it was made by `partial_fit` only).
    """
    trace, label = bound_trace(estimator)
    if trace is None:
        raise ValueError(
            "the estimator has no trace of its fit, as after partial_fit. Remedy: fit it"
        )
    if per is not None and label == "ELBO":
        trace, label = trace / per, f"ELBO, nats a {unit}"
    elif label == "ELBO":
        label = "ELBO, nats"
    ax = new_axes(ax)
    _line(ax, trace, MAIN)
    ax.set_ylabel(label)
    return ax


def bound_trace(estimator: Any) -> tuple[Any, str]:
    """Return the trace of a fit and what it is of; None if there is none."""
    for name, label in (
        ("elbo_trace_", "ELBO"),
        ("log_likelihood_trace_", "log likelihood, nats a token"),
    ):
        trace = getattr(estimator, name, None)
        if trace is not None and len(trace):
            return np.asarray(trace, dtype=np.float64), label
    return None, ""


def plot_held_out(estimator: Any, *, ax: Any = None) -> Any:
    """Plot the score of held-out data after each pass, and mark the pass that was kept.

    Parameters
    ----------
    estimator : fitted estimator
        With `validation_trace_`, as those have it that were fitted with `validation_fraction`.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        Nothing was held out.
    """
    trace = getattr(estimator, "validation_trace_", None)
    if trace is None or not len(trace):
        raise ValueError(
            "nothing was held out when the estimator was fitted. Remedy: validation_fraction"
        )
    values = np.asarray(trace, dtype=np.float64)
    ax = new_axes(ax)
    _line(ax, values, MAIN)
    best = int(getattr(estimator, "best_iter_", np.argmax(values) + 1))
    ax.plot([best], [values[best - 1]], "o", color=ACCENT, markersize=6)
    ax.set_title(f"kept: iteration {best}", color=ACCENT, fontsize="small", loc="right")
    unit = "token" if hasattr(type(estimator), "top_words") else "row"
    ax.set_ylabel(f"held-out log likelihood, nats a {unit}")
    return ax


def _line(ax: Any, values: Any, colour: str) -> None:
    """A line over iterations from 1; short ones have points."""
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(values) <= 20 else None
    steps = np.arange(1, len(values) + 1)
    ax.plot(steps, values, color=colour, linewidth=1.8, marker=marker, markersize=4)
    # The first iterations may lie so far below that nothing else would show.
    least = float(values.min())
    if len(values) > 8:
        low, high = float(values[3:].min()), float(values[3:].max())
        if high - low < 0.2 * (high - least) and values.max() == high:
            values = values[3:]
    # Rounding is no course: a flat line shows as one.
    low, high = float(values.min()), float(values.max())
    pad = max(0.08 * (high - low), _FLAT * max(abs(high), 1.0))
    ax.set_ylim(low - pad, high + pad)
    if least < low - pad:
        ax.set_title("the first iterations lie below", fontsize="small", loc="left")
    ax.set_xlabel("iteration")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    readable_ticks(ax.yaxis, 7)
    grid(ax, "y")

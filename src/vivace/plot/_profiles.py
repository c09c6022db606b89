"""What sets components apart: their parameters column by column, with credible intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.mixture._table_intervals import Described, describe
from vivace.plot._canvas import (
    COLOURS,
    FADED,
    colour,
    grid,
    new_figure,
    plain,
    readable_ticks,
    say_instead,
)
from vivace.plot._moments import column_names, components_in_use, is_table, moments

Array = NDArray[np.float64]

_MOST_COLUMNS, MOST_COMPONENTS = 12, 20
_MOST_LEVELS = len(COLOURS)
#: Levels that no component has more often than this are bars that nobody sees.
_LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Profile:
    """One column in all components in use, the heaviest first.

    Attributes
    ----------
    column : str
    parameter : str
        What the estimates are: mean, rate, probability, ...
    components : (K,)
    estimate, lower, upper : (K, P)
        P is 1, or the number of levels of a categorical column.
    levels : list of str, or None
    spread : (K,) or None
        Standard deviations of the column, where the family has them.
    separation : float
        How much the column tells of the component, in nats; approximate.
    draws : float
        How often a row shows it: the mean total of a multinomial part, else 1.
    """

    column: str
    parameter: str
    components: NDArray[np.intp]
    estimate: Array
    lower: Array
    upper: Array
    levels: list[str] | None
    spread: Array | None
    separation: float
    draws: float = 1.0


def plot_profiles(
    estimator: Any,
    *,
    columns: Sequence[str] | None = None,
    level: float = 0.95,
    max_components: int = MOST_COMPONENTS,
    axes: Any = None,
) -> list[Any]:
    """Plot the components column by column, each column in its own units.

    Dots are posterior means with credible intervals; thin lines reach one standard deviation of the
    rows to both sides. Categories are stacked probabilities.

    Parameters
    ----------
    estimator : fitted mixture
    columns : sequence of str, optional
        Names of columns (x0, x1, ... where they have none). By default the dozen that separate the
        components most, those first.
    level : float, default=0.95
        Posterior mass inside an interval.
    max_components : int, default=20
        Show no more than the heaviest.
    axes : sequence of matplotlib Axes, optional
        One for each column; those of a new figure if None.

    Returns
    -------
    axes : list of matplotlib Axes
        One for each column.

    Raises
    ------
    ValueError
        There is no such column, or its family lacks `describe`.
    """
    described = describe_columns(estimator, level)
    found = profiles(estimator, level, described)
    lacking = undescribed(estimator, described)
    if columns is None:
        shown = found[:_MOST_COLUMNS]
    else:
        known = {one.column: one for one in found}
        missing = [name for name in columns if name not in known]
        if missing:
            for family, names in lacking.items():
                if missing[0] in names:
                    raise ValueError(f"columns: {missing[0]!r}: family {family} lacks `describe`")
            raise ValueError(
                f"columns: there is no column {missing[0]!r}; expected among "
                f"{', '.join(list(known)[:20])}"
            )
        shown = [known[name] for name in columns]
    if axes is None:
        wide = min(3, max(1, len(shown)))
        rows = -(-max(1, len(shown)) // wide)
        n = min(max_components, len(shown[0].components) if shown else 1)
        axes = new_figure(3.6 * wide, rows * (1.1 + 0.2 * n), wide, rows)
        for empty in axes[len(shown) :]:
            empty.set_axis_off()
        if not shown:
            say_instead(axes[0], f"no profiles: family {', '.join(lacking)} lacks `describe`")
    drawn = list(np.ravel(axes))[: len(shown)]
    for ax, one in zip(drawn, shown, strict=True):
        draw_profile(ax, one, max_components)
    return drawn


def draw_profile(ax: Any, one: Profile, max_components: int = MOST_COMPONENTS) -> None:
    """Draw one column."""
    n = min(len(one.components), max_components)
    place = np.arange(n)
    if one.levels is not None:
        _draw_levels(ax, one, n)
    else:
        _draw_intervals(ax, one, n)
        ax.set_xlabel(one.parameter)
    ax.set_yticks(place, [str(k) for k in one.components[:n]])
    ax.set_ylim(n - 0.4, -0.6)
    ax.set_ylabel("component")
    ax.set_title(plain(one.column, 34), loc="left")
    grid(ax, "x")


def _draw_intervals(ax: Any, one: Profile, n: int) -> None:
    """Estimates with credible intervals; arrows where those leave the picture."""
    value, low, high = (
        np.where(np.isfinite(a[:n, 0]), a[:n, 0], np.nan)
        for a in (one.estimate, one.lower, one.upper)
    )
    first, last = low, high
    if one.spread is not None:
        reach = one.spread[:n]
        first, last = np.fmin(low, value - reach), np.fmax(high, value + reach)
        ax.hlines(np.arange(n), value - reach, value + reach, color=FADED, linewidth=1.0)
    for i in range(n):
        ax.plot([low[i], high[i]], [i, i], color=colour(i), linewidth=3.0, alpha=0.6)
        ax.plot([value[i]], [i], "o", color=colour(i), markersize=4.5)
    if one.parameter == "probability" and np.nanmax(high, initial=0.0) > 0.2:
        ax.set_xlim(-0.02, 1.02)
    elif np.isfinite(value).any():
        left, right = _limits(value, first, last)
        ax.set_xlim(left, right)
        for marker, edge, beyond in (("<", left, first < left), (">", right, last > right)):
            for i in np.flatnonzero(beyond).tolist():
                ax.plot([edge], [i], marker, color=colour(i), markersize=5, clip_on=False)
    readable_ticks(ax.xaxis)


def _limits(value: Array, first: Array, last: Array) -> tuple[float, float]:
    """Where an axis ends: all estimates, and intervals but for those that hide the rest.

    A component of a row or two knows its place hardly better than the prior does.
    """
    low, high = float(np.nanmin(value)), float(np.nanmax(value))
    widths = last - first
    known = widths[np.isfinite(widths)]
    more = 0.5 * (high - low) + 1.5 * float(np.median(known) if len(known) else 0.0)
    left = max(float(np.nanmin(np.fmin(first, value))), low - more)
    right = min(float(np.nanmax(np.fmax(last, value))), high + more)
    pad = 0.04 * (right - left) or 0.05 * abs(left) or 1.0
    return left - pad, right + pad


def _draw_levels(ax: Any, one: Profile, n: int) -> None:
    """Stacked probabilities; levels that are rare everywhere, or one too many, together."""
    from matplotlib.transforms import offset_copy

    assert one.levels is not None
    p = one.estimate[:n]
    largest = p.max(axis=0)
    order = np.argsort(-largest, kind="stable")[:_MOST_LEVELS]
    order = np.sort(order[largest[order] >= _LEAST_SHARE])
    left, place = np.zeros(n), np.arange(n)
    for i, level in enumerate(order):
        ax.barh(
            place, p[:, level], left=left, height=0.7, color=COLOURS[i % len(COLOURS)],
            label=plain(one.levels[level], 18), alpha=0.85,
        )  # fmt: skip
        left += p[:, level]
    if len(order) < p.shape[1]:
        seen = bool((1.0 - left).max() >= _LEAST_SHARE)
        label = "others" if seen else None
        ax.barh(place, 1.0 - left, left=left, height=0.7, color=FADED, label=label)
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("probability")
    below = offset_copy(ax.transAxes, ax.figure, y=-30, units="points")
    ax.legend(
        fontsize="x-small", ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0.0),
        bbox_transform=below, frameon=False, handlelength=1.0, columnspacing=0.8,
    )  # fmt: skip


def describe_columns(estimator: Any, level: float = 0.95) -> Described:
    """What the parts of a table say of their parameters, once for all who ask; else nothing."""
    return describe(estimator._fitted, level) if is_table(estimator) else []


def profiles(
    estimator: Any, level: float = 0.95, described: Described | None = None
) -> list[Profile]:
    """Return all columns, those that separate the components most first.

    `described`: what `describe_columns` returned for the same level, where it is known.
    """
    if is_table(estimator):
        known = describe_columns(estimator, level) if described is None else described
        found = _of_table(estimator, known)
    else:
        found = _of_gaussian(estimator, level)
    return sorted(found, key=lambda one: -one.separation)


def undescribed(estimator: Any, described: Described) -> dict[str, list[str]]:
    """Columns without a profile by the name of their family, which lacks `describe`."""
    lacking: dict[str, list[str]] = {}
    if not described:
        return lacking
    names = column_names(estimator)
    for found, one in zip(described, estimator._fitted.prior.assignments, strict=True):
        if isinstance(found, NotImplementedError):
            lacking.setdefault(one.family.name, []).extend(names[j] for j in one.columns)
    return lacking


def _of_gaussian(estimator: Any, level: float) -> list[Profile]:
    from vivace.plot._views import separation

    own = moments(estimator)
    low, high = (end[own.components] for end in estimator.credible_interval(level).means)
    apart = separation(own)
    return [
        Profile(
            name, "mean", own.components, own.means[:, j, None], low[:, j, None], high[:, j, None],
            None, np.sqrt(own.covariances[:, j, j]), float(apart[j]),
        )
        for j, name in enumerate(own.names)
    ]  # fmt: skip


def _of_table(estimator: Any, described: Described) -> list[Profile]:
    """From the parts' own descriptions; families that have none are left out (`undescribed`)."""
    used, names = components_in_use(estimator), column_names(estimator)
    weights = np.asarray(estimator.weights_, dtype=np.float64)[used]
    weights = weights / weights.sum()
    found = []
    prior = estimator._fitted.prior
    for said, one, part in zip(described, prior.assignments, prior.parts, strict=True):
        if isinstance(said, NotImplementedError):
            continue
        columns: dict[int, list[Any]] = {}
        for estimate in said:
            columns.setdefault(estimate.column, []).append(estimate)
        draws = float(part.prior["total"][0]) if one.family.name == "multinomial" else 1.0
        for i, estimates in columns.items():
            name = names[one.columns[i]]
            found.append(_profile(name, one, i, estimates, used, weights, draws))
    return found


def _profile(
    name: str,
    one: Any,
    i: int,
    estimates: list[Any],
    used: NDArray[np.intp],
    weights: Array,
    draws: float,
) -> Profile:
    """One column of a part."""
    spreads = ("standard deviation", "scale")
    shown = estimates if one.family.levels else estimates[:1]
    value, low, high = (
        np.stack([getattr(e, field)[used] for e in shown], axis=1)
        for field in ("mean", "low", "high")
    )
    spread = next((e.mean[used] for e in estimates if e.name in spreads), None)
    if one.family.levels:
        levels = [str(one.levels[i][e.name]) for e in shown]
        return Profile(
            name, "probability", used, value, low, high, levels, None, _told(value, weights)
        )
    parameter = str(shown[0].name)
    first = value[:, 0]
    if parameter == "probability":
        apart = draws * _told(np.stack([first, 1.0 - first], axis=1), weights)
    else:
        centre = weights @ first
        between = weights @ (first - centre) ** 2
        # A count or a duration spreads as its own mean says.
        own = first**2 if one.family.name in ("exponential", "gamma") else np.abs(first)
        within = weights @ (own if spread is None else spread**2)
        apart = 0.5 * float(np.log1p(between / max(within, 1e-300)))
    return Profile(name, parameter, used, value, low, high, None, spread, apart, draws)


def _told(p: Array, weights: Array) -> float:
    """Mutual information of component and level, in nats; p is (K, levels)."""
    mean = weights @ p
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0.0, p * np.log(p / mean), 0.0)
    return float(weights @ terms.sum(axis=1))

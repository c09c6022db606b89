"""A mixture in two dimensions: ellipses of the components, and rows if there are any."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from vivace.plot._canvas import GRID, INK, colour, grid, new_axes, plain, readable_ticks
from vivace.plot._labels import draw_numbers
from vivace.plot._moments import Moments, moments
from vivace.plot._profiles import MOST_COMPONENTS
from vivace.plot._table import columns_of, numbers_of, sample_of
from vivace.plot._views import View, best_view, columns_view

Array = NDArray[np.float64]

#: Shares of a component's rows inside its two ellipses.
INSIDE = (0.5, 0.95)
_LABELLED = MOST_COMPONENTS  # with a number on them
_LINE = 44  # characters of a label beside an axis


def plot_mixture(
    estimator: Any,
    X: Any = None,
    *,
    columns: Sequence[str | int] | None = None,
    max_rows: int = 5000,
    random_state: int = 0,
    ax: Any = None,
) -> Any:
    """Plot the components in use as ellipses that hold 50 % and 95 % of their rows.

    Parameters
    ----------
    estimator : fitted mixture
        `BayesianGaussianMixture`, or `BayesianMixture` with Gaussian or Student-t columns.
    X : table of shape (n_samples, n_features), optional
        Rows to show behind the ellipses, in the colour of their component. Those with gaps in the
        columns shown are left out.
    columns : two names or numbers of columns, optional
        What to look at (one column: densities). By default two columns as they are, and of more the
        two directions that separate the components best; see Notes.
    max_rows : int, default=5000
        Show no more rows than this, drawn at random.
    random_state : int, default=0
        Seed of that.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        No column has a mean and a variance, or there is no such column.

    Notes
    -----
    The directions are Fisher's discriminants of the model itself: combinations of columns in which
    the means lie farthest apart in standard deviations inside components. Labels give their
    coefficients for standardised columns.
    """
    found = moments(estimator)
    if not found.names:
        raise ValueError(
            "no column has a mean and a variance to draw an ellipse from: expected Gaussian or "
            "Student-t columns. Remedy: plot_profiles"
        )
    view = best_view(found) if columns is None else columns_view(found, _places(found, columns))
    ax = new_axes(ax, 6.0, 5.0)
    rows = labels = None
    if X is not None:
        X = sample_of(columns_of(estimator, X), max_rows, random_state)
        rows, labels = numbers_of(X, found.columns), estimator.predict(X)
    draw_view(ax, found, view, rows, labels)
    return ax


def draw_view(
    ax: Any, found: Moments, view: View, rows: Array | None, labels: NDArray[np.int64] | None
) -> None:
    """Draw components, and rows (n, D) with their labels, in a view."""
    if view.directions.shape[1] == 1:
        _draw_densities(ax, found, view, rows)
        return
    if rows is not None and labels is not None:
        _draw_rows(ax, found, view.of(rows), labels)
    centres = view.of(found.means)
    matrices = view.covariance(found.covariances)
    for place in range(len(centres) - 1, -1, -1):  # the heaviest on top
        _draw_component(ax, centres[place], matrices[place], place)
    _limits(ax, centres, matrices, None if rows is None else view.of(rows))
    draw_numbers(ax, centres[:_LABELLED], found.components[:_LABELLED])
    ax.set_xlabel(_lines(view.labels[0]))
    ax.set_ylabel(_lines(view.labels[1]))
    readable_ticks(ax.xaxis, 7)
    readable_ticks(ax.yaxis, 7)
    grid(ax, "both")


def ellipse(matrix: Array, share: float) -> tuple[float, float, float]:
    """Width, height and angle (degrees) of the ellipse that holds this share of a Gaussian."""
    values, vectors = np.linalg.eigh(matrix)
    width, height = 2.0 * np.sqrt(np.maximum(values, 0.0) * chi2.ppf(share, 2))
    return width, height, float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))


def _draw_component(ax: Any, centre: Array, matrix: Array, place: int) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Ellipse

    own = colour(place)
    for share, line, fill in zip(INSIDE, (1.0, 1.6), (0.0, 0.1), strict=True):
        width, height, angle = ellipse(matrix, share)
        ax.add_artist(  # limits follow
            Ellipse(
                tuple(centre), width, height, angle=angle, linewidth=line, edgecolor=own,
                facecolor=to_rgba(own, fill),
            )
        )  # fmt: skip


def _lines(label: str) -> str:
    """The label of an axis, in two lines where it is long."""
    return "\n".join(wrap(plain(label, 2 * _LINE), _LINE))


def _draw_rows(ax: Any, found: Moments, points: Array, labels: NDArray[np.int64]) -> None:
    place = {int(k): i for i, k in enumerate(found.components)}
    whole = np.isfinite(points).all(axis=1)
    colours = [colour(place.get(int(k), len(place))) for k in labels[whole]]
    size = float(np.clip(2e4 / max(1, whole.sum()), 2.0, 16.0))
    ax.scatter(
        points[whole, 0], points[whole, 1], c=colours, s=size, alpha=0.45, linewidths=0,
        rasterized=True,
    )  # fmt: skip


def _limits(ax: Any, centres: Array, matrices: Array, points: Array | None) -> None:
    """Show the ellipses, and of the rows all but the farthest."""
    reach = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2) * chi2.ppf(INSIDE[1], 2))
    low, high = (centres - reach).min(axis=0), (centres + reach).max(axis=0)
    if points is not None and np.isfinite(points).all(axis=1).any():
        inside = points[np.isfinite(points).all(axis=1)]
        low = np.minimum(low, np.quantile(inside, 0.002, axis=0))
        high = np.maximum(high, np.quantile(inside, 0.998, axis=0))
    pad = 0.05 * (high - low)
    pad[pad == 0.0] = 1.0
    ax.set_xlim(low[0] - pad[0], high[0] + pad[0])
    ax.set_ylim(low[1] - pad[1], high[1] + pad[1])


def _draw_densities(ax: Any, found: Moments, view: View, rows: Array | None) -> None:
    """One column: the density of each component times its weight, over a histogram of the rows."""
    centres = view.of(found.means)[:, 0]
    spread = np.sqrt(view.covariance(found.covariances)[:, 0, 0])
    low, high = (centres - 3.5 * spread).min(), (centres + 3.5 * spread).max()
    x = np.linspace(low, high, 400)
    weights = found.weights / found.weights.sum()
    if rows is not None:
        values = view.of(rows)[:, 0]
        values = values[np.isfinite(values) & (values >= low) & (values <= high)]
        ax.hist(values, bins=60, density=True, color=GRID)
    spread = np.maximum(spread, 1e-300)
    each = weights[:, None] * norm.pdf(x, centres[:, None], spread[:, None])
    for place, y in enumerate(each):
        ax.plot(x, y, color=colour(place), linewidth=1.6)
    ax.plot(x, each.sum(axis=0), color=INK, linewidth=0.8, linestyle="--")
    ax.set_xlim(low, high)
    ax.set_ylim(0.0, 1.05 * ax.get_ylim()[1])
    peaks = np.stack([centres, each.max(axis=1)], axis=1)
    draw_numbers(ax, peaks[:_LABELLED], found.components[:_LABELLED])
    ax.set_xlabel(_lines(view.labels[0]))
    ax.set_ylabel("density")
    readable_ticks(ax.xaxis, 7)
    readable_ticks(ax.yaxis, 7)
    grid(ax, "y")


def _places(found: Moments, columns: Sequence[str | int]) -> list[int]:
    """Places in `found` of columns by name or number."""
    if isinstance(columns, str) or not 1 <= len(columns) <= 2:
        raise ValueError(f"columns must be one or two names or numbers, got {columns!r}")
    places = []
    for column in columns:
        known = found.names if isinstance(column, str) else found.columns
        if column not in known:
            raise ValueError(
                f"columns: there is no Gaussian or Student-t column {column!r}; expected among "
                f"{', '.join(map(str, known[:20]))}"
            )
        places.append(known.index(column))  # type: ignore[arg-type]
    return places

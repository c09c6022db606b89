"""What a page tells of a mixture."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from vivace.plot._mixture import draw_view
from vivace.plot._moments import column_names, components_in_use, moments
from vivace.plot._profiles import (
    MOST_COMPONENTS,
    Profile,
    describe_columns,
    draw_profile,
    profiles,
    undescribed,
)
from vivace.plot._rows import entropies, plot_densities, plot_responsibilities
from vivace.plot._sizes import plot_sizes, sizes
from vivace.plot._table import numbers_of, sample_of, take
from vivace.plot._views import best_view, columns_view, separation
from vivace.report._data import RowSample
from vivace.report._format import count, number, percent, percents
from vivace.report._svg import Figures
from vivace.report._telling import telling

LEVEL = 0.95
#: By how much is on the page, from all to what surely fits: points of a view, panels, lines.
DETAILS = ((3000, 12, 400), (1200, 8, 200), (0, 4, 60))
_COMPONENTS, _PAIRS, _UNUSUAL = 40, 3, 12


def mixture_page(estimator: Any, sample: RowSample | None, detail: int) -> dict[str, Any]:
    """Everything that the template of mixtures shows."""
    points, panels, lines = DETAILS[detail]
    figures = Figures()
    n_used = len(components_in_use(estimator))
    described = describe_columns(estimator, LEVEL)
    found = profiles(estimator, LEVEL, described)
    labels = None if sample is None else np.asarray(estimator.predict(sample.rows))
    page: dict[str, Any] = {
        "components": _components(estimator, found, labels),
        "rows_head": _rows_head(sample),
        "n_used": n_used,
        "n_hidden": max(0, n_used - _COMPONENTS),
        "n_drawn": MOST_COMPONENTS,
        "sizes": figures.draw(
            lambda ax: plot_sizes(estimator, level=LEVEL, max_components=_COMPONENTS, ax=ax),
            "Weights of the components with credible intervals; the table has the numbers",
            height=0.8 + 0.2 * max(2, min(n_used, _COMPONENTS)),
        ),
        "views": _views(estimator, sample, labels, points, figures),
        "n_dimensions": min(2, len(moments(estimator).names)),
        "panels": [_panel(one, figures) for one in found[:panels]],
        "n_columns": len(found),
        "undescribed": [
            (family, ", ".join(names[:20]) + (", ..." if len(names) > 20 else ""))
            for family, names in undescribed(estimator, described).items()
        ],
        "profile_lines": _lines(found, lines),
        "level": f"{100 * LEVEL:g} %",
    }
    if sample is not None:
        page |= _rows(estimator, sample, labels, figures)
    page["figures"] = figures
    return page


def _rows_head(sample: RowSample | None) -> str:
    """What the numbers of rows are numbers of: a sample must not pass for the data."""
    if sample is None or len(sample.numbers) == sample.n_rows:
        return "rows"
    return f"of {count(len(sample.numbers))} rows"


def _components(
    estimator: Any, found: list[Profile], labels: NDArray[np.int64] | None
) -> list[dict[str, Any]]:
    """One line for each component: size, interval, and what sets it apart."""
    used, weight, low, high = sizes(estimator, LEVEL)
    assert low is not None
    assert high is not None
    held = None if labels is None else np.bincount(labels, minlength=len(estimator.weights_))
    result = []
    for place in range(min(len(used), _COMPONENTS)):
        result.append(
            {
                "number": int(used[place]),
                "weight": percent(weight[place]),
                "interval": percents(low[place], high[place]),
                "rows": None if held is None else count(held[used[place]]),
                "telling": telling(found, place, weight),
            }
        )
    return result


def _views(
    estimator: Any,
    sample: RowSample | None,
    labels: NDArray[np.int64] | None,
    points: int,
    figures: Figures,
) -> list[dict[str, Any]]:
    """The plane that separates the components best, and pairs of columns."""
    found = moments(estimator)
    if not found.names:
        return []
    rows = own = None
    if sample is not None and labels is not None and points:
        places = np.arange(len(labels))
        chosen = sample_of(places, points, sample.seed)
        rows = numbers_of(take(sample.rows, chosen), found.columns)
        own = labels[chosen]
    shown = f" {len(rows):,} rows are shown." if rows is not None else ""
    shape = "densities" if len(found.names) == 1 else "ellipses"
    alone = len(found.components) == 1
    pairs = "In their own units." if alone else "Columns that separate the components well."
    best = best_view(found)
    views = [(best, _explained(best.kind))]
    order = np.argsort(-separation(found), kind="stable")[:3]
    if len(found.names) > 2:
        views += [
            (columns_view(found, pair), pairs)
            for pair in list(combinations(order.tolist(), 2))[:_PAIRS]
        ]
    return [
        figures.draw(
            lambda ax, view=view: draw_view(ax, found, view, rows, own),  # type: ignore[misc]
            f"Components as {shape}: " + " and ".join(view.labels),
            caption + shown,
            height=3.7,
        )
        for view, caption in views
    ]


def _explained(kind: str) -> str:
    return {
        "columns": "In their own units.",
        "discriminant": "The directions in which components lie farthest apart (Fisher's "
        "discriminants), in standard deviations inside components; the labels give their "
        "coefficients for standardised columns.",
        "principal": "The directions of the largest spread, in standard deviations.",
    }[kind]


def _panel(one: Profile, figures: Figures) -> dict[str, Any]:
    n = min(len(one.components), MOST_COMPONENTS)
    height = 0.95 + 0.17 * n + (0.45 if one.levels is not None else 0.0)
    return figures.draw(
        lambda ax: draw_profile(ax, one), _in_words(one),
        height=height, width=3.4,
    )  # fmt: skip


def _in_words(one: Profile) -> str:
    """What a panel shows, for those who do not see it; the table below it has all numbers."""
    text = f"{one.column}: {one.parameter} by component"
    if one.levels is not None:
        return text
    value = one.estimate[:, 0]
    least, most = int(np.argmin(value)), int(np.argmax(value))
    return (
        f"{text}, from {number(value[least], 3)} in component {one.components[least]} to "
        f"{number(value[most], 3)} in component {one.components[most]}"
    )


def _lines(found: list[Profile], most: int) -> dict[str, Any]:
    """All estimates as lines of a table, as far as they fit on the page."""
    lines: list[tuple[Any, ...]] = []
    total = 0
    for one in found:
        for place, component in enumerate(one.components):
            for p in range(one.estimate.shape[1]):
                total += 1
                if len(lines) < most:
                    name = one.parameter if one.levels is None else f"P({one.levels[p]})"
                    ends = (a[place, p] for a in (one.estimate, one.lower, one.upper))
                    lines.append((one.column, name, int(component), *map(number, ends)))
    return {"lines": lines, "hidden": total - len(lines)}


def _rows(
    estimator: Any, sample: RowSample, labels: NDArray[np.int64] | None, figures: Figures
) -> dict[str, Any]:
    """How sure the model is of rows, and which are unusual."""
    assert labels is not None
    entropy = entropies(estimator, sample.rows)
    certain = figures.draw(
        lambda ax: plot_responsibilities(estimator, entropy=entropy, ax=ax),
        "Histogram of the entropies of responsibilities",
        f"{percent(np.mean(entropy < 0.1))} of the rows are certain (below 0.1 nats), "
        f"{percent(np.mean(entropy > np.log(2.0)))} are spread wider than over two components.",
    )
    try:
        density = np.asarray(estimator.score_samples(sample.rows), dtype=np.float64)
    except NotImplementedError as error:  # a family of the user's own
        return {"row_figures": [certain], "unusual": [], "no_densities": str(error)}
    order = np.argsort(density, kind="stable")[:_UNUSUAL]
    proba = np.asarray(estimator.predict_proba(take(sample.rows, order)))
    names = column_names(estimator)
    shown = names[:6]
    values = _cells(sample.rows, order, len(shown))
    unusual = [
        {
            "row": count(sample.numbers[n] + 1),
            "density": number(density[n]),
            "component": int(labels[n]),
            "probability": percent(proba[i].max()),
            "values": values[i],
        }
        for i, n in enumerate(order)
    ]
    figures_of_rows = [
        certain,
        figures.draw(
            lambda ax: plot_densities(estimator, log_density=density, ax=ax),
            "Histogram of log predictive densities",
            f"Mean {number(density.mean())} nats a row, 1 % quantile "
            f"{number(np.quantile(density, 0.01))}. Far left: rows that the model finds unusual.",
        ),
    ]
    return {
        "row_figures": figures_of_rows,
        "unusual": unusual,
        "unusual_columns": shown,
        "unusual_more": len(names) - len(shown),
        "mean_density": number(density.mean()),
    }


def _cells(rows: Any, order: NDArray[np.intp], n: int) -> list[list[str]]:
    """The first values of some rows, as text."""
    some = take(rows, order)
    if issparse(some):
        some = some[:, :n].toarray()
    if hasattr(some, "column_names"):  # of Arrow
        lines = zip(*(column.to_pylist() for column in some.columns[:n]), strict=True)
        return [[_cell(value) for value in line] for line in lines]
    if hasattr(some, "to_pandas"):
        some = some.to_pandas()
    table = np.asarray(some, dtype=object)
    return [[_cell(value) for value in line[:n]] for line in table]


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "gap"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, float, np.number)):
        x = float(value)
        return count(x) if x.is_integer() and abs(x) < 1e12 else number(x)
    text = " ".join(str(value).split())
    return text if len(text) <= 30 else text[:29] + "…"

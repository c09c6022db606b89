"""Axes, colours and text that all pictures share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Text and axes, grid lines, and the ground; `vivace report` replaces them by those of the page.
INK, GRID, PAPER = "#333333", "#e5e5e5", "#ffffff"
#: What is drawn once, and what stands out against it.
MAIN, ACCENT = "#2f7fb5", "#d9622b"
#: Components; told apart on light and dark ground, and by most people who see few colours.
COLOURS = (
    "#2f7fb5", "#d9622b", "#3a9a5b", "#b95fa3", "#c39a1c",
    "#5f6fd0", "#24a3a3", "#c2485a", "#7d8b3a", "#8d7366",
)  # fmt: skip
FADED = "#9aa5ad"
#: Characters of a tick's label beyond which there is room for fewer.
_LONG = 8
#: Between two ticks, times a power of ten.
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
NO_BREAK = "\N{NO-BREAK SPACE}"


def style() -> Any:
    """Settings of matplotlib for figures of our own."""
    return {
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }


def new_axes(ax: Any, width: float = 6.0, height: float = 4.0) -> Any:
    """Return `ax`, or the axes of a new figure of so many inches."""
    return ax if ax is not None else new_figure(width, height, 1)[0]


def say_instead(ax: Any, sentence: str) -> None:
    """Write a sentence in the place of a picture that cannot be drawn."""
    ax.set_axis_off()
    ax.text(
        0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center", wrap=True,
        fontsize="small",
    )  # fmt: skip


def new_figure(width: float, height: float, columns: int, rows: int = 1, **more: Any) -> Any:
    """Return the axes of a new figure, as a flat list."""
    try:
        import matplotlib as mpl
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib, which is not installed. Remedy: pip install 'vivace[plots]'"
        ) from error
    with mpl.rc_context(style()):
        figure, axes = pyplot.subplots(
            rows, columns, figsize=(width, height), layout="constrained", squeeze=False, **more
        )
    del figure
    return list(axes.ravel())


def colour(place: int) -> str:
    """Return the colour of the component at this place in the order of sizes."""
    return COLOURS[place % len(COLOURS)]


def plain(name: object, most: int = 40) -> str:
    """Return a name as text that matplotlib shows as it is: no formulas, one line, not too long."""
    # No-break spaces are ours: they keep a coefficient and its column on one line.
    text = "".join(c if c.isprintable() or c == NO_BREAK else "\ufffd" for c in str(name))
    if len(text) > most:
        text = text[: most - 1] + "…"
    return text.replace("$", r"\$")


def readable_ticks(axis: Any, most: int = 5) -> None:
    """Few ticks with whole labels: no offset beside the axis, thousands apart, none twice.

    The limits of the axis are to be set before: long labels get fewer ticks.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    places = MaxNLocator(most, steps=_STEPS).tick_values(*axis.get_view_interval())
    if max(map(len, tick_labels(np.asarray(places)))) > _LONG:
        most = (most + 1) // 2
    axis.set_major_locator(MaxNLocator(most, steps=_STEPS))

    def label(value: float, _: int | None) -> str:
        places = np.append(axis.get_majorticklocs(), value)
        return tick_labels(places)[-1]

    axis.set_major_formatter(FuncFormatter(label))


def tick_labels(places: NDArray[np.float64]) -> list[str]:
    """Numbers with as many digits as tell them apart."""
    largest = float(np.abs(places).max(initial=0.0))
    powers = largest >= 1e7 or 0.0 < largest < 1e-3
    apart = len(set(places.tolist()))
    found: list[str] = []
    for digits in range(16):
        found = [f"{x:.{digits}e}" if powers else f"{x:,.{digits}f}" for x in places]
        off = max(abs(float(t.replace(",", "")) - x) for t, x in zip(found, places, strict=True))
        if off <= 1e-9 * largest and len(set(found)) == apart:
            break
    return [_tidy(text) for text in found]


def _tidy(text: str) -> str:
    """A true minus, none before a zero, and short powers of ten."""
    mantissa, e, power = text.partition("e")
    if not mantissa.strip("-0.,"):
        return "0"
    return (mantissa + (f"e{int(power)}" if e else "")).replace("-", "\N{MINUS SIGN}")


def grid(ax: Any, axis: str) -> None:
    """Draw quiet lines behind what is shown."""
    ax.grid(axis=axis, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)

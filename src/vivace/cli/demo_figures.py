"""The demonstration's pictures."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.cli.demo_segments import Labels, Pictures
from vivace.io.atomic import replacing

_DPI = 150
_WIDTH, _MARGIN, _TITLE = 13.0, 0.12, 0.36  # inches
_INK = "#333333"
_BLUE = "#2a6f97"


def write_figures(
    folder: str, pictures: Pictures, labels: Labels, trace: NDArray[np.float64]
) -> list[str]:
    """Write all pictures into `folder`; return their paths."""
    files = []
    for name, picture in pictures.items():
        path = os.path.join(folder, f"segments-{name}.png")
        _save(segments_figure(picture, labels[name]), path)
        files.append(path)
    path = os.path.join(folder, "elbo.png")
    n_pixels = sum(part.size for part in labels.values())
    _save(trace_figure(trace, n_pixels), path)
    return [*files, path]


def segments_figure(picture: NDArray[np.uint8], labels: NDArray[Any]) -> Any:
    """Show a photograph and, beside it, its segments in their mean colours."""
    from matplotlib.figure import Figure

    height, width = labels.shape
    breadth = (_WIDTH - 3 * _MARGIN) / 2  # of each picture; all in inches
    total = breadth * height / width + _MARGIN + _TITLE
    figure = Figure(figsize=(_WIDTH, total))
    bottom, top = _MARGIN / total, 1 - _TITLE / total
    left, right = (
        figure.add_axes((start / _WIDTH, bottom, breadth / _WIDTH, top - bottom))
        for start in (_MARGIN, 2 * _MARGIN + breadth)
    )
    left.imshow(picture)
    left.set_title("photograph", color=_INK)
    right.imshow(painted(picture, labels))
    right.set_title(f"{len(np.unique(labels))} segments in their mean colours", color=_INK)
    for axes in (left, right):
        axes.set_axis_off()
    return figure


def painted(picture: NDArray[np.uint8], labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return `picture` with every segment in its mean colour."""
    _, index = np.unique(labels, return_inverse=True)
    index = index.reshape(-1)
    size = np.bincount(index)
    means = [np.bincount(index, picture[..., c].ravel()) / size for c in range(3)]
    colours = np.rint(np.stack(means, axis=1)).astype(np.uint8)
    return np.asarray(colours[index].reshape(picture.shape))


def trace_figure(trace: NDArray[np.float64], n_pixels: int) -> Any:
    """Show how the bound rises, and how far it is from its end."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    bound = np.asarray(trace) / n_pixels
    iterations = np.arange(1, len(bound) + 1)
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(iterations, bound, color=_BLUE, linewidth=2)
    left.set_title("The bound never falls", color=_INK, loc="left")
    left.set_ylabel("ELBO, nats a pixel")
    rest = bound[-1] - bound
    shown = rest > 0
    right.semilogy(iterations[shown], rest[shown], color=_BLUE, linewidth=2)
    right.set_title("What is left to gain", color=_INK, loc="left")
    right.set_ylabel("final ELBO minus ELBO, nats a pixel")
    for axes in (left, right):
        axes.set_xlabel("iteration")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e5e5e5")
        axes.set_axisbelow(True)
    return figure


def _save(figure: Any, path: str) -> None:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=_DPI, facecolor="white")

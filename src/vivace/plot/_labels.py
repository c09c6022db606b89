"""Numbers on components, moved apart where they would hide each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.plot._canvas import INK, PAPER, colour

Array = NDArray[np.float64]

#: Directions in which a free place is looked for, and rings around a number's own place.
_DIRECTIONS, _RINGS = 16, 12


def draw_numbers(ax: Any, places: Array, numbers: NDArray[np.intp]) -> None:
    """Write numbers at places (n, 2) in data units, the first where they belong.

    Those that would lie on others are moved to the nearest free place; a line leads back. Limits of
    the axes are to be set before.
    """
    pixel = ax.figure.dpi / 72.0
    height = 1.9 * _font(ax) * pixel
    texts = [str(int(k)) for k in numbers]
    boxes = np.array([[(0.62 * len(text) + 0.8) * _font(ax) * pixel, height] for text in texts])
    wanted = ax.transData.transform(places)
    found = ax.transData.inverted().transform(apart(wanted, boxes, np.array(ax.bbox.extents)))
    for i, text in enumerate(texts):
        own = colour(i)
        if (found[i] != places[i]).any() and not np.allclose(found[i], places[i]):
            x, y = np.stack([places[i], found[i]], axis=1)
            ax.plot(x, y, color=own, linewidth=0.8, zorder=4)
            ax.plot(x[:1], y[:1], ".", color=own, markersize=5, zorder=4)
        box = {"boxstyle": "round,pad=0.2", "facecolor": PAPER, "edgecolor": own}
        ax.text(
            *found[i], text, ha="center", va="center", fontsize="small", color=INK, bbox=box,
            zorder=5,
        )  # fmt: skip


def apart(wanted: Array, boxes: Array, frame: Array) -> Array:
    """Places (n, 2) of boxes (widths and heights) that do not overlap, near those wanted.

    One after the other takes the nearest free place on rings around its own; where all are taken it
    stays. `frame`: left, bottom, right and top of where others than their own places may lie.
    """
    found = np.array(wanted, dtype=np.float64)
    turn = 2.0 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for i in range(len(found)):
        reach = 0.5 * (boxes[:i] + boxes[i])
        rings = np.arange(1, _RINGS + 1)[:, None, None] * circle * 0.6 * boxes[i, 1]
        offered = found[i] + np.concatenate([np.zeros((1, 2)), rings.reshape(-1, 2)])
        free = ~(np.abs(offered[:, None] - found[:i]) < reach).all(axis=2).any(axis=1)
        half = 0.5 * boxes[i]
        inside = (offered >= frame[:2] + half).all(axis=1) & (offered <= frame[2:] - half).all(
            axis=1
        )
        inside[0] = True
        best = int(np.argmax(free & inside))
        found[i] = offered[best]
    return found


def _font(ax: Any) -> float:
    """Points of the text."""
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size="small").get_size_in_points())

"""Markdown tables of results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    """A titled table; a target in a cell is marked as reached or missed."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """Return the table as markdown, columns aligned for reading as text."""
        cells = [list(map(str, row)) for row in (self.header, *self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.header))]
        lines = [_line(row, widths) for row in cells]
        lines.insert(1, _line(["-" * width for width in widths], widths))
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"### {self.title}", "", *lines, *([""] if notes else []), *notes, ""])


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(f"{c:<{w}}" for c, w in zip(cells, widths, strict=True)) + " |"


def seconds(value: float | None) -> str:
    """Format seconds with three significant digits."""
    return "-" if value is None else f"{value:.3g} s" if value >= 0.1 else f"{1e3 * value:.3g} ms"


def ratio(numerator: float | None, denominator: float | None) -> str:
    """Format how many times larger the first is."""
    if numerator is None or denominator is None:
        return "-"
    return f"{numerator / denominator:.3g}x"


def verdict(value: float | None, target: float, at_most: bool = False) -> str:
    """Say whether a target is reached."""
    sign = "<=" if at_most else ">="
    if value is None:
        return f"{sign} {target:g}: not measured"
    reached = value <= target if at_most else value >= target
    return f"{sign} {target:g}: {'reached' if reached else 'MISSED'}"

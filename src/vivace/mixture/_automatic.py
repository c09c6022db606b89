"""Families from the types and values of columns: what `families="auto"` means.

    truth values                                        bernoulli
    text, objects, categoricals                         categorical
    integers, all 0 or 1                                bernoulli
    integers from 0 to `LARGEST_COUNT`                  poisson
    other integers, floats                              gaussian

Integers with gaps count as integers: those of types that can hold both, and floats that are all
whole numbers with some missing, which is what most libraries make of integers with gaps.
"""

from __future__ import annotations

import warnings
from datetime import datetime
from typing import Any

from vivace.estimators.checks import is_number
from vivace.io.text_table import if_gap
from vivace.mixture._columns import Columns

#: Non-negative integers up to this are taken for counts, larger ones for measurements: a Poisson
#: distribution of mean 1,000 is a Gaussian with a spread of 3 %, which few columns have.
LARGEST_COUNT = 1000
#: More float columns than this are taken to be independent: a full covariance of 32 columns has
#: 560 numbers a component.
MOST_CORRELATED = 32
#: Text of up to this many levels is not suspected of being anything else: weekdays, months, grades.
FEW_LEVELS = 20
#: Text of which this part of the levels reads as numbers (or dates) is a damaged column of such.
DAMAGED = 0.6
#: More levels than this part of the rows is an identifier, not a category.
IDENTIFIER = 0.5


# What turns a column of text into numbers, with gaps where it holds none.
_TO_NUMBERS = {
    "pandas": "Convert it: pandas.to_numeric(column, errors='coerce')",
    "polars": "Convert it: column.cast(polars.Float64, strict=False)",
}


def automatic(table: Columns) -> list[tuple[str, list[int]]]:
    """Pairs of a family's name and its columns.

    Raises
    ------
    ValueError
        A column of text holds numbers or dates, and some values that are none.

    Warns
    -----
    UserWarning
        A column of text has nearly as many levels as rows.
    """
    found: dict[str, list[int]] = {}
    for j in range(table.n_columns):
        found.setdefault(_family_of(table, j), []).append(j)
    if len(found.get("gaussian", ())) > MOST_CORRELATED:
        found["gaussian_diag"] = found.pop("gaussian")
    return list(found.items())


def _family_of(table: Columns, j: int) -> str:
    kind = "float" if table.library == "sparse" else table.kind(j)
    if kind == "bool":
        return "bernoulli"
    if kind == "text":
        _suspect(table, j)
        return "categorical"
    if table.library == "sparse" or not table.integral(j):
        return "gaussian"
    low, high = table.extremes(j)
    if low >= 0 and high <= LARGEST_COUNT:
        return "bernoulli" if high <= 1 else "poisson"
    return "gaussian"


def _suspect(table: Columns, j: int) -> None:
    """Numbers and dates that came as text, and identifiers, are no categories."""
    if table.declared(j):
        return
    levels, there = table.texts(j)
    if len(levels) <= FEW_LEVELS:
        return
    name = table.label(j)
    for what, reads, convert in (
        ("numbers", is_number, _TO_NUMBERS.get(table.library, "Convert it to numbers")),
        ("dates", _is_date, "Convert it to a number, such as days since a date"),
    ):
        good = [level for level in levels if reads(level)]
        if len(good) < DAMAGED * len(levels):
            continue
        bad = [level for level in levels if not reads(level)]
        also = f" and some values that are none, such as {_some(bad)}" if bad else ""
        place = table.place(j, bad[0]) if bad else None
        where = "" if place is None else f"{place}: "
        if place is not None and what == "numbers":
            convert = f"Remedy: {if_gap(*bad[:3])}, or correct it"
        raise ValueError(
            f"{where}column {name} is text that holds {what}, such as {_some(good)}{also}: as "
            f"categories these would be {len(levels)} levels. {convert}; or, if its values are "
            f"categories, say so: families={{'categorical': [{name}], ...}} (--families FILE.json)"
        )
    if len(levels) > IDENTIFIER * there:
        warnings.warn(
            f"column {name} has {len(levels)} different values in {there} rows, such as "
            f"{_some(levels)}: it looks like an identifier, which says nothing about groups. Leave "
            f"it out, or say families={{'categorical': [{name}], ...}}",
            UserWarning,
            stacklevel=2,
        )


def _some(values: list[Any]) -> str:
    return ", ".join(repr(value) for value in values[:3])


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value.strip())
        except ValueError:
            return False
        return True
    return hasattr(value, "isoformat")

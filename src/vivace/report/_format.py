"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any, digits: int = 4) -> str:
    """A number with so many significant digits, a true minus and thousands apart."""
    x = float(value)
    if not math.isfinite(x):
        return "none" if math.isnan(x) else ("∞" if x > 0 else f"{MINUS}∞")
    if x == 0.0:
        return "0"
    size = math.floor(math.log10(abs(x)))
    if size >= 12 or size < -4:
        text = f"{x:.{digits - 1}e}"
        mantissa, _, power = text.partition("e")
        text = f"{mantissa}·10{str(int(power)).translate(_RAISED)}"
    else:
        text = f"{x:,.{max(0, digits - 1 - size)}f}"
    return text.replace("-", MINUS)


def percent(value: Any) -> str:
    """A share as percents, with as many digits as it takes."""
    x = 100.0 * float(value)
    if not math.isfinite(x):
        return "none"
    if 0.0 < x < 0.01:
        return f"<{_SPACE}0.01{_SPACE}%"
    if 99.95 <= x < 100.0:
        return f">{_SPACE}99.9{_SPACE}%"
    return f"{x:.{0 if x in (0.0, 100.0) else 1 if x >= 1.0 else 2}f}{_SPACE}%"


def percents(low: Any, high: Any) -> str:
    """A range of shares, the unit once where both ends have it."""
    return f"{percent(low).removesuffix(f'{_SPACE}%')}{_SPACE}to{_SPACE}{percent(high)}"


def measured(value: Any, spread: Any) -> str:
    """Three significant digits, none finer than a hundredth of the spread of what is measured."""
    x, s = float(value), float(spread)
    if not (math.isfinite(x) and math.isfinite(s) and s > 0.0) or x == 0.0:
        return number(x, 3)
    finest = 2 - math.floor(math.log10(s))
    digits = 3 + min(0, finest - (2 - math.floor(math.log10(abs(x)))))
    return number(x, digits) if digits >= 1 else "0"


def fixed(value: Any, digits: int = 2) -> str:
    """A number with so many digits behind the point."""
    x = round(float(value), digits) + 0.0  # no minus before a zero
    return f"{x:.{digits}f}".replace("-", MINUS) if math.isfinite(x) else "none"


def count(value: Any) -> str:
    """A whole number with thousands apart."""
    return f"{round(float(value)):,}".replace("-", MINUS)


def seconds(value: Any) -> str:
    """A duration in the unit that suits it."""
    x = float(value)
    if x < 0.0995:
        return f"{1000 * x:.1f} ms"
    if x < 120:
        return f"{x:.1f} s"
    minutes, rest = divmod(round(x), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def short(value: Any, most: int = 80) -> str:
    """Any value in one short line."""
    shape = getattr(value, "shape", None)
    if shape:
        return f"array of shape {' x '.join(map(str, shape))}"
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"

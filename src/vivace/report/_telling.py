"""What sets a component apart, in words, and only what its rows vouch for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vivace.plot._profiles import Profile
from vivace.report._format import measured, number, percent

Array = NDArray[np.float64]
#: How much it tells, in nats a row, and what it is.
Said = tuple[float, str]

_SAID = 3
#: Columns looked at, those that separate the components most.
_LOOKED_AT = 200
#: Nats that a row of the component tells at the least: a mean 0.32 standard deviations off.
_LEAST = 0.05
#: Distances count from twice a 95 % interval's half on: four standard errors. A component of n rows
#: like all others shows 1 / (2 n) nats a column by chance; this asks for sixteen times that.
_CLEAR = 2.0
#: Standard errors in half an interval of 95 %.
_HALF = 1.96


def telling(found: list[Profile], place: int, weights: Array) -> list[str]:
    """Say in which columns a component is clearly unlike all rows together.

    Parameters
    ----------
    found : list of Profile
        With intervals of 95 %; the columns that separate the components most first.
    place : int
        Of the component in the profiles.
    weights : (K,)
        Of the components in the profiles.

    Returns
    -------
    said : list of str
        Three at most, the most telling first. Where no column's mean or share is clearly off, the
        columns that vary clearly more or less than in other components.
    """
    w = weights / weights.sum()
    looked = found[:_LOOKED_AT]
    said = [
        _of_levels(one, place, w) if one.levels is not None else _of_mean(one, place, w)
        for one in looked
    ]
    if all(nats < _LEAST for nats, _ in said):
        said = [_of_spread(one, place, w) for one in looked]
    said.sort(key=lambda item: -item[0])
    return [text for nats, text in said[:_SAID] if nats >= _LEAST]


def _of_mean(one: Profile, place: int, w: Array) -> Said:
    """A mean, a rate or a probability against that of all rows."""
    value = one.estimate[:, 0]
    own, mean = float(value[place]), float(w @ value)
    clear = _clear(one.estimate[place], one.lower[place], one.upper[place], np.array([mean]))
    if not clear[0]:
        return 0.0, ""
    if one.parameter == "probability":
        nats = float(_divergence(np.array([own, 1.0 - own]), np.array([mean, 1.0 - mean])).sum())
        return one.draws * nats, _arrow(f"{one.column} {percent(own)}", own > mean)
    # A rate's own standard deviation is its root.
    spread = np.sqrt(np.maximum(value, 0.0)) if one.spread is None else one.spread
    total = float(w @ (spread**2 + (value - mean) ** 2))
    nats = 0.5 * (own - mean) ** 2 / total if total > 0.0 else 0.0
    return nats, _arrow(f"{one.column} {measured(own, np.sqrt(total))}", own > mean)


def _of_levels(one: Profile, place: int, w: Array) -> Said:
    """What all levels tell that are clearly off; named is the one whose rows tell most."""
    assert one.levels is not None
    share, mean = one.estimate[place], w @ one.estimate
    clear = _clear(share, one.lower[place], one.upper[place], mean)
    nats = np.where(clear, _divergence(share, mean), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_rows = np.where(clear & (share > 0.0), share * np.log(share / mean), -np.inf)
    best = int(np.argmax(by_rows))
    text = f"{one.column} = {one.levels[best]} {percent(share[best])}"
    return float(nats.sum()), _arrow(text, bool(share[best] > mean[best]))


def _of_spread(one: Profile, place: int, w: Array) -> Said:
    """A standard deviation against the typical one of a component."""
    if one.spread is None:
        return 0.0, ""
    own, typical = float(one.spread[place]), float(np.sqrt(w @ one.spread**2))
    if own <= 0.0:
        return 0.0, ""
    ratio = own / typical
    # The standard error of the logarithm of a spread is that of the mean / (spread sqrt(2)).
    error = (one.upper[place, 0] - one.lower[place, 0]) / (2.0 * _HALF * np.sqrt(2.0) * own)
    if not abs(np.log(ratio)) > _CLEAR * _HALF * error:
        return 0.0, ""
    nats = 0.5 * (ratio**2 - 1.0) - np.log(ratio)
    return nats, f"{one.column} varies {number(ratio, 2)} times as much as in others"


def _clear(value: Array, low: Array, high: Array, mean: Array) -> NDArray[np.bool_]:
    """Whether values are farther from a mean than chance explains; never where that is unknown."""
    half = np.where(value > mean, value - low, high - value)
    return np.asarray(np.abs(value - mean) > _CLEAR * half)


def _divergence(p: Array, q: Array) -> Array:
    """Terms of the divergence of p from q, (L,), none below zero: p ln(p / q) - p + q."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(p > 0.0, p * np.log(p / q), 0.0) - p + q)


def _arrow(text: str, above: bool) -> str:
    return f"{text}\N{NO-BREAK SPACE}{'↑' if above else '↓'}"

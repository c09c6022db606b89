"""How long parts of a fit take: a few rows are fitted, and their time is scaled."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

# Iterations that are timed: the first ends before the first of them.
_TIMED = 4


@dataclass
class Estimate:
    """How long a fit takes.

    Attributes
    ----------
    each : float
        Seconds of an iteration: a pass, or a map.
    before : float
        Seconds before the first: reading and starting.
    """

    each: float
    before: float


@dataclass
class Course:
    """What the time of a fit is made of, in seconds.

    Attributes
    ----------
    row, step : float
        An iteration of s steps over n rows takes s step + n row.
    start_row, start_rest : float
        What comes before it, for each row and beside the rows.
    """

    row: float
    step: float
    start_row: float
    start_rest: float


def course(
    estimator: Any, data: Any, n: int, part: Any, n_part: int, batch: int | None = None
) -> Course | None:
    """Time a fit to some data, and how it goes on with a part of them; None where nothing is timed.

    It goes on, because the time of a row depends on what was found: responsibilities and topics
    that are zero cost nothing. And going on takes no start but what every row takes part in.

    Parameters
    ----------
    estimator : object
        With the parameters of the fit.
    data, part : object
        What `fit` takes.
    n, n_part : int
        Their sizes: rows, or counts that are not zero.
    batch : int, optional
        Rows or documents of a batch, if the data hold several. Left out, both times are those of a
        single step, and what a step takes follows from their difference.
    """
    known = estimator.get_params(deep=False)
    # Without acceleration: nobody knows how many maps will be drafts, which few rows never have.
    settings = {"n_init": 1, "tol": 0.0, "verbose": 0, "warm_start": False, "acceleration": None}
    model = type(estimator)(**{**known, **{k: v for k, v in settings.items() if k in known}})
    several = estimator.learning_method != "batch"
    if several:
        model.set_params(batch_size=batch or data.shape[0])
    _timed(model.set_params(max_iter=1), part)  # what is imported and compiled is no part of it
    whole = _timed(model.set_params(max_iter=_TIMED + 1), data)
    model.set_params(warm_start=True)
    if several and batch is None:
        model.set_params(batch_size=part.shape[0])
    again = _timed(model, part)
    if whole is None or again is None:
        return None
    row, step = whole.each / n, 0.0
    if batch is None:
        row, step = split(whole.each, n, again.each, n_part)
    start_row = min(again.before / n_part, whole.before / n)
    return Course(row, step, start_row, whole.before - n * start_row)


def split(whole: float, n: int, part_seconds: float, part: int) -> tuple[float, float]:
    """Return the seconds of a row and of a step, from two iterations; neither is negative."""
    if part == n:
        return whole / n, 0.0
    each = min(max((whole - part_seconds) / (n - part), 0.0), whole / n)
    return each, max(0.0, whole - each * n)


def _timed(model: Any, data: Any) -> Estimate | None:
    times: list[float] = []
    began = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(data, callbacks=[lambda _: times.append(perf_counter())])
    if len(times) < 2:
        return None
    # The shortest: others on the machine lengthen some, and topics that form the first ones.
    each = min(b - a for a, b in pairwise(times))
    return Estimate(each, max(0.0, times[0] - began - each))

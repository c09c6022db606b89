"""CPU seconds of repeated work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


class EnoughIterations(Exception):
    """Raised from inside a library's loop when enough iterations were timed."""


def summary(samples: Sequence[float], name: str = "seconds") -> dict[str, Any]:
    """Return the median beside the samples it was made from."""
    return {
        name: statistics.median(samples),
        "fastest": min(samples),
        "samples": [round(sample, 6) for sample in samples],
    }


def repeat(work: Callable[[], object], repeats: int, wall: bool = False) -> dict[str, Any]:
    """Time `work` several times after one untimed call if it is called more than twice."""
    clock = time.perf_counter if wall else time.process_time
    if repeats > 2:
        work()
    samples = []
    for _ in range(repeats):
        start = clock()
        work()
        samples.append(clock() - start)
    return summary(samples)


def by_difference(work: Callable[[int], object], short: int, long: int, pairs: int) -> dict:
    """Time one iteration as the difference of two lengths, so that set-up cancels."""
    samples = []
    for _ in range(pairs):
        marks = [time.process_time()]
        for length in (short, long):
            work(length)
            marks.append(time.process_time())
        samples.append((marks[2] - 2 * marks[1] + marks[0]) / (long - short))
    return summary(samples)

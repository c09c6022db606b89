"""Whether two cores share a cache, which a virtual machine's do at some times and not at others.

A word goes from core to core in 30 to 50 ns where they do and in 150 to 200 ns where they do not
(AMD EPYC): work that threads hand over to each other in small pieces then takes several times
longer.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.versus.compiler import library

# About a millisecond for all tries. The best of them counts: another process may have a core.
TRIPS, TRIES = 3_000, 3


def between() -> float:
    """Return the nanoseconds that a word takes from one core to another now."""
    return min(float(_measure()(TRIPS)) for _ in range(TRIES))


@cache
def _measure() -> Any:
    found = library(Path(__file__).with_name("cores.c"), "-O2", "-pthread").nanoseconds
    found.argtypes, found.restype = [ctypes.c_long], ctypes.c_double
    return found

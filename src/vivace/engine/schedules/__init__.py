"""Schedules: how statistics of blocks become the next posterior. They know no model."""

from vivace.engine.schedules.base import Problem, Schedule, Step, Stepper
from vivace.engine.schedules.coordinate_ascent import CoordinateAscent
from vivace.engine.schedules.memoized import Memoized
from vivace.engine.schedules.stochastic import Stochastic
from vivace.engine.schedules.sweeping import Sweeping

__all__ = [
    "CoordinateAscent",
    "Memoized",
    "Problem",
    "Schedule",
    "Step",
    "Stepper",
    "Stochastic",
    "Sweeping",
]

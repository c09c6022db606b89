"""All rows, then a global step: coordinate ascent, accelerated or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vivace.engine.fit import Fit
from vivace.engine.model import Infeasible
from vivace.engine.schedules.base import Problem, States, Step, Stepper
from vivace.engine.schedules.squarem import Squarem
from vivace.engine.statistics import Statistics


@dataclass(frozen=True)
class CoordinateAscent:
    """The schedule "batch": each map is a local step over all rows and a global step.

    Parameters
    ----------
    acceleration : {"squarem", None}
        "squarem" extrapolates the statistics after every second map (`Squarem`) and keeps the
        result when the map from there reaches a bound at least as high.
    """

    acceleration: str | None = "squarem"

    name = "batch"
    slack = 1.0

    def __post_init__(self) -> None:
        if self.acceleration not in ("squarem", None):
            raise ValueError(f"acceleration: expected 'squarem' or None, got {self.acceleration!r}")

    def begin(self, problem: Problem, fit: Fit) -> Stepper:
        """Return a stepper; acceleration starts afresh with it."""
        return _Ascent(problem, fit, None if self.acceleration is None else Squarem())


class _Ascent:
    """Each step is one map, from the current statistics or from an extrapolation of them."""

    def __init__(self, problem: Problem, fit: Fit, squarem: Squarem | None) -> None:
        self._problem = problem
        self._fit = fit
        self._squarem = squarem

    def step(self) -> Step:
        if self._squarem is not None:
            trial = self._squarem.propose(self._problem.model, self._fit.posterior)
            if trial is not None:
                return self._try(trial, self._squarem)
        step, statistics = self._accept(*self._map(self._fit.posterior))
        if self._squarem is not None:
            self._squarem.plain(statistics)
        return step

    def _map(self, posterior: Any) -> tuple[Any, Statistics, float, States]:
        problem = self._problem
        statistics, states = problem.local_pass(
            problem.model.prepare(posterior), self._fit.local, problem.layout.batches
        )
        posterior = problem.model.global_step(statistics, posterior)
        return posterior, statistics, problem.bound(posterior, statistics), states

    def _try(self, trial: Any, squarem: Squarem) -> Step:
        fit = self._fit
        try:
            outcome = self._map(trial)
        except (Infeasible, FloatingPointError):
            outcome = None
        if outcome is None or outcome[2] < fit.elbo:
            squarem.rejected()
            fit.record(fit.elbo)
            return Step(accepted=False, change=0.0)
        step, statistics = self._accept(*outcome)
        squarem.accepted(statistics)
        return step

    def _accept(
        self, posterior: Any, statistics: Statistics, elbo: float, states: States
    ) -> tuple[Step, Statistics]:
        fit = self._fit
        change = elbo - fit.elbo
        fit.local.commit(states)
        fit.record(elbo, posterior=posterior, statistics=statistics)
        return Step(accepted=True, change=change), statistics

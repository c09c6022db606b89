"""Passes of a model that keeps its own working state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vivace.engine.fit import Fit
from vivace.engine.model import Sweeper, SweepModel
from vivace.engine.schedules.base import Problem, Step, Stepper


@dataclass(frozen=True)
class Sweeping:
    """The schedule "sweep": the model goes through its batches itself, each seeing the last.

    For inference that is no exchange of additive statistics (`SweepModel`). What a pass leaves is
    committed when it is whole: the posterior, and the model's own objective in the place of the
    bound. It may fall.
    """

    name = "sweep"
    slack = 1.0

    def begin(self, problem: Problem, fit: Fit) -> Stepper:
        """Return a stepper that goes on from `fit.posterior`."""
        model = problem.model
        if not isinstance(model, SweepModel):
            raise TypeError(f"{type(model).__name__} makes no passes of its own")
        work = model.begin_sweeps(problem.source, problem.layout, fit.posterior, problem.executor)
        return _Passes(model, work, fit)


class _Passes:
    # The state is what the next pass changes, and too large for a copy.
    in_place = True

    def __init__(self, model: SweepModel, work: Sweeper, fit: Fit) -> None:
        self._model = model
        self._work = work
        self._fit = fit

    def step(self) -> Step:
        fit = self._fit
        posterior, objective = self._work.sweep()
        change = objective - fit.elbo
        # Those of an earlier posterior would keep that one in memory.
        statistics = self._model.statistics_of(posterior)
        fit.record(objective, posterior=posterior, statistics=statistics, step=fit.step + 1)
        return Step(accepted=True, change=change)

    def state(self) -> dict[str, Any]:
        """What the model works with."""
        return self._work.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the next pass."""
        self._work.restore(state)

    def finish(self) -> None:
        """What the last pass committed is whole."""

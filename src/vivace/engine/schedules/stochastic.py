"""A batch at a time with a learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vivace.engine.fit import Fit
from vivace.engine.packing import pack_statistics, unpack_statistics
from vivace.engine.reduction import PairwiseSum
from vivace.engine.schedules.base import (
    Problem,
    Step,
    Stepper,
    check_seed,
    restored_begin,
    shuffled,
)

# Share of the newest bound in the smoothed one that the stop rule watches: the bound of a pass
# moves both ways with the order of its batches, and two passes average most of that out.
SMOOTHING = 0.5

# The learning rate alone keeps the bound moving long after the fit has settled, and steps of a
# noisy bound never get as small as those of an exact one: the tolerance is this much wider.
TOLERANCE_FACTOR = 1000.0


@dataclass(frozen=True)
class Stochastic:
    """The schedule "online": ``S = (1 - rho) S + rho (N / |batch|) S_batch`` for each batch.

    An iteration is a pass: every batch once, in a fresh order. The bound of a pass is that of
    the last posterior with the responsibilities that each row got during the pass: a true
    bound for the rows seen. It may fall. The stop rule watches it exponentially smoothed
    (`SMOOTHING`) with a wider tolerance (`TOLERANCE_FACTOR`).

    Parameters
    ----------
    decay : float
        Exponent of the learning rate ``rho = (step + offset) ** -decay``, from 0 (always 1) to
        1; convergence asks for more than 0.5.
    offset : float
        At least 1; larger values slow the first steps.
    seed : int
        Decides the order of batches.
    total_weight : float, optional
        Weight of the population that the rows stand for; that of the rows themselves if left
        out. The batches are scaled to it.
    """

    decay: float = 0.7
    offset: float = 10.0
    seed: int = 0
    total_weight: float | None = None

    name = "online"
    slack = TOLERANCE_FACTOR

    def __post_init__(self) -> None:
        if not 0.0 <= self.decay <= 1.0:
            raise ValueError(f"decay: expected a number from 0 to 1, got {self.decay}")
        if not self.offset >= 1.0:
            raise ValueError(f"offset: expected a number of at least 1, got {self.offset}")
        if self.total_weight is not None and not 0.0 < self.total_weight < math.inf:
            raise ValueError(
                f"total_weight: expected a positive number or None, got {self.total_weight}"
            )
        check_seed(self.seed)

    def rate(self, step: int) -> float:
        """Return the learning rate of batch update number `step`, counted from 0."""
        return float((step + self.offset) ** -self.decay)

    def begin(self, problem: Problem, fit: Fit) -> Stepper:
        """Return a stepper that goes on from `fit.step`."""
        return _Passes(self, problem, fit)


class _Passes:
    def __init__(self, schedule: Stochastic, problem: Problem, fit: Fit) -> None:
        self._schedule = schedule
        self._problem = problem
        self._fit = fit
        rows = problem.source.total_weight
        total = rows if schedule.total_weight is None else schedule.total_weight
        self._scale = total / rows if rows > 0 else 1.0

        # The pass that is under way: the number of its first step, and the sum of its batches.
        self._began: int | None = None
        self._seen = PairwiseSum(pack=True)

    def state(self) -> dict[str, Any]:
        """The pass that is under way."""
        seen = [pack_statistics(record) for record in self._seen.parts()]
        return {"began": self._began, "seen": seen}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on within a pass."""
        fit = self._fit
        self._began = restored_begin(state, fit.step, len(self._problem.layout.batches))
        if self._began is not None:
            seen = [unpack_statistics(packed) for packed in state["seen"]]
            for record in seen:
                fit.statistics.check_same_fields(record)
            self._seen = PairwiseSum.of(self._fit.step - self._began, seen, pack=True)

    def step(self) -> Step:
        fit, problem, model = self._fit, self._problem, self._problem.model
        if self._began is None:
            self._began, self._seen = fit.step, PairwiseSum(pack=True)
        seen = self._seen
        order = shuffled(problem.layout.batches, self._schedule.seed, self._began)
        first = fit.step - self._began
        for i, batch in enumerate(order[first:], first + 1):
            if i < len(order):
                problem.expect(order[i])
            prepared = model.prepare(fit.posterior)
            statistics, states = problem.local_pass(prepared, fit.local, [batch])
            # Rows, not weights, decide the factor: the mean over batches is then the sum over
            # all rows even when some batches weigh more.
            factor = self._scale * problem.layout.n_rows / batch.n_rows
            rho = self._schedule.rate(fit.step)
            blended = fit.statistics.blended(statistics, rho, factor)
            posterior = model.global_step(blended, fit.posterior)
            fit.local.commit(states)
            fit.commit(posterior=posterior, statistics=blended, step=fit.step + 1)
            seen.push(statistics)
            # As large as the model's tables: the next step must not find them in memory.
            del prepared, statistics, states, blended, posterior
            if fit.step - self._began < len(order):
                problem.pause()
        elbo = problem.bound(fit.posterior, seen.total())
        before = fit.smoothed
        smoothed = elbo if before is None else (1 - SMOOTHING) * before + SMOOTHING * elbo
        fit.record(elbo, smoothed=smoothed)
        self._began, self._seen = None, PairwiseSum(pack=True)
        return Step(accepted=True, change=math.inf if before is None else smoothed - before)

    def finish(self) -> None:
        """The bound is exact after each pass."""

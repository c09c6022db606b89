"""A batch at a time with an exact bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivace.engine.fit import Fit
from vivace.engine.layout import Batch
from vivace.engine.model import Infeasible
from vivace.engine.reduction import PairwiseSum
from vivace.engine.schedules.base import (
    Problem,
    States,
    Step,
    Stepper,
    check_seed,
    restored_begin,
    shuffled,
)
from vivace.engine.statistics import Statistics

if TYPE_CHECKING:
    from vivace.io.spool import Shelf


@dataclass(frozen=True)
class Memoized:
    """The schedule "memoized": ``S = S - S_batch(old) + S_batch(new)`` for each batch.

    Hughes and Sudderth (2013). An iteration is a pass: every batch once, in a fresh order. The
    statistics of each batch are kept, so that the bound is exact and never falls, without a
    learning rate. A fit that comes without them (`start` with ``keep_batches=False``, or
    `resume`) begins with a pass of coordinate ascent that collects them.

    With one batch this is coordinate ascent without acceleration, bit for bit.

    Parameters
    ----------
    seed : int
        Decides the order of batches.
    shelf : Shelf, optional
        Where tables in the statistics of batches go, which stay in memory without one.
    """

    seed: int = 0
    shelf: Shelf | None = None

    name = "memoized"
    slack = 1.0

    def __post_init__(self) -> None:
        check_seed(self.seed)

    def begin(self, problem: Problem, fit: Fit) -> Stepper:
        """Return a stepper."""
        return _Passes(self, problem, fit)


class _Passes:
    def __init__(self, schedule: Memoized, problem: Problem, fit: Fit) -> None:
        self._seed, self._shelf = schedule.seed, schedule.shelf
        self._problem = problem
        self._fit = fit
        # The pass that is under way: the number of its first step, and the bound before it.
        self._began: int | None = None
        self._before = fit.elbo

    def state(self) -> dict[str, Any]:
        """The pass that is under way."""
        return {"began": self._began, "before": self._before}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on within a pass."""
        n_batches = len(self._problem.layout.batches)
        self._began = restored_begin(state, self._fit.step, n_batches)
        self._before = float(state["before"])

    def step(self) -> Step:
        fit = self._fit
        if self._began is None:
            self._before = fit.elbo
        batches = self._problem.layout.batches
        if fit.batch_statistics is None:
            self._collect(batches)
        else:
            if self._began is None:
                self._began = fit.step
            order = shuffled(batches, self._seed, self._began)
            first = fit.step - self._began
            for i, batch in enumerate(order[first:-1], first + 1):
                self._problem.expect(order[i])
                self._update(batch, last=False)
                self._problem.pause()
            self._update(order[-1], last=True)
        fit.record(fit.elbo)
        self._began = None
        return Step(accepted=True, change=fit.elbo - self._before)

    def finish(self) -> None:
        """The bound is exact after each pass."""

    def _collect(self, batches: list[Batch]) -> None:
        """Make one map over all rows and keep the statistics of each batch."""
        fit, problem = self._fit, self._problem
        prepared = problem.model.prepare(fit.posterior)
        kept: dict[int, Statistics] = {}
        local: States = {}
        for batch in batches:
            found, states = problem.local_pass(prepared, fit.local, [batch])
            kept[batch.id] = self._put_away(found)
            local.update(states)
        self._accept(_sum(kept), kept, local)

    def _update(self, batch: Batch, last: bool) -> None:
        fit, problem = self._fit, self._problem
        assert fit.batch_statistics is not None
        prepared = problem.model.prepare(fit.posterior)
        new, states = problem.local_pass(prepared, fit.local, [batch])
        total = None
        # Differences drift by rounding: once a pass the sum is made anew.
        if not last:
            total = fit.statistics.replaced(fit.batch_statistics[batch.id], new)
        kept = {**fit.batch_statistics, batch.id: self._put_away(new)}
        if total is not None:
            try:
                return self._accept(total, kept, states, with_bound=not total.has_tables)
            except Infeasible:  # rounding left something slightly negative
                pass
        self._accept(_sum(kept), kept, states)

    def _put_away(self, record: Statistics) -> Statistics:
        """Put the record of a batch on the shelf; that of the only one is the sum itself."""
        if self._shelf is None or len(self._problem.layout.batches) == 1:
            return record
        return record.put_away(self._shelf)

    def _accept(
        self,
        total: Statistics,
        kept: dict[int, Statistics],
        states: States,
        with_bound: bool = True,
    ) -> None:
        fit, problem = self._fit, self._problem
        posterior: Any = problem.model.global_step(total, fit.posterior)
        # The bound of a large table costs more than the step: it is made once a pass.
        elbo = problem.bound(posterior, total) if with_bound else -math.inf
        fit.local.commit(states)
        fit.commit(
            posterior=posterior,
            statistics=total,
            elbo=elbo,
            batch_statistics=kept,
            step=fit.step + 1,
        )


def _sum(kept: dict[int, Statistics]) -> Statistics:
    total = PairwiseSum()
    for batch_id in sorted(kept):
        record = kept[batch_id]
        total.push(record if record.has_tables else record.copy())
    return total.total()

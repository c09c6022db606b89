"""All rows, then a global step: coordinate ascent, accelerated or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vivace.engine.fit import Fit
from vivace.engine.model import DraftModel
from vivace.engine.schedules.base import Problem, States, Step, Stepper
from vivace.engine.schedules.squarem import OUT_OF_DOMAIN, Squarem
from vivace.engine.statistics import Statistics

# Maps of less accuracy are good enough while the bound moves by this much per unit of weight
# (nats). Those of a mixture, in float32, are off by 1e-7 to 4e-7, most of it the same each time.
DRAFT_GAIN = 2e-6
# They are taken up again where an accurate one moves it by so many times more (off a plateau) ...
RETURN = 10.0
# ... and there are this many rows: fewer are done quickly anyway, and every digit of a short fit
# is then what plain arithmetic gives.
DRAFT_ROWS = 20_000


@dataclass(frozen=True)
class CoordinateAscent:
    """The schedule "batch": each map is a local step over all rows and a global step.

    Parameters
    ----------
    acceleration : {"squarem", None}
        "squarem" extrapolates the statistics after every second map (`Squarem`) and keeps the
        result when the map from there reaches a bound at least as high. Maps far from
        convergence are then drafts where the model can make them (`DraftModel`); the bound at
        the end never comes from a draft.
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


@dataclass(frozen=True)
class _Map:
    """What a map leads to: the posterior, and what its local pass found."""

    posterior: Any
    statistics: Statistics
    elbo: float
    states: States
    is_draft: bool


class _Ascent:
    """Each step is one map, from the current statistics or from an extrapolation of them."""

    def __init__(self, problem: Problem, fit: Fit, squarem: Squarem | None) -> None:
        self._problem = problem
        self._fit = fit
        self._squarem = squarem
        model = problem.model
        many = squarem is not None and problem.source.n_rows >= DRAFT_ROWS
        self._drafts = model if many and isinstance(model, DraftModel) else None
        self._enough = DRAFT_GAIN * problem.source.total_weight
        # The first bound, and how many entries of the trace come before the drafts.
        self._first, self._exact = fit.elbo, 0
        self._drafting = self._drafts is not None
        self._is_draft = False  # whether the bound of the fit is a draft's

    def step(self) -> Step:
        if self._squarem is not None:
            trial = self._squarem.propose(self._problem.model, self._fit.posterior)
            if trial is not None:
                return self._try(trial, self._squarem)
        step, statistics = self._accept(self._map(self._fit.posterior))
        if self._squarem is not None:
            self._squarem.plain(statistics)
        if self._drafting and step.change < self._enough:
            # What was extrapolated so far ends here: the next map must start from accurate ones.
            self._drafting, self._squarem = False, Squarem()
        elif step.change > RETURN * self._enough:
            self._drafting = self._drafts is not None
        return step

    def state(self) -> dict[str, Any]:
        """The cycle of SQUAREM, and which maps were drafts."""
        return {
            "squarem": None if self._squarem is None else self._squarem.state(),
            "first": self._first,
            "exact": self._exact,
            "drafts": self._drafts is not None,
            "drafting": self._drafting,
            "is_draft": self._is_draft,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on in the middle of a cycle."""
        squarem = state["squarem"]
        self._squarem = None if squarem is None else Squarem.of(squarem, self._fit.statistics)
        self._first, self._exact = float(state["first"]), int(state["exact"])
        if not state["drafts"]:
            self._drafts = None
        self._drafting, self._is_draft = bool(state["drafting"]), bool(state["is_draft"])

    def finish(self) -> None:
        """Replace the bound of a draft by the exact one, of the posterior and its own map."""
        if not self._is_draft:
            return
        fit, problem = self._fit, self._problem
        prepared = problem.model.prepare(fit.posterior)
        statistics, _ = self._local_pass(prepared)
        self._correct(problem.bound(fit.posterior, statistics))

    def _correct(self, elbo: float) -> None:
        """Hold the bounds of drafts between the exact ones before and after them."""
        exact, drafts = self._fit.trace[: self._exact], self._fit.trace[self._exact :]
        before = exact[-1] if exact else self._first
        bounds = np.minimum.accumulate([elbo, *drafts[-2::-1]])[::-1]
        self._fit.commit(elbo=elbo, trace=[*exact, *np.maximum(bounds, before).tolist()])
        self._is_draft = False

    def _local_pass(self, prepared: Any) -> tuple[Statistics, States]:
        problem = self._problem
        return problem.local_pass(prepared, self._fit.local, problem.layout.batches)

    def _map(self, posterior: Any) -> _Map:
        model, draft = self._problem.model, None
        if self._drafting and self._drafts is not None:
            draft = self._drafts.prepare_draft(posterior)
            if draft is None:
                self._drafts, self._drafting = None, False
        prepared = model.prepare(posterior) if draft is None else draft
        statistics, states = self._local_pass(prepared)
        posterior = model.global_step(statistics, posterior)
        elbo = self._problem.bound(posterior, statistics)
        return _Map(posterior, statistics, elbo, states, draft is not None)

    def _try(self, trial: Any, squarem: Squarem) -> Step:
        fit = self._fit
        try:
            with np.errstate(all="ignore"):  # nobody is told of what is rejected
                outcome = self._map(trial)
        except OUT_OF_DOMAIN:  # a fault of the data meets the plain map that follows, too
            outcome = None
        if outcome is None or outcome.elbo < fit.elbo:
            squarem.rejected()
            fit.record(fit.elbo)
            return Step(accepted=False, change=0.0)
        step, statistics = self._accept(outcome)
        squarem.accepted(statistics)
        return step

    def _accept(self, outcome: _Map) -> tuple[Step, Statistics]:
        fit = self._fit
        change = outcome.elbo - fit.elbo
        fit.local.commit(outcome.states)
        fit.record(outcome.elbo, posterior=outcome.posterior, statistics=outcome.statistics)
        if outcome.is_draft and not self._is_draft:
            self._exact = len(fit.trace) - 1
        elif self._is_draft and not outcome.is_draft:
            self._correct(outcome.elbo)
        self._is_draft = outcome.is_draft
        return Step(accepted=True, change=change), outcome.statistics

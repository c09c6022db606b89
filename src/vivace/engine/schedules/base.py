"""What schedules share."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from vivace.engine.data import Source
from vivace.engine.executor import Executor
from vivace.engine.fit import Fit
from vivace.engine.layout import Batch, Layout
from vivace.engine.local import LocalStore
from vivace.engine.model import BatchModel, Model
from vivace.engine.reduction import PairwiseSum
from vivace.engine.statistics import Statistics

States = dict[int, list[Any]]


class Step(NamedTuple):
    """Outcome of one map or pass: whether it was accepted and how far the bound moved."""

    accepted: bool
    change: float


class Stepper(Protocol):
    """A schedule at work on one fit."""

    def step(self) -> Step:
        """Make one map (batch) or pass (online, memoized) and commit what it accepts."""

    def finish(self) -> None:
        """Leave the fit with an exact bound; called once after the last step."""

    def state(self) -> dict[str, Any]:
        """Return all that is not in the fit, for a checkpoint; called at safe points."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a `state`; called before the first step."""


def restored_begin(state: Mapping[str, Any], step: int, n_batches: int) -> int | None:
    """Return the first step of the pass that a `state` was taken in; None between two passes.

    Raises
    ------
    ValueError
        The fit's `step` is not within that pass.
    """
    began = state["began"]
    if began is None:
        return None
    if type(began) is not int or began < 0 or not 0 <= step - began < n_batches:
        raise ValueError(f"a pass of {n_batches} batches that began at {began!r} is not at {step}")
    return began


class Schedule(Protocol):
    """How statistics of blocks become the next posterior. Holds settings, no state."""

    @property
    def name(self) -> str:
        """The name that models list in `Model.schedules`."""

    @property
    def slack(self) -> float:
        """Factor on the tolerance of the stop rule."""

    def begin(self, problem: Problem, fit: Fit) -> Stepper:
        """Return a stepper that works on `fit`."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Problem:
    """A model, its data and who computes; steppers call `pause` between the batches of a pass."""

    model: Model
    source: Source
    layout: Layout
    executor: Executor
    pause: Callable[[], None] = _nothing

    def expect(self, batch: Batch) -> None:
        """Tell the source which batch comes after the one at work, so that it can read ahead."""
        expect = getattr(self.source, "expect", None)
        if expect is not None:
            expect(batch.start, batch.stop)

    def local_pass(
        self, prepared: Any, local: LocalStore, batches: Iterable[Batch]
    ) -> tuple[Statistics, States]:
        """Return the statistics of `batches`, and their new local states, not committed."""
        if isinstance(self.model, BatchModel):
            return self._local_batches(self.model, prepared, local, batches)
        counts: list[tuple[int, int]] = []
        errors = np.geterr()  # of the caller; threads have their own

        def tasks() -> Iterator[tuple[int, int, Any]]:
            for batch in batches:
                blocks = self.layout.blocks(batch)
                states = local.get(batch.id) or [None] * len(blocks)
                counts.append((batch.id, len(blocks)))
                for (start, stop), state in zip(blocks, states, strict=True):
                    yield start, stop, state

        def work(task: tuple[int, int, Any]) -> tuple[Statistics, Any]:
            start, stop, state = task
            with np.errstate(**errors):
                return self.model.local_step(self.source.read(start, stop), prepared, state)

        statistics, flat = self.executor.map_reduce(work, tasks())
        states, first = {}, 0
        for batch_id, count in counts:
            states[batch_id] = flat[first : first + count]
            first += count
        return statistics, states

    def _local_batches(
        self, model: BatchModel, prepared: Any, local: LocalStore, batches: Iterable[Batch]
    ) -> tuple[Statistics, States]:
        """Let the model reduce each batch."""
        total, states = PairwiseSum(), {}
        for batch in batches:
            statistics, states[batch.id] = model.local_batch(
                self.source.read,
                self.layout.blocks(batch),
                prepared,
                local.get(batch.id),
                self.executor,
            )
            total.push(statistics)
        return total.total(), states

    def bound(self, posterior: Any, statistics: Statistics) -> float:
        """Return the bound, a finite number.

        Raises
        ------
        FloatingPointError
            If it is not finite: nothing that follows would have a meaning.
        """
        elbo = float(self.model.elbo(posterior, statistics))
        if not math.isfinite(elbo):
            raise FloatingPointError(
                f"the bound became {elbo}; expected a finite number. Values too large for the "
                "arithmetic do this: centre and scale the data, or use float64"
            )
        return elbo


def shuffled(batches: list[Batch], seed: int, step: int) -> list[Batch]:
    """Return the batches in a fresh order that `seed` and the number of past steps decide."""
    order = np.random.default_rng([seed, step]).permutation(len(batches))
    return [batches[i] for i in order]


def check_seed(seed: int) -> None:
    """Raise an error unless `seed` is an integer of at least 0."""
    if operator.index(seed) < 0:
        raise ValueError(f"seed: expected an integer of at least 0, got {seed!r}")

"""What the engine asks of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from vivace.engine.data import Block, Source
from vivace.engine.executor import Executor
from vivace.engine.layout import Layout
from vivace.engine.statistics import Statistics


class Infeasible(ArithmeticError):
    """No posterior exists for these statistics (a negative count, a scatter not definite)."""


class Model(Protocol):
    """A latent-variable model: four functions over `Statistics`.

    Posterior, prepared values and local states are opaque to the engine. `local_step` runs in
    several threads at once on different blocks and must not change what it shares.
    """

    @property
    def schedules(self) -> frozenset[str]:
        """Schedules that the model supports, among "batch", "online" and "memoized"."""

    def zero_statistics(self) -> Statistics:
        """Return the statistics of no rows at all."""

    def prepare(self, posterior: Any) -> Any:
        """Return what local steps read, made once for each posterior."""

    def local_step(self, block: Block, prepared: Any, local: Any) -> tuple[Statistics, Any]:
        """Return the block's expected statistics and its new local state.

        `local` is the state committed for this block, None the first time. The statistics
        returned must be a fresh record: the engine adds to it in place.
        """

    def global_step(self, statistics: Statistics, previous: Any) -> Any:
        """Return the posterior for `statistics`; `previous` is None at the start.

        Must not change `statistics`.

        Raises
        ------
        Infeasible
            If no posterior exists for them.
        """

    def elbo(self, posterior: Any, statistics: Statistics) -> float:
        """Return the complete bound, exact for any pair of posterior and statistics."""

    def standardised(self, statistics: Statistics) -> npt.NDArray[np.float64]:
        """Return `statistics` as a vector in coordinates free of units (counts over N).

        Acceleration measures the length of steps in it.
        """


@runtime_checkable
class DraftModel(Protocol):
    """What a model has beside `Model` when it can make quick maps of less accuracy."""

    def prepare_draft(self, posterior: Any) -> Any | None:
        """Return prepared values for a quicker local step, None where there is none good enough.

        Its error in the bound should lie far below `DRAFT_GAIN` a unit of weight
        (engine/schedules/coordinate_ascent.py).
        """


@runtime_checkable
class BatchModel(Protocol):
    """What a model has beside `Model` when it reduces a whole batch itself.

    The engine sums the records of blocks, which is right while a record is small beside its
    block. A topic model's record is a table of topics and words: one for a batch is enough.
    """

    def local_batch(
        self,
        read: Callable[[int, int], Block],
        blocks: Sequence[tuple[int, int]],
        prepared: Any,
        states: list[Any] | None,
        executor: Executor,
    ) -> tuple[Statistics, list[Any]]:
        """Return the statistics of a batch, and the new local state of each of its blocks.

        Called in the place of `local_step`, under the same rules. `blocks` are the batch's, to
        be read by `read(start, stop)`, neighbours together if the model likes; `states` are
        those committed for them, None the first time; a model may put new ones in their place
        where an older or a newer one is as good to start from. The work goes to
        `executor.map`. The result must not depend on the number of threads.
        """


class Sweeper(Protocol):
    """A model at work on one data set, with a state of its own."""

    def sweep(self) -> tuple[Any, float]:
        """Make one pass over all rows; return the posterior and the objective after it.

        What the call before returned must stay whole until this one is done.
        """

    def state(self) -> dict[str, Any]:
        """Return plain values and arrays that the next pass goes on from; not copied."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a `state`."""


@runtime_checkable
class SweepModel(Protocol):
    """What a model has beside `Model` when its inference is no exchange of additive statistics."""

    def begin_sweeps(
        self, source: Source, layout: Layout, posterior: Any, executor: Executor
    ) -> Sweeper:
        """Return what makes passes over the rows of `source`, from `posterior` on.

        The model cuts rows into batches as it likes; `layout` says what the caller would like.
        Results must not depend on the number of threads.
        """

    def statistics_of(self, posterior: Any, /) -> Statistics:
        """Return statistics that make this posterior."""

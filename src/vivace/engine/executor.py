"""Who computes the blocks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Protocol, Self, TypeVar

from vivace.engine.reduction import PairwiseSum
from vivace.engine.statistics import Statistics
from vivace.engine.threads import single_threaded_blas
from vivace.engine.workers import After, Workers

Task = TypeVar("Task")
Result = TypeVar("Result")
State = TypeVar("State")

# Blocks under way or waiting for each thread: one to work on and one so that a thread never
# waits for the caller. More would only hold more statistics in memory.
IN_FLIGHT_PER_THREAD = 2

# The same where results are small, and how many are left when the caller looks again: each time it
# takes a core from somebody who works (a seventh of a pass over small batches of documents).
SMALL_IN_FLIGHT_PER_THREAD, SMALL_LEFT_PER_THREAD = 4, 2


class Executor(Protocol):
    """What the engine needs from whoever computes blocks.

    This is the seam for other machines: the tasks are the partitions (`Layout`), what
    `function` closes over is the broadcast, `map_reduce` the map and the sum, and the states
    that come back are those of the partitions. The sum must follow `PairwiseSum` over the
    tasks in order, so that every executor gives the same bits.
    """

    def __enter__(self) -> Self:
        """Acquire workers for several calls."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the workers go."""

    def map_reduce(
        self, function: Callable[[Task], tuple[Statistics, State]], tasks: Iterable[Task]
    ) -> tuple[Statistics, list[State]]:
        """Return the sum of the tasks' statistics, and their states in order."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
        """Return what `function` returns for each task, in order."""

    def map_stages(
        self, function: Callable[[Task], Result], stages: Iterable[Iterable[Task]]
    ) -> list[Result]:
        """Return what `function` returns for each task of all stages, in order.

        A stage, and whoever makes its tasks, begins only when all stages before its predecessor
        have ended: neighbours may be under way together.
        """


class ThreadExecutor:
    """Threads for one fit; functions are expected to release the GIL.

    Results come back in the order of the tasks and are summed by a fixed tree: the same bits
    for any number of threads. One thread works inline. As a context manager (it may be entered
    again inside) it keeps its threads over several calls; outside of one each call makes its
    own. None outlives either, so that the process can fork.

    An exception in a task reaches the caller, that of the first task in order if several
    fail. On any exception, KeyboardInterrupt included, tasks that wait are cancelled and those
    that run are waited for. An instance serves one caller at a time.

    Parameters
    ----------
    n_threads : int
        Number of threads, at least 1.
    """

    def __init__(self, n_threads: int = 1) -> None:
        if n_threads < 1:
            raise ValueError(f"n_threads: expected at least 1, got {n_threads}")
        self.n_threads = int(n_threads)
        self._depth = 0
        self._stack: ExitStack | None = None
        self._workers: Workers | None = None

    def __enter__(self) -> Self:
        if self._depth == 0:
            self._close()  # what an interrupt on the way in or out may have left
            with ExitStack() as stack:
                stack.enter_context(single_threaded_blas())
                if self.n_threads > 1:
                    self._workers = Workers()
                    stack.callback(self._workers.stop)
                    self._workers.start(self.n_threads)
                self._stack = stack.pop_all()
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._close()

    def _close(self) -> None:
        stack, self._stack, self._workers = self._stack, None, None
        if stack is not None:
            stack.close()

    def map_reduce(
        self, function: Callable[[Task], tuple[Statistics, State]], tasks: Iterable[Task]
    ) -> tuple[Statistics, list[State]]:
        """Return the sum of the tasks' statistics, and their states in order.

        Parameters
        ----------
        function : callable
            Takes a task, returns (statistics, state). The statistics are added to in place.
        tasks : iterable
            At least one; drawn from as workers become free.
        """
        total = PairwiseSum()
        states = []
        with self, closing(self._in_order(function, tasks)) as results:
            for statistics, state in results:
                total.push(statistics)
                states.append(state)
        return total.total(), states

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
        """Return what `function` returns for each task, in order.

        For passes that write their rows' results themselves (prediction).
        """
        with self, closing(self._in_order(function, tasks, small=True)) as results:
            return list(results)

    def map_stages(
        self, function: Callable[[Task], Result], stages: Iterable[Iterable[Task]]
    ) -> list[Result]:
        """Return what `function` returns for each task of all stages, in order.

        A stage begins only when all stages before its predecessor have ended, so that no thread
        waits at the end of each. Its tasks are drawn no sooner either.
        """
        with self, closing(self._in_order(function, _tasks_of(stages), small=True)) as results:
            return list(results)

    def _in_order(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task | After],
        small: bool = False,
    ) -> Generator[Result, None, None]:
        if self._workers is None:
            return (function(task) for task in tasks if not isinstance(task, After))
        n = self.n_threads
        if small:
            most, left = SMALL_IN_FLIGHT_PER_THREAD * n, SMALL_LEFT_PER_THREAD * n
        else:
            most, left = IN_FLIGHT_PER_THREAD * n, IN_FLIGHT_PER_THREAD * n - 1
        return self._workers.in_order(function, tasks, most, left)


def _tasks_of(stages: Iterable[Iterable[Task]]) -> Generator[Task | After, None, None]:
    given = before = last = 0  # `before`, `last`: tasks up to the ends of the two stages before
    for stage in stages:
        yield After(before)
        for task in stage:
            given += 1
            yield task
        before, last = last, given

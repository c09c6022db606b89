"""Who computes the blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, closing
from contextvars import copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from vivace.engine.reduction import PairwiseSum
from vivace.engine.statistics import Statistics
from vivace.engine.threads import single_threaded_blas

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Task = TypeVar("Task")
Result = TypeVar("Result")
State = TypeVar("State")

# Blocks under way or waiting for each thread: one to work on and one so that a thread never
# waits for the caller. More would only hold more statistics in memory.
IN_FLIGHT_PER_THREAD = 2


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


class ThreadExecutor:
    """Threads for one fit; functions are expected to release the GIL.

    Results come back in the order of the tasks and are summed by a fixed tree: the same bits
    for any number of threads. One thread works inline, without a pool. As a context manager
    (it may be entered again inside) it keeps its pool over several calls; outside of one each
    call makes its own, and no thread outlives either, so that the process can fork.

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
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._depth == 0:
            with ExitStack() as stack:
                stack.enter_context(single_threaded_blas())
                if self.n_threads > 1:
                    from concurrent.futures import ThreadPoolExecutor

                    self._pool = ThreadPoolExecutor(self.n_threads, "vivace")
                    stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
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
        if self._depth == 0 and self._stack is not None:
            stack, self._stack, self._pool = self._stack, None, None
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
        with self, closing(self._in_order(function, tasks)) as results:
            return list(results)

    def _in_order(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Generator[Result, None, None]:
        if self._pool is None:
            for task in tasks:
                yield function(task)
            return
        pool = self._pool
        pending: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                # The caller's context goes along: np.errstate and the like live there.
                pending.append(pool.submit(copy_context().run, function, task))
                if len(pending) >= IN_FLIGHT_PER_THREAD * self.n_threads:
                    yield _take_first(pending)
            while pending:
                yield _take_first(pending)
        except BaseException:
            _abandon(pending)
            raise


def _take_first(pending: deque[Future[Result]]) -> Result:
    # Leave it in the queue until its result is there: an interrupt must find it.
    result = pending[0].result()
    pending.popleft()
    return result


def _abandon(pending: deque[Future[Result]]) -> None:
    from concurrent.futures import wait

    for future in pending:
        future.cancel()
    wait(pending)

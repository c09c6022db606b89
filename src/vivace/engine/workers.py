"""Threads that work through tasks and hand the results over in order.

Not concurrent.futures, nor threading.Thread: their waits take locks in Python code, and a
KeyboardInterrupt that arrives right after one was taken leaves it locked for ever. Here the
caller starts threads and waits on a `queue.SimpleQueue` by single calls into C, and holds no
lock at any time.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable, Generator, Iterable
from contextvars import Context, copy_context
from queue import SimpleQueue
from time import sleep
from typing import Any, NamedTuple, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# Seconds between looks at whether the running tasks of an abandoned call have ended.
POLL = 0.0005

# More tasks than there ever are.
NEVER = sys.maxsize


class After(NamedTuple):
    """Among tasks: those that follow are drawn when the first `tasks` have ended."""

    tasks: int


class _Call:
    """One pass over tasks: its function, its results, and what the threads say about it."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.results: dict[int, tuple[Any, BaseException | None]] = {}
        self.cancelled = False
        self.begun: list[int] = []
        self.ended: list[int] = []
        # The caller sleeps until so many have ended: to be woken for each costs more than it does.
        self.wanted = NEVER
        self.awake: SimpleQueue[None] = SimpleQueue()

    def work(self, index: int, task: Any, context: Context) -> None:
        """Do one task, in a worker."""
        # Announced before the look at `cancelled`: `abandon` misses nobody.
        self.begun.append(index)
        try:
            if not self.cancelled:
                self.results[index] = context.run(self.function, task), None
        except BaseException as error:
            self.results[index] = None, error
        finally:
            self.ended.append(index)
            if len(self.ended) >= self.wanted:
                self.awake.put(None)

    def wait(self, first: int, stop: int) -> None:
        """Wait for the results of tasks `first` to `stop` (exclusive)."""
        while True:
            # In this order: who ends in between is in neither number, and nobody waits for him.
            ended = len(self.ended)
            missing = sum(index not in self.results for index in range(first, stop))
            if not missing:
                self.wanted = NEVER
                return
            self.wanted = ended + missing
            if len(self.ended) < self.wanted:  # else it may be that nobody saw what is wanted
                self.awake.get()

    def take(self, index: int) -> Any:
        """Return a result that is there, or raise its error."""
        value, error = self.results.pop(index)
        if error is not None:
            try:
                raise error
            finally:
                del error  # the error knows this frame: no cycle
        return value

    def abandon(self) -> None:
        """Let no further task begin and wait for those that run."""
        self.cancelled = True
        while len(self.ended) < len(self.begun):
            sleep(POLL)


class Workers:
    """A fixed number of threads, from `start` to `stop` or until nobody needs them."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[_Call, int, Any, Context] | None] = SimpleQueue()
        self._gone: SimpleQueue[None] = SimpleQueue()
        self._started = 0

    def start(self, n_threads: int) -> None:
        """Start `n_threads` threads."""
        for _ in range(n_threads):
            _thread.start_new_thread(_loop, (self._tasks, self._gone))
            self._started += 1

    def stop(self) -> None:
        """End the threads after the tasks that they were given, and wait for them."""
        self._tasks.put(None)
        while self._started > 0:
            self._gone.get()
            self._started -= 1

    def __del__(self) -> None:
        # An interrupt may have kept `stop` from being called, or even `__init__` from ending.
        if hasattr(self, "_tasks"):
            self._tasks.put(None)

    def in_order(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task | After],
        ahead: int,
        left: int,
    ) -> Generator[Result, None, None]:
        """Yield ``function(task)`` for each task, in order, at most `ahead` tasks under way.

        Once there are so many, the caller sleeps until no more than `left` are, in order. `After`
        among the tasks is none of them: it holds back what follows.

        Whatever ends the generator early (an exception of a task, of the caller, an interrupt,
        `close`) cancels the tasks that wait; those that run are waited for.
        """
        call = _Call(function)
        given = done = 0
        try:
            for task in tasks:
                if isinstance(task, After):
                    call.wait(done, task.tasks)
                else:
                    # The caller's context goes along: np.errstate and the like live there.
                    self._tasks.put((call, given, task, copy_context()))
                    given += 1
                    if given - done < ahead:
                        continue
                    call.wait(done, given - left)
                while done in call.results:
                    yield call.take(done)
                    done += 1
            call.wait(done, given)
            while done < given:
                yield call.take(done)
                done += 1
        except BaseException:
            call.abandon()
            raise


def _loop(
    tasks: SimpleQueue[tuple[_Call, int, Any, Context] | None], gone: SimpleQueue[None]
) -> None:
    while (item := tasks.get()) is not None:
        call, index, task, context = item
        call.work(index, task, context)
        del item, call, task, context  # nothing is kept alive while waiting
    # For the next one to find. One each would not do: an interrupt may have kept the caller
    # from counting a thread that did start.
    tasks.put(None)
    gone.put(None)

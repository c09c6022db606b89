"""The executor: order, bits, bounds, exceptions, interrupts."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest
from engine.toy import same, wait_for_threads

from vivace.engine import Statistics, ThreadExecutor
from vivace.engine.executor import IN_FLIGHT_PER_THREAD

THREADS = [1, 2, 3, 7]


def numbers(task: int) -> tuple[Statistics, int]:
    time.sleep(1e-4 * (task * 7 % 5))  # finish out of order
    x = np.random.default_rng(task).normal(size=5) * 10.0 ** (task % 9)
    return Statistics({"x": x}, {"x": None}), task * task


def test_same_bits_for_any_number_of_threads() -> None:
    results = [ThreadExecutor(n).map_reduce(numbers, range(61)) for n in THREADS]
    for total, states in results:
        assert same(total, results[0][0])
        assert states == [i * i for i in range(61)]


def test_map_keeps_order() -> None:
    for n in THREADS:
        assert ThreadExecutor(n).map(lambda i: numbers(i)[1], range(9)) == [i * i for i in range(9)]
        assert ThreadExecutor(n).map(str, []) == []


STAGES = [1, 0, 5, 3, 0, 4, 1, 1, 6]


@pytest.mark.parametrize("n", [*THREADS, 16])
def test_stages_begin_when_all_but_their_neighbour_have_ended(n: int) -> None:
    ended: list[tuple[int, int]] = []
    together = 0

    def check(stage: int) -> int:
        done = list(ended)
        assert sum(s < stage - 1 for s, _ in done) == sum(STAGES[: max(0, stage - 1)])
        return sum(s < stage for s, _ in done)

    def tasks(stage: int) -> Iterator[tuple[int, int]]:
        check(stage)  # they are made no sooner than they may begin
        for i in range(STAGES[stage]):
            yield stage, i

    def work(task: tuple[int, int]) -> tuple[int, int]:
        nonlocal together
        together += check(task[0]) < sum(STAGES[: task[0]])
        time.sleep(1e-3 * ((task[0] + task[1]) % 3))
        ended.append(task)
        return task

    found = ThreadExecutor(n).map_stages(work, (tasks(s) for s in range(len(STAGES))))
    assert found == [(s, i) for s, size in enumerate(STAGES) for i in range(size)]
    assert (together > 0) == (n > 1)
    assert ThreadExecutor(n).map_stages(work, []) == []


def test_an_exception_ends_stages() -> None:
    def work(task: int) -> int:
        if task == 3:
            raise ValueError("three")
        return task

    for n in THREADS:
        with pytest.raises(ValueError, match="three"):
            ThreadExecutor(n).map_stages(work, [[0, 1], [2, 3], [4, 5], [6]])


def test_nothing_to_sum() -> None:
    for n in THREADS:
        with pytest.raises(ValueError, match="at least one"):
            ThreadExecutor(n).map_reduce(numbers, [])


def test_bounded_blocks_in_flight() -> None:
    given = taken = most = 0

    def tasks() -> Iterator[int]:
        nonlocal given, most
        for i in range(50):
            given += 1
            most = max(most, given - taken)
            yield i

    executor = ThreadExecutor(3)
    with executor:
        for _ in executor._in_order(numbers, tasks()):
            taken += 1
    assert most == IN_FLIGHT_PER_THREAD * 3


def test_statistics_are_freed_promptly() -> None:
    alive = most = 0
    lock = threading.Lock()

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            with lock:
                alive -= 1

    def work(task: int) -> tuple[Statistics, None]:
        nonlocal alive, most
        record = Statistics({"x": 0.0}, {"x": None})
        record._arrays["x"] = np.ones(10).view(Counted)
        with lock:
            alive += 1
            most = max(most, alive)
        return record, None

    for n in (1, 3):
        most = 0
        total, _ = ThreadExecutor(n).map_reduce(work, range(200))
        assert total["x"][0] == 200
        # those under way, those being summed, and the tree
        assert most <= (IN_FLIGHT_PER_THREAD * n if n > 1 else 0) + 2 + 8
        del total
        assert alive == 0


def test_first_exception_in_order_wins() -> None:
    def work(task: int) -> tuple[Statistics, None]:
        if task == 4:
            time.sleep(0.02)
        if task >= 4:
            raise RuntimeError(f"task {task}")
        return Statistics({"x": 1.0}, {"x": None}), None

    for n in THREADS:
        executor = ThreadExecutor(n)
        with executor:
            with pytest.raises(RuntimeError, match="task 4"):
                executor.map_reduce(work, range(30))
            # usable afterwards
            assert executor.map_reduce(work, range(4))[0]["x"] == 4


def test_exception_among_the_tasks() -> None:
    def tasks() -> Iterator[int]:
        yield from range(5)
        raise OSError("no more")

    for n in THREADS:
        with pytest.raises(OSError, match="no more"):
            ThreadExecutor(n).map_reduce(numbers, tasks())


def test_context_reaches_the_workers() -> None:
    setting: ContextVar[str] = ContextVar("setting", default="unset")  # as NumPy 2's errstate

    def work(task: int) -> str:
        return setting.get()

    setting.set("set")
    for n in (1, 2):
        assert ThreadExecutor(n).map(work, range(3)) == ["set"] * 3


def test_no_thread_outlives_the_executor() -> None:
    before = _thread._count()
    executor = ThreadExecutor(3)
    executor.map_reduce(numbers, range(5))
    wait_for_threads(before)
    with executor, executor:
        executor.map_reduce(numbers, range(5))
        assert before < _thread._count() <= before + 3
    wait_for_threads(before)


def test_bad_number_of_threads() -> None:
    with pytest.raises(ValueError, match="n_threads"):
        ThreadExecutor(0)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_interrupt_cancels_and_waits(n_threads: int) -> None:
    running = begun = 0
    lock = threading.Lock()

    def work(task: int) -> tuple[Statistics, None]:
        nonlocal running, begun
        with lock:
            running += 1
            begun += 1
        try:
            time.sleep(0.005)
        finally:
            with lock:
                running -= 1
        return Statistics({"x": 1.0}, {"x": None}), None

    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    executor = ThreadExecutor(n_threads)
    with executor:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            executor.map_reduce(work, range(10_000))
        assert running == 0
        at = begun
        assert at < 10_000
        time.sleep(0.02)
        assert begun == at
    timer.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupts_at_any_moment_never_hang() -> None:
    """Hundreds of interrupts, wherever they fall."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    def work(task: int) -> tuple[Statistics, None]:
        return Statistics({"x": 1.0}, {"x": None}), None

    executor = ThreadExecutor(2)
    before = signal.signal(signal.SIGALRM, stop)
    rng = np.random.default_rng(0)
    interrupted = 0
    try:
        with executor:
            for delay in rng.uniform(1e-5, 3e-3, size=300):
                try:
                    signal.setitimer(signal.ITIMER_REAL, delay)
                    executor.map_reduce(work, range(10_000))
                except KeyboardInterrupt:
                    interrupted += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            assert executor.map_reduce(work, range(100))[0]["x"] == 100
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted >= 290  # Python swallows one that falls into a finaliser

"""The loop: stop rule, callbacks, warm starts, interruption, fork."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from engine.toy import Scripted, Setup, ToyMixture, rows, same, setup, wait_for_threads

from vivace.engine import (
    CoordinateAscent,
    Fit,
    Layout,
    Memoized,
    Progress,
    Statistics,
    Stochastic,
    StopRule,
    resume,
    run,
)

SCHEDULES = {
    "plain": CoordinateAscent(None),
    "squarem": CoordinateAscent(),
    "online": Stochastic(),
    "memoized": Memoized(),
}


def go(case: Setup, fit: Fit, stop: StopRule, schedule: Any = None, callbacks: Any = ()) -> Fit:
    schedule = schedule or CoordinateAscent(None)
    return run(*case[:3], schedule, case[3], fit, stop, callbacks)


# -- stop rule -------------------------------------------------------------------------------

BOUNDS = [-100.0, -50.0, -49.95, -49.0, -48.95, -48.9, -48.85, -48.8, -48.75, -48.7]


def test_converged_after_three_quiet_maps_in_succession() -> None:
    case = setup(rows(100), Scripted(BOUNDS))
    fit = go(case, case.start(), StopRule(tol=1e-3, max_iter=100))
    assert fit.converged
    assert fit.trace == BOUNDS[1:7]
    assert fit.quiet == 3


def test_patience_and_total_weight() -> None:
    case = setup(rows(100), Scripted(BOUNDS))
    assert go(case, case.start(), StopRule(1e-3, 100, patience=1)).trace == BOUNDS[1:3]
    case = setup(rows(100), Scripted(BOUNDS), sample_weight=np.full(100, 0.01))
    fit = go(case, case.start(), StopRule(1e-3, 9))
    assert not fit.converged
    assert fit.n_iter == 9


def test_quiet_maps_carry_over_a_warm_start() -> None:
    case = setup(rows(100), Scripted(BOUNDS))
    fit = case.start()
    quiet = []
    for _ in range(6):
        assert not fit.converged
        fit = resume(fit.posterior, fit.statistics, elbo=fit.elbo, quiet=fit.quiet)
        go(case, fit, StopRule(1e-3, 1))
        assert fit.n_iter == len(fit.trace) == 1
        quiet.append(fit.quiet)
    assert quiet == [0, 1, 0, 1, 2, 3]
    assert fit.converged


def test_rejected_trials_do_not_count_as_quiet() -> None:
    bounds = [-100.0, -49.0, -48.99, -48.98, -60.0, -48.97]
    case = setup(rows(100), Scripted(bounds))
    fit = go(case, case.start(), StopRule(1e-3, 9), CoordinateAscent())
    assert fit.converged
    assert fit.trace == [-49.0, -48.99, -48.98, -48.98, -48.97]


def test_a_warm_start_never_ends_lower() -> None:
    case = setup()
    fit = case.start()
    bound = fit.elbo
    for _ in range(30):
        fit = resume(fit.posterior, fit.statistics, elbo=fit.elbo, quiet=fit.quiet)
        go(case, fit, StopRule(0.0, 5), CoordinateAscent())
        assert fit.elbo >= bound - 1e-9 * abs(bound)
        bound = fit.elbo


@pytest.mark.parametrize("settings", [(-1.0, 1), (float("nan"), 1), (0.0, 0), (0.0, 1, 0)])
def test_bad_stop_rules(settings: tuple) -> None:
    with pytest.raises(ValueError, match="at least"):
        StopRule(*settings)


# -- what may be run ---------------------------------------------------------------------------


def test_the_engine_names_a_missing_schedule() -> None:
    class BatchOnly(ToyMixture):
        schedules = frozenset({"batch"})

    case = setup(model=BatchOnly())
    with pytest.raises(
        ValueError, match=r"BatchOnly does not support .*'online'.* supports: batch"
    ):
        go(case, case.start(), StopRule(0.0, 1), Stochastic())


def test_the_layout_must_fit_the_source() -> None:
    case = setup()
    other = case._replace(layout=Layout(599, None, 64))
    with pytest.raises(ValueError, match="600; got 599"):
        other.start()
    with pytest.raises(ValueError, match="600; got 599"):
        go(other, case.start(), StopRule(0.0, 1))


def test_local_state_of_another_layout_is_dropped() -> None:
    class Sized(ToyMixture):
        def local_step(self, block: Any, eta: Any, local: Any) -> Any:
            size = block.stop - block.start
            assert local in (None, size)
            return super().local_step(block, eta, None)[0], size

    case = setup(model=Sized())
    fit = go(case, case.start(), StopRule(0.0, 2))
    other = case._replace(layout=Layout(600, 300, 50))
    kept = resume(fit.posterior, fit.statistics, elbo=fit.elbo, layout=fit.layout, local=fit.local)
    go(other, kept, StopRule(0.0, 2))
    assert kept.layout == other.layout
    assert kept.elbo > fit.elbo


def test_start_keeps_batches_when_asked() -> None:
    case = setup(batch_rows=100)
    assert case.start().batch_statistics is None
    fit = case.start(keep_batches=True)
    assert len(fit.batch_statistics or {}) == 6
    np.testing.assert_allclose(fit.statistics["suff"], case.start().statistics["suff"], rtol=1e-13)


# -- callbacks ---------------------------------------------------------------------------------


def test_callbacks_are_told_and_can_stop() -> None:
    case = setup(rows(100), Scripted([-100.0, -90.0, -80.0, -75.0, -99.0, -74.0]))
    told: list[Progress] = []
    also: list[float] = []

    def first(progress: Progress) -> bool:
        told.append(progress)
        return progress.n_iter == 4

    fit = go(
        case,
        case.start(),
        StopRule(0.0, 50),
        CoordinateAscent(),
        [first, lambda p: also.append(p.elbo)],
    )
    assert [p.n_iter for p in told] == [1, 2, 3, 4]
    assert [p.elbo for p in told] == also == fit.trace == [-90.0, -80.0, -75.0, -75.0]
    assert [p.accepted for p in told] == [True, True, True, False]
    assert all(p.max_iter == 50 for p in told)
    assert 0 <= told[0].elapsed <= told[-1].elapsed
    assert not fit.converged


def test_an_error_in_a_callback_leaves_the_accepted_state() -> None:
    case = setup()

    def fail(progress: Progress) -> None:
        if progress.n_iter == 3:
            raise RuntimeError("no room for the progress bar")

    fit = case.start()
    with pytest.raises(RuntimeError, match="no room"):
        go(case, fit, StopRule(1e9, 50, patience=3), callbacks=[fail])
    assert fit.n_iter == 3
    assert not fit.converged


def test_an_error_in_a_worker_leaves_the_accepted_state() -> None:
    class Failing(ToyMixture):
        def local_step(self, block: Any, eta: Any, local: Any) -> Any:
            self.log.append(block.start)
            if len(self.log) > 25:
                raise ValueError("bad rows")
            return super().local_step(block, eta, local)

    for n_threads in (1, 3):
        case = setup(model=Failing(), n_threads=n_threads)
        fit = case.start()
        with pytest.raises(ValueError, match="bad rows"):
            go(case, fit, StopRule(0.0, 50))
        assert fit.trace == go(setup(), setup().start(), StopRule(0.0, 2)).trace


# -- interruption ------------------------------------------------------------------------------


def check_consistent(case: Setup, fit: Fit, schedule: str) -> None:
    assert fit.converged is False
    assert len(fit.trace) == fit.n_iter
    made = case.model.global_step(fit.statistics, None)
    np.testing.assert_array_equal(made.eta, fit.posterior.eta)
    if schedule == "online":
        return  # the bound is that of the last whole pass
    assert fit.elbo == case.model.elbo(fit.posterior, fit.statistics)
    if schedule != "memoized":
        assert fit.elbo == (fit.trace or [fit.elbo])[-1]
    elif fit.batch_statistics is not None:
        total = fit.statistics.zeros_like()
        for record in fit.batch_statistics.values():
            total.add_(record)
        np.testing.assert_allclose(total["suff"], fit.statistics["suff"], rtol=1e-9, atol=1e-12)


class Slow(ToyMixture):
    """Blocks take a few milliseconds, as real ones do."""

    running = 0
    lock = threading.Lock()

    def local_step(self, block: Any, eta: Any, local: Any) -> Any:
        with self.lock:
            Slow.running += 1
        try:
            time.sleep(0.002)
            return super().local_step(block, eta, local)
        finally:
            with self.lock:
                Slow.running -= 1


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("name", SCHEDULES)
def test_ctrl_c(name: str, n_threads: int) -> None:
    case = setup(model=Slow(), batch_rows=200, block_rows=50, n_threads=n_threads)
    fit = case.start(keep_batches=True)
    threads = _thread._count()
    timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        go(case, fit, StopRule(0.0, 10**6), SCHEDULES[name])
    assert Slow.running == 0
    timer.join()
    wait_for_threads(threads)
    assert fit.step > 0 or fit.n_iter > 0
    check_consistent(case, fit, name)
    before = fit.elbo
    go(case, fit, StopRule(0.0, 2), SCHEDULES[name])
    assert name == "online" or fit.elbo >= before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", SCHEDULES)
def test_interrupts_at_any_moment(name: str, n_threads: int) -> None:
    """Signals between any two byte codes: all of a step is committed or nothing."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    case = setup(rows(60), batch_rows=20, block_rows=10, n_threads=n_threads)
    fit = case.start(keep_batches=True)
    rng = np.random.default_rng(1)
    old = signal.signal(signal.SIGALRM, stop)
    interrupted = 0
    try:
        for delay in rng.uniform(5e-4, 4e-3, size=60):
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                go(case, fit, StopRule(0.0, 500), SCHEDULES[name])
            except KeyboardInterrupt:
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            check_consistent(case, fit, name)
    finally:
        signal.signal(signal.SIGALRM, old)
    # Python itself swallows the rare one that falls into a finaliser or a callback of the
    # garbage collector.
    assert interrupted >= 55


# -- fork --------------------------------------------------------------------------------------


def fit_bits(queue: Any = None) -> list[float]:
    case = setup(n_threads=3)
    trace = go(case, case.start(), StopRule(0.0, 5)).trace
    if queue is not None:
        queue.put(trace)
    return trace


def test_a_forked_child_can_fit() -> None:
    expected = fit_bits()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=fit_bits, args=(queue,)) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=20) for _ in children] == [expected, expected]
    for child in children:
        child.join(20)
        assert child.exitcode == 0
    assert fit_bits() == expected


def test_fits_in_several_threads_at_once() -> None:
    expected = fit_bits()
    results: list[list[float]] = []
    threads = [threading.Thread(target=lambda: results.append(fit_bits())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_resume_copies_what_it_must() -> None:
    case = setup(batch_rows=100)
    fit = go(case, case.start(keep_batches=True), StopRule(0.0, 2), Memoized())
    kept = dict(fit.batch_statistics or {})
    again = resume(
        fit.posterior,
        fit.statistics,
        elbo=fit.elbo,
        step=fit.step,
        layout=fit.layout,
        batch_statistics=fit.batch_statistics,
    )
    bound = fit.elbo
    go(case, again, StopRule(0.0, 2), Memoized())
    assert again.elbo > bound == fit.elbo
    assert all(fit.batch_statistics[i] is record for i, record in kept.items())
    whole = go(case, case.start(keep_batches=True), StopRule(0.0, 4), Memoized())
    assert again.trace == whole.trace[2:]
    assert same(again.statistics, whole.statistics)
    assert isinstance(again.statistics, Statistics)

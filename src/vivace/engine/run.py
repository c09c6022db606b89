"""Starting a fit, and the one loop that all fits share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from vivace.engine.data import Block, Source
from vivace.engine.executor import Executor
from vivace.engine.fit import Fit, Progress, StopRule
from vivace.engine.job import Job, Running
from vivace.engine.layout import Batch, Layout
from vivace.engine.local import LocalStore
from vivace.engine.model import Model
from vivace.engine.reduction import PairwiseSum
from vivace.engine.schedules.base import Problem, Schedule
from vivace.engine.statistics import Statistics

Callback = Callable[[Progress], bool | None]


def start(
    model: Model,
    source: Source,
    layout: Layout,
    executor: Executor,
    initial: Callable[[Block], Statistics],
    *,
    keep_batches: bool = False,
) -> Fit:
    """Return a fit made from starting responsibilities: their statistics and a global step.

    Parameters
    ----------
    model, source, layout, executor
        What is fitted to what, cut how, and who computes.
    initial : callable
        Returns the statistics of a block's starting responsibilities (a fresh record).
    keep_batches : bool
        Keep the statistics of each batch, as the memoized schedule wants them: its bound is
        then exact from the first batch on.

    Returns
    -------
    Fit
        With the exact bound of the starting responsibilities.
    """
    problem = _problem(model, source, layout, executor)

    def work(task: tuple[int, int]) -> tuple[Statistics, None]:
        return initial(source.read(*task)), None

    def total_of(batches: Iterable[Batch]) -> Statistics:
        return executor.map_reduce(
            work, (block for batch in batches for block in layout.blocks(batch))
        )[0]

    kept: dict[int, Statistics] | None = None
    with executor:
        if keep_batches:
            kept = {batch.id: total_of([batch]) for batch in layout.batches}
            total = PairwiseSum()
            for statistics in kept.values():
                total.push(statistics.copy())
            statistics = total.total()
        else:
            statistics = total_of(layout.batches)
        posterior = model.global_step(statistics, None)
        elbo = problem.bound(posterior, statistics)
    return Fit(posterior, statistics, elbo, layout=layout, batch_statistics=kept)


def run(
    model: Model,
    source: Source,
    layout: Layout,
    schedule: Schedule,
    executor: Executor,
    fit: Fit,
    stop: StopRule,
    callbacks: Sequence[Callback] = (),
    job: Job | None = None,
    done: Callable[[], bool] = lambda: False,
) -> Fit:
    """Step `fit` along `schedule` until it has converged, is out of steps or is stopped.

    Parameters
    ----------
    model, source, layout, executor
        What is fitted to what, cut how, and who computes.
    schedule : Schedule
        `CoordinateAscent`, `Stochastic` or `Memoized`.
    fit : Fit
        From `start` or `resume`; changed in place.
    stop : StopRule
        Tolerance and the most maps or passes of this run.
    callbacks : sequence of callable
        Each is called with a `Progress` after every map or pass, in the caller's thread; the
        run ends, not converged, when one returns True.
    job : Job, optional
        Writes checkpoints, and knows where a run was that goes on from one.
    done : callable, optional
        Ends the run, not converged, where it returns True: asked before the first step, too, so
        that a run that had ended by it stays ended when it is resumed.

    Returns
    -------
    Fit
        `fit`. When an exception leaves this function, KeyboardInterrupt included, `fit` stays
        at its last accepted state with `converged` False.
    """
    if schedule.name not in model.schedules:
        raise ValueError(
            f"{type(model).__name__} does not support the schedule {schedule.name!r}; it "
            f"supports: {', '.join(sorted(model.schedules)) or 'none'}"
        )
    problem = _problem(model, source, layout, executor)
    n_iter, before, converged = 0, 0.0, False

    def running() -> Running:
        elapsed = before + perf_counter() - began
        return Running(fit, stepper, n_iter, elapsed, stop.max_iter, converged)

    def pause() -> None:
        if job is not None:
            job(running())

    problem = replace(problem, pause=pause)
    if fit.layout != layout:
        fit.commit(layout=layout, local=LocalStore(), batch_statistics=None)
    fit.converged = False
    tolerance = stop.tol * schedule.slack * source.total_weight
    # Files that were read already may change, too: the model would not be that of the data.
    check = getattr(source, "check", None)
    began = perf_counter()
    with executor:
        stepper = schedule.begin(problem, fit)
        if job is not None:
            n_iter, before, converged = job.resume_run(stepper)
        while n_iter < stop.max_iter and not (converged or done()):
            step = stepper.step()
            if check is not None:
                check()
            n_iter += 1
            if step.accepted:
                fit.quiet = fit.quiet + 1 if abs(step.change) < tolerance else 0
                converged = fit.quiet >= stop.patience
            elapsed = before + perf_counter() - began
            progress = Progress(n_iter, fit.elbo, step.accepted, elapsed, stop.max_iter)
            answers = [callback(progress) for callback in callbacks]
            if converged or True in answers or done():
                break
            pause()
        if job is not None:
            job.end(running())
        stepper.finish()
    fit.converged = converged
    return fit


def expectation(
    model: Model, source: Source, layout: Layout, executor: Executor, posterior: Any
) -> Statistics:
    """Return the statistics of all rows of `source` under `posterior`.

    The local step of `online_update`; local state is neither read nor kept.
    """
    problem = _problem(model, source, layout, executor)
    with executor:
        return problem.local_pass(model.prepare(posterior), LocalStore(), layout.batches)[0]


def online_update(
    model: Model, fit: Fit, statistics: Statistics, rho: float, factor: float = 1.0
) -> Fit:
    """Blend the statistics of a batch into `fit`: one stochastic step.

    Parameters
    ----------
    model : Model
        The model of `fit`.
    fit : Fit
        Changed in place: posterior, statistics and `step`. The bound is left as it is.
    statistics : Statistics
        Those of the batch (`expectation`).
    rho : float
        Learning rate, above 0 and at most 1; 1 forgets what came before.
    factor : float
        Weight of the population over that of the batch.

    Returns
    -------
    Fit
        `fit`.
    """
    if not 0.0 < rho <= 1.0:
        raise ValueError(f"rho: expected a number above 0 and at most 1, got {rho}")
    blended = fit.statistics.blended(statistics, rho, factor)
    posterior = model.global_step(blended, fit.posterior)
    fit.commit(posterior=posterior, statistics=blended, step=fit.step + 1)
    return fit


def _problem(model: Model, source: Source, layout: Layout, executor: Executor) -> Problem:
    if layout.n_rows != source.n_rows:
        raise ValueError(
            f"layout: expected one of as many rows as the source, {source.n_rows}; got "
            f"{layout.n_rows}"
        )
    return Problem(model, source, layout, executor)

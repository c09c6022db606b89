"""One call of `fit`: as many initialisations as asked for, the best kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from vivace.engine import (
    Block,
    Fit,
    Job,
    Layout,
    Statistics,
    StopRule,
    ThreadExecutor,
    resume,
    run,
    start,
)
from vivace.estimators.callbacks import Callback, Observers
from vivace.mixture._course import Course
from vivace.mixture._held_out import Validation, hold_out
from vivace.mixture._moments import column_moments
from vivace.mixture._start import Starter, make_starter
from vivace.mixture._state import (
    Fitted,
    fingerprint_of,
    make_layout,
    make_model,
    make_schedule,
    shape_of_fit,
    tolerance,
)
from vivace.mixture._streams import warn_of_waste
from vivace.mixture._validation import Rows, check_enough_rows, check_resp
from vivace.mixture._verbose import Verbose
from vivace.models import predict


@dataclass
class Outcome:
    """The best of the initialisations, how the call ended, and the rows that it was fitted to."""

    fitted: Fitted
    interrupted: KeyboardInterrupt | None
    stopped: bool
    observers: Observers
    rows: Any


@dataclass
class Setup:
    """What one call of `fit` works with.

    Attributes
    ----------
    model : Model
    prior : object
        What the estimator keeps of the prior.
    shape : tuple
        What a warm start must find unchanged.
    fingerprint : str
        Recognises data and prior.
    starter : callable
        Makes the `Starter`; not called for a warm start.
    """

    model: Any
    prior: Any
    shape: tuple[Any, ...]
    fingerprint: str
    starter: Callable[[], Starter]


def gaussian_setup(estimator: Any, rows: Rows, resp_init: Any, executor: ThreadExecutor) -> Setup:
    """Coordinates, prior and model of a Gaussian mixture."""
    parameters = estimator.get_params(deep=False)
    moments = column_moments(estimator, rows, executor)
    check_enough_rows(estimator, rows, parameters["n_components"])  # rows without values are out
    shape = shape_of_fit(parameters, rows.X.shape[1])
    warm_fit(estimator, shape)  # raises before the prior does
    model, prior = make_model(parameters, moments, rows, executor)
    return Setup(
        model,
        prior,
        shape,
        fingerprint_of(parameters, moments, prior, model),
        lambda: make_starter(parameters, rows, model, resp_init),
    )


def fit_rows(
    estimator: Any,
    rows: Any,
    y: Any,
    resp_init: Any,
    callbacks: tuple[Callback, ...],
    executor: ThreadExecutor,
    finish: Callable[[Fitted], dict[str, Any]],
    job: Job | None = None,
) -> Outcome:
    """Fit the rows; `finish` (state to attributes) and `y` are for scikit-learn's callbacks."""
    parameters = estimator.get_params(deep=False)
    rng = check_random_state(parameters["random_state"])
    held_seed, scored = None, None
    if parameters["validation_fraction"] is not None:
        held_seed = held_out_seed(job, rng)
        rows, resp_init, scored = _held_out(estimator, rows, resp_init, held_seed, parameters)
    setup = estimator._setup(rows, resp_init, executor)
    model, prior, fingerprint, shape = setup.model, setup.prior, setup.fingerprint, setup.shape
    _warn_of_small_weights(rows)
    previous = warm_fit(estimator, shape) if resp_init is None else None
    layout = make_layout(parameters, rows.n_rows, model.block_rows())
    warn_of_waste(rows.X, layout.batch_rows)
    starter = setup.starter() if previous is None else None
    n_runs = parameters["n_init"] if starter is not None and starter.varies else 1
    max_iter = parameters["max_iter"]
    metadata = None if rows.weights is None else {"sample_weight": rows.weights}
    told = {"X": rows.X, "y": y, "metadata": metadata}
    verbose = Verbose(parameters["verbose"], parameters["verbose_interval"])
    observers = Observers(estimator, verbose, callbacks, told, n_runs, max_iter)

    def validation_of(current: Fitted) -> Validation | None:
        if scored is None:
            return None
        score = lambda: estimator._score_held_out(current, scored)  # noqa: E731
        return Validation(score, parameters["n_iter_no_change"])

    row_weight = rows.total_weight / rows.n_weighted
    best: Fitted | None = None
    course = None
    if job is not None:
        course = Course(
            job, setup, rows, row_weight, previous, executor, n_runs, held_seed, max_iter
        )
        rng, best = course.rng or rng, course.best
    for number in range(0 if course is None else course.number, n_runs):
        current: Fitted | None = None
        validation: Validation | None = None
        try:
            state = None if course is None else course.begin(number, best, rng)
            if state is not None:
                pass  # goes on from a checkpoint
            elif starter is not None:
                state = _start(starter, model, rows, layout, executor, parameters, rng)
            else:
                assert previous is not None
                state = _resume(previous, fingerprint, model, rows, layout, executor)
            current = Fitted(model, prior, state, row_weight, shape, fingerprint)
            validation = validation_of(current)
            verbose.look = None
            if validation is not None:
                verbose.look = partial(validation.look, current.fit)
            _run(
                current, parameters, rows, layout, executor, observers, number, finish, rng, course,
                validation,
            )  # fmt: skip
        except KeyboardInterrupt as interrupt:
            if current is not None:
                current.fit.converged = False
                _keep_best(current, validation)
            best = _better(best, current)
            if best is None:
                raise
            return Outcome(_slim(best), interrupt, False, observers, rows)
        _keep_best(current, validation)
        if validation is None and previous is not None and previous.fingerprint == fingerprint:
            _keep_bound(current, previous, parameters["learning_method"])
        best = _better(best, current)
        if observers.stopped:
            break
    assert best is not None
    return Outcome(_slim(best), None, observers.stopped, observers, rows)


def held_out_seed(job: Job | None, rng: np.random.RandomState) -> int:
    """Draw which rows are held out, or take what a checkpoint says."""
    # Drawn in any case: a checkpoint of other data, which is seen later, may be left aside.
    seed = int(rng.randint(np.iinfo(np.int32).max))
    found = None if job is None else job.found
    if job is None or found is None:
        return seed
    with job.reading():
        seed = int(found["held_out"])
        if seed < 0:
            raise ValueError(f"a seed cannot be {seed}")
        return seed


def _held_out(
    estimator: Any, rows: Any, resp_init: Any, seed: int, parameters: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """Rows to fit and their starting responsibilities, and rows to score."""
    k = parameters["n_components"]
    held, chosen = hold_out(rows, parameters["validation_fraction"], seed, k)
    if resp_init is not None:
        resp_init = np.delete(check_resp(resp_init, rows.n_rows, k), held, axis=0)
    scored = rows.only(chosen)
    estimator._check_held_out(rows, chosen, scored)
    return rows.without(held), resp_init, scored


def _keep_best(current: Fitted, validation: Validation | None) -> None:
    """Put the best state on held-out rows in the place of the last."""
    if validation is not None:
        validation.restore(current.fit)
        current.validation = validation.scores()


def warn_of_convergence(fitted: Fitted, parameters: dict[str, Any], rows: Any) -> None:
    """Say by how much a fit missed convergence, and what to do."""
    fit, tol = fitted.fit, tolerance(parameters, fitted.model, rows.n_weighted)
    weight = float(np.sum(fit.statistics["weight"]))
    steps = np.diff(fit.trace)
    steps = steps[steps != 0.0]  # a rejected trial repeats the bound
    moved = abs(steps[-1]) / weight if len(steps) else np.inf
    unit = "passes" if parameters["learning_method"] != "batch" else "iterations"
    warnings.warn(
        f"Best performing initialization did not converge in {fit.n_iter} {unit}: the last "
        f"accepted one moved the bound by {moved:.2g} nats per unit of weight, and {fit.quiet} in "
        f"succession stayed below tol = {tol:g} (3 are asked for). Raise max_iter (now "
        f"{parameters['max_iter']}) or tol, or go on with warm_start=True.",
        ConvergenceWarning,
        stacklevel=5,
    )


def _start(
    starter: Starter,
    model: Any,
    rows: Any,
    layout: Layout,
    executor: ThreadExecutor,
    parameters: dict[str, Any],
    rng: np.random.RandomState,
) -> Fit:
    keep = parameters["learning_method"] == "memoized"
    return start(model, rows.source, layout, executor, starter.make(rng), keep_batches=keep)


def _resume(
    previous: Fitted,
    fingerprint: str,
    model: Any,
    rows: Any,
    layout: Layout,
    executor: ThreadExecutor,
) -> Fit:
    """Go on from the previous fit; with other data or another prior, from its responsibilities."""
    old = previous.fit
    if previous.fingerprint == fingerprint:
        return resume(
            old.posterior,
            old.statistics,
            elbo=old.elbo,
            quiet=old.quiet,
            step=old.step,
            smoothed=old.smoothed,
        )
    # The coordinates may be others now: hand over responsibilities, not parameters.
    prepared = previous.model.prepare(old.posterior)

    def initial(block: Block) -> Statistics:
        resp = np.empty((block.stop - block.start, model.n_components))
        predict.proba(previous.model, prepared, block, resp)
        statistics: Statistics = model.given(block, resp)
        return statistics

    return start(model, rows.source, layout, executor, initial)


def _run(
    current: Fitted,
    parameters: dict[str, Any],
    rows: Any,
    layout: Layout,
    executor: ThreadExecutor,
    observers: Observers,
    number: int,
    finish: Callable[[Fitted], dict[str, Any]],
    rng: np.random.RandomState,
    course: Course | None,
    validation: Validation | None,
) -> None:
    fit, max_iter = current.fit, parameters["max_iter"]
    rule = StopRule(tolerance(parameters, current.model, rows.n_weighted), max(max_iter, 1))
    # A snapshot: whoever keeps what a callback is shown must not see it change.
    observers.begin(
        number,
        fit.elbo,
        lambda: finish(_slim(replace(current))),
        lambda: fit.quiet >= rule.patience or (validation is not None and validation.done),
    )
    if max_iter > 0:
        seed = course.take_seed() if course is not None else None
        if seed is None:
            seed = int(rng.randint(np.iinfo(np.int32).max))
        job = None if course is None else course.running(seed, validation)
        schedule = make_schedule(parameters, seed)

        def done() -> bool:
            return validation is not None and validation.done

        run(
            current.model, rows.source, layout, schedule, executor, fit, rule, [observers], job,
            done,
        )  # fmt: skip
        if done():
            fit.commit(converged=True)
    if course is not None:
        course.end(fit)
    observers.end(fit.converged, fit.elbo)


def _keep_bound(current: Fitted, previous: Fitted, learning_method: str) -> None:
    """Keep the previous state where rounding made the bound of the same data fall."""
    fit, old = current.fit, previous.fit
    if learning_method != "online" and fit.elbo < old.elbo:
        fit.commit(posterior=old.posterior, statistics=old.statistics, elbo=old.elbo)
        fit.trace = list(np.maximum(fit.trace, old.elbo))


def _better(best: Fitted | None, current: Fitted | None) -> Fitted | None:
    if best is None or current is None:
        return current if best is None else best
    if current.validation is not None and best.validation is not None:
        return current if current.validation.highest > best.validation.highest else best
    return current if current.fit.elbo > best.fit.elbo else best


def _slim(fitted: Fitted) -> Fitted:
    """Forget local state and the statistics of batches."""
    fit = fitted.fit
    fitted.fit = resume(
        fit.posterior,
        fit.statistics,
        elbo=fit.elbo,
        quiet=fit.quiet,
        step=fit.step,
        smoothed=fit.smoothed,
    )
    fitted.fit.commit(trace=fit.trace, n_iter=fit.n_iter, converged=fit.converged)
    return fitted


def warm_fit(estimator: Any, shape: tuple[Any, ...]) -> Fitted | None:
    """Return the previous fit where warm_start asks for it and it can be used."""
    previous: Fitted | None = getattr(estimator, "_fitted", None)
    if not estimator.warm_start or previous is None or previous.seen > 0.0:
        return None
    if previous.shape != shape:
        raise ValueError(
            "warm_start=True goes on from the previous fit, so n_components, covariance_type, "
            "weight_concentration_prior_type, the known parts and the number of columns must not "
            f"change; they were {previous.shape} and are {shape}. Set warm_start=False to start "
            "afresh."
        )
    return previous


def _warn_of_small_weights(rows: Any) -> None:
    if rows.total_weight <= 1.0:
        warnings.warn(
            f"sample_weight sums to {rows.total_weight:.6g}. Weights count rows, so all the data "
            "weigh no more than a single row against the prior; the default covariance prior is "
            "then twice the weighted (population) covariance. If the weights are relative, "
            "multiply them by the number of rows.",
            UserWarning,
            stacklevel=6,
        )

"""One call of `partial_fit`: the prior from the first batch, then one stochastic step a call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from vivace.engine import (
    Fit,
    Layout,
    Stochastic,
    ThreadExecutor,
    expectation,
    online_update,
    start,
)
from vivace.mixture._moments import Moments, check_batch, column_moments
from vivace.mixture._parameters import shape_of_covariance_prior
from vivace.mixture._start import centres_given, make_starter
from vivace.mixture._state import Fitted, make_model, shape_of_fit
from vivace.mixture._validation import Rows, check_values


def partial_rows(estimator: Any, rows: Rows, executor: ThreadExecutor) -> Fitted:
    """Take in one batch and return the new state; the old one is left as it was."""
    parameters = estimator.get_params(deep=False)
    previous: Fitted | None = getattr(estimator, "_fitted", None)
    if previous is None:
        state, before = _first(estimator, parameters, rows, executor), 0.0
    else:
        _check_shape(previous, parameters, rows)
        check_batch(estimator, rows, executor, previous.model.scaling)
        state, before = go_on(previous, rows.total_weight)
    absorb(state, before, previous is None, rows, parameters, executor)
    return state


def absorb(
    state: Fitted,
    before: float,
    fresh: bool,
    rows: Any,
    parameters: dict[str, Any],
    executor: ThreadExecutor,
) -> None:
    """Take a batch into `state`, behind which is a weight of `before`; `fresh`: it just began."""
    batch_weight = rows.total_weight
    state.seen = before + batch_weight
    total = parameters["total_samples"]
    total = state.seen if total is None else float(total)
    fit, model = state.fit, state.model
    held = float(fit.statistics["weight"].sum())
    fit.commit(statistics=fit.statistics.copy().scale_(total / held))
    if fresh:  # the starting responsibilities speak for all rows to come
        fit.commit(posterior=model.global_step(fit.statistics, None))
    layout = Layout(rows.n_rows, None, model.block_rows())
    statistics = expectation(model, rows.source, layout, executor, fit.posterior)
    schedule = Stochastic(parameters["learning_decay"], parameters["learning_offset"])
    online_update(model, fit, statistics, schedule.rate(fit.step), total / batch_weight)
    fit.record(float(model.elbo(fit.posterior, fit.statistics)))
    state.row_weight = batch_weight / rows.n_weighted


def _first(
    estimator: Any, parameters: dict[str, Any], rows: Rows, executor: ThreadExecutor
) -> Fitted:
    """Fix coordinates and prior, and start from this batch."""
    n_features = rows.X.shape[1]
    explicit = parameters["mean_prior"] is not None and parameters["covariance_prior"] is not None
    _check_enough(estimator, parameters, rows, explicit)
    moments = (
        _moments_of_prior(parameters, n_features)
        if explicit
        else column_moments(estimator, rows, executor)
    )
    model, prior = make_model(parameters, moments, rows, executor)
    if explicit:
        check_batch(estimator, rows, executor, model.scaling)
    rng = check_random_state(parameters["random_state"])
    starter = make_starter(parameters, rows, model, None)
    layout = Layout(rows.n_rows, None, model.block_rows())
    fit = start(model, rows.source, layout, executor, starter.make(rng))
    row_weight = rows.total_weight / rows.n_weighted
    return Fitted(model, prior, fit, row_weight, shape_of_fit(parameters, n_features))


def _check_enough(estimator: Any, parameters: dict[str, Any], rows: Rows, explicit: bool) -> None:
    """Refuse a first batch that is too small for what is taken from it."""
    name, n_features = type(estimator).__name__, rows.X.shape[1]
    found, k = rows.n_weighted, parameters["n_components"]
    needs_rows = parameters["init_params"] != "random"
    needs_rows = needs_rows and centres_given(parameters, n_features) is None
    if not explicit and found < max(n_features + 1, 2):
        raise ValueError(
            f"The first call of {name}.partial_fit takes mean_prior and covariance_prior from its "
            f"batch, for good, and needs more rows than columns for that: got n_samples={found}, "
            f"n_features={n_features}. Pass a larger first batch, or give mean_prior and "
            "covariance_prior."
        )
    if needs_rows and found < k:
        raise ValueError(
            f"The first call of {name}.partial_fit chooses n_components={k} starting means among "
            f"its rows, but got n_samples={found}. Pass a larger first batch, or give means_init."
        )


def _moments_of_prior(parameters: dict[str, Any], n_features: int) -> Moments:
    """Coordinates from explicit priors, so that nothing depends on the first batch."""
    kind = parameters["covariance_type"]
    shape = shape_of_covariance_prior(kind, n_features)
    mean = check_values(parameters["mean_prior"], "mean_prior", (n_features,), "one value a column")
    scale = check_values(
        parameters["covariance_prior"], "covariance_prior", shape, f"covariance_type {kind!r}"
    )
    diagonal = np.diag(scale) if scale.ndim == 2 else np.broadcast_to(scale, (n_features,))
    dof = parameters["degrees_of_freedom_prior"]
    variance = np.maximum(diagonal, 0.0) / (n_features if dof is None else dof)
    return Moments(np.nan, mean, variance, mean, mean)


def go_on(previous: Fitted, batch_weight: float) -> tuple[Fitted, float]:
    """Return a state to change and the weight of the rows behind it."""
    old = previous.fit
    before = previous.seen
    step = old.step
    if before == 0.0:  # after fit: as many steps as its rows make batches of this size
        before = float(old.statistics["weight"].sum())
        step = max(step, round(before / batch_weight))
    fit = Fit(old.posterior, old.statistics, old.elbo, list(old.trace), old.n_iter, step=step)
    return replace(previous, fit=fit, fingerprint="", validation=None), before


def _check_shape(previous: Fitted, parameters: dict[str, Any], rows: Rows) -> None:
    shape = shape_of_fit(parameters, rows.X.shape[1])
    if previous.shape != shape:
        raise ValueError(
            "partial_fit goes on from what was fitted, so n_components, covariance_type, "
            "weight_concentration_prior_type and the known parts must not change; they were "
            f"{previous.shape} and are {shape}. Fit a clone to start afresh."
        )

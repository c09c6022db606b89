"""What a model file holds of a fitted mixture, and the way back. Nothing here runs code of a file.

Stored are the parameters, the prior, the coordinates and the statistics, all exactly. Posterior and
attributes are made from them again by the same steps that made them first, so they come back bit
for bit on the same instruction set and libraries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import Fit, Infeasible, Model, Statistics, single_threaded_blas
from vivace.estimators.about import about_record, restore_about
from vivace.estimators.record import Arrays, names_record, parameters_record, restore_features
from vivace.estimators.scores import Scores
from vivace.mixture._parameters import shape_of_covariance_prior
from vivace.mixture._prior import PriorValues
from vivace.mixture._state import Fitted, model_of, shape_of_fit
from vivace.models.scaling import Scaling

FIT_SCALARS = ("elbo", "n_iter", "converged", "quiet", "step", "smoothed")


def to_record(estimator: Any) -> tuple[dict[str, Any], Arrays]:
    """Return metadata and arrays of a fitted estimator."""
    fitted: Fitted = estimator._fitted
    fit, prior, statistics = fitted.fit, fitted.prior, fitted.fit.statistics
    meta = {
        "parameters": parameters_record(estimator),
        "feature_names": names_record(estimator),
        "n_features": int(estimator.n_features_in_),
        "instruction_set": _core.isa(),
        **about_record(estimator),
        "single": bool(fitted.model.single),
        "fitted": {
            "lower_bound_": float(fit.elbo),
            "n_iter_": int(fit.n_iter),
            "converged_": bool(fit.converged),
            "n_effective_components_": estimator.n_effective_components_,
            "leftover_weight_": estimator.leftover_weight_,
            **best_record(fitted),
        },
        "fit": {name: getattr(fit, name) for name in FIT_SCALARS},
        "prior": {
            "weight_concentration": prior.weight_concentration,
            "mean_precision": prior.mean_precision,
            "degrees_of_freedom": prior.degrees_of_freedom,
        },
        "row_weight": float(fitted.row_weight),
        "seen": float(fitted.seen),
        "fingerprint": fitted.fingerprint,
    }
    arrays: Arrays = {
        "trace": np.asarray(fit.trace, dtype=np.float64),
        "centre": fitted.model.scaling.centre,
        "scale": fitted.model.scaling.scale,
        "prior.mean": prior.mean,
        "prior.covariance": np.asarray(prior.covariance),
        "prior.ridge": prior.ridge,
    }
    arrays.update({f"statistics.{name}": statistics[name] for name in statistics.names})
    arrays.update(trace_record(fitted))
    return meta, arrays


def from_record(estimator_class: Any, meta: dict[str, Any], arrays: Arrays) -> Any:
    """Make the fitted estimator again.

    Raises
    ------
    ValueError, TypeError, KeyError
        Shapes or values do not fit each other.
    """
    estimator = estimator_class(**meta["parameters"])
    estimator._validate_params()
    parameters = estimator.get_params(deep=False)
    check_components(parameters, arrays)
    d = int(meta["n_features"])
    kind = parameters["covariance_type"]
    prior = PriorValues(
        **{name: float(value) for name, value in meta["prior"].items()},
        mean=array_of(arrays, "prior.mean", (d,)),
        covariance=array_of(arrays, "prior.covariance", shape_of_covariance_prior(kind, d)),
        ridge=array_of(arrays, "prior.ridge", (d,)),
    )
    scaling = Scaling(array_of(arrays, "centre", (d,)), array_of(arrays, "scale", (d,)))
    if not (scaling.scale > 0).all():
        raise ValueError("scale must be positive")
    model = model_of(parameters, prior, scaling, single=bool(meta["single"]))
    fit = restored_fit(model, meta, arrays)
    restore_about(estimator, meta)
    restore_features(estimator, meta["feature_names"], d)
    fitted = Fitted(
        model, prior, fit, float(meta["row_weight"]), shape_of_fit(parameters, d),
        str(meta["fingerprint"]), float(meta["seen"]), restored_scores(estimator, meta, arrays),
    )  # fmt: skip
    estimator._set_fitted(fitted)
    return estimator


def restored_fit(model: Model, meta: dict[str, Any], arrays: Arrays) -> Fit:
    """Make the posterior from its statistics again, by the step that made it first."""
    zero = model.zero_statistics()
    statistics = Statistics(
        {name: array_of(arrays, f"statistics.{name}", zero[name].shape) for name in zero.names},
        zero.axes,
    )
    with single_threaded_blas():
        try:
            posterior = model.global_step(statistics, None)
        except Infeasible as error:
            raise ValueError(f"the statistics are not possible: {error}") from error
    saved = meta["fit"]
    fit = Fit(posterior, statistics, float(saved["elbo"]))
    fit.commit(**{name: saved[name] for name in FIT_SCALARS})
    fit.commit(trace=array_of(arrays, "trace", (int(saved["n_iter"]),)).tolist())
    return fit


def best_record(fitted: Fitted) -> dict[str, Any]:
    """Return which iteration was kept, of a fit with held-out rows."""
    return {} if fitted.validation is None else {"best_iter_": fitted.validation.best + 1}


def trace_record(fitted: Fitted) -> Arrays:
    """Return the scores of held-out rows, where there are any."""
    if fitted.validation is None:
        return {}
    return {"validation_trace": np.array(fitted.validation.trace, dtype=np.float64)}


def restored_scores(estimator: Any, meta: dict[str, Any], arrays: Arrays) -> Scores | None:
    """Return the scores of held-out rows.

    Raises
    ------
    ValueError
        They are not those of the fit.
    """
    if "validation_trace" not in arrays:
        return None
    trace = array_of(arrays, "validation_trace", arrays["validation_trace"].shape[:1])
    scores = Scores(estimator.n_iter_no_change)
    scores.restore_state({"trace": trace.tolist(), "best": int(meta["fitted"]["best_iter_"]) - 1})
    return scores


def check_components(parameters: dict[str, Any], arrays: Arrays) -> None:
    """Refuse a number of components that the arrays do not have, before anything is made for it."""
    k = parameters["n_components"]
    if arrays["statistics.entropy"].shape != (k,):
        raise ValueError(f"the statistics are not those of {k} components")


def array_of(arrays: Arrays, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = arrays[name]
    if array.shape != shape or array.dtype != np.float64:
        raise ValueError(
            f"{name} must be float64 of shape {shape}, got {array.dtype} {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array

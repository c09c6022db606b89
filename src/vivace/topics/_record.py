"""What a model file holds of fitted topics, and the way back. Nothing here runs code of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace import _core
from vivace.engine import RowTable
from vivace.estimators.about import about_record, restore_about
from vivace.estimators.record import Arrays, names_record, parameters_record, restore_features
from vivace.models.topics import Topics, WordPrior
from vivace.topics._corpus import restore_vocabulary, vocabulary_record
from vivace.topics._fitting import Fitted, make_model, objective_name
from vivace.topics._parameters import learned

_SCALARS = (
    "elbo_",
    "log_likelihood_",
    "bound_",
    "best_iter_",
    "n_iter_",
    "n_batch_iter_",
    "converged_",
)


def to_record(estimator: Any) -> tuple[dict[str, Any], Arrays]:
    """Return metadata and arrays of a fitted estimator."""
    fitted: Fitted = estimator._fitted
    found, topics = vars(estimator), fitted.topics
    meta = {
        "parameters": parameters_record(estimator),
        "feature_names": names_record(estimator),
        "instruction_set": _core.isa(),
        **about_record(estimator),
        "fitted": {name: found[name] for name in _SCALARS if name in found},
        "random_state": estimator.random_state_,
        "step": int(fitted.step),
        "ahead": int(fitted.ahead),
        "sharpen": bool(fitted.model.sharpen),
        "seed": int(fitted.model.seed),
        "objective": objective_name(fitted),
        "scale": topics.counts.scale,
        "seen": int(topics.seen),
    }
    words_meta, words_arrays = vocabulary_record(estimator)
    meta |= words_meta
    arrays: Arrays = {
        "counts": topics.counts.values,
        "totals": topics.totals,
        "alpha": topics.alpha,
        "prior": topics.prior.values,
        **words_arrays,
    }
    if "log_theta" in fitted.statistics:
        arrays["log_theta"] = fitted.statistics["log_theta"]
        meta["documents"] = float(fitted.statistics["documents"])
    trace = f"{meta['objective']}_trace_"
    if trace in found:
        arrays["trace"] = found[trace]
    if "validation_trace_" in found:
        arrays["validation_trace"] = estimator.validation_trace_
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
    topics = _topics(meta, arrays)
    n_words, n_topics = topics.counts.shape
    inference = "vb"
    if meta["objective"] == "log_likelihood":
        # As fitted; the parameter may have been set anew since.
        inference = "cvb0" if parameters["inference"] == "vb" else parameters["inference"]
    parameters |= {"n_components": n_topics, "inference": inference}
    model = make_model(
        {**parameters, "doc_topic_prior": None, "topic_word_prior": None},
        n_words, topics.dtype, int(meta["seed"]),
    )  # fmt: skip
    model.alpha, model.prior = topics.alpha, topics.prior
    model.learn_alpha, model.learn_prior = (
        learned(parameters, name) for name in ("doc_topic_prior", "topic_word_prior")
    )
    if model.learn_prior and topics.prior.number is None:
        raise ValueError("a learned prior of words must be one number")
    model.sharpen = bool(meta.get("sharpen", False))
    statistics = model.statistics_of(topics)
    if model.learn_alpha:
        statistics["documents"][...] = float(meta["documents"])
        statistics["log_theta"][...] = arrays["log_theta"]
    restore_about(estimator, meta)
    restore_features(estimator, meta["feature_names"], n_words, "words")
    restore_vocabulary(estimator, meta, arrays, n_words)
    fitted = Fitted(model, topics, statistics, int(meta["step"]), int(meta.get("ahead", 0)))
    state = estimator._state(fitted, None)
    state["random_state_"] = meta["random_state"]
    state |= {name: meta["fitted"][name] for name in _SCALARS if name in meta["fitted"]}
    if "trace" in arrays:
        state[f"{objective_name(fitted)}_trace_"] = arrays["trace"]
    if "validation_trace" in arrays:
        state["validation_trace_"] = arrays["validation_trace"]
    estimator._set_state(state)
    return estimator


def _topics(meta: dict[str, Any], arrays: Arrays) -> Topics:
    """Topics from the arrays of a file, checked."""
    counts, totals, alpha = arrays["counts"], arrays["totals"], arrays["alpha"]
    if counts.ndim != 2 or counts.dtype not in (np.float32, np.float64):
        raise ValueError(f"counts must be a table of floats, got {counts.dtype} {counts.shape}")
    n_words, n_topics = counts.shape
    if arrays["prior"].dtype != counts.dtype:
        raise ValueError(f"the prior of words must be {counts.dtype}, got {arrays['prior'].dtype}")
    prior = WordPrior(arrays["prior"], n_words, n_topics)
    scale = float(meta["scale"])
    for name, values in [("totals", totals), ("alpha", alpha)]:
        if values.shape != (n_topics,) or values.dtype != np.float64:
            raise ValueError(f"{name} must be {n_topics} numbers of float64, got {values.shape}")
    for name, values in [("prior", prior.values), ("alpha", alpha), ("scale", np.array(scale))]:
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"{name} must be positive and finite")
    topics = Topics(RowTable(n_words, counts, scale=scale), prior, alpha, totals, int(meta["seen"]))
    sums = topics.parameters().sum(axis=0, dtype=np.float64)
    if not (np.isfinite(sums).all() and np.allclose(sums, totals, rtol=1e-3)):
        raise ValueError("totals must be the sums of counts and prior, and finite")
    return topics

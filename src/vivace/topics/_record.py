"""What a model file holds of fitted topics, and the way back. Nothing here runs code of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace import _core
from vivace.estimators.record import Arrays, names_record, parameters_record, restore_features
from vivace.models.lda import make_topics
from vivace.topics._corpus import restore_vocabulary, vocabulary_record
from vivace.topics._fitting import Fitted, check_topics, make_model

_SCALARS = ("elbo_", "bound_", "n_iter_", "n_batch_iter_")


def to_record(estimator: Any) -> tuple[dict[str, Any], Arrays]:
    """Return metadata and arrays of a fitted estimator."""
    fitted: Fitted = estimator._fitted
    found = vars(estimator)
    meta = {
        "parameters": parameters_record(estimator),
        "feature_names": names_record(estimator),
        "instruction_set": _core.isa(),
        "fitted": {name: found[name] for name in _SCALARS if name in found},
        "random_state": estimator.random_state_,
        "step": int(fitted.step),
        "seed": int(fitted.model.seed),
        "alpha": fitted.model.alpha,
        "eta": float(fitted.model.eta),
    }
    words_meta, words_arrays = vocabulary_record(estimator)
    meta |= words_meta
    arrays: Arrays = {"topics": fitted.topics.values, **words_arrays}
    if "elbo_trace_" in found:
        arrays["trace"] = estimator.elbo_trace_
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
    values = arrays["topics"]
    alpha = np.asarray(meta["alpha"], dtype=np.float64)
    if values.ndim != 2 or values.dtype not in (np.float32, np.float64):
        raise ValueError(f"topics must be a table of floats, got {values.dtype} {values.shape}")
    if alpha.shape != (values.shape[1],) or not (alpha > 0).all() or not meta["eta"] > 0:
        raise ValueError("the priors must be positive, and alpha must have one value a topic")
    check_topics(values)
    model = make_model(
        {**parameters, "n_components": len(alpha), "doc_topic_prior": alpha,
         "topic_word_prior": meta["eta"]},
        values.shape[0], values.dtype, int(meta["seed"]),
    )  # fmt: skip
    restore_features(estimator, meta["feature_names"], values.shape[0], "words")
    restore_vocabulary(estimator, meta, arrays, values.shape[0])
    fitted = Fitted(model, make_topics(values, values.dtype), int(meta["step"]))
    state = estimator._state(fitted, None)
    state["random_state_"] = meta["random_state"]
    state |= {name: meta["fitted"][name] for name in _SCALARS if name in meta["fitted"]}
    if "trace" in arrays:
        state["elbo_trace_"] = arrays["trace"]
    estimator._set_state(state)
    return estimator

"""What each constructor parameter may be, and how parameters become a prior."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array

_positive = Interval(Real, 0.0, None, closed="neither")
_count = Interval(Integral, 1, None, closed="left")
_not_negative = Interval(Real, 0.0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [_count],
    "doc_topic_prior": [None, _positive, "array-like"],
    "topic_word_prior": [None, _positive],
    "learning_method": [StrOptions({"batch", "online", "memoized"})],
    "learning_decay": [Interval(Real, 0.0, 1.0, closed="both")],
    "learning_offset": [_not_negative],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "batch_size": [None, _count],
    "evaluate_every": [Interval(Integral, None, None, closed="neither")],
    "total_samples": [_positive],
    "perp_tol": [_not_negative],
    "mean_change_tol": [_not_negative],
    "max_doc_update_iter": [Interval(Integral, 0, None, closed="left")],
    "topics_init": [None, "array-like"],
    "n_jobs": [None, Integral],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def document_prior(parameters: dict[str, Any]) -> NDArray[np.float64]:
    """Return alpha, one value a topic."""
    given, n_topics = parameters["doc_topic_prior"], parameters["n_components"]
    if given is None:
        return np.full(n_topics, 1.0 / n_topics)
    if isinstance(given, Real):
        return np.full(n_topics, float(given))
    return positive(given, "doc_topic_prior", (n_topics,), "one value a topic")


def word_prior(parameters: dict[str, Any]) -> float:
    """Return eta."""
    given = parameters["topic_word_prior"]
    return 1.0 / int(parameters["n_components"]) if given is None else float(given)


def positive(value: Any, name: str, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Positive float64 array of a known shape, a copy; `what` explains the shape in errors."""
    array = check_array(value, dtype=np.float64, ensure_2d=False, input_name=name, copy=True)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} ({what}), got {array.shape}.")
    if not array.min() > 0.0:
        raise ValueError(f"{name} must be positive everywhere, got {array.min()}.")
    return np.asarray(array)

"""What each constructor parameter may be, and how parameters become a prior."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_array

from vivace.estimators.parameters import Number, checking_parameters, integer
from vivace.models.topics import LEAST_PARAMETER, WordPrior

_positive = Number(Real, 0.0, None, closed="neither")
_count = integer(1)
_not_negative = Number(Real, 0.0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [_count],
    "doc_topic_prior": [None, _positive, "array-like", StrOptions({"auto"})],
    "topic_word_prior": [None, _positive, "array-like", StrOptions({"auto"})],
    "inference": [StrOptions({"vb", "cvb0", "gibbs"})],
    "cvb0_store": [StrOptions({"auto", "full", "lean"})],
    "init": [None, StrOptions({"documents", "random"})],
    "learning_method": [StrOptions({"batch", "online", "memoized"})],
    "learning_decay": [Number(Real, 0.0, 1.0, closed="both")],
    "learning_offset": [_not_negative],
    "max_iter": [integer(0)],
    "batch_size": [None, _count],
    "evaluate_every": [integer(None)],
    "total_samples": [_positive],
    "perp_tol": [_not_negative],
    "mean_change_tol": [_not_negative],
    "max_doc_update_iter": [integer(0)],
    "validation_fraction": [None, Number(Real, 0.0, 1.0, closed="neither")],
    "n_iter_no_change": [_count],
    "topics_init": [None, "array-like"],
    "warm_start": ["boolean"],
    "n_jobs": [None, integer(None)],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def learned(parameters: dict[str, Any], name: str) -> bool:
    """Whether a prior is to be learned."""
    return isinstance(parameters[name], str) and parameters[name] == "auto"


def check_inference(parameters: dict[str, Any], whom: str) -> None:
    """Raise unless `inference` can do what is asked of it."""
    inference = parameters["inference"]
    if inference == "vb":
        return
    asked = None
    if whom == "partial_fit":
        asked = "partial_fit"
    elif parameters["learning_method"] != "batch":
        asked = f"learning_method={parameters['learning_method']!r}"
    else:
        given = ("topic_word_prior", "doc_topic_prior")
        for name in given[: 1 if inference == "gibbs" else 2]:
            asked = f"{name}='auto'" if learned(parameters, name) else asked
    if asked is not None:
        instead = "'vb' or 'gibbs'" if asked == "doc_topic_prior='auto'" else "'vb'"
        raise ValueError(
            f"inference={inference!r} works with learning_method='batch', fit and given priors"
            f"{' of words' if inference == 'gibbs' else ''}; got {asked}. Use "
            f"inference={instead} for that."
        )


def document_prior(parameters: dict[str, Any], dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """Return alpha, one value a topic; where it is learned the one to start with."""
    given, n_topics = parameters["doc_topic_prior"], int(parameters["n_components"])
    if given is None or learned(parameters, "doc_topic_prior"):
        return np.full(n_topics, 1.0 / n_topics)
    if isinstance(given, Real):
        values = np.full(n_topics, float(given))
    else:
        values = positive(given, "doc_topic_prior", (n_topics,), "one value a topic")
    return _within(values, "doc_topic_prior", dtype)


def word_prior(parameters: dict[str, Any], n_words: int, dtype: np.dtype[Any]) -> WordPrior:
    """Return eta; where it is learned the one to start with."""
    given, n_topics = parameters["topic_word_prior"], int(parameters["n_components"])
    values: NDArray[Any]
    if given is None or learned(parameters, "topic_word_prior"):
        values = np.full((1, 1), 1.0 / n_topics)
    elif isinstance(given, Real):
        values = np.full((1, 1), float(given))
    elif np.ndim(given) == 2:
        shape = (n_topics, n_words)
        values = positive(given, "topic_word_prior", shape, "one row a topic").T
    else:
        what = "one value a word; or a row of such for each topic"
        values = positive(given, "topic_word_prior", (n_words,), what)[:, None]
    values = _within(values, "topic_word_prior", dtype)
    return WordPrior(values.astype(dtype), n_words, n_topics)


@checking_parameters()
def _within(values: NDArray[Any], name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a prior that the arithmetic can hold, and add counts to.

    Raises
    ------
    ValueError
        So large a number that a token more would not change it.
    """
    most = 1.0 / float(np.finfo(dtype).eps)
    if values.max() > most:
        remedy = " or float64 counts" if dtype == np.float32 else ""
        raise ValueError(
            f"{name} must be at most {most:.2g} for {np.dtype(dtype).name} counts, which added to "
            f"more would be lost; got {values.max():g}. Give smaller numbers{remedy}."
        )
    return np.asarray(np.maximum(values, LEAST_PARAMETER))  # float32 could not hold less


def given_prior(prior: WordPrior) -> float | NDArray[Any]:
    """Return a words' prior in the form in which users give it."""
    if prior.number is not None:
        return prior.number
    values = prior.values
    return values[:, 0].copy() if values.shape[1] == 1 else np.ascontiguousarray(values.T)


@checking_parameters()
def positive(value: Any, name: str, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Positive float64 array of a known shape, a copy; `what` explains the shape in errors."""
    array = check_array(value, dtype=np.float64, ensure_2d=False, input_name=name, copy=True)
    if array.shape != shape:
        also = ", or one number for all" if name.endswith("_prior") else ""
        raise ValueError(
            f"{name} must have shape {shape} ({what}), got {array.shape}. Give an array of "
            f"that shape{also}."
        )
    if not array.min() > 0.0:
        raise ValueError(f"{name} must be positive everywhere, got {array.min()}.")
    return np.asarray(array)

"""What is known of a fit apart from its content: parameters, versions, data, times."""

from __future__ import annotations

from typing import Any

from vivace.report._format import count, number, seconds, short

Pairs = list[tuple[str, str]]


def fit_facts(estimator: Any, meta: dict[str, Any], notes: dict[str, Any]) -> Pairs:
    """Data, time and machine of the fit."""
    data = meta.get("data") if isinstance(meta.get("data"), dict) else {}
    assert isinstance(data, dict)
    found: Pairs = []
    name = notes.get("data")
    if isinstance(name, str):
        found.append(("data", name))
    for label, key in (
        ("rows", "n_rows"),
        ("documents", "n_documents"),
        ("tokens", "n_tokens"),
        ("held out", "n_held_out"),
    ):
        value = data.get(key, notes.get(key))
        if isinstance(value, (int, float)):
            found.append((label, count(value)))
    held = getattr(estimator, "validation_trace_", None)
    known = data.get("n_tokens")
    if hasattr(type(estimator), "top_words") and held is not None and known is not None:
        left = float(known) - float(estimator.topic_sizes_.sum())
        if left >= 0.5:
            found.append(("tokens of documents held out", count(left)))
    what = "words" if hasattr(type(estimator), "top_words") else "columns"
    found.append((what, count(estimator.n_features_in_)))
    fingerprint = data.get("fingerprint") or meta.get("fingerprint")
    if isinstance(fingerprint, str) and fingerprint:
        found.append(("fingerprint of the data", fingerprint[:32]))
    elif "partial_fit" in meta.get("timings", {}):
        found.append(("fingerprint of the data", "none: it came in batches (partial_fit)"))
    for label, source in (("timings", meta), ("seconds", notes)):
        times = source.get(label)
        if isinstance(times, dict):
            for what, value in times.items():
                if isinstance(value, (int, float)) and not any(
                    key == f"time: {what}" for key, _ in found
                ):
                    found.append((f"time: {what}", seconds(value)))
    found.append(("instruction set", str(meta.get("instruction_set", "unknown"))))
    return found


def parameters(estimator: Any) -> list[dict[str, Any]]:
    """Name and value of every parameter, and whether it differs from the default."""
    given = estimator.get_params(deep=False)
    try:
        defaults = type(estimator)().get_params(deep=False)
    except TypeError:  # a class of the user's own
        defaults = given
    return [
        {"name": name, "value": short(value), "changed": repr(value) != repr(defaults.get(name))}
        for name, value in given.items()
    ]


def version_facts(versions: dict[str, str]) -> Pairs:
    """Who wrote the model, and who this page."""
    from vivace._config import config

    now = config()
    found = list(versions.items())
    found.append(("this page", f"vivace {now['vivace']}" if "vivace" in now else "vivace"))
    return found


def priors(estimator: Any) -> Pairs:
    """Values of the prior that the fit used, where they are single numbers."""
    found = []
    for name in (
        "weight_concentration_prior_",
        "mean_precision_prior_",
        "degrees_of_freedom_prior_",
        "doc_topic_prior_",
        "topic_word_prior_",
    ):
        value = getattr(estimator, name, None)
        if value is not None:
            single = isinstance(value, (int, float))
            found.append((name.removesuffix("_"), number(value) if single else short(value)))
    return found

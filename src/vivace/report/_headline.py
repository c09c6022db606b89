"""The few figures at the top of a page."""

from __future__ import annotations

from typing import Any

from vivace.report._format import count, number, percent

Cards = list[dict[str, Any]]


def headline(
    estimator: Any, meta: dict[str, Any], notes: dict[str, Any], per: float | None, unit: str
) -> Cards:
    """Return value, label and whether it is a warning, of what people ask first."""
    if hasattr(type(estimator), "top_words"):
        return _topics(estimator, meta, notes, per)
    used, most = int(estimator.n_effective_components_), int(estimator.n_components)
    cards: Cards = [_card(f"{used} of {most}", "components in use")]
    cards.append(_convergence(estimator))
    cards.append(_bound(float(estimator.lower_bound_), per, unit))
    leftover = float(getattr(estimator, "leftover_weight_", 0.0))
    if leftover > 0.0:
        cards.append(_card(percent(leftover), f"of new rows expected in none of the {most}"))
    return cards


def _topics(
    estimator: Any, meta: dict[str, Any], notes: dict[str, Any], per: float | None
) -> Cards:
    cards = [_card(count(estimator.components_.shape[0]), "topics")]
    cards.append(_card(count(estimator.n_features_in_), "words in the vocabulary"))
    tokens = float(estimator.topic_sizes_.sum())
    cards.append(_card(count(tokens), "tokens in topics"))
    elbo = getattr(estimator, "elbo_", None)
    likelihood = getattr(estimator, "log_likelihood_", None)
    if elbo is not None:
        cards.append(_bound(float(elbo), per, "token"))
    elif likelihood is not None:
        cards.append(_card(number(likelihood, 5), "nats a fitted token, predicted from the others"))
    held = getattr(estimator, "validation_trace_", None)
    if held is not None and len(held):
        cards.append(_card(number(max(held), 5), "nats a held-out token, the best pass"))
    if getattr(estimator, "n_iter_", 0):
        watched = estimator.evaluate_every > 0 or hasattr(estimator, "best_iter_")
        state = ", not converged" if watched else ""
        if getattr(estimator, "converged_", False):
            state = ", converged"
        cards.append(_card(count(estimator.n_iter_), f"passes{state}"))
    return cards


def _convergence(estimator: Any) -> dict[str, Any]:
    n = count(estimator.n_iter_)
    if estimator.converged_:
        return _card(n, "iterations, converged")
    return _card(n, "iterations, NOT converged", warn=True)


def _bound(value: float, per: float | None, unit: str) -> dict[str, Any]:
    if per is not None and unit:
        return _card(number(value / per, 5), f"lower bound, nats a {unit}")
    return _card(number(value, 6), "lower bound, nats")


def _card(value: str, label: str, warn: bool = False) -> dict[str, Any]:
    return {"value": value, "label": label, "warn": warn}

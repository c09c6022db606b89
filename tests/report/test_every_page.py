"""Pages about models of every kind, and their numbers against what the models say themselves."""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any

import every_kind
import numpy as np
import pytest
from every_kind import MIXTURES, TOPICS
from html_page import Page
from scipy.stats import entropy

from vivace.plot import _map
from vivace.plot._profiles import profiles
from vivace.plot._sizes import sizes as sizes_of
from vivace.report import make_report
from vivace.report._format import MINUS, count, fixed, number, percent, percents

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
pytest.importorskip("pandas")


@functools.cache
def made(name: str) -> tuple[Any, Any, Page, str]:
    """Model, rows, and the page about both."""
    model, rows = every_kind.model(name), every_kind.rows(name)
    with warnings.catch_warnings():
        if name == "lda-texts":
            warnings.filterwarnings("ignore", message="1 of 3 texts hold no word")
        text = make_report(model, rows, title=name)
    return model, rows, Page(text), text


def value_of(text: str) -> float:
    """A number as pages write it."""
    mantissa, _, power = text.replace(MINUS, "-").replace(",", "").partition("·10")
    raised = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(mantissa) * 10.0 ** int(raised or 0)


@pytest.mark.parametrize("name", [*MIXTURES, *TOPICS])
def test_every_page_is_whole(name: str) -> None:
    _, _, page, text = made(name)
    assert len(text.encode()) < 1_000_000
    assert name in page.texts["title"]
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes["role"] in ("img", "listbox")
            assert len(attributes["aria-label"] or "") > 8
    broken = re.compile(r"\b(nan|inf|None of|undefined)\b|-0\.0+\b")
    shown = [t for part in ("td", "figcaption", "b", "text", "p") for t in page.texts.get(part, [])]
    assert not [t for t in shown if broken.search(t)]


@pytest.mark.parametrize("name", MIXTURES)
def test_sizes_and_bound_of_a_mixture(name: str) -> None:
    model, rows, page, _ = made(name)
    lines = page.table("component", "weight", "rows")
    used = np.argsort(-model.weights_, kind="stable")[: model.n_effective_components_]
    assert [int(line[0]) for line in lines] == used.tolist()
    held = np.bincount(model.predict(rows), minlength=len(model.weights_))
    assert [line[2] for line in lines] == [count(held[k]) for k in used]
    if name == "mixture-own":  # a family without `describe`, which the model's own table needs
        ends = sizes_of(model)[2:]
        low, high = (np.asarray(end)[np.argsort(used)] for end in ends)
    elif name.startswith("gaussian"):
        low, high = model.credible_interval(0.95).weights
    else:
        low, high = np.empty_like(model.weights_), np.empty_like(model.weights_)
        table = model.profiles()
        for line in table[table.parameter == "weight"].itertuples():
            low[line.component], high[line.component] = line.lower, line.upper
    for line, k in zip(lines, used, strict=True):
        assert line[1] == f"{percent(model.weights_[k])} " + percents(low[k], high[k])
    cards = page.texts["b"]
    assert f"{model.n_effective_components_} of {model.n_components}" in cards
    about = model._to_record()[0]["data"]
    per = about.get("weight", about["n_rows"]) if "n_rows" in about else None
    bound = model.lower_bound_
    assert (number(bound, 6) if per is None else number(bound / per, 5)) in cards


@pytest.mark.parametrize("name", MIXTURES)
def test_profiles_of_a_mixture(name: str) -> None:
    """Each line of the table is what the estimator's own profiles say."""
    model, _, page, _ = made(name)
    found = {
        (one.column, str(k), "" if one.levels is None else f"P({one.levels[p]})"): (
            one.estimate[i, p], one.lower[i, p], one.upper[i, p],
        )
        for one in profiles(model)
        for i, k in enumerate(one.components)
        for p in range(one.estimate.shape[1])
    }  # fmt: skip
    lines = page.table("column", "parameter", "component")
    assert 0 < len(lines) <= len(found)
    for column, parameter, component, *ends in lines:
        key = (column, component, parameter if parameter.startswith("P(") else "")
        assert tuple(ends) == tuple(map(number, found[key])), key


@pytest.mark.parametrize("name", MIXTURES)
def test_rows_of_a_mixture(name: str) -> None:
    """The most unusual rows, and how certain rows are."""
    model, rows, page, _ = made(name)
    lines = page.table("row", "log density", "component", "its probability")
    density, proba = model.score_samples(rows), model.predict_proba(rows)
    order = np.argsort(density, kind="stable")[: len(lines)]
    assert len(lines) == 12
    for line, n in zip(lines, order, strict=True):
        assert value_of(line[1]) == pytest.approx(density[n], rel=1e-3)
        assert line[2] == str(proba[n].argmax())
        assert line[3] == percent(proba[n].max())
    assert count(order[0] + 1) == lines[0][0]
    certain = percent(np.mean(entropy(proba, axis=1) < 0.1))
    assert any(t.startswith(f"{certain} of the rows are certain") for t in page.texts["figcaption"])


@pytest.mark.parametrize("name", TOPICS)
def test_topics_and_their_words(name: str) -> None:
    model, rows, page, _ = made(name)
    sizes = np.asarray(model.topic_sizes_, dtype=float)
    share, order = sizes / sizes.sum(), np.argsort(-sizes, kind="stable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of documents without a known word
        coherence = model.coherence(rows, top_n=min(10, model.n_features_in_))
    words = model.top_words(12, relevance=0.6, feature_names=None)
    lines = page.table("topic", "share", "tokens", "coherence", "words")
    for line, k in zip(lines, order, strict=True):
        assert line[:4] == [str(k), percent(share[k]), count(sizes[k]), fixed(coherence[k])]
        assert line[4] == " ".join(map(str, words[k]))
    cards = page.texts["b"]
    assert count(sizes.sum()) in cards
    if getattr(model, "elbo_", None) is not None:
        assert number(model.elbo_ / sizes.sum(), 5) in cards
    held = getattr(model, "validation_trace_", None)
    assert (held is not None) == any("held-out token" in text for text in page.texts["span"])
    if held is not None:
        assert number(max(held), 5) in cards


@pytest.mark.parametrize("name", TOPICS)
def test_the_map_and_its_bars(name: str) -> None:
    """What the script draws: probabilities, tokens, areas of circles, distances."""
    model, _, page, text = made(name)
    data = json.loads(re.findall(r'id="topics-data">(.*?)</script>', text, re.DOTALL)[0])
    p = model.topic_word_ / model.topic_word_.sum(axis=1, keepdims=True)
    sizes = np.asarray(model.topic_sizes_, dtype=float)
    names = [str(word) for word in model._names(None)]
    for topic in data["topics"]:
        places = [names.index(data["words"][w]) for w in topic["w"]]
        np.testing.assert_allclose(topic["p"], p[topic["k"], places], rtol=1e-3)
        assert topic["tokens"] == pytest.approx(sizes[topic["k"]], abs=0.06)
    everywhere = sizes @ p
    places = [names.index(word) for word in data["words"]]
    np.testing.assert_allclose(data["all"], everywhere[places], rtol=1e-3)
    circles = [a for tag, a in page.tags if tag == "circle"]
    order = [topic["k"] for topic in data["topics"]]
    radii = np.array([float(a["r"] or 0) for a in circles])
    large = radii > 5.0  # smaller ones are drawn so that they can be hit
    np.testing.assert_allclose(
        radii[large] ** 2 / radii[0] ** 2, sizes[order][large] / sizes[order][0], atol=0.02
    )
    at = np.array([[float(a["cx"] or 0), float(a["cy"] or 0)] for a in circles])
    assert (at >= radii[:, None]).all()
    assert (at <= 500.0 - radii[:, None]).all()
    wanted = _map.classical_scaling(_map.topic_distances(p[order]))
    apart = np.linalg.norm(at - at[0], axis=1)
    exact = np.linalg.norm(wanted - wanted[0], axis=1)
    np.testing.assert_allclose(apart * exact.max(), exact * apart.max(), atol=0.2 * exact.max())

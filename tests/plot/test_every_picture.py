"""Every picture of every kind of model: sensible labels, or an error that says why."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import every_kind
import numpy as np
import pytest
from every_kind import MIXTURES, SHAPELESS, TOPICS

from vivace import BayesianGaussianMixture, plot

pytest.importorskip("pandas")
pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def check(ax: Any) -> None:
    """Axes have labels that can be read, and something on them."""
    if not ax.axison:  # a sentence in the place of a picture
        assert ax.texts[0].get_text().startswith("no ")
        return
    assert ax.get_xlabel()
    assert ax.get_ylabel() or "relevance" in ax.get_title(loc="left")  # words have no title
    assert ax.lines or ax.patches or ax.collections
    for axis in (ax.xaxis, ax.yaxis):
        assert axis.get_offset_text().get_text() == ""
        low, high = sorted(axis.get_view_interval())
        assert np.isfinite([low, high]).all()
        shown = [
            text.get_text()
            for text, at in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
            if low <= at <= high and text.get_text()
        ]
        assert len(shown) == len(set(shown)), shown
        assert all(len(text) < 14 or axis is ax.yaxis for text in shown), shown


def outcome(name: str, function: str) -> tuple[type[Exception], str] | None:
    """What a function is expected to refuse of a model; None if it draws it."""
    topics = name in TOPICS
    if function in ("plot_topics", "plot_terms"):
        return None if topics else (TypeError, r"expected vivace\.Latent.*Remedy: plot_mixture")
    if function == "plot_elbo":
        lacking = name == "lda-partial"
        return (ValueError, "no trace of its fit.*Remedy: fit it") if lacking else None
    if function == "plot_held_out":
        held = name.endswith("held-out")
        return None if held else (ValueError, "nothing was held out.*Remedy: validation_fraction")
    if function == "plot_sizes":
        return None
    if topics:
        return TypeError, r"expected a mixture of vivace, got vivace\.Latent.*Remedy: plot_topics"
    if function == "plot_mixture" and name in SHAPELESS:
        return ValueError, "Gaussian or Student-t columns. Remedy: plot_profiles"
    return None


@pytest.mark.parametrize("name", [*MIXTURES, *TOPICS])
@pytest.mark.parametrize("function", plot.__all__)
def test_every_picture_of_every_model(name: str, function: str) -> None:
    draw = getattr(plot, function)
    given: list[Any] = [every_kind.model(name)]
    if "X" in inspect.signature(draw).parameters:
        given.append(every_kind.rows(name))
    if function == "plot_terms":
        given.append(1)
    refused = outcome(name, function)
    if refused is not None:
        with pytest.raises(refused[0], match=re.compile(refused[1], re.DOTALL)):
            draw(*given)
        return
    axes = draw(*given)
    axes = axes if isinstance(axes, list) else [axes]
    axes[0].figure.draw_without_rendering()
    for ax in axes:
        if function == "plot_topics" and ax is axes[0]:  # a map has no scale
            assert ax.patches
            continue
        check(ax)


def test_a_mixture_needs_no_rows() -> None:
    for name in ("gaussian-full", "mixture-all"):
        ax = plot.plot_mixture(every_kind.model(name))
        ax.figure.draw_without_rendering()
        check(ax)


@pytest.mark.parametrize("function", plot.__all__)
def test_what_is_no_model_of_vivace(function: str) -> None:
    from sklearn.mixture import BayesianGaussianMixture as Other

    X = every_kind.rows("gaussian-full")
    draw = getattr(plot, function)
    more = [X] if "X" in inspect.signature(draw).parameters else []
    more = [0] if function == "plot_terms" else more
    with pytest.raises((TypeError, ValueError), match="Remedy"):
        draw(Other(n_components=2, random_state=0).fit(X), *more)
    with pytest.raises((TypeError, ValueError), match=r"not fitted|Remedy"):
        draw(BayesianGaussianMixture(), *more)

"""Ticks that can be read, numbers that do not hide each other, axes that a row does not stretch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivace import plot
from vivace.plot._canvas import tick_labels
from vivace.plot._labels import apart
from vivace.plot._profiles import Profile, draw_profile

pyplot = pytest.importorskip("matplotlib.pyplot")
pyplot.switch_backend("agg")

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("places", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0", "0.5", "1.0"]),
        ([-2.5, 0.0, 2.5], [f"{MINUS}2.5", "0", "2.5"]),
        ([0.0, 40_000.0, 120_000.0], ["0", "40,000", "120,000"]),
        ([1e8, 1.000001e8], ["1.000000e8", "1.000001e8"]),
        ([0.0, 2e-5], ["0", f"2e{MINUS}5"]),
        ([-14.32591, -14.3259], [f"{MINUS}14.32591", f"{MINUS}14.32590"]),
        ([3.0], ["3"]),
        ([0.0], ["0"]),
    ],
)
def test_labels_of_ticks(places: list[float], labels: list[str]) -> None:
    assert tick_labels(np.array(places)) == labels


@given(
    start=st.floats(-1e9, 1e9), step=st.sampled_from([1.0, 2.0, 2.5, 5.0]),
    power=st.integers(-6, 6), n=st.integers(2, 9),
)  # fmt: skip
def test_labels_tell_ticks_apart(start: float, step: float, power: int, n: int) -> None:
    step *= 10.0**power
    places = step * (np.round(start / step) + np.arange(n))
    if len(set(places.tolist())) < n or step < 1e-9 * np.abs(places).max():
        return
    found = tick_labels(places)
    assert len(set(found)) == n
    values = [float(text.replace(MINUS, "-").replace(",", "")) for text in found]
    np.testing.assert_allclose(values, places, rtol=1e-8, atol=1e-9 * np.abs(places).max())


@pytest.mark.parametrize(
    "trace",
    [
        [-3.0], [-3.0] * 5, [-3.0] * 30, [0.0, 0.0], [-1e7, -1e7 + 1e-6], [-3.2, *[-3.0] * 20],
        -14.3259 + 1e-9 * np.arange(12.0), [-1e6, -5.0, *np.linspace(-4, -3.9, 30)],
        [-2.0, -9.0, *[-8.0] * 10],
    ],
)  # fmt: skip
def test_flat_traces_have_plain_ticks(trace: list[float]) -> None:
    model = SimpleNamespace(elbo_trace_=np.array(trace), validation_trace_=np.array(trace))
    for ax in (plot.plot_elbo(model), plot.plot_held_out(model)):
        ax.figure.draw_without_rendering()
        low, high = ax.get_ylim()
        shown = [
            text.get_text()
            for text, at in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)
            if low <= at <= high
        ]
        assert ax.yaxis.get_offset_text().get_text() == ""
        assert len(set(shown)) == len(shown) >= 2
        assert all(len(text) <= 14 for text in shown), shown
        assert low < trace[-1] < high
    assert low <= max(trace) <= high  # the state that was kept is on the picture
    pyplot.close("all")


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 20))
def test_numbers_do_not_hide_each_other(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.normal(200.0, 20.0, (n, 2))
    boxes = np.column_stack([rng.choice([14.0, 20.0], n), np.full(n, 16.0)])
    found = apart(wanted, boxes, np.array([0.0, 0.0, 400.0, 400.0]))
    np.testing.assert_array_equal(found[0], wanted[0])
    for i in range(n):
        for j in range(i):
            assert (np.abs(found[i] - found[j]) >= 0.5 * (boxes[i] + boxes[j])).any()
    lone = np.arange(n)[:, None] * [30.0, 0.0]
    np.testing.assert_array_equal(apart(lone, boxes, np.array([0.0, 0.0, 9.0, 9.0])), lone)


def test_a_component_of_one_row_does_not_flatten_the_others() -> None:
    value = np.array([[-5.0], [0.0], [5.0], [1.0]])
    half = np.array([[0.1], [0.1], [0.1], [300.0]])
    one = Profile(
        "c", "mean", np.arange(4), value, value - half, value + half, None,
        np.array([1.0, 1.0, 1.0, 40.0]), separation=1.0,
    )  # fmt: skip
    ax = pyplot.figure().subplots()
    draw_profile(ax, one)
    low, high = ax.get_xlim()
    assert -25.0 < low < -6.0
    assert 6.0 < high < 25.0
    arrows = [line.get_marker() for line in ax.lines if line.get_marker() in ("<", ">")]
    assert arrows == ["<", ">"]
    ax = pyplot.figure().subplots()
    near = half.clip(max=0.1)
    draw_profile(ax, Profile("c", "mean", np.arange(4), value, value - near, value + near, None,
                             np.ones(4), separation=1.0))  # fmt: skip
    assert not [line for line in ax.lines if line.get_marker() in ("<", ">")]
    assert ax.get_xlim()[0] < -6.0
    pyplot.close("all")

"""Weight models against the slow references, and what must hold of any of them."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivace.models.weights import Dirichlet, DirichletProcess, PitmanYor

COUNTS = st.lists(st.floats(0.0, 1e5), min_size=1, max_size=7).map(np.array)
POSITIVE = st.floats(1e-3, 1e3)


@st.composite
def pairs(draw):
    """A weight model and its reference."""
    kind, g = draw(st.sampled_from(["dirichlet", "dp", "py"])), draw(POSITIVE)
    if kind == "dirichlet":
        return Dirichlet(g), naive.Weights("dirichlet", g)
    if kind == "dp":
        return DirichletProcess(g), naive.Weights("sticks", g)
    d = draw(st.floats(0.0, 0.95))
    return PitmanYor(g, d), naive.Weights("sticks", g, d)


@given(pairs(), COUNTS)
def test_expectations_and_term_match_the_reference(pair, counts):
    model, reference = pair
    expected = reference.expected_log(counts)
    np.testing.assert_allclose(model.expected_log(counts), expected, rtol=1e-9, atol=1e-9)
    # the bound's part: ln Z ratio = <counts, E ln pi> - KL
    term = counts @ expected - reference.kl(counts)
    assert model.term(counts) == pytest.approx(term, rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(model.mean(counts), reference.mean(counts)[:-1], rtol=1e-9)
    assert model.leftover(counts) == pytest.approx(reference.mean(counts)[-1], rel=1e-9)
    assert model.mean(counts).sum() + model.leftover(counts) == pytest.approx(1.0, rel=1e-12)


@given(pairs(), st.lists(st.integers(0, 30), min_size=1, max_size=6).map(np.array))
def test_term_of_whole_counts_is_the_probability_of_labels(pair, counts):
    model, reference = pair
    exact = reference.log_probability_of_labels(counts)
    assert model.term(counts.astype(float)) == pytest.approx(exact, rel=1e-9, abs=1e-9)


@given(pairs(), COUNTS)
def test_no_counts_give_the_prior(pair, counts):
    model, _ = pair
    assert model.term(np.zeros_like(counts)) == pytest.approx(0.0, abs=1e-9)


def test_expected_log_is_the_derivative_of_the_term():
    counts, h = np.array([3.0, 0.5, 20.0, 0.0]), 1e-5
    for model in (Dirichlet(0.7), DirichletProcess(2.0), PitmanYor(0.3, 0.4)):
        for k in range(3):
            step = h * np.eye(4)[k]
            slope = (model.term(counts + step) - model.term(counts - step)) / (2 * h)
            assert slope == pytest.approx(model.expected_log(counts)[k], abs=1e-7)


@pytest.mark.parametrize("model", [Dirichlet(0.4), DirichletProcess(1.5), PitmanYor(0.5, 0.3)])
def test_draws_have_the_stated_mean_and_intervals_hold_them(model):
    counts = np.array([40.0, 8.0, 0.0, 2.0])
    draws = model.sample(counts, np.random.default_rng(0), 20_000)
    np.testing.assert_allclose(draws.mean(axis=0), model.mean(counts), atol=3e-3)
    low, high = model.interval(counts, 0.9, np.random.default_rng(1))
    draws /= draws.sum(axis=1, keepdims=True)
    inside = ((draws >= low) & (draws <= high)).mean(axis=0)
    np.testing.assert_allclose(inside, 0.9, atol=0.015)


def test_intervals_of_sticks_repeat_with_the_seed():
    counts = np.array([5.0, 3.0])
    one, two = (
        DirichletProcess(1.0).interval(counts, 0.95, np.random.default_rng(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def test_concentration_has_the_form_of_scikit_learn():
    counts = np.array([5.0, 3.0, 1.0])
    np.testing.assert_allclose(Dirichlet(0.5).concentration(counts), [5.5, 3.5, 1.5])
    a, b = DirichletProcess(2.0).concentration(counts)
    np.testing.assert_allclose(a, [6.0, 4.0, 2.0])
    np.testing.assert_allclose(b, [6.0, 3.0, 2.0])


def test_one_component_of_a_dirichlet_is_certain():
    np.testing.assert_array_equal(
        Dirichlet(1.0).interval(np.array([4.0]), 0.95, np.random.default_rng(0)), 1.0
    )


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Dirichlet(0.0), "alpha0"),
        (lambda: DirichletProcess(-1.0), "gamma"),
        (lambda: PitmanYor(1.0, 1.0), "discount"),
        (lambda: PitmanYor(-0.5, 0.25), "gamma"),
        (lambda: Dirichlet(np.nan), "alpha0"),
    ],
)
def test_impossible_parameters_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()

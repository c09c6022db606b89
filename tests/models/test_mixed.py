"""Parts side by side against slow references, and what must hold of every family."""

from __future__ import annotations

import naive
import naive_families
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import ALL, block, draw, model_of
from problems import WEIGHTS, responsibilities

from vivace.engine import Infeasible
from vivace.models.weights import Dirichlet


@st.composite
def problems(draw_):
    names = draw_(st.lists(st.sampled_from(ALL), min_size=1, max_size=3, unique=True))
    weights = draw_(st.sampled_from(list(WEIGHTS)))
    n, k = draw_(st.integers(3, 12)), draw_(st.integers(1, 4))
    rng = np.random.default_rng(draw_(st.integers(0, 2**32 - 1)))
    gaps = draw_(st.booleans())
    found = [draw(rng, name, n, int(rng.integers(1, 4)), gaps) for name in names]
    w = rng.uniform(0.0, 3.0, size=n) if draw_(st.booleans()) else None
    return found, weights, responsibilities(rng, n, k), w


def build(problem):
    found, name, r, w = problem
    weight_model, reference = WEIGHTS[name]
    model = model_of([part for part, _, _, _ in found], weight_model, r.shape[1])
    rows = block([data for _, data, _, _ in found], w)
    return model, rows, [(x, refs) for _, _, x, refs in found], reference


@given(problems())
@settings(max_examples=80)
def test_bound_and_map_match_the_references(problem):
    _, _, r, w = problem
    model, rows, parts, reference = build(problem)
    statistics = model.given(rows, r)
    posterior = model.global_step(statistics, None)
    exact = naive_families.elbo(parts, r, reference, w)
    assert model.elbo(posterior, statistics) == pytest.approx(exact, rel=1e-7, abs=1e-6)
    statistics, base = model.local_step(rows, model.prepare(posterior), None)
    after = naive_families.step(parts, r, reference, w)
    again, _ = model.local_step(rows, model.prepare(posterior), base)
    assert again["base"] == statistics["base"]
    posterior = model.global_step(statistics, posterior)
    exact = naive_families.elbo(parts, after, reference, w)
    assert model.elbo(posterior, statistics) == pytest.approx(exact, rel=1e-7, abs=1e-6)


@given(problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_bound_of_any_pair_is_no_higher_than_that_of_its_own_posterior(problem, seed):
    _, _, r, _ = problem
    model, rows, _, _ = build(problem)
    statistics = model.given(rows, r)
    other = responsibilities(np.random.default_rng(seed), *r.shape)
    bound = model.elbo(model.global_step(model.given(rows, other), None), statistics)
    own = model.elbo(model.global_step(statistics, None), statistics)
    assert bound <= own + 1e-7 * abs(own) + 1e-7


@given(problems())
@settings(max_examples=30)
def test_bound_never_falls(problem):
    _, _, r, _ = problem
    model, rows, _, _ = build(problem)
    posterior, trace, base = model.global_step(model.given(rows, r), None), [], None
    for _ in range(15):
        statistics, base = model.local_step(rows, model.prepare(posterior), base)
        posterior = model.global_step(statistics, posterior)
        trace.append(model.elbo(posterior, statistics))
    trace = np.array(trace)
    assert (np.diff(trace) >= -1e-9 * np.abs(trace[:-1]) - 1e-9).all()


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_one_component_reaches_the_evidence(name, gaps):
    """The bound with K = 1 is the log evidence: the chain of predictive densities."""
    rng = np.random.default_rng(1)
    part, data, x, references = draw(rng, name, 8, 2, gaps)
    model, r = model_of([part], Dirichlet(0.7), 1), np.ones((8, 1))
    statistics = model.given(block([data]), r)
    chain = naive_families.log_marginal([(x, references)], [0] * 8, 1)
    bound = model.elbo(model.global_step(statistics, None), statistics)
    assert bound == pytest.approx(chain, rel=1e-11)


@pytest.mark.parametrize("name", ALL)
def test_bound_stays_below_the_evidence(name):
    rng = np.random.default_rng(2)
    part, data, x, references = draw(rng, name, 6, 2)
    weight_model, reference = WEIGHTS["dirichlet"]
    model = model_of([part], weight_model, 2)
    evidence = naive_families.log_evidence(
        [(x, references)], 6, 2, reference.log_probability_of_labels
    )
    rows = block([data])
    best = -np.inf
    for seed in range(5):
        r = responsibilities(np.random.default_rng(seed), 6, 2)
        posterior = model.global_step(model.given(rows, r), None)
        for _ in range(50):
            statistics, _ = model.local_step(rows, model.prepare(posterior), None)
            posterior = model.global_step(statistics, posterior)
        best = max(best, model.elbo(posterior, statistics))
    assert evidence - 4.0 < best <= evidence


@pytest.mark.parametrize("name", ALL)
def test_envelope_identity(name):
    """d (bound - entropy) / d r_nk = w_n x log joint, by central differences."""
    rng = np.random.default_rng(3)
    part, data, x, references = draw(rng, name, 4, 2)
    model, w, h = model_of([part], Dirichlet(0.6), 2), np.arange(1.0, 5.0), 1e-5
    rows = block([data], w)
    r = responsibilities(rng, 4, 2) + 0.05

    def bound(r):
        statistics = model.given(rows, r)
        statistics["base"][...] = (
            (model.parts[0].base(data) * w * r.sum(axis=1)).sum()
            if (model.parts[0].base(data) is not None)
            else 0.0
        )
        posterior = model.global_step(statistics, None)
        return model.elbo(posterior, statistics) - statistics["entropy"].sum()

    scores = np.tile(naive.Weights("dirichlet", 0.6).expected_log(w @ r), (4, 1))
    for k in range(2):
        for reference, values in naive_families.columns(x, references):
            q = reference.posterior(values, w * r[:, k])
            scores[:, k] += reference.log_expected(q, values)
    for i in range(4):
        for k in range(2):
            step = np.zeros_like(r)
            step[i, k] = h
            slope = (bound(r + step) - bound(r - step)) / (2 * h)
            assert slope == pytest.approx(w[i] * scores[i, k], rel=1e-6, abs=1e-6)


def test_mixed_is_the_sum_of_parts():
    rng = np.random.default_rng(4)
    found = [draw(rng, name, 9, 2) for name in ALL]
    r = responsibilities(rng, 9, 3)

    def bound(some):
        model = model_of([part for part, _, _, _ in some], Dirichlet(1.0), 3)
        statistics = model.given(block([data for _, data, _, _ in some]), r)
        weights = model.weight_model.term(statistics["counts"]) + statistics["entropy"].sum()
        return model.elbo(model.global_step(statistics, None), statistics) - weights

    assert bound(found) == pytest.approx(sum(bound([one]) for one in found), rel=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_weights_repeat_rows(name):
    rng = np.random.default_rng(5)
    part, data, _, _ = draw(rng, name, 7, 2, True)
    model, r = model_of([part], Dirichlet(1.0), 2), responsibilities(rng, 7, 2)
    times = np.array([0, 1, 2, 3, 1, 0, 2])
    one = model.given(block([data], times.astype(float)), r)
    two = model.given(block([np.repeat(data, times, axis=0)]), np.repeat(r, times, axis=0))
    for field in one.names:
        np.testing.assert_allclose(one[field], two[field], rtol=1e-12, atol=1e-12)


def test_impossible_statistics_are_refused():
    part, data, _, _ = draw(np.random.default_rng(6), "bernoulli", 5, 2)
    model = model_of([part], Dirichlet(1.0), 2)
    statistics = model.given(block([data]), np.full((5, 2), 0.5))
    statistics["0.sums"][0] = 100.0
    with pytest.raises(Infeasible, match="count of ones or zeros"):
        model.global_step(statistics, None)
    statistics["0.sums"][0] = np.nan
    with pytest.raises(Infeasible, match="a family returned NaN"):
        model.global_step(statistics, None)

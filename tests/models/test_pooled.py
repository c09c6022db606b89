"""Gaussian mixtures with diagonal precisions over rows with gaps, against slow references."""

from __future__ import annotations

import naive_gaps
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import rows_with_gaps
from problems import WEIGHTS, block, make_model, make_prior, responsibilities

from vivace.models.incomplete import IncompleteModel
from vivace.models.mixed_predict import table_density, table_score_samples
from vivace.models.scaling import Scaling

TYPES = ["diag", "spherical", "tied_diag", "tied_spherical"]


def incomplete(rng, covariance_type, k, d, weights="dirichlet"):
    """(model, the prior in the units of the data, the reference of the weights)."""
    prior = make_prior(rng, covariance_type, k, d)
    scale = rng.uniform(0.5, 2.0, size=d)
    if covariance_type.endswith("spherical"):
        scale[:] = scale[0]
    scaling, (weight_model, reference) = Scaling(rng.normal(size=d), scale), WEIGHTS[weights]
    family = make_model(prior, weight_model, k, scaling).family
    return IncompleteModel(family, weight_model, k, scaling), prior, reference


@given(st.integers(0, 2**32 - 1), st.sampled_from(TYPES), st.integers(1, 4), st.booleans())
@settings(max_examples=40)
def test_bound_and_responsibilities_match_the_reference(seed, covariance_type, d, weighted):
    rng = np.random.default_rng(seed)
    n, k = 9, 2
    x = rows_with_gaps(rng, n, d)
    w = rng.uniform(0.2, 2.0, size=n) if weighted else np.ones(n)
    model, prior, weights = incomplete(rng, covariance_type, k, d)
    rows, r = block(x, w if weighted else None), responsibilities(rng, n, k)
    made = model.given(rows, r)
    posterior = model.global_step(made)
    expected = naive_gaps.elbo(x, r, prior, weights, w, r)
    assert model.elbo(posterior, made) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    other = responsibilities(rng, n, k)
    expected = naive_gaps.elbo(x, other, prior, weights, w, r)
    found = model.elbo(posterior, model.given(rows, other))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    scores = naive_gaps.expected_log_likelihood(
        x, naive_gaps.update(x, w[:, None] * r, prior), prior, k
    )
    scores += posterior.log_weights
    resp = np.empty((n, k))
    model.score(block(x), model.prepare(posterior), resp=resp)
    scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
    np.testing.assert_allclose(resp, np.exp(scores), rtol=1e-8, atol=1e-10)
    statistics, _ = model.local_step(rows, model.prepare(posterior), None)
    expected = naive_gaps.elbo(x, resp, prior, weights, w, r)
    assert model.elbo(posterior, statistics) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("k", [1, 3])
def test_bound_of_labels_is_the_chain_of_predictives(covariance_type, k):
    """ln p(X, z) exactly: nothing is approximated where every row's component is known."""
    rng = np.random.default_rng(k)
    n, d = 14, 3
    x, labels = rows_with_gaps(rng, n, d), rng.integers(0, k, size=n)
    x[5] = np.nan
    model, _, weights = incomplete(rng, covariance_type, k, d)
    part, r = model.parts[0], np.eye(k)[labels]
    total = weights.log_probability_of_labels(np.bincount(labels, minlength=k))
    for i in range(n):
        before = model.given(block(x[:i]), r[:i]) if i else model.zero_statistics()
        posterior = model.global_step(before).parts[0]
        total += part.log_predictive_rows(posterior, x[i : i + 1])[0, labels[i]]
    statistics = model.given(block(x), r)
    found = model.elbo(model.global_step(statistics), statistics)
    assert found == pytest.approx(total, rel=1e-10)


@given(st.integers(0, 2**32 - 1), st.sampled_from(TYPES))
@settings(max_examples=20)
def test_bound_never_falls(seed, covariance_type):
    rng = np.random.default_rng(seed)
    x = rows_with_gaps(rng, 30, 3)
    model, _, _ = incomplete(rng, covariance_type, 3, 3, "pitman_yor")
    rows, state = block(x), None
    posterior = model.global_step(model.given(rows, responsibilities(rng, 30, 3)))
    trace = []
    for _ in range(25):
        statistics, state = model.local_step(rows, model.prepare(posterior), state)
        posterior = model.global_step(statistics)
        trace.append(model.elbo(posterior, statistics))
    trace = np.array(trace)
    assert (np.diff(trace) >= -1e-9 * np.abs(trace[:-1]) - 1e-9).all()


@pytest.mark.parametrize("covariance_type", TYPES)
def test_empty_rows_leave_components_as_they_were(covariance_type):
    rng = np.random.default_rng(4)
    x = rows_with_gaps(rng, 10, 3)
    more = np.vstack([x, np.full((4, 3), np.nan)])
    model, _, _ = incomplete(rng, covariance_type, 2, 3)
    r = responsibilities(rng, 14, 2)
    one = model.global_step(model.given(block(x), r[:10])).gaussian
    two = model.global_step(model.given(block(more), r)).gaussian
    np.testing.assert_allclose(one.means, two.means, rtol=1e-12)
    np.testing.assert_allclose(one.scale, two.scale, rtol=1e-12)
    np.testing.assert_allclose(one.dof, two.dof, rtol=1e-12)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_rows_are_scored_as_their_values_say(covariance_type):
    """The joint density of a row: sums over columns where these are independent."""
    rng = np.random.default_rng(6)
    x = rows_with_gaps(rng, 40, 3)
    model, _, _ = incomplete(rng, covariance_type, 2, 3, "dirichlet_process")
    posterior = model.global_step(model.given(block(x), responsibilities(rng, 40, 2)))
    density = table_density(model, posterior)
    assert len(density.log_weights) == 3  # a component without data takes what is left over
    rows = block(x)._replace(data=(x,))
    assert np.isfinite(table_score_samples(model, density, rows)).all()
    empty = np.full((1, 3), np.nan)
    rows = block(empty)._replace(data=(empty,))
    assert table_score_samples(model, density, rows) == pytest.approx([0.0], abs=1e-12)
    if covariance_type.startswith("tied"):
        fresh, own = density.fresh[0].precisions, posterior.gaussian.precisions
        np.testing.assert_array_equal(fresh.dof, own.dof)

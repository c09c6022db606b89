"""Predictive densities integrate to one; responsibilities and labels are those of a local step."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import (
    FIXED,
    TYPES,
    WEIGHTS,
    block,
    climb,
    make_model,
    make_prior,
    responsibilities,
    scaling_of,
)

from vivace.models import predict
from vivace.models.starts import given_start


def fitted(covariance_type, name, d, fixed="none", dof=4.0, n=12, k=3):
    rng = np.random.default_rng(21)
    x = 20.0 + 2.0 * rng.normal(size=(n, d)) + 4.0 * rng.integers(0, 2, size=(n, 1))
    prior = make_prior(rng, covariance_type, k, d, fixed)
    prior.mean, prior.dof = prior.mean + 20.0, d - 1.0 + dof
    if prior.fixed_means is not None:
        prior.fixed_means = 20.0 + 2.0 * prior.fixed_means
    model = make_model(prior, WEIGHTS[name][0], k, scaling_of(x, covariance_type))
    r = responsibilities(rng, n, k)
    _, posterior, _ = climb(model, x, given_start(model, r)(block(x)), 4)
    _, r = naive.fit(x, r, prior, WEIGHTS[name][1], 4)
    return model, posterior, x, r, prior


def line(centre, scale, nodes=2000):
    """Nodes and weights for an integral over the whole line, heavy tails included."""
    angle = np.pi * ((np.arange(nodes) + 0.5) / nodes - 0.5)  # midpoint rule in the angle
    return centre + scale * np.tan(angle), np.pi / nodes * scale / np.cos(angle) ** 2


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_density_integrates_to_one_on_the_line(covariance_type, name):
    for fixed in FIXED:
        model, posterior, *_ = fitted(covariance_type, name, 1, fixed)
        points, w = line(21.0, 3.0)
        log_density = predict.score_samples(
            model, predict.density(model, posterior), block(points[:, None])
        )
        assert w @ np.exp(log_density) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_density_integrates_to_one_on_the_plane(covariance_type):
    model, posterior, *_ = fitted(covariance_type, "dirichlet_process", 2)
    assert model.weight_model.leftover(posterior.counts) > 1e-3  # takes part in the sum below
    points, w = line(21.0, 3.0, nodes=250)
    grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    log_density = predict.score_samples(model, predict.density(model, posterior), block(grid))
    assert np.outer(w, w).ravel() @ np.exp(log_density) == pytest.approx(1.0, abs=2e-4)


@given(st.sampled_from(TYPES), st.sampled_from(FIXED), st.sampled_from(list(WEIGHTS)))
@settings(max_examples=40)
def test_density_matches_the_reference(covariance_type, fixed, name):
    model, posterior, x, r, prior = fitted(covariance_type, name, 2, fixed)
    points = np.vstack([x, x + 7.0, [[1e3, -1e3]]])
    got = predict.score_samples(model, predict.density(model, posterior), block(points))
    q = naive.update(x, r, prior)
    exact = naive.log_predictive(points, q, prior, WEIGHTS[name][1], r.sum(axis=0))
    np.testing.assert_allclose(got, exact, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_responsibilities_are_those_of_the_next_step(covariance_type, dtype):
    model, posterior, x, r, prior = fitted(covariance_type, "dirichlet", 2)
    rows, prepared = block(x.astype(dtype)), model.prepare(posterior)
    resp = predict.proba(model, prepared, rows)
    assert resp.dtype == dtype
    tol = 1e-8 if dtype == np.float64 else 1e-4
    expected = naive.step(x, r, prior, WEIGHTS["dirichlet"][1])
    np.testing.assert_allclose(resp, expected, atol=tol)
    np.testing.assert_array_equal(predict.labels(model, prepared, rows), resp.argmax(axis=1))
    out = np.empty((len(x), 3))
    assert predict.proba(model, prepared, rows, out) is out


def test_far_clusters_keep_their_density():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 200)
    x = rng.normal(size=(400, 2)) + 1e5 * labels[:, None]
    for covariance_type in TYPES:
        prior = make_prior(rng, covariance_type, 2, 2)
        prior.mean_precision = 1e-12
        model = make_model(prior, WEIGHTS["dirichlet"][0], 2, scaling_of(x, covariance_type))
        r = np.eye(2)[labels]
        posterior = model.global_step(given_start(model, r)(block(x)), None)
        got = predict.score_samples(model, predict.density(model, posterior), block(x))
        q = naive.update(x, r, prior)
        weights = naive.Weights("dirichlet", 0.6)
        exact = naive.log_predictive(x, q, prior, weights, r.sum(axis=0))
        # documented: (distance in deviations)^2 x 1e-16 a term of the sum
        np.testing.assert_allclose(got, exact, atol=2e-4)

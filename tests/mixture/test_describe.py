"""sample, credible_interval, prune, n_effective_components_."""

from __future__ import annotations

import itertools

import naive
import numpy as np
import pytest
from scipy import stats

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution", "pitman_yor"]


def data(n=400, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return 20.0 + [1.0, 3.0] * (rng.normal(size=(n, d)) + 7.0 * rng.integers(0, 2, size=(n, 1)))


def fitted(X, **parameters):
    return BayesianGaussianMixture(**{"n_components": 2, "random_state": 0, **parameters}).fit(X)


# ---------------------------------------------------------------- sample


@pytest.mark.parametrize("covariance_type", TYPES)
def test_sample_has_the_parameters(covariance_type):
    model = fitted(data(), covariance_type=covariance_type)
    X, y = model.sample(200_000)
    assert X.shape == (200_000, 2)
    assert X.dtype == np.float64
    assert (np.diff(y) >= 0).all()
    np.testing.assert_allclose(np.bincount(y) / len(y), model.weights_, atol=0.01)
    expected = naive.matrices(model.covariances_, covariance_type, 2, 2)
    for k in range(2):
        own = X[y == k]
        np.testing.assert_allclose(own.mean(axis=0), model.means_[k], atol=0.1)
        np.testing.assert_allclose(np.cov(own.T), expected[k], rtol=0.05, atol=0.1)


def test_sample_is_seeded():
    model = fitted(data())
    np.testing.assert_array_equal(model.sample(9)[0], model.sample(9)[0])
    assert model.sample()[0].shape == (1, 2)


@pytest.mark.parametrize("n_samples", [0, -3])
def test_sample_needs_a_number(n_samples):
    with pytest.raises(ValueError, match="'n_samples'"):
        fitted(data()).sample(n_samples)


# ---------------------------------------------------------------- credible intervals


def test_intervals_of_one_component_are_known():
    """K = 1, diag: the exact posterior, so scipy's distributions are the reference."""
    X = data(30)
    model = fitted(X, n_components=1, covariance_type="diag", reg_covar=0.0)
    dof, beta = model.degrees_of_freedom_[0], model.mean_precision_[0]
    scale = model.covariances_[0] * dof
    got = model.credible_interval(0.9)
    for d in range(2):
        mean = stats.t(dof, model.means_[0, d], np.sqrt(scale[d] / (dof * beta)))
        variance = stats.invgamma(dof / 2, scale=scale[d] / 2)
        np.testing.assert_allclose(got.means[:, 0, d], mean.interval(0.9), rtol=1e-9)
        np.testing.assert_allclose(got.variances[:, 0, d], variance.interval(0.9), rtol=1e-9)


@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_intervals_surround_the_estimates(covariance_type, prior_type):
    model = fitted(
        data(), covariance_type=covariance_type, weight_concentration_prior_type=prior_type
    )
    got = model.credible_interval()
    diagonal = model.covariances_
    if covariance_type in ("full", "tied"):
        diagonal = np.diagonal(diagonal, axis1=-2, axis2=-1)
    pairs = zip(got, (model.weights_, model.means_, diagonal), strict=True)
    for (lower, upper), estimate in pairs:
        assert (lower < estimate).all()
        assert (estimate < upper).all()
    wider = model.credible_interval(0.99)
    assert all((w[1] - w[0] > g[1] - g[0]).all() for w, g in zip(wider, got, strict=True))
    again = model.credible_interval()
    assert all((a == g).all() for a, g in zip(again, got, strict=True))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, np.nan])
def test_level(level):
    with pytest.raises(ValueError, match="level"):
        fitted(data()).credible_interval(level)


# ---------------------------------------------------------------- prune


def bound(X, resp, model, ridge):
    scale = model.covariance_prior_ + np.diag(ridge)
    prior = naive.Prior(
        "full", model.mean_prior_, model.mean_precision_prior_,
        model.degrees_of_freedom_prior_, scale,
    )  # fmt: skip
    kind = model.weight_concentration_prior_type
    weights = naive.Weights(
        "dirichlet" if kind == "dirichlet_distribution" else "sticks",
        model.weight_concentration_prior_,
        model.discount if kind == "pitman_yor" else 0.0,
    )
    return naive.elbo(X, resp, prior, weights)


@pytest.mark.parametrize("concentration", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("prior_type", PRIORS)
def test_bound_of_the_pruned_model_is_a_bound(prior_type, concentration):
    """Of responsibilities in which each dropped column is added to a kept one; never above it."""
    X = data(60)
    model = fitted(
        X,
        n_components=5,
        weight_concentration_prior_type=prior_type,
        weight_concentration_prior=concentration,
        tol=1e-13,
        max_iter=5000,
    )
    pruned = model.prune()
    k = pruned.n_components
    assert k == model.n_effective_components_ == pruned.n_effective_components_
    assert pruned.means_.shape == (k, 2)
    resp = model.predict_proba(X)  # at the fixed point, those that made the posterior
    kept = resp.sum(axis=0) > 0.5
    dropped = resp[:, ~kept]
    gaps = []
    for takers in itertools.product(range(k), repeat=dropped.shape[1]):
        merged = resp[:, kept].copy()
        for column, taker in zip(dropped.T, takers, strict=True):
            merged[:, taker] += column
        gaps.append(bound(X, merged, pruned, model._fitted.prior.ridge) - pruned.lower_bound_)
    # one of these is what prune has done; the bound on the entropy may cost a few nats
    assert any(-1e-6 < gap < 8.0 for gap in gaps)
    if dropped.sum() < 1e-12:
        np.testing.assert_allclose(gaps, 0.0, atol=1e-6)
    warm = pruned.set_params(warm_start=True).fit(X)
    assert warm.lower_bound_ >= pruned.lower_bound_ - 1e-9


def test_pruned_model_predicts_the_same():
    X = data()
    model = fitted(X, n_components=8)
    pruned = model.prune()
    kept = np.flatnonzero(model.mean_precision_ > 1.5)
    np.testing.assert_array_equal(kept[pruned.predict(X)], model.predict(X))
    assert pruned.weight_concentration_prior_ == model.weight_concentration_prior_
    np.testing.assert_array_equal(pruned.elbo_trace_, model.elbo_trace_)
    assert (pruned.n_iter_, pruned.converged_) == (model.n_iter_, model.converged_)


def test_nothing_to_prune():
    X = data()
    model = fitted(X)
    pruned = model.prune()
    assert pruned is not model
    assert pruned.lower_bound_ == pytest.approx(model.lower_bound_, rel=1e-14)
    np.testing.assert_array_equal(pruned.means_, model.means_)


def test_prune_keeps_known_parts():
    X = data()
    means = [[20.0, 20.0], [27.0, 41.0], [1e4, 1e4]]
    covariances = np.tile(np.diag([1.0, 9.0]), (3, 1, 1))
    model = fitted(X, n_components=3, fixed_means=means, fixed_covariances=covariances)
    pruned = model.prune()
    np.testing.assert_array_equal(pruned.fixed_means, means[:2])
    assert pruned.fixed_covariances.shape == (2, 2, 2)
    np.testing.assert_allclose(pruned.means_, means[:2])


def test_components_count_by_rows_not_by_weight():
    """Relative weights, which sum to 1, leave the same components in use."""
    X = data()
    with pytest.warns(UserWarning, match="sums to 1"):
        model = BayesianGaussianMixture(n_components=2, random_state=0).fit(
            X, sample_weight=np.full(len(X), 1 / len(X))
        )
    assert model.n_effective_components_ == 2

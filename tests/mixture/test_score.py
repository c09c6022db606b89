"""score_samples is a density; score, aic and bic follow from it."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution", "pitman_yor"]


def fitted(X, **parameters):
    return BayesianGaussianMixture(**{"n_components": 3, "random_state": 0, **parameters}).fit(X)


def data(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return 50.0 + 3.0 * (rng.normal(size=(n, d)) + 4.0 * rng.integers(0, 2, size=(n, 1)))


@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_integrates_to_one_in_one_dimension(covariance_type, prior_type):
    model = fitted(
        data(20, 1),
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        weight_concentration_prior=2.0,  # much is left over for unseen components
        degrees_of_freedom_prior=3.0,
    )
    # x = 50 + tan(u): the heavy tails become an integral over a finite interval
    u, width = np.linspace(-np.pi / 2, np.pi / 2, 400_001, retstep=True)
    u = u[1:-1]
    density = np.exp(model.score_samples(50.0 + 10.0 * np.tan(u)[:, None]))
    total = (density * 10.0 / np.cos(u) ** 2).sum() * width
    assert total == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_integrates_to_one_in_two_dimensions(covariance_type):
    model = fitted(data(40, 2), covariance_type=covariance_type, degrees_of_freedom_prior=8.0)
    u, width = np.linspace(-np.pi / 2, np.pi / 2, 602, retstep=True)
    u = u[1:-1]
    x = 56.0 + 8.0 * np.tan(u)
    grid = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    jacobian = np.outer(1 / np.cos(u) ** 2, 1 / np.cos(u) ** 2).ravel() * 64.0
    total = (np.exp(model.score_samples(grid)) * jacobian).sum() * width**2
    assert total == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_is_the_posterior_predictive(covariance_type, prior_type):
    X = data(50, 2)
    model = fitted(
        X,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        reg_covar=0.0,
        tol=1e-13,
    )
    prior = naive.Prior(
        covariance_type,
        model.mean_prior_,
        model.mean_precision_prior_,
        model.degrees_of_freedom_prior_,
        model.covariance_prior_,
    )
    kind = "dirichlet" if prior_type == "dirichlet_distribution" else "sticks"
    discount = model.discount if prior_type == "pitman_yor" else 0.0
    weights = naive.Weights(kind, model.weight_concentration_prior_, discount)
    # at a fixed point the responsibilities of the posterior are those that made it
    resp = model.predict_proba(X)
    posterior = naive.update(X, resp, prior)
    new = data(7, 2, seed=1)
    expected = naive.log_predictive(new, posterior, prior, weights, resp.sum(axis=0))
    np.testing.assert_allclose(model.score_samples(new), expected, rtol=1e-5)


def test_score_is_the_weighted_mean():
    X = data(50, 2)
    model, weights = fitted(X), np.linspace(0, 3, 50)
    density = model.score_samples(X)
    assert model.score(X) == pytest.approx(density.mean(), rel=1e-12)
    assert model.score(X, sample_weight=weights) == pytest.approx(
        np.average(density, weights=weights), rel=1e-12
    )
    with pytest.raises(ValueError, match="non-zero weight"):
        model.score(X, sample_weight=np.zeros(50))


@pytest.mark.parametrize(
    ("covariance_type", "free"),
    [
        ("full", 1 + 2 * (2 + 3)),
        ("tied", 1 + 2 * 2 + 3),
        ("diag", 1 + 2 * (2 + 2)),
        ("spherical", 1 + 2 * (2 + 1)),
        ("tied_diag", 1 + 2 * 2 + 2),
        ("tied_spherical", 1 + 2 * 2 + 1),
    ],
)
def test_information_criteria_count_components_in_use(covariance_type, free):
    X = data(300, 2)
    model = fitted(X, n_components=2, covariance_type=covariance_type)
    assert model.n_effective_components_ == 2
    density = model.score_samples(X).sum()
    assert model.aic(X) == pytest.approx(-2 * density + 2 * free)
    assert model.bic(X) == pytest.approx(-2 * density + free * np.log(300))


def test_information_criteria_leave_out_empty_components():
    X = data(300, 2)
    model = fitted(X, n_components=8)
    assert model.n_effective_components_ == 2
    density = model.score_samples(X).sum()
    assert model.aic(X) == pytest.approx(-2 * density + 2 * (1 + 2 * (2 + 3)))


def test_known_parts_are_not_free_parameters():
    X = data(100, 2)
    model = fitted(X, n_components=2, fixed_means=[[50.0, 50.0], [62.0, 62.0]])
    known = -2 * model.score_samples(X).sum()
    assert model.aic(X) == pytest.approx(known + 2 * (1 + 2 * 3))

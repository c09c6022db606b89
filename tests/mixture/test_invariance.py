"""Units, offsets, order of rows and copies of rows change nothing that they should not."""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]
INITS = ["kmeans", "k-means++", "random", "random_from_data"]


def data(n=300, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 5.0 * rng.normal(size=(4, d))[rng.integers(0, 4, n)]


def fitted(X, covariance_type, init_params="kmeans", **parameters):
    model = BayesianGaussianMixture(
        n_components=6, covariance_type=covariance_type, init_params=init_params, random_state=0
    )
    return model.set_params(**parameters).fit(X)


def same(got, expected, X, X_got, shift, scale):
    """The model of X * scale + shift is that of X in other units."""
    np.testing.assert_allclose((got.means_ - shift) / scale, expected.means_, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(got.weights_, expected.weights_, atol=1e-6)
    factor = np.asarray(scale) * np.ones(X.shape[1])
    kind = got.covariance_type
    if kind in ("full", "tied"):
        factor = np.outer(factor, factor)
    else:
        factor = factor[0] ** 2 if "spherical" in kind else factor**2
    np.testing.assert_allclose(got.covariances_ / factor, expected.covariances_, atol=1e-5)
    jacobian = len(X) * np.log(np.asarray(scale) * np.ones(X.shape[1])).sum()
    assert got.lower_bound_ + jacobian == pytest.approx(expected.lower_bound_, rel=1e-8)
    np.testing.assert_allclose(got.predict_proba(X_got), expected.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("init_params", INITS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_shift_and_common_scale(covariance_type, init_params):
    X = data()
    expected = fitted(X, covariance_type, init_params)
    shift, scale = np.array([1e3, -20.0, 0.3]), 1e-4
    other = X * scale + shift * scale
    same(fitted(other, covariance_type, init_params), expected, X, other, shift * scale, scale)


@pytest.mark.parametrize("init_params", INITS)
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "tied_diag"])
def test_scale_of_one_column(covariance_type, init_params):
    X = data()
    expected = fitted(X, covariance_type, init_params)
    scale = np.array([1.0, 1e5, 1.0])
    other = X * scale
    same(fitted(other, covariance_type, init_params), expected, X, other, 0.0, scale)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_order_of_rows(covariance_type):
    X = data()
    order = np.random.default_rng(1).permutation(len(X))
    expected, got = fitted(X, covariance_type), fitted(X[order], covariance_type)
    same(got, expected, X, X, 0.0, 1.0)


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++"])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_weights_are_copies(covariance_type, init_params):
    """The start included, as long as all rows take part in it."""
    X = data(120)
    weights = np.random.default_rng(2).integers(0, 4, len(X))
    copies = np.repeat(X, weights, axis=0)
    expected = fitted(copies, covariance_type, init_params)
    got = fitted(X, covariance_type, init_params).fit(X, sample_weight=weights)
    same(got, expected, copies, copies, 0.0, 1.0)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("learning_method", ["batch", "memoized"])
def test_weights_are_copies_from_the_same_responsibilities(covariance_type, learning_method):
    X = data(60)
    weights = np.random.default_rng(2).integers(0, 4, len(X))
    start = np.random.default_rng(3).dirichlet(np.ones(3), size=len(X))
    parameters = {
        "n_components": 3,
        "covariance_type": covariance_type,
        "learning_method": learning_method,
        "batch_size": 1000,
    }
    copied = BayesianGaussianMixture(**parameters).fit(
        np.repeat(X, weights, axis=0), resp_init=np.repeat(start, weights, axis=0)
    )
    weighted = BayesianGaussianMixture(**parameters).fit(X, sample_weight=weights, resp_init=start)
    assert weighted.n_iter_ == copied.n_iter_
    np.testing.assert_allclose(weighted.elbo_trace_, copied.elbo_trace_, rtol=1e-9)
    np.testing.assert_allclose(weighted.means_, copied.means_, rtol=1e-6, atol=1e-6)

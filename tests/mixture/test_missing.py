"""BayesianGaussianMixture(missing="marginalize"), and the error that names it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

import vivace
from vivace import BayesianGaussianMixture, BayesianMixture
from vivace.families import Gaussian


def problem(n=800, share=0.2, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 3, n)
    a = np.array([[1.0, 0.9, 0.0], [0.0, 0.5, 0.3], [0.0, 0.0, 1.0]])
    complete = rng.normal(size=(n, 3)) @ a + 7.0 * np.eye(3)[z] + [100.0, 0.0, -5.0]
    X = np.where(rng.random((n, 3)) < share, np.nan, complete)
    return X, complete, z


def mixture(**settings):
    return BayesianGaussianMixture(
        **{"n_components": 6, "missing": "marginalize", "random_state": 0, **settings}
    )


@pytest.fixture(scope="module")
def fitted():
    X, complete, z = problem()
    return mixture().fit(X), X, complete, z


def test_groups_are_found_and_the_bound_never_falls(fitted):
    model, X, _, z = fitted
    assert model.n_effective_components_ == 3
    assert adjusted_rand_score(z, model.predict(X)) > 0.75
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()
    assert_allclose(np.sort(model.means_[model.weights_ > 0.1][:, 0]), [100, 100, 107], atol=0.5)


def test_it_is_the_table_mixture_of_one_group(fitted):
    _, X, _, _ = fitted
    resp = np.random.default_rng(1).dirichlet(np.ones(4), len(X))
    settings = {"n_components": 4, "tol": 1e-7}
    one = mixture(covariance_prior=4.0 * np.eye(3), **settings).fit(X, resp_init=resp)
    same = Gaussian(covariance=4.0 * np.eye(3))
    two = BayesianMixture(families=same, **settings).fit(X, resp_init=resp)
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-7)
    assert_allclose(one.score_samples(X), two.score_samples(X), rtol=1e-3, atol=1e-9)


def test_complete_rows_give_the_plain_mixture():
    X = problem(share=0.0)[0]
    one, two = mixture(n_components=4).fit(X), mixture(n_components=4, missing="error").fit(X)
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-9)
    assert_allclose(one.score_samples(X), two.score_samples(X), rtol=1e-6)
    assert_allclose(one.covariances_, two.covariances_, rtol=1e-3, atol=1e-6)


def test_impute_fills_well(fitted):
    model, X, complete, _ = fitted
    filled, std = model.impute(X, return_std=True)
    lost = np.isnan(X)
    assert_array_equal(filled[~lost], X[~lost])
    assert (std[~lost] == 0.0).all()
    error = (filled - complete)[lost]
    assert_allclose((error / std[lost]).std(), 1.0, atol=0.15)
    assert np.abs(error).mean() < 0.6 * np.abs(complete - complete.mean(axis=0))[lost].mean()
    drawn = model.sample_missing(X, 1)
    assert_array_equal(drawn, model.sample_missing(X, 1))
    assert_allclose(drawn.std(axis=0), complete.std(axis=0), rtol=0.1)
    assert_allclose(np.cov(drawn.T), np.cov(complete.T), atol=1.2)


def test_model_files_prune_intervals_and_draws(tmp_path, fitted):
    model, X, _, _ = fitted
    model.save(tmp_path / "m.vivace")
    other = vivace.load(tmp_path / "m.vivace")
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert_array_equal(other.impute(X), model.impute(X))
    small = model.prune()
    assert small.n_components == 3
    assert adjusted_rand_score(small.predict(X), model.predict(X)) > 0.98
    assert small.lower_bound_ >= model.lower_bound_ - 1e-3 * abs(model.lower_bound_)
    assert model.credible_interval().means.shape == (2, 6, 3)
    assert model.sample(5)[0].shape == (5, 3)
    assert np.isfinite([model.aic(X), model.bic(X)]).all()


@pytest.mark.parametrize("method", ["online", "memoized"])
def test_other_schedules(fitted, method):
    _, X, _, z = fitted
    other = mixture(learning_method=method, batch_size=200, tol=1e-5, n_components=3).fit(X)
    assert adjusted_rand_score(z, other.predict(X)) > 0.7


def test_partial_fit(fitted):
    _, X, _, z = fitted
    model = mixture(n_components=3)
    for start in range(0, 800, 200):
        model.partial_fit(X[start : start + 200])
    assert adjusted_rand_score(z, model.predict(X)) > 0.6


def test_weights_warm_starts_and_empty_rows():
    X, _, _ = problem(150)
    times = np.random.default_rng(2).integers(0, 3, 150)
    one = mixture(n_components=2, tol=1e-7).fit(X, sample_weight=times)
    two = mixture(n_components=2, tol=1e-7).fit(np.repeat(X, times, axis=0))
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-6)
    three = mixture(n_components=2, tol=1e-7).fit(np.vstack([X, np.full((9, 3), np.nan)]))
    four = mixture(n_components=2, tol=1e-7).fit(X)
    assert_allclose(three.lower_bound_, four.lower_bound_, rtol=1e-6)
    before = four.lower_bound_
    assert four.set_params(warm_start=True).fit(X).lower_bound_ >= before


def test_complaints(fitted):
    _, X, _, _ = fitted
    with pytest.raises(ValueError, match="missing='marginalize'"):
        mixture(missing="error").fit(X)
    with pytest.raises(ValueError, match="families='gaussian_diag'"):
        mixture(covariance_type="diag").fit(X)
    with pytest.raises(ValueError, match="Fit with missing='marginalize'"):
        mixture(missing="error").fit(np.nan_to_num(X)).impute(X)
    with pytest.raises(ValueError, match="holds no value at all"):
        mixture().fit(np.column_stack([X, np.full(len(X), np.nan)]))
    X = X.copy()
    X[3, 0] = np.inf
    with pytest.raises(ValueError, match=r"infinity|values up to"):
        mixture().fit(X)

"""BayesianGaussianMixture(missing="marginalize"), and the error that names it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

import vivace
from vivace import BayesianGaussianMixture, BayesianMixture
from vivace.families import Gaussian
from vivace.families.gaussian import COVARIANCE_TYPES


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


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_complete_rows_give_the_plain_mixture(covariance_type):
    X, settings = problem(300, share=0.0)[0], {"covariance_type": covariance_type}
    settings |= {"n_components": 3, "acceleration": None, "max_iter": 15, "tol": 0.0}
    with pytest.warns(ConvergenceWarning):
        one, two = mixture(**settings).fit(X), mixture(**settings, missing="error").fit(X)
    assert_allclose(one.elbo_trace_, two.elbo_trace_, rtol=1e-10)
    assert_allclose(one.score_samples(X), two.score_samples(X), rtol=1e-8)
    assert_allclose(one.predict_proba(X), two.predict_proba(X), rtol=1e-6, atol=1e-9)
    for name in ("means_", "covariances_", "precisions_cholesky_"):
        assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-8, atol=1e-10)
    for name in ("mean_precision_", "degrees_of_freedom_"):
        values = getattr(two, name)
        if np.ndim(getattr(one, name)) == 2:
            values = values[:, None]
        elif getattr(one, name).shape != values.shape:
            values = values[0]  # tied_diag: the same number for all components, or one a column
        assert_allclose(getattr(one, name), np.broadcast_to(values, getattr(one, name).shape))
    for mine, plain in zip(one.credible_interval(), two.credible_interval(), strict=True):
        assert_allclose(mine, plain, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_a_gap_is_an_integral_of_the_density(covariance_type):
    X = problem(120)[0][:, :2]
    model = mixture(n_components=2, covariance_type=covariance_type, tol=1e-4).fit(X)
    u = 100.0 + 50.0 * np.sinh(np.linspace(-6.0, 6.0, 200_001))  # t densities have long tails
    density = np.exp(model.score_samples(np.column_stack([u, np.full_like(u, 1.3)])))
    found = model.score_samples([[np.nan, 1.3]])
    assert_allclose(np.exp(found), np.trapezoid(density, u), rtol=1e-6)
    assert_allclose(model.score_samples([[np.nan, np.nan]]), 0.0, atol=1e-12)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_moments_and_draws_of_gaps_are_those_of_the_density(covariance_type):
    X = problem(200)[0][:, :2]
    weights = "dirichlet_distribution"  # no mass beyond the components, which impute leaves out
    settings = {"covariance_type": covariance_type, "weight_concentration_prior_type": weights}
    model = mixture(n_components=2, tol=1e-4, **settings).fit(X)
    u = np.linspace(60.0, 150.0, 60_001)
    weights = np.exp(model.score_samples(np.column_stack([u, np.full_like(u, 5.0)])))
    weights /= weights.sum()
    mean = weights @ u
    filled, std = model.impute([[np.nan, 5.0]], return_std=True)
    assert_allclose(filled, [[mean, 5.0]], rtol=1e-4)
    assert_allclose(std[0], [np.sqrt(weights @ (u - mean) ** 2), 0.0], rtol=0.02)
    drawn = model.sample_missing(np.tile([np.nan, 5.0], (20_000, 1)), 3)[:, 0]
    assert_allclose(drawn.mean(), mean, atol=4.0 * std[0, 0] / np.sqrt(20_000))
    assert_allclose(drawn.std(), std[0, 0], rtol=0.1)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_every_type_finds_the_groups(covariance_type, tmp_path):
    X, complete, z = problem(400)
    model = mixture(covariance_type=covariance_type, n_components=3, tol=1e-6).fit(X)
    assert adjusted_rand_score(z, model.predict(X)) > 0.65
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()
    lost = np.isnan(X)
    error = np.abs(model.impute(X) - complete)[lost].mean()
    assert error < 0.75 * np.abs(complete - complete.mean(axis=0))[lost].mean()
    model.save(tmp_path / "m.vivace")
    other = vivace.load(tmp_path / "m.vivace")
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert_array_equal(other.impute(X), model.impute(X))
    assert_array_equal(other.degrees_of_freedom_, model.degrees_of_freedom_)
    assert_array_equal(model.transform(X), model.predict_proba(X))
    larger = mixture(covariance_type=covariance_type, n_components=9, tol=1e-6).fit(X)
    small = larger.prune()
    assert small.n_components == larger.n_effective_components_
    assert small.lower_bound_ >= larger.lower_bound_ - 1e-3 * abs(larger.lower_bound_)
    drawn, labels = model.sample(2000)
    assert_allclose(drawn.mean(axis=0), model.weights_ @ model.means_, atol=0.5)
    assert np.isfinite([model.aic(X), model.bic(X)]).all()
    assert len(labels) == 2000


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_threads_files_and_order_of_columns(covariance_type, tmp_path):
    X = problem(5000)[0]
    settings = {"covariance_type": covariance_type, "n_components": 3, "tol": 1e-4}
    one, two = mixture(**settings, n_jobs=1).fit(X), mixture(**settings, n_jobs=2).fit(X)
    assert_array_equal(one.means_, two.means_)
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "x.parquet"
    pandas.DataFrame(X, columns=["a", "b", "c"]).to_parquet(path)
    three = mixture(**settings).fit(path)
    assert_array_equal(three.means_, one.means_)
    assert_array_equal(three.impute(path), one.impute(X))
    means = one.means_[:3] + 0.5
    four = mixture(**settings, means_init=means).fit(X)
    five = mixture(**settings, means_init=means[:, ::-1]).fit(X[:, ::-1])
    assert_allclose(five.lower_bound_, four.lower_bound_, rtol=1e-8)
    assert_allclose(five.means_, four.means_[:, ::-1], rtol=1e-4)


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


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("method", ["online", "memoized"])
def test_other_schedules(fitted, method, covariance_type):
    _, X, _, z = fitted
    settings = {"learning_method": method, "batch_size": 200, "tol": 1e-5, "n_components": 3}
    other = mixture(covariance_type=covariance_type, **settings).fit(X)
    assert adjusted_rand_score(z, other.predict(X)) > 0.6


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_partial_fit(fitted, covariance_type):
    _, X, _, z = fitted
    model, other = (mixture(n_components=3, covariance_type=covariance_type) for _ in range(2))
    empty = np.full((7, 3), np.nan)
    for start in range(0, 800, 200):
        model.partial_fit(X[start : start + 200])
        other.partial_fit(np.vstack([empty, X[start : start + 200]]))
    assert adjusted_rand_score(z, model.predict(X)) > 0.55
    assert_allclose(other.lower_bound_, model.lower_bound_, rtol=1e-9)
    assert_allclose(other.means_, model.means_, rtol=1e-9)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_weights_warm_starts_and_empty_rows(covariance_type):
    X, _, _ = problem(150)
    times = np.random.default_rng(2).integers(0, 3, 150)
    settings = {"n_components": 2, "tol": 1e-7, "covariance_type": covariance_type}
    one = mixture(**settings).fit(X, sample_weight=times)
    two = mixture(**settings).fit(np.repeat(X, times, axis=0))
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-6)
    three = mixture(**settings).fit(np.vstack([X, np.full((9, 3), np.nan)]))
    four = mixture(**settings).fit(X)
    assert_allclose(three.lower_bound_, four.lower_bound_, rtol=1e-6)
    before = four.lower_bound_
    assert four.set_params(warm_start=True).fit(X).lower_bound_ >= before


def test_moments_about_a_first_row_that_is_far_away(fitted):
    _, X, _, _ = fitted
    far = np.vstack([np.full((1, 3), 1e9), X])
    weights = np.append(0.0, np.ones(len(X)))
    one = mixture(max_iter=0).fit(far, sample_weight=weights)
    two = mixture(max_iter=0).fit(X)
    assert_allclose(one.covariance_prior_, two.covariance_prior_, rtol=1e-7)
    with pytest.raises(ValueError, match="float32 and too coarse"):
        mixture().fit((X + 1e9).astype(np.float32))


def test_complaints(fitted):
    _, X, _, _ = fitted
    with pytest.raises(ValueError, match="missing='marginalize'"):
        mixture(missing="error").fit(X)
    with pytest.raises(ValueError, match="takes no known parameters, got fixed_means"):
        mixture(fixed_means=np.zeros((6, 3))).fit(X)
    with pytest.raises(ValueError, match="every row is NaN throughout"):
        mixture().fit(X).partial_fit(np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match=r"more than 1e\+06 times the scale"):
        mixture().fit(X).partial_fit(X + 1e12)
    with pytest.raises(ValueError, match="Fit with missing='marginalize'"):
        mixture(missing="error").fit(np.nan_to_num(X)).impute(X)
    with pytest.raises(ValueError, match=r"n_samples = 4 \(3 of weight zero left out\)"):
        mixture().fit(np.vstack([X[:4], np.full((3, 3), np.nan)]))
    with pytest.raises(ValueError, match="holds no value at all"):
        mixture().fit(np.column_stack([X, np.full(len(X), np.nan)]))
    infinite = X.copy()
    infinite[3, 0] = np.inf
    model = mixture().fit(X)
    for wrong in (infinite, infinite.astype(np.float32)):
        for method in (model.predict, model.partial_fit, mixture().fit):
            with pytest.raises(ValueError, match="values up to inf in column 0"):
                method(wrong)

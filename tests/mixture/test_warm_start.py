"""warm_start: the posterior, the count towards convergence and the bound carry over."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]


def data(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) + 3.0 * rng.integers(0, 3, size=(n, 1))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("learning_method", ["batch", "memoized"])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_one_iteration_at_a_time_is_plain_coordinate_ascent(covariance_type, learning_method):
    X = data()
    parameters = {
        "n_components": 5,
        "covariance_type": covariance_type,
        "learning_method": learning_method,
        "random_state": 0,
        "acceleration": None,
        "batch_size": 1000,
    }
    whole = BayesianGaussianMixture(**parameters, max_iter=2000).fit(X)
    steps = BayesianGaussianMixture(**parameters, max_iter=1, warm_start=True)
    trace = []
    while not getattr(steps, "converged_", False):
        steps.fit(X)
        assert steps.n_iter_ == len(steps.elbo_trace_) == 1
        trace.append(steps.lower_bound_)
    np.testing.assert_array_equal(trace, np.maximum.accumulate(trace))
    np.testing.assert_allclose(trace, whole.elbo_trace_, rtol=1e-12)
    np.testing.assert_allclose(steps.means_, whole.means_, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_bound_never_falls_on_the_same_data(dtype):
    X = data().astype(dtype)
    model = BayesianGaussianMixture(
        n_components=6, max_iter=2, tol=0.0, warm_start=True, random_state=0
    )
    bounds = [model.fit(X).lower_bound_ for _ in range(100)]
    assert (np.diff(bounds) >= 0).all()
    assert model.elbo_trace_[-1] == model.lower_bound_


def test_a_converged_fit_stays_and_needs_one_iteration():
    X = data()
    model = BayesianGaussianMixture(n_components=3, warm_start=True, random_state=0).fit(X)
    before = model.lower_bound_
    model.fit(X)
    assert model.n_iter_ == 1
    assert model.converged_
    assert model.lower_bound_ >= before


def test_other_data_start_from_the_previous_posterior():
    X, Y = data(2000), data(2000, seed=1)
    parameters = {"n_components": 3, "random_state": 0, "init_params": "random"}
    cold = BayesianGaussianMixture(**parameters).fit(Y)
    warm = BayesianGaussianMixture(**parameters, warm_start=True).fit(X)
    warm.fit(Y)
    assert warm.n_iter_ < cold.n_iter_
    assert warm.lower_bound_ == pytest.approx(cold.lower_bound_, rel=1e-4)
    # default priors are those of the new data
    np.testing.assert_allclose(warm.mean_prior_, Y.mean(axis=0))
    np.testing.assert_allclose(warm.covariance_prior_, np.cov(Y.T))


@pytest.mark.parametrize("covariance_type", TYPES)
def test_data_elsewhere_get_coordinates_of_their_own(covariance_type):
    X = data()
    model = BayesianGaussianMixture(
        n_components=3, covariance_type=covariance_type, warm_start=True, random_state=0
    ).fit(X)
    model.fit(1e8 + X)
    fresh = BayesianGaussianMixture(
        n_components=3, covariance_type=covariance_type, random_state=0, means_init=X[:3] + 1e8
    ).fit(1e8 + X)
    own = model.covariances_.sum()
    assert own < 2 * np.var(X, axis=0).sum() * 3  # of the data's size, not of the offset's
    assert np.isfinite(fresh.lower_bound_)


def test_given_responsibilities_win():
    X = data()
    resp = np.eye(3)[np.arange(len(X)) % 3]
    model = BayesianGaussianMixture(n_components=3, warm_start=True, random_state=0).fit(X)
    cold = BayesianGaussianMixture(n_components=3).fit(X, resp_init=resp)
    np.testing.assert_array_equal(model.fit(X, resp_init=resp).elbo_trace_, cold.elbo_trace_)


def test_another_prior_is_taken_up():
    X = data()
    model = BayesianGaussianMixture(n_components=3, warm_start=True, random_state=0).fit(X)
    model.set_params(mean_precision_prior=50.0).fit(X)
    fresh = BayesianGaussianMixture(n_components=3, mean_precision_prior=50.0, random_state=0)
    assert model.lower_bound_ == pytest.approx(fresh.fit(X).lower_bound_, rel=1e-6)


def test_what_must_not_change():
    model = BayesianGaussianMixture(n_components=3, warm_start=True).fit(data())
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        model.set_params(n_components=4).fit(data())
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        model.set_params(n_components=3).fit(np.c_[data(), data()])
    model.set_params(n_components=4, warm_start=False).fit(data())


def test_online_goes_on_with_its_rate():
    X = data(1000)
    model = BayesianGaussianMixture(
        n_components=3, learning_method="online", batch_size=100, warm_start=True, max_iter=2,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fits in range(1, 4):
            model.fit(X)
            assert model._fitted.fit.step == 20 * fits

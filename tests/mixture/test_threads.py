"""The same bits for any number of threads."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("vivace.models.mixture.BLOCK_WORK", 1_000_000)


def data(dtype, n=15_013, d=3):
    rng = np.random.default_rng(0)
    centres = 4.0 * rng.normal(size=(6, d))
    return (rng.normal(size=(n, d)) + centres[rng.integers(0, 6, n)]).astype(dtype)


def results(X, n_jobs, **parameters):
    weights = np.linspace(0.0, 2.0, len(X))
    model = BayesianGaussianMixture(
        n_components=64, max_iter=5, tol=0.0, random_state=0, n_jobs=n_jobs, **parameters
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, sample_weight=weights)
        model.partial_fit(X[:5000])
    found = {
        "trace": model.elbo_trace_,
        "means": model.means_,
        "covariances": model.covariances_,
        "proba": model.predict_proba(X),
        "labels": model.predict(X),
        "score": model.score_samples(X),
    }
    assert model._fitted.model.block_rows() < len(X) / 7  # a block for each thread
    return found


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_covariance_types(covariance_type, dtype):
    X = data(dtype)
    one = results(X, 1, covariance_type=covariance_type)
    for n_jobs in (2, 3, 7):
        several = results(X, n_jobs, covariance_type=covariance_type)
        for name, value in one.items():
            np.testing.assert_array_equal(several[name], value, err_msg=f"{name}, {n_jobs} threads")


@pytest.mark.parametrize("learning_method", ["online", "memoized"])
@pytest.mark.parametrize("init_params", ["k-means++", "random", "random_from_data"])
def test_learning_methods_and_starts(learning_method, init_params):
    X = data(np.float64)
    parameters = {"learning_method": learning_method, "init_params": init_params}
    one = results(X, 1, batch_size=4000, **parameters)
    for n_jobs in (2, 3, 7):
        several = results(X, n_jobs, batch_size=4000, **parameters)
        for name, value in one.items():
            np.testing.assert_array_equal(several[name], value, err_msg=f"{name}, {n_jobs} threads")

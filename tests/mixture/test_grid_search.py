"""Inside scikit-learn's tools: grid search with processes, pipelines, routing, fork."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
import sklearn
from joblib import parallel_backend
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vivace import BayesianGaussianMixture


def data(n=400):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) + 5.0 * rng.integers(0, 3, size=(n, 1))


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_grid_search(backend):
    X = data()
    search = GridSearchCV(
        BayesianGaussianMixture(random_state=0), {"n_components": [1, 3]}, n_jobs=2, cv=3
    )
    BayesianGaussianMixture(n_components=2).fit(X)  # threads were used before the fork
    with parallel_backend(backend):
        search.fit(X)
    assert search.best_params_ == {"n_components": 3}
    alone = cross_val_score(BayesianGaussianMixture(n_components=3, random_state=0), X, cv=3)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"][1], alone.mean())


def _fit(n_jobs):
    return BayesianGaussianMixture(n_components=3, random_state=0, n_jobs=n_jobs).fit(data())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork():
    expected = _fit(2).lower_bound_
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(_fit, (2,)).get(timeout=60)
    assert found.lower_bound_ == expected


def test_pipeline_with_weights_by_name():
    X, weights = data(), np.linspace(0.1, 2.0, 400)
    pipeline = make_pipeline(StandardScaler(), BayesianGaussianMixture(n_components=3))
    pipeline.fit(X, bayesiangaussianmixture__sample_weight=weights)
    assert pipeline.predict(X).shape == (400,)
    assert pipeline.transform(X).shape == (400, 3)


def test_metadata_routing():
    X, weights = data(), np.linspace(0.1, 2.0, 400)
    with sklearn.config_context(enable_metadata_routing=True):
        model = BayesianGaussianMixture(n_components=3, random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model.set_partial_fit_request(sample_weight=True)
        search = GridSearchCV(model, {"n_components": [3]}, cv=3).fit(X, sample_weight=weights)
        assert not hasattr(model, "set_fit_request") or "callbacks" not in str(
            model.get_metadata_routing()
        )
    direct = BayesianGaussianMixture(n_components=3, random_state=0).fit(X, sample_weight=weights)
    assert search.best_estimator_.lower_bound_ == direct.lower_bound_

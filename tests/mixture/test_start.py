"""Where fits start, how often, and how they end."""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture
from vivace.mixture import _start

INITS = ["kmeans", "k-means++", "random", "random_from_data"]


def data(n=600, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 8.0 * rng.normal(size=(3, d))[rng.integers(0, 3, n)]


def start_only(X, **parameters):
    parameters = {"n_components": 3, "random_state": 0, "max_iter": 0, **parameters}
    resp = parameters.pop("resp_init", None)
    return BayesianGaussianMixture(**parameters).fit(X, resp_init=resp)


@pytest.mark.parametrize("init_params", INITS)
def test_seeds(init_params):
    X = data()
    model = BayesianGaussianMixture(n_components=8, init_params=init_params)
    one, two, three = (model.set_params(random_state=s).fit(X).lower_bound_ for s in (0, 0, 1))
    assert one == two
    assert one != three
    shared = np.random.RandomState(0)
    model.set_params(random_state=shared)
    assert model.fit(X).lower_bound_ == one
    assert model.fit(X).lower_bound_ != one


@pytest.mark.parametrize("init_params", INITS)
def test_no_iterations_leave_the_start(init_params):
    model = start_only(data(), init_params=init_params)
    assert model.n_iter_ == 0
    assert model.elbo_trace_.shape == (0,)
    assert model.converged_ is False
    assert np.isfinite(model.lower_bound_)
    assert model.mean_precision_.sum() == pytest.approx(600 + 3)


def test_means_init_assigns_rows_to_the_nearest():
    X = data()
    centres = X[[0, 100, 200]]
    model = start_only(X, means_init=centres)
    z = X / X.std(axis=0)
    nearest = np.linalg.norm(z[:, None] - z[[0, 100, 200]], axis=2).argmin(axis=1)
    np.testing.assert_allclose(model.mean_precision_ - 1, np.bincount(nearest, minlength=3))


def test_resp_init_wins():
    X = data()
    resp = np.random.default_rng(0).dirichlet(np.ones(3), size=len(X))
    model = start_only(X, resp_init=resp, means_init=X[:3])
    np.testing.assert_allclose(model.mean_precision_ - 1, resp.sum(axis=0))
    single = start_only(X, resp_init=resp.astype(np.float32))
    np.testing.assert_allclose(single.mean_precision_ - 1, resp.sum(axis=0), rtol=1e-6)


def test_known_means_are_the_start():
    X = data()
    model = start_only(X, fixed_means=X[[0, 100, 200]])
    other = start_only(X, means_init=X[[0, 100, 200]])
    np.testing.assert_array_equal(model.weights_, other.weights_)


def test_several_initialisations_keep_the_best():
    X = data(300)
    parameters = {"n_components": 6, "init_params": "random_from_data"}
    shared = np.random.RandomState(0)
    single = BayesianGaussianMixture(**parameters, random_state=shared)
    bounds = [single.fit(X).lower_bound_ for _ in range(5)]
    best = BayesianGaussianMixture(**parameters, n_init=5, random_state=0).fit(X)
    assert len(set(bounds)) > 1
    assert best.lower_bound_ == max(bounds)
    assert best.elbo_trace_[-1] == best.lower_bound_


def test_a_given_start_is_not_repeated():
    X, runs = data(), []
    model = BayesianGaussianMixture(n_components=3, n_init=4, means_init=X[:3])
    model.fit(X, callbacks=lambda progress: runs.append(progress.n_iter) or False)
    assert runs.count(1) == 1


def test_large_data_start_from_a_sample(monkeypatch):
    monkeypatch.setattr(_start, "SAMPLE_ROWS", 300)
    monkeypatch.setattr(_start, "SAMPLE_ROWS_PER_COMPONENT", 1)
    seen = []
    in_z = _start._in_z
    monkeypatch.setattr(
        _start, "_in_z", lambda rows, at, model: seen.append(at) or in_z(rows, at, model)
    )
    X = data(5000)
    weights = np.ones(5000)
    weights[1::2] = 0.0
    model = BayesianGaussianMixture(n_components=3, random_state=0).fit(X)
    other = BayesianGaussianMixture(n_components=3, random_state=0).fit(X, sample_weight=weights)
    assert [len(at) for at in seen] == [300, 300]
    for at in seen:
        assert (np.diff(at) > 0).all()
    assert (seen[1] % 2 == 0).all()  # no row of weight zero
    np.testing.assert_array_equal(np.sort(model.means_.round()), np.sort(other.means_.round()))


def test_more_components_than_distinct_rows():
    X = np.repeat(data(4), 10, axis=0)
    model = BayesianGaussianMixture(n_components=8, random_state=0).fit(X)
    assert np.isfinite(model.lower_bound_)


def test_convergence_warning_has_figures_and_a_remedy():
    model = BayesianGaussianMixture(n_components=8, max_iter=3, random_state=0)
    with pytest.warns(match=r"did not converge in 3 iterations.*tol = 1e-08.*Raise max_iter"):
        model.fit(data())
    assert model.converged_ is False
    model.set_params(learning_method="online")
    with pytest.warns(match="in 3 passes"):
        model.fit(data())


@pytest.mark.parametrize("learning_method", ["online", "memoized"])
@pytest.mark.parametrize("batch_size", [None, 50, 10_000])
def test_learning_methods_find_the_batch_optimum(learning_method, batch_size):
    X = data(3000)
    batch = BayesianGaussianMixture(n_components=3, random_state=0).fit(X)
    other = BayesianGaussianMixture(
        n_components=3, random_state=0, learning_method=learning_method, batch_size=batch_size
    ).fit(X)
    assert other.converged_
    per_row = (batch.lower_bound_ - other.lower_bound_) / len(X)
    assert abs(per_row) < (1e-5 if learning_method == "memoized" else 2e-3)
    assert len(other.elbo_trace_) == other.n_iter_
    if learning_method == "memoized":
        assert (np.diff(other.elbo_trace_) >= -1e-9 * abs(other.lower_bound_)).all()


def test_memoized_with_one_batch_is_coordinate_ascent():
    X = data()
    parameters = {"n_components": 5, "random_state": 0}
    memoized = BayesianGaussianMixture(**parameters, learning_method="memoized", batch_size=600)
    batch = BayesianGaussianMixture(**parameters, acceleration=None)
    np.testing.assert_array_equal(memoized.fit(X).elbo_trace_, batch.fit(X).elbo_trace_)


def test_online_speaks_for_total_samples():
    X = data(1000)
    model = BayesianGaussianMixture(
        n_components=3, learning_method="online", batch_size=100, total_samples=50_000,
        learning_offset=1.0, random_state=0,
    ).fit(X)  # fmt: skip
    assert model.mean_precision_.sum() == pytest.approx(50_000 + 3, rel=0.01)

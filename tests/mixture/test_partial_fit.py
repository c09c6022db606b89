"""partial_fit: priors from the first batch, stochastic steps, totals."""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]


def data(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return rng.normal(size=(n, 2)) + centres[rng.integers(0, 3, n)]


def explicit(covariance_type="full"):
    scale = {"full": 4 * np.eye(2), "tied": 4 * np.eye(2), "diag": [4.0, 4.0], "tied_diag": [4, 4]}
    return {
        "covariance_type": covariance_type,
        "mean_prior": [2.0, 2.0],
        "covariance_prior": scale.get(covariance_type, 4.0),
    }


@pytest.mark.parametrize("covariance_type", TYPES)
def test_batches_lead_to_the_batch_fit(covariance_type):
    X = data()
    parameters = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    batch = BayesianGaussianMixture(**parameters).fit(X)
    online = BayesianGaussianMixture(**parameters, total_samples=len(X), learning_offset=1.0)
    for _ in range(10):
        for start in range(0, len(X), 200):
            online.partial_fit(X[start : start + 200])
    np.testing.assert_array_equal(np.sort(batch.means_[:, 0]).round(0), [0, 0, 8])
    order = [np.linalg.norm(online.means_ - mean, axis=1).argmin() for mean in batch.means_]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(online.means_[order], batch.means_, atol=0.1)
    np.testing.assert_allclose(online.weights_[order], batch.weights_, atol=0.02)
    assert online.mean_precision_.sum() == pytest.approx(2000 + 3)
    assert online.n_iter_ == len(online.elbo_trace_) == 100
    assert online.converged_ is False
    assert online.lower_bound_ == pytest.approx(batch.lower_bound_, rel=0.02)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_rate_one_on_all_rows_is_one_batch_step(covariance_type):
    X = data(300)
    parameters = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    batch = BayesianGaussianMixture(**parameters, max_iter=1)
    with pytest.warns(match="did not converge"):
        batch.fit(X)
    online = BayesianGaussianMixture(**parameters, learning_offset=1.0).partial_fit(X)
    np.testing.assert_allclose(online.means_, batch.means_, rtol=1e-12)
    np.testing.assert_allclose(online.covariances_, batch.covariances_, rtol=1e-12)
    assert online.lower_bound_ == pytest.approx(batch.lower_bound_, rel=1e-12)


def test_rows_seen_so_far_scale_the_statistics():
    X = data(600)
    model = BayesianGaussianMixture(n_components=3, random_state=0)
    for stop, weight in [(200, 1.0), (400, 2.0), (600, 0.5)]:
        model.partial_fit(X[stop - 200 : stop], sample_weight=np.full(200, weight))
    assert model.mean_precision_.sum() == pytest.approx(200 + 400 + 100 + 3)
    model.set_params(total_samples=5000).partial_fit(X[:100])
    assert model.mean_precision_.sum() == pytest.approx(5000 + 3)


def test_weights_are_copies():
    X, weights = data(100), np.arange(100) % 3
    parameters = {"n_components": 3, "random_state": 0}
    weighted = BayesianGaussianMixture(**parameters).partial_fit(X, sample_weight=weights)
    copied = BayesianGaussianMixture(**parameters).partial_fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(weighted.means_, copied.means_, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_explicit_priors_make_the_cut_irrelevant(covariance_type):
    """Coordinates and ridge come from the priors, so even a single row will do to begin with."""
    X = data(200)
    starts = {"n_components": 3, "means_init": [[0, 0], [8, 0], [0, 8]]}
    one = BayesianGaussianMixture(**starts, **explicit(covariance_type)).partial_fit(X[:1])
    all_ = BayesianGaussianMixture(**starts, **explicit(covariance_type)).partial_fit(X)
    for name in ("mean_prior_", "covariance_prior_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(all_, name))
    np.testing.assert_array_equal(one._fitted.model.scaling.scale, all_._fitted.model.scaling.scale)
    np.testing.assert_array_equal(one._fitted.prior.ridge, all_._fitted.prior.ridge)
    for row in X[1:50]:
        one.partial_fit(row[None])
    assert np.isfinite(one.score_samples(X)).all()


def test_first_batch_too_small_for_default_priors():
    with pytest.raises(ValueError, match=r"mean_prior and covariance_prior.*n_samples=2"):
        BayesianGaussianMixture().partial_fit(data(2))


def test_first_batch_too_small_for_the_start():
    model = BayesianGaussianMixture(n_components=5, **explicit())
    with pytest.raises(ValueError, match=r"n_components=5 starting means.*means_init"):
        model.partial_fit(data(4))
    model.set_params(init_params="random").partial_fit(data(1))


def test_fit_afterwards_starts_afresh():
    X = data(500)
    fresh = BayesianGaussianMixture(n_components=3, random_state=0).fit(X)
    for warm_start in (False, True):
        model = BayesianGaussianMixture(n_components=3, random_state=0, warm_start=warm_start)
        model.partial_fit(100.0 + data(50)).fit(X)
        assert model.lower_bound_ == fresh.lower_bound_
        np.testing.assert_array_equal(model.means_, fresh.means_)


def test_goes_on_after_fit():
    X = data(1000)
    model = BayesianGaussianMixture(n_components=3, random_state=0).fit(X)
    means, n_iter = model.means_.copy(), model.n_iter_
    model.partial_fit(X[:100])
    assert model.n_iter_ == n_iter + 1
    assert model._fitted.fit.step == 11  # 1000 rows are 10 batches of 100
    assert model.mean_precision_.sum() == pytest.approx(1100 + 3)
    np.testing.assert_allclose(model.means_, means, atol=0.1)


def test_what_must_not_change():
    X = data(100)
    model = BayesianGaussianMixture(n_components=3).partial_fit(X)
    with pytest.raises(ValueError, match="must not change"):
        model.set_params(n_components=4).partial_fit(X)
    with pytest.raises(ValueError, match="2 features"):
        model.set_params(n_components=3).partial_fit(np.ones((10, 3)))
    with pytest.raises(ValueError, match="non-zero weight"):
        model.partial_fit(X, sample_weight=np.zeros(100))


def test_a_failed_call_leaves_the_model_as_it_was():
    X = data(100)
    model = BayesianGaussianMixture(n_components=3, random_state=0).partial_fit(X)
    before = model.predict_proba(X)
    bad = X.copy()
    bad[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(bad)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.n_iter_ == 1


def test_float32_batches_of_one_row_are_not_checked_for_spread():
    X = (1e5 + data(400)).astype(np.float32)
    model = BayesianGaussianMixture(n_components=3, random_state=0).partial_fit(X)
    model.partial_fit(X[:1])
    assert model.means_.dtype == np.float32


@pytest.mark.parametrize(("priors", "offset"), [({}, 3e6), (explicit(), 1e6)])
def test_batches_that_fixed_coordinates_cannot_hold(priors, offset):
    """Priors at the origin and data at 1e8: refused, never a silently wrong covariance."""
    model = BayesianGaussianMixture(random_state=0, **priors).partial_fit(data(100))
    with pytest.raises(ValueError, match=r"Column 0 of this batch.*lost to rounding"):
        model.partial_fit(1e8 + data(100))
    with pytest.raises(ValueError, match=r"Column 0 of X is float32 and too coarse"):
        model.partial_fit((offset + data(100)).astype(np.float32))
    first = BayesianGaussianMixture(random_state=0, **explicit())
    with pytest.raises(ValueError, match="this batch"):
        first.partial_fit(1e8 + data(100))


@pytest.mark.parametrize("covariance_type", TYPES)
def test_far_from_the_origin(covariance_type):
    X = data(400)
    near, far = (BayesianGaussianMixture(n_components=3, covariance_type=covariance_type,
                                         random_state=0) for _ in range(2))  # fmt: skip
    for start in range(0, 400, 100):
        near.partial_fit(X[start : start + 100])
        far.partial_fit(1e8 + X[start : start + 100])
    np.testing.assert_allclose(far.covariances_, near.covariances_, rtol=1e-6, atol=1e-6)

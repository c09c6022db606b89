"""Float32 maps far from convergence: same answers, exact bounds, same bits for any threads."""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture
from vivace.engine import ArraySource, Layout, ThreadExecutor, expectation

N = 24_000


def data(apart=4.0, dtype=np.float64):
    rng = np.random.default_rng(3)
    means = apart * rng.normal(size=(5, 3))
    return (means[rng.integers(5, size=N)] + rng.normal(size=(N, 3))).astype(dtype)


def fit(X, **more):
    return BayesianGaussianMixture(n_components=5, random_state=0, **more).fit(X)


def count_drafts(monkeypatch):
    from vivace.models.mixture import MixtureModel

    made = []
    original = MixtureModel.prepare_draft

    def counted(self, posterior):
        prepared = original(self, posterior)
        made.append(prepared is not None)
        return prepared

    monkeypatch.setattr(MixtureModel, "prepare_draft", counted)
    return made


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_fit_with_drafts_ends_where_one_without_does(covariance_type, monkeypatch):
    made = count_drafts(monkeypatch)
    X = data()
    drafted = fit(X, covariance_type=covariance_type)
    assert any(made)
    plain = fit(X, covariance_type=covariance_type, acceleration=None)
    assert drafted.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-6 * N)
    np.testing.assert_allclose(drafted.means_, plain.means_, atol=1e-3)
    assert (np.diff(drafted.lower_bounds_) >= -1e-9 * abs(drafted.lower_bound_)).all()


def test_the_bound_is_that_of_accurate_responsibilities():
    X = data()
    with pytest.warns(UserWarning, match="did not converge"):
        model = fit(X, max_iter=2)
    fitted = model._fitted
    layout = Layout(N, None, fitted.model.block_rows())
    posterior = fitted.fit.posterior
    exact = expectation(fitted.model, ArraySource(X), layout, ThreadExecutor(1), posterior)
    assert model.lower_bound_ == fitted.model.elbo(posterior, exact)


def test_threads_do_not_change_a_bit():
    X = data()
    one, three = (fit(X, n_jobs=n) for n in (1, 3))
    np.testing.assert_array_equal(one.means_, three.means_)
    np.testing.assert_array_equal(one.lower_bounds_, three.lower_bounds_)


def test_no_drafts_where_float32_is_no_quicker_or_not_good_enough(monkeypatch):
    made = count_drafts(monkeypatch)
    fit(data(dtype=np.float32))
    assert made == [False]
    monkeypatch.setattr("vivace.models.mixture.SINGLE_TOLERANCE", 0.0)
    fit(data())
    assert made == [False, False]


def test_an_offset_costs_no_accuracy():
    X = data()
    there = fit(X + 1e6)
    np.testing.assert_allclose(there.covariances_, fit(X).covariances_, rtol=1e-5, atol=1e-6)

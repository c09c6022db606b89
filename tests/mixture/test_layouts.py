"""Memory maps, strides, orders and number types: the same bits as their C-ordered copy."""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture


def two_clusters(n=200, d=2, gap=6.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[n // 2 :, 0] += gap
    return X


def fitted(X, sample_weight=None, **parameters):
    parameters = {"n_components": 2, "random_state": 0, **parameters}
    return BayesianGaussianMixture(**parameters).fit(X, sample_weight=sample_weight)


def _memmap(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def _strided(X, tmp_path):
    wide = np.full((2 * len(X), 3 * X.shape[1]), np.nan, dtype=X.dtype)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def _read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


def _reversed(X, tmp_path):
    return X[::-1].copy()[::-1]


def _fortran(X, tmp_path):
    return np.asfortranarray(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("covariance_type", ["full", "tied_diag"])
@pytest.mark.parametrize("layout", [_memmap, _strided, _read_only, _reversed, _fortran])
def test_memory_layouts_give_the_same_bits(layout, covariance_type, dtype, tmp_path):
    X = two_clusters(5000, d=3).astype(dtype)
    other = layout(X, tmp_path)
    weights = np.linspace(0.5, 2.0, len(X))
    parameters = {"covariance_type": covariance_type, "sample_weight": weights}
    expected, got = fitted(X, **parameters), fitted(other, **parameters)
    assert got.lower_bound_ == expected.lower_bound_
    np.testing.assert_array_equal(got.covariances_, expected.covariances_)
    np.testing.assert_array_equal(got.predict_proba(other), expected.predict_proba(X))
    np.testing.assert_array_equal(got.score_samples(other), expected.score_samples(X))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, ">f8", np.float16])
def test_other_number_types_are_float64(dtype):
    X = np.round(two_clusters(gap=40.0) * 3 + 10).clip(0, 200).astype(dtype)
    exact = X.astype(np.float64)
    got, expected = fitted(X), fitted(exact)
    assert got.lower_bound_ == expected.lower_bound_
    np.testing.assert_array_equal(got.predict_proba(X), expected.predict_proba(exact))

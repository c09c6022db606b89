"""Input that is wrong, degenerate or awkward: an error that helps, or the right answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils._param_validation import InvalidParameterError

from vivace import BayesianGaussianMixture, BayesianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]


def two_clusters(n=200, d=2, gap=6.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[n // 2 :, 0] += gap
    return X


def fitted(X, **parameters):
    weights = parameters.pop("sample_weight", None)
    parameters = {"n_components": 2, "random_state": 0, **parameters}
    return BayesianGaussianMixture(**parameters).fit(X, sample_weight=weights)


# ---------------------------------------------------------------- errors that name the fault


@pytest.mark.parametrize(("value", "message"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "inf")])
def test_not_finite(value, message):
    X = two_clusters()
    model = fitted(X)
    X[17, 1] = value
    for call in (model.fit, model.predict, model.score_samples, model.partial_fit):
        with pytest.raises(ValueError, match=rf"{message}(.|\n)*row 17, column 1"):
            call(X)


def test_first_value_not_finite():
    X = two_clusters()
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="row 0, column 0"):
        fitted(X)


def test_fewer_rows_than_components():
    with pytest.raises(ValueError, match=r"n_samples >= n_components.*n_components = 6"):
        fitted(two_clusters(4), n_components=6)


def test_fewer_weighted_rows_than_components():
    weights = np.zeros(200)
    weights[:3] = 1.0
    with pytest.raises(ValueError, match=r"n_samples = 3 \(197 of weight zero left out\)"):
        fitted(two_clusters(), n_components=4, sample_weight=weights)


def test_one_row():
    with pytest.raises(ValueError, match=r"1 sample\(s\)"):
        fitted(np.ones((1, 3)), n_components=1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_whose_squares_overflow(dtype):
    X = two_clusters().astype(dtype)
    model = fitted(X)
    X = X.astype(np.float64)
    X[3, 1] = 1e200
    for call in (model.fit, model.predict, model.predict_proba, model.partial_fit):
        with pytest.raises(ValueError, match=r"1e\+200 in column 1.*overflow"):
            call(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_too_far_from_the_fitted_data(dtype):
    model = fitted((1e-30 * two_clusters()).astype(dtype))
    far = np.array([[0.0, 1e120]])
    for call in (model.predict, model.predict_proba, model.score_samples):
        with pytest.raises(ValueError, match=r"standard deviations away.*overflow"):
            call(far)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_far_float32_rows_are_judged_in_float64(covariance_type):
    """Their scores are sums of huge terms that cancel."""
    X = two_clusters(400)
    far = np.array([[1e4, -1e4], [-3e5, 1e5], [300.0, 0.0], [1e30, 1e30]], dtype=np.float32)
    single = fitted(X.astype(np.float32), covariance_type=covariance_type)
    double = fitted(X.astype(np.float32).astype(np.float64), covariance_type=covariance_type)
    resp = single.predict_proba(far)
    np.testing.assert_allclose(resp.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(resp.argmax(axis=1), double.predict(far.astype(np.float64)))
    np.testing.assert_allclose(
        single.score_samples(far), double.score_samples(far.astype(np.float64)), rtol=1e-3
    )


def test_weights_times_squares_overflow():
    with pytest.raises(ValueError, match="overflow"):
        fitted(1e140 * two_clusters(), sample_weight=np.full(200, 1e100))
    with pytest.raises(ValueError, match="overflow"):
        fitted(two_clusters(), sample_weight=np.full(200, 1e307))


def test_spread_whose_square_underflows():
    with pytest.raises(ValueError, match="underflow"):
        fitted(two_clusters() * 1e-170)


@pytest.mark.parametrize("weights", [[-1.0] + [1.0] * 199, np.full(200, -1e-300)])
def test_negative_weights(weights):
    with pytest.raises(ValueError, match=r"negative.*row 0"):
        fitted(two_clusters(), sample_weight=weights)


def test_weights_all_zero():
    with pytest.raises(ValueError, match="non-zero weight"):
        fitted(two_clusters(), sample_weight=np.zeros(200))


def test_weights_of_another_length():
    with pytest.raises(ValueError, match=r"shape \(200,\), got \(199,\)"):
        fitted(two_clusters(), sample_weight=np.ones(199))


def test_wrong_number_of_columns():
    with pytest.raises(ValueError, match=r"3 features.*2 features"):
        fitted(two_clusters()).predict(np.ones((4, 3)))


def test_strings():
    with pytest.raises(ValueError, match="could not convert string"):
        fitted(np.array([["a", "b"], ["c", "d"]]))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse(container):
    with pytest.raises(TypeError, match="dense data is required"):
        fitted(container(two_clusters()))


@pytest.mark.parametrize("shape", [(0, 3), (12, 0)])
def test_empty(shape):
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        fitted(np.empty(shape))


@pytest.mark.parametrize("estimator", [BayesianGaussianMixture, BayesianMixture])
@pytest.mark.parametrize(
    "name",
    ["n_components", "max_iter", "n_init", "batch_size", "n_jobs", "n_iter_no_change", "tol"],
)
def test_true_and_false_are_no_numbers(estimator, name):
    for value in (True, False):
        model = estimator(**{"n_components": 2, name: value})
        with pytest.raises(InvalidParameterError, match=rf"'{name}' parameter .* Got {value}"):
            model.fit(two_clusters())


@pytest.mark.parametrize("n_components", [0, -1, 1.5, "2", None])
def test_number_of_components(n_components):
    with pytest.raises(ValueError, match="'n_components' parameter"):
        fitted(two_clusters(), n_components=n_components)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"means_init": np.zeros((3, 2))}, r"means_init must have shape \(2, 2\)"),
        ({"mean_prior": [0.0]}, r"mean_prior must have shape \(2,\)"),
        ({"covariance_prior": np.eye(3)}, r"covariance_prior must have shape \(2, 2\)"),
        ({"covariance_prior": 2.0}, r"covariance_prior must have shape \(2, 2\).*got \(\)"),
        ({"covariance_prior": [[1.0, 2.0], [0.0, 1.0]]}, "symmetric"),
        ({"covariance_prior": [[1.0, 2.0], [2.0, 1.0]]}, "positive definite"),
        ({"covariance_type": "diag", "covariance_prior": [1.0, 0.0]}, "positive everywhere"),
        ({"fixed_means": np.zeros((2, 3))}, r"fixed_means must have shape \(2, 2\)"),
        ({"fixed_covariances": np.eye(2)}, r"fixed_covariances must have shape \(2, 2, 2\)"),
        ({"degrees_of_freedom_prior": 1.0}, "greater than 1, but got 1.000"),
        ({"mean_prior": [np.nan, 0.0]}, "NaN"),
    ],
)
def test_bad_priors(parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(two_clusters(), **parameters)


@pytest.mark.parametrize(
    ("resp", "message"),
    [
        (np.full((200, 3), 1 / 3), r"shape \(200, 2\)"),
        (np.full((200, 2), 0.4), "row 0 sums to 0.8"),
        (np.tile([1.5, -0.5], (200, 1)), "negative"),
    ],
)
def test_bad_responsibilities(resp, message):
    with pytest.raises(ValueError, match=message):
        BayesianGaussianMixture(n_components=2).fit(two_clusters(), resp_init=resp)


def test_callbacks_must_be_callable():
    with pytest.raises(TypeError, match="callbacks must be"):
        BayesianGaussianMixture().fit(two_clusters(), callbacks=[3])


def test_singular_prior_without_ridge():
    X = two_clusters()
    X[:, 1] = 3.0
    with pytest.raises(ValueError, match=r"singular.*reg_covar"):
        fitted(X, reg_covar=0.0)


# ---------------------------------------------------------------- degenerate, with an answer


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("extra", ["constant", "duplicated"])
def test_columns_without_information_change_nothing(covariance_type, extra):
    X = two_clusters(d=2)
    column = np.full(len(X), 1e4 / 3) if extra == "constant" else X[:, 0]
    plain = fitted(X, covariance_type=covariance_type)
    more = fitted(np.column_stack([X, column]), covariance_type=covariance_type)
    assert np.isfinite(more.lower_bound_)
    assert np.isfinite(more.covariances_).all()
    assert (more.predict(np.column_stack([X, column])) == plain.predict(X)).mean() > 0.99


@pytest.mark.parametrize("covariance_type", TYPES)
def test_all_rows_alike(covariance_type):
    X = np.tile([1e5 / 3, -7.0], (30, 1))
    model = fitted(X, n_components=3, covariance_type=covariance_type)
    np.testing.assert_allclose(model.means_, X[:3], rtol=1e-12)
    assert np.isfinite(model.lower_bound_)
    assert np.isfinite(model.score_samples(X)).all()
    assert (model.predict(X) == model.predict(X)[0]).all()


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize(("offset", "spread"), [(1e8, 1.0), (1e6, 0.01)])
def test_far_from_the_origin(covariance_type, offset, spread):
    X = spread * two_clusters(400)
    near = fitted(X, covariance_type=covariance_type)
    far = fitted(offset + X, covariance_type=covariance_type)
    # what rounding to float64 at the offset does to the data, and some more
    step = np.spacing(offset) / spread
    np.testing.assert_allclose(far.means_ - offset, near.means_, atol=50 * step * spread)
    np.testing.assert_allclose(
        far.covariances_, near.covariances_, rtol=1e-6, atol=1e-6 * spread**2
    )
    np.testing.assert_allclose(far.lower_bound_, near.lower_bound_, rtol=1e-6)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize(("offset", "spread"), [(1e8, 1.0), (1e6, 0.01), (1e4, 1.0), (100, 1.0)])
def test_float32_is_right_or_refused(covariance_type, offset, spread):
    X = offset + spread * two_clusters(400)
    exact = fitted(X, covariance_type=covariance_type)
    if np.spacing(np.float32(offset)) > 0.03 * spread:
        with pytest.raises(ValueError, match=r"Column \d of X is float32.*float64"):
            fitted(X.astype(np.float32), covariance_type=covariance_type)
        return
    single = fitted(X.astype(np.float32), covariance_type=covariance_type)
    assert single.covariances_.dtype == np.float32
    np.testing.assert_allclose(single.covariances_, exact.covariances_, rtol=2e-3, atol=2e-3)


def test_constant_float32_column_at_a_large_offset():
    X = two_clusters().astype(np.float32)
    X[:, 1] = 70_000.0
    with pytest.raises(ValueError, match=r"Column 1 of X is float32.*constant"):
        fitted(X)
    X[:, 1] = 60_000.0
    fitted(X)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_small_units_keep_the_structure(covariance_type):
    X = two_clusters()
    model = fitted(X, covariance_type=covariance_type)
    small = fitted(1e-6 * X, covariance_type=covariance_type)
    np.testing.assert_allclose(small.covariances_, 1e-12 * model.covariances_, rtol=1e-6)
    np.testing.assert_array_equal(small.predict(1e-6 * X), model.predict(X))


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_clusters_far_apart(covariance_type, dtype):
    X = two_clusters(400, gap=1e5).astype(dtype)
    halves = X[:200].astype(np.float64), X[200:].astype(np.float64)
    prior = _unit(covariance_type)
    model = fitted(X, covariance_type=covariance_type, covariance_prior=prior)
    first = model.predict(X[:1])[0]
    np.testing.assert_array_equal(np.bincount(model.predict(X)), [200, 200])
    pull = np.zeros((2, 2))
    scatter = []
    for half in halves:
        gap = half.mean(axis=0) - model.mean_prior_
        pull = 200 / 201 * np.outer(gap, gap)
        own = half - half.mean(axis=0)
        scatter.append(own.T @ own + pull)
    total = sum(scatter) if covariance_type.startswith("tied") else scatter[0]
    dof = 2 + (400 if covariance_type.startswith("tied") else 200)
    expected = (np.eye(2) * (1.0 + 1e-6 * X.var(axis=0, ddof=1, dtype=float)) + total) / dof
    if "diag" in covariance_type:
        expected = np.diag(expected)
    if "spherical" in covariance_type:
        expected = np.trace(expected) / 2
    got = model.covariances_ if covariance_type.startswith("tied") else model.covariances_[first]
    # what does not lie along the gap is 1e-7 of what does: it must be right all the same
    tolerance = 1e-5 if dtype == np.float64 else 2e-3
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def _unit(covariance_type):
    if covariance_type in ("full", "tied"):
        return np.eye(2)
    return 1.0 if "spherical" in covariance_type else np.ones(2)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random_from_data"])
def test_rows_of_weight_zero_are_absent(covariance_type, init_params):
    X = two_clusters()
    present = np.ones(len(X))
    present[5::3] = 0.0
    rows = X.copy()
    rows[5::3] = [1e6, -1e6]
    parameters = {"covariance_type": covariance_type, "init_params": init_params}
    absent = fitted(X[present > 0], **parameters)
    zero = fitted(rows, sample_weight=present, **parameters)
    np.testing.assert_allclose(zero.lower_bound_, absent.lower_bound_, rtol=1e-9)
    np.testing.assert_allclose(zero.means_, absent.means_, rtol=1e-6, atol=1e-6)


def test_a_column_that_varies_in_absent_rows_only_is_constant():
    X = two_clusters()
    X[:, 1] = 2.0
    X[0, 1] = 5.0
    weights = np.ones(200)
    weights[0] = 0.0
    model = fitted(X, sample_weight=weights)
    assert model.covariance_prior_[1, 1] == 0.0


@pytest.mark.parametrize("total", [1.0, 0.3])
def test_weights_that_sum_to_one_or_less(total):
    X = two_clusters()
    weights = np.full(200, total / 200)
    with pytest.warns(UserWarning, match=r"sums to .*Weights count rows"):
        model = fitted(X, sample_weight=weights)
    # W / 2 takes the place of W - 1
    np.testing.assert_allclose(model.covariance_prior_, 2.0 * np.cov(X.T, ddof=0))
    assert np.isfinite(model.lower_bound_)
    np.testing.assert_allclose(model.mean_precision_.sum() - 2.0, total)


def test_components_starve():
    X = two_clusters(600, gap=20.0)
    model = fitted(X, n_components=12)
    assert 2 <= model.n_effective_components_ < 12
    pruned = model.prune()
    assert pruned.n_components == model.n_effective_components_
    assert np.isfinite(pruned.lower_bound_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_text_is_found(dtype):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(20, dtype=dtype), "town": ["1"] * 20})
    frame.loc[7, "town"] = "Rome"
    with pytest.raises(ValueError, match=r"'town', row 7: expected a number, got 'Rome'"):
        BayesianGaussianMixture().fit(frame)
    with pytest.raises(ValueError, match="column 1, row 1: expected a number, got 'c'"):
        BayesianGaussianMixture().fit(np.array([["1", "2"], ["3", "c"]], dtype=object))


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_the_weight_to_blame_is_named(value, name):
    weights = np.ones(20)
    weights[[7, 9]] = value
    with pytest.raises(ValueError, match=rf"sample_weight contains {name}: the first is for row 7"):
        BayesianGaussianMixture().fit(np.ones((20, 2)), sample_weight=weights)

"""Fitted attributes: shapes, types, meaning, and the bound against the slow reference."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from sklearn.mixture import BayesianGaussianMixture as Sklearn

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution", "pitman_yor"]
K, D = 3, 2


def data(n=150, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [4.0, 1.0], [0.0, 5.0]])
    return [10.0, -3.0] + [2.0, 0.5] * (centres[rng.integers(0, 3, n)] + rng.normal(size=(n, D)))


def resp(n, k=K, seed=1):
    return np.random.default_rng(seed).dirichlet(np.ones(k), size=n)


def shapes(covariance_type):
    return {
        "full": (K, D, D),
        "tied": (D, D),
        "diag": (K, D),
        "spherical": (K,),
        "tied_diag": (D,),
        "tied_spherical": (),
    }[covariance_type]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_shapes_and_types(covariance_type, prior_type, dtype):
    X = data().astype(dtype)
    model = BayesianGaussianMixture(
        n_components=K,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        random_state=0,
    ).fit(X)
    expected = {
        "weights_": (K,),
        "means_": (K, D),
        "covariances_": shapes(covariance_type),
        "precisions_": shapes(covariance_type),
        "precisions_cholesky_": shapes(covariance_type),
        "mean_precision_": (K,),
        "degrees_of_freedom_": (K,),
    }
    for name, shape in expected.items():
        value = getattr(model, name)
        assert np.shape(value) == shape, name
        assert np.asarray(value).dtype == dtype, name
    concentration = model.weight_concentration_
    for part in concentration if isinstance(concentration, tuple) else [concentration]:
        assert part.shape == (K,)
        assert part.dtype == dtype
    assert isinstance(model.lower_bound_, float)
    assert isinstance(model.converged_, bool)
    assert isinstance(model.n_iter_, int)
    assert isinstance(model.n_effective_components_, int)
    assert len(model.elbo_trace_) == model.n_iter_
    np.testing.assert_array_equal(model.elbo_trace_, model.lower_bounds_)
    assert model.elbo_trace_[-1] == model.lower_bound_
    assert model.predict_proba(X).dtype == dtype
    assert model.transform(X).dtype == dtype
    assert model.score_samples(X).dtype == np.float64
    assert 0.0 <= model.leftover_weight_ < 0.1
    assert (model.leftover_weight_ == 0.0) == (prior_type == "dirichlet_distribution")


def reference_prior(model):
    """The prior with its ridge, for the reference, which works in the data's units."""
    ridge, kind = model._fitted.prior.ridge, model.covariance_type
    scale = model.covariance_prior_
    if kind in ("full", "tied"):
        scale = scale + np.diag(ridge)
    else:
        scale = scale + (ridge.mean() if "spherical" in kind else ridge)
    return naive.Prior(
        kind,
        model.mean_prior_,
        model.mean_precision_prior_,
        model.degrees_of_freedom_prior_,
        scale,
    )


def reference_weights(model):
    kind = model.weight_concentration_prior_type
    if kind == "dirichlet_distribution":
        return naive.Weights("dirichlet", model.weight_concentration_prior_)
    discount = model.discount if kind == "pitman_yor" else 0.0
    return naive.Weights("sticks", model.weight_concentration_prior_, discount)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_trace_is_the_complete_bound(covariance_type, prior_type, weighted):
    X, start = data(60), resp(60)
    weights = np.random.default_rng(2).uniform(0, 2, 60) if weighted else None
    model = BayesianGaussianMixture(
        n_components=K,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        acceleration=None,
        max_iter=4,
        tol=0.0,
        reg_covar=1e-3,
    )
    with pytest.warns(match="did not converge"):
        model.fit(X, sample_weight=weights, resp_init=start)
    trace, last = naive.fit(X, start, reference_prior(model), reference_weights(model), 4, weights)
    np.testing.assert_allclose(model.elbo_trace_, trace, rtol=1e-10)
    posterior = naive.update(
        X, last if weights is None else weights[:, None] * last, reference_prior(model)
    )
    np.testing.assert_allclose(model.means_, posterior.means, rtol=1e-8)
    np.testing.assert_allclose(model.degrees_of_freedom_, posterior.dof, rtol=1e-10)
    expected = naive.matrices(model.covariances_, covariance_type, K, D)
    np.testing.assert_allclose(expected, posterior.scale / posterior.dof[:, None, None], rtol=1e-8)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_precisions_invert_covariances(covariance_type):
    model = BayesianGaussianMixture(
        n_components=K, covariance_type=covariance_type, random_state=0
    ).fit(data())
    covariances = naive.matrices(model.covariances_, covariance_type, K, D)
    precisions = naive.matrices(model.precisions_, covariance_type, K, D)
    factors = naive.matrices(model.precisions_cholesky_, covariance_type, K, D)
    np.testing.assert_allclose(covariances @ precisions, np.tile(np.eye(D), (K, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(factors @ factors.transpose(0, 2, 1), precisions, rtol=1e-12)
    assert (np.tril(factors[0], -1) == 0).all()


@pytest.mark.parametrize("prior_type", PRIORS[:2])
def test_trajectory_is_scikit_learns_for_full(prior_type):
    """Same start, no ridge: the same parameters, and the same bound up to a constant."""
    X = data(80)
    parameters = {
        "n_components": K,
        "weight_concentration_prior_type": prior_type,
        "reg_covar": 0.0,
        "tol": 0.0,
        "max_iter": 7,
    }
    theirs = Sklearn(**parameters, init_params="random", random_state=3)
    start = np.random.RandomState(3).uniform(size=(80, K))
    start /= start.sum(axis=1)[:, None]
    ours = BayesianGaussianMixture(**parameters, acceleration=None)
    with pytest.warns(match="did not converge"):
        theirs.fit(X)
    with pytest.warns(match="did not converge"):
        ours.fit(X, resp_init=start)
    # scikit-learn before 1.7 keeps the last bound only
    bounds = np.atleast_1d(getattr(theirs, "lower_bounds_", theirs.lower_bound_))
    gap = np.asarray(ours.lower_bounds_)[-len(bounds) :] - bounds
    np.testing.assert_allclose(gap, gap[0], rtol=1e-10)
    for name in ["weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_",
                 "mean_precision_", "degrees_of_freedom_", "weight_concentration_"]:  # fmt: skip
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-9)


def test_priors_are_shown_without_the_ridge():
    X = data()
    for ridge in (0.0, 0.1):
        model = BayesianGaussianMixture(reg_covar=ridge, covariance_type="diag").fit(X)
        np.testing.assert_allclose(model.covariance_prior_, X.var(axis=0, ddof=1))


def test_changing_an_attribute_does_not_change_the_model():
    X = data()
    model = BayesianGaussianMixture(n_components=K, random_state=0).fit(X)
    before = model.predict_proba(X)
    model.means_[:] = 0.0
    model.covariances_[:] = 0.0
    np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("known", ["means", "covariances", "both"])
def test_known_parts_stay_known(covariance_type, known):
    X, start = data(60), resp(60)
    free = BayesianGaussianMixture(
        n_components=K, covariance_type=covariance_type, random_state=0
    ).fit(X)
    given = {}
    if known != "covariances":
        given["fixed_means"] = free.means_ + 0.1
    if known != "means":
        given["fixed_covariances"] = free.covariances_
    model = BayesianGaussianMixture(
        n_components=K, covariance_type=covariance_type, acceleration=None, max_iter=3, **given
    )
    with pytest.warns(match="did not converge"):
        model.fit(X, resp_init=start)
    prior = reference_prior(model)
    prior.fixed_means = given.get("fixed_means")
    prior.fixed_covariances = given.get("fixed_covariances")
    trace, _ = naive.fit(X, start, prior, reference_weights(model), 3)
    np.testing.assert_allclose(model.elbo_trace_, trace, rtol=1e-9)
    if known != "covariances":
        np.testing.assert_allclose(model.means_, given["fixed_means"], rtol=1e-12)
        assert np.isinf(model.mean_precision_).all()
    if known != "means":
        np.testing.assert_allclose(model.covariances_, given["fixed_covariances"], rtol=1e-12)
        assert np.isinf(model.degrees_of_freedom_).all()
    intervals = model.credible_interval()
    if known != "covariances":
        np.testing.assert_allclose(intervals.means[0], intervals.means[1], rtol=1e-12)


def test_feature_names_out_and_set_output():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(data(), columns=["a", "b"])
    model = BayesianGaussianMixture(n_components=K, random_state=0).set_output(transform="pandas")
    table = model.fit_transform(X)
    assert list(table.columns) == [f"bayesiangaussianmixture{k}" for k in range(K)]
    assert list(model.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(table.to_numpy(), model.predict_proba(X))
    assert list(model.transform(X).columns) == list(table.columns)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_keep_single_precision(library):
    module = pytest.importorskip(library)
    X = data().astype(np.float32)
    columns = {"a": X[:, 0], "b": X[:, 1]}
    frame = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
    expected, found = (
        BayesianGaussianMixture(n_components=K, random_state=0).fit(given) for given in (X, frame)
    )
    assert found.means_.dtype == np.float32
    assert found.lower_bound_ == expected.lower_bound_
    np.testing.assert_array_equal(found.predict_proba(frame), expected.predict_proba(X))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library):
    frames = pytest.importorskip(library)
    X = data()
    model = BayesianGaussianMixture(n_components=K, random_state=0)
    expected = model.fit(X).lower_bound_
    frame = frames.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    assert model.fit(frame).lower_bound_ == expected
    np.testing.assert_array_equal(model.predict(frame), model.fit_predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename({"a": "c"}) if library == "polars" else frame[["b", "a"]])

"""Saving, loading, pickling, cloning: the same bits come back."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

import vivace
from vivace import BayesianGaussianMixture
from vivace.io.model_file import ModelFileError

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution", "pitman_yor"]


def data(n=300):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) + 4.0 * rng.integers(0, 2, size=(n, 1))


def by_file(model, tmp_path):
    model.save(tmp_path / "model.vivace")
    return vivace.load(tmp_path / "model.vivace")


def by_pickle(model, tmp_path):
    return pickle.loads(pickle.dumps(model))


def by_copy(model, tmp_path):
    return copy.deepcopy(model)


WAYS = [by_file, by_pickle, by_copy]


def assert_same(got, expected, X):
    assert got.get_params().keys() == expected.get_params().keys()
    public = {name for name in vars(expected) if name.endswith("_") and name[0] != "_"}
    assert public == {name for name in vars(got) if name.endswith("_") and name[0] != "_"}
    for name in public:
        one, other = getattr(got, name), getattr(expected, name)
        assert type(one) is type(other), name
        np.testing.assert_array_equal(one, other, err_msg=name)
    for method in ("predict", "predict_proba", "score_samples"):
        np.testing.assert_array_equal(getattr(got, method)(X), getattr(expected, method)(X))
    np.testing.assert_array_equal(got.sample(5)[0], expected.sample(5)[0])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_the_same_bits(covariance_type, prior_type, dtype, way, tmp_path):
    X = data().astype(dtype)
    model = BayesianGaussianMixture(
        n_components=4,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        random_state=0,
    ).fit(X)
    assert_same(way(model, tmp_path), model, X)


@pytest.mark.parametrize("way", WAYS)
def test_array_parameters_known_parts_and_names(way, tmp_path):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(data(), columns=["a", "b"])
    model = BayesianGaussianMixture(
        n_components=2,
        mean_prior=pd.Series([1.0, 2.0]),
        fixed_means=[[0.0, 0.0], [4.0, 4.0]],
        fixed_covariances=np.tile(np.eye(2), (2, 1, 1)),
        random_state=np.random.RandomState(3),
    ).fit(X)
    loaded = way(model, tmp_path)
    assert list(loaded.feature_names_in_) == ["a", "b"]
    assert_same(loaded, model, X)
    np.testing.assert_array_equal(loaded.fixed_means, model.fixed_means)


@pytest.mark.parametrize("way", WAYS)
def test_learning_goes_on(way, tmp_path):
    X = data()
    model = BayesianGaussianMixture(n_components=3, random_state=0)
    for start in range(0, 300, 50):
        model.partial_fit(X[start : start + 50])
    loaded = way(model, tmp_path)
    assert_same(loaded.partial_fit(X), model.partial_fit(X), X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("way", WAYS)
def test_warm_start_goes_on(way, tmp_path):
    X = data()
    model = BayesianGaussianMixture(
        n_components=4, warm_start=True, max_iter=3, acceleration=None, random_state=0
    ).fit(X)
    loaded = way(model, tmp_path).fit(X)
    assert loaded.lower_bound_ == pytest.approx(model.fit(X).lower_bound_, rel=1e-12)


def test_pruned_models_can_be_saved(tmp_path):
    X = data()
    model = BayesianGaussianMixture(n_components=6, random_state=0).fit(X).prune()
    assert_same(by_file(model, tmp_path), model, X)


def test_unfitted_models_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        BayesianGaussianMixture().save(tmp_path / "model.vivace")


def test_damaged_content_is_refused(tmp_path):
    model = BayesianGaussianMixture(n_components=2, random_state=0).fit(data())
    meta, arrays = model._to_record()
    for change in (
        {"centre": np.zeros(3)},
        {"scale": np.array([-1.0, 1.0])},
        {"scale": np.array([np.nan, 1.0])},
        {"statistics.suff": -arrays["statistics.suff"]},
        {"statistics.suff": arrays["statistics.suff"][:, 1:]},
        {"prior.mean": arrays["prior.mean"].astype(np.float32)},
    ):
        with pytest.raises(ValueError, match=r"must be|possible"):
            BayesianGaussianMixture._from_record(meta, {**arrays, **change})
    with pytest.raises(ValueError, match="n_components"):
        BayesianGaussianMixture._from_record(
            {**meta, "parameters": {**meta["parameters"], "n_components": -1}}, arrays
        )
    path = tmp_path / "model.vivace"
    model.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelFileError):
        vivace.load(path)


def test_clone_is_unfitted_with_the_same_parameters():
    model = BayesianGaussianMixture(n_components=2, mean_prior=np.zeros(2), random_state=0).fit(
        data()
    )
    twin = clone(model)
    assert not hasattr(twin, "means_")
    np.testing.assert_array_equal(twin.mean_prior, np.zeros(2))
    assert twin.fit(data()).lower_bound_ == model.lower_bound_

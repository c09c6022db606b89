"""BayesianMixture and its shorthands: tables in, and what comes out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from tables import FAMILIES, draw

import vivace
from vivace import (
    BayesianBernoulliMixture,
    BayesianCategoricalMixture,
    BayesianGaussianMixture,
    BayesianMixture,
    BayesianMultinomialMixture,
    BayesianPoissonMixture,
)
from vivace.families import Poisson


def mixture(**settings):
    return BayesianMixture(**{"n_components": 6, "random_state": 0, "n_jobs": 1, **settings})


@pytest.fixture(scope="module")
def fitted():
    table, z = draw()
    return mixture(families=FAMILIES).fit(table), table, z


def test_groups_are_found(fitted):
    model, table, z = fitted
    assert model.n_effective_components_ == 3
    assert adjusted_rand_score(z, model.predict(table)) > 0.95
    assert model.families_ == FAMILIES
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()


def test_families_are_inferred_from_types():
    table = pd.DataFrame(
        {
            "flag": [True, False, True, False],
            "zero_one": [0, 1, 1, 0],
            "count": [0, 3, 1, 7],
            "large": [5000, 1, 2, 3],
            "signed": [-1, 2, 0, 3],
            "real": [0.5, 1.5, 2.0, 9.0],
            "text": ["a", "b", "a", "c"],
            "level": pd.Categorical(["u", "v", "u", "u"], categories=["u", "v", "w"]),
        }
    )
    model = BayesianMixture().fit(table)
    assert model.families_ == {
        "bernoulli": ["flag", "zero_one"],
        "poisson": ["count"],
        "gaussian": ["large", "signed", "real"],
        "categorical": ["text", "level"],
    }


@pytest.mark.parametrize("library", ["pandas", "nullable", "polars", "pyarrow", "numpy"])
def test_integers_with_gaps_are_integers(library):
    rng = np.random.default_rng(0)
    columns = {
        "count": rng.poisson(3.0, 60).astype(float),
        "flag": (rng.random(60) < 0.5).astype(float),
        "below": rng.integers(-5, 5, 60).astype(float),
        "float": rng.poisson(3.0, 60).astype(float),  # no gap: a float by its type
    }
    for name in ("count", "flag", "below"):
        columns[name][3] = np.nan
    table = pd.DataFrame(columns)
    if library == "nullable":
        table = table.astype(dict.fromkeys(("count", "flag", "below"), "Int64"))
    elif library != "pandas":
        table = {
            "polars": lambda: pl.from_pandas(table),
            "pyarrow": lambda: pa.Table.from_pandas(table),
            "numpy": table.to_numpy,
        }[library]()
    model = BayesianMixture(random_state=0, tol=1e-4).fit(table)
    names = [0, 1, 2, 3] if library == "numpy" else list(columns)
    assert model.families_ == {
        "poisson": [names[0]],
        "bernoulli": [names[1]],
        "gaussian": names[2:],
    }


def test_objects_are_what_they_hold():
    table = pd.DataFrame(
        {
            "flag": np.array([True, None, False, True], dtype=object),
            "count": np.array([1, 2, None, 5], dtype=object),
            "size": np.array([1.5, None, 2.5, 0.5], dtype=object),
            "mixed": np.array([1, "a", None, 2], dtype=object),
        }
    )
    model = BayesianMixture(random_state=0, tol=1e-4).fit(table)
    assert model.families_ == {
        "bernoulli": ["flag"],
        "poisson": ["count"],
        "gaussian": ["size"],
        "categorical": ["mixed"],
    }
    lists = BayesianMixture(random_state=0, tol=1e-4).fit([[1.5, None], [2.0, 3.5], [0.5, 1.0]])
    assert lists.families_ == {"gaussian": [0, 1]}


def test_the_number_of_components_comes_first():
    assert BayesianMixture(3).n_components == 3
    assert BayesianPoissonMixture(3, shape=2.0).get_params()["n_components"] == 3


@pytest.mark.parametrize("library", ["polars", "arrow", "numpy"])
def test_every_library_gives_the_same(fitted, library):
    model, table, _ = fitted
    if library == "numpy":
        frame = table.drop(columns="country").to_numpy()
        families = {"gaussian": [0, 1], "gaussian_diag": [2], "poisson": [3], "bernoulli": [4]}
        families["exponential"] = [5]
        names = {key: FAMILIES[key] for key in families}
        one = mixture(families=families, max_iter=60).fit(frame)
        two = mixture(families=names, max_iter=60).fit(table.drop(columns="country"))
        assert one.lower_bound_ == two.lower_bound_
        return
    frame = pl.from_pandas(table) if library == "polars" else pa.Table.from_pandas(table)
    other = mixture(families=FAMILIES).fit(frame)
    assert other.lower_bound_ == model.lower_bound_
    assert_array_equal(other.predict_proba(frame), model.predict_proba(table))


def test_threads_do_not_matter():
    table, _ = draw(20_000, gaps=0.1)
    one, two = (mixture(families=FAMILIES, max_iter=5, n_jobs=n, tol=0.0) for n in (1, 2))
    with pytest.warns(match="did not converge"):
        one.fit(table)
    with pytest.warns(match="did not converge"):
        two.fit(table)
    assert_array_equal(one.elbo_trace_, two.elbo_trace_)
    assert_array_equal(one.score_samples(table), two.score_samples(table))


@pytest.mark.parametrize("method", ["online", "memoized"])
def test_other_schedules_come_close(fitted, method):
    model, table, z = fitted
    other = mixture(families=FAMILIES, learning_method=method, batch_size=150, tol=1e-6)
    other.fit(table)
    assert adjusted_rand_score(z, other.predict(table)) > 0.8
    assert other.lower_bound_ > model.lower_bound_ - 0.02 * abs(model.lower_bound_)


def test_partial_fit_learns():
    table, z = draw(3000)
    independent = {**FAMILIES, "gaussian_diag": ["x", "y", "w"]}
    del independent["gaussian"]
    model = mixture(families=independent, n_components=3)
    for start in range(0, 3000, 500):
        model.partial_fit(table[start : start + 500])
    assert model.n_iter_ == 6
    assert adjusted_rand_score(z, model.predict(table)) > 0.9


def test_weights_repeat_rows():
    table, _ = draw(150)
    times = np.random.default_rng(1).integers(0, 3, 150)
    settings = {"families": FAMILIES, "n_components": 3, "tol": 1e-7}
    one = mixture(**settings).fit(table, sample_weight=times)
    two = mixture(**settings).fit(table.loc[np.repeat(np.arange(150), times)])
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-7)


def test_gaps_in_fit_and_predict(fitted):
    model, complete, z = fitted
    table, _ = draw(gaps=0.15)
    other = mixture(families=FAMILIES).fit(table)
    assert other.n_effective_components_ == 3
    assert adjusted_rand_score(z, other.predict(table)) > 0.8
    assert (np.diff(other.elbo_trace_) >= -1e-9 * abs(other.lower_bound_)).all()
    # a model that was fitted to complete rows meets gaps in others
    some = model.predict_proba(table)
    whole = table.notna().all(axis=1).to_numpy()
    assert_allclose(some[whole], model.predict_proba(complete)[whole], atol=1e-12)
    assert np.isfinite(model.score_samples(table)).all()


def test_rows_without_any_value_are_left_out():
    table, _ = draw(200)
    empty = pd.DataFrame([[None] * 7] * 20, columns=table.columns).astype(table.dtypes.to_dict())
    more = pd.concat([table, empty], ignore_index=True)
    settings = {"families": FAMILIES, "n_components": 2, "tol": 1e-6}
    one, two = mixture(**settings).fit(table), mixture(**settings).fit(more)
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-9)


@pytest.mark.parametrize("prior", ["dirichlet_process", "dirichlet_distribution", "pitman_yor"])
def test_density_of_discrete_columns_sums_to_one(prior):
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.poisson(2.0, 60), rng.integers(0, 2, 60)])
    model = mixture(
        n_components=3,
        families={"poisson": [0], "bernoulli": [1]},
        weight_concentration_prior_type=prior,
        tol=1e-5,
    ).fit(X)
    grid = np.array([[a, b] for a in range(2000) for b in range(2)])
    assert_allclose(np.exp(model.score_samples(grid)).sum(), 1.0, rtol=1e-3)


def test_density_of_real_columns_integrates_to_one():
    rng = np.random.default_rng(3)
    X = rng.normal(10.0, 2.0, size=(80, 1))
    for family in ("gaussian", "gaussian_diag"):
        model = mixture(n_components=2, families=family, tol=1e-5).fit(X)
        t = np.linspace(-0.9999, 0.9999, 200_001)
        x, slope = 10.0 + 5.0 * t / (1 - t**2), 5.0 * (1 + t**2) / (1 - t**2) ** 2
        density = np.exp(model.score_samples(x[:, None])) * slope
        assert_allclose(integrate.trapezoid(density, t), 1.0, rtol=2e-3)


def test_one_gaussian_group_is_the_gaussian_mixture():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 3)) + 4.0 * rng.integers(0, 2, size=(300, 1))
    resp = np.random.default_rng(0).dirichlet(np.ones(3), 300)
    settings = {"n_components": 3, "random_state": 0, "tol": 1e-9}
    one = BayesianMixture(families="gaussian", **settings).fit(X, resp_init=resp)
    two = BayesianGaussianMixture(**settings).fit(X, resp_init=resp)
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-9)
    assert_allclose(one.score_samples(X), two.score_samples(X), rtol=1e-6)


def test_sparse_rows_equal_dense_ones():
    rng = np.random.default_rng(5)
    X = rng.poisson(0.3, size=(200, 30)) * (1.0 + rng.integers(0, 2, size=(200, 1)))
    resp = rng.dirichlet(np.ones(3), 200)
    for model, rows in (
        (BayesianPoissonMixture(n_components=3), X),
        (BayesianBernoulliMixture(n_components=3), (X > 0).astype(float)),
        (BayesianMultinomialMixture(n_components=3), X),
    ):
        model.set_params(max_iter=500, tol=1e-5)
        dense = clone(model).fit(rows, resp_init=resp)
        sparse = clone(model).fit(sp.csr_array(rows), resp_init=resp)
        assert_allclose(dense.lower_bound_, sparse.lower_bound_, rtol=1e-9)
        assert_allclose(
            dense.score_samples(rows), sparse.score_samples(sp.csr_array(rows)), rtol=1e-5
        )
        own = clone(model).set_params(random_state=0).fit(sp.csr_array(rows))
        assert own.converged_


def test_exposure_scales_rates():
    rng = np.random.default_rng(6)
    hours = rng.uniform(0.5, 20.0, 400)
    rate = np.where(np.arange(400) % 2, 1.0, 8.0)
    table = pd.DataFrame({"visits": rng.poisson(rate * hours), "hours": hours})
    model = mixture(n_components=2, families=Poisson(exposure="hours")).fit(table)
    assert adjusted_rand_score(np.arange(400) % 2, model.predict(table)) > 0.95
    posterior = model._fitted.fit.posterior.parts[0]
    rates = np.sort((posterior["shape"] / posterior["rate"]).ravel())
    assert_allclose(rates, [1.0, 8.0], rtol=0.1)


def test_latent_classes_and_unknown_levels():
    rng = np.random.default_rng(7)
    z = rng.integers(0, 2, 300)
    table = pd.DataFrame({f"q{j}": np.where(rng.random(300) < 0.85, z, 1 - z) for j in range(6)})
    model = BayesianCategoricalMixture(n_components=2, random_state=0).fit(table)
    assert adjusted_rand_score(z, model.predict(table)) > 0.8
    later = table.copy()
    later.loc[0, "q0"] = 7
    with pytest.warns(UserWarning, match=r"'q0' holds 1 value\(s\) that fit has not seen"):
        found = model.predict_proba(later)
    assert np.isfinite(found).all()
    strict = BayesianCategoricalMixture(n_components=2, random_state=0, unknown="error").fit(table)
    with pytest.raises(ValueError, match="the first 7"):
        strict.predict(later)


def test_samples_look_like_the_rows(fitted):
    model, table, _ = fitted
    drawn, labels = model.sample(4000)
    assert list(drawn.columns) == list(table.columns)
    assert set(drawn["country"]) <= {"de", "fr", "it"}
    for name in ("x", "visits", "member"):
        assert abs(drawn[name].mean() - table[name].mean()) < 0.35 * table[name].std()
    assert adjusted_rand_score(labels, model.predict(drawn)) > 0.9
    with pytest.raises(ValueError, match="at least one sample"):
        model.sample(0)


def test_model_files_bring_everything_back(tmp_path, fitted):
    _, table, _ = fitted
    table = table.copy()
    table.loc[3, "visits"] = np.nan
    model = mixture(families=FAMILIES).fit(table)
    model.save(tmp_path / "m.vivace")
    other = vivace.load(tmp_path / "m.vivace")
    assert other.get_params() == model.get_params()
    assert_array_equal(other.predict_proba(table), model.predict_proba(table))
    assert_array_equal(other.score_samples(table), model.score_samples(table))
    assert other.families_ == model.families_
    assert_array_equal(other.elbo_trace_, model.elbo_trace_)


def test_warm_start_goes_on(fitted):
    _, table, _ = fitted
    model = mixture(families=FAMILIES, max_iter=5, warm_start=True)
    with pytest.warns(match="did not converge"):
        before = model.fit(table).lower_bound_
    with pytest.warns(match="did not converge"):
        after = model.fit(table).lower_bound_
    assert after >= before
    model.set_params(n_components=3)
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        model.fit(table)


def test_digits_as_flags():
    from sklearn.datasets import load_digits

    digits = load_digits()
    X = digits.data > 7
    model = BayesianBernoulliMixture(n_components=20, random_state=0, tol=1e-6).fit(X)
    assert adjusted_rand_score(digits.target, model.predict(X)) > 0.5


@pytest.mark.parametrize("families", ["student_t", "gaussian", "gaussian_diag"])
def test_threads_do_not_matter_for_real_columns(families):
    rng = np.random.default_rng(8)
    X = rng.standard_t(4.0, size=(20_000, 4)) + 5.0 * rng.integers(0, 2, size=(20_000, 1))
    if families != "student_t":
        X[rng.random(X.shape) < 0.1] = np.nan
    one, two = (
        mixture(families=families, max_iter=4, n_components=3, n_jobs=n, tol=0.0) for n in (1, 2)
    )
    for model in (one, two):
        with pytest.warns(match="did not converge"):
            model.fit(X)
    assert_array_equal(one.elbo_trace_, two.elbo_trace_)
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_float32_and_memory_maps(tmp_path):
    rng = np.random.default_rng(9)
    X = (rng.normal(size=(500, 3)) + 4.0 * rng.integers(0, 2, size=(500, 1))).astype(np.float32)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    settings = {"families": "gaussian", "n_components": 2, "tol": 1e-6}
    one, two = mixture(**settings).fit(X.astype(np.float64)), mixture(**settings).fit(mapped)
    three = mixture(**settings).fit(np.asfortranarray(X))
    assert one.lower_bound_ == two.lower_bound_ == three.lower_bound_


def test_prune_drops_what_holds_nothing(tmp_path, fitted):
    model, table, _ = fitted
    small = model.prune()
    assert small.n_components == small.n_effective_components_ == 3
    assert adjusted_rand_score(small.predict(table), model.predict(table)) > 0.99
    assert_allclose(np.sort(small.weights_), np.sort(model.weights_)[-3:], atol=2e-3)
    assert small.lower_bound_ > model.lower_bound_ - 0.01 * abs(model.lower_bound_)
    small.save(tmp_path / "s.vivace")
    assert_array_equal(
        vivace.load(tmp_path / "s.vivace").predict_proba(table), small.predict_proba(table)
    )
    assert model.n_components == 6


def test_the_number_of_components_by_position() -> None:
    """As scikit-learn has it in its own estimators; those that it does not have take it."""
    for kind in (vivace.BayesianMixture, vivace.BayesianPoissonMixture):
        assert kind(5).n_components == 5
    assert vivace.LatentDirichletAllocation(5).n_components == 5
    with pytest.raises(TypeError, match="positional"):
        vivace.BayesianGaussianMixture(5)

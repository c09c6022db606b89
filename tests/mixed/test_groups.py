"""BayesianMixture with several groups of correlated columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

import vivace
from vivace import BayesianMixture
from vivace.families import Gaussian

NESTED = {"gaussian": [["x", "y"], ["u", "v"]], "poisson": ["n"]}


def table(n=600, gaps=0.0, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 3, n)
    noise = rng.normal(size=(n, 4)) @ np.array(
        [[1.0, 0.9, 0, 0], [0, 0.4, 0, 0], [0, 0, 1.0, -0.8], [0, 0, 0, 0.5]]
    )
    found = pd.DataFrame(noise + 3.0 * np.eye(4)[z], columns=["x", "y", "u", "v"])
    found["n"] = rng.poisson(2.0 + 3.0 * z).astype(float)
    for name in found.columns if gaps else ():
        found[name] = found[name].where(rng.random(n) >= gaps)
    return found, z


def mixture(**settings):
    return BayesianMixture(**{"n_components": 3, "random_state": 0, "tol": 1e-6, **settings})


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_lists_of_lists_are_groups(gaps, tmp_path):
    X, z = table(gaps=gaps)
    model = mixture(families=NESTED).fit(X)
    assert adjusted_rand_score(z, model.predict(X)) > 0.6
    assert model.families_ == {"gaussian": ["x", "y"], "gaussian_2": ["u", "v"], "poisson": ["n"]}
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()
    pairs = [("gaussian", ["x", "y"]), (Gaussian(), ["u", "v"]), ("poisson", ["n"])]
    other = mixture(families=pairs).fit(X)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    turned = mixture(families={"poisson": ["n"], "gaussian": (("v", "u"), ("x", "y"))})
    start = model.predict_proba(X)
    one, two = mixture(families=NESTED).fit(X, resp_init=start), turned.fit(X, resp_init=start)
    assert_allclose(two.lower_bound_, one.lower_bound_, rtol=1e-6)
    model.save(tmp_path / "m.vivace")
    again = vivace.load(tmp_path / "m.vivace")
    assert again.families == NESTED
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_groups_take_gaps_everywhere():
    complete, _ = table()
    X = table(gaps=0.2)[0]
    model = mixture(families=NESTED).fit(X)
    filled, std = model.impute(X, return_std=True)
    lost = X[["x", "y", "u", "v"]].isna().to_numpy()
    error = (filled - complete)[["x", "y", "u", "v"]].to_numpy()[lost]
    assert np.abs(error).mean() < 0.8 * complete[["x", "y", "u", "v"]].std().mean()
    assert (std.to_numpy()[X.notna().to_numpy()] == 0.0).all()
    assert model.sample_missing(X, 0).notna().all().all()
    assert set(model.explain(X).to_frame()["column"]) == {"x", "y", "u", "v", "n"}
    assert {"x", "v"} <= set(model.profiles()["column"])
    assert np.isfinite(mixture(families=NESTED).fit(complete).score_samples(X)).all()


def test_groups_of_one_column_are_independent_columns():
    """A Wishart distribution of one column is a Gamma distribution."""
    X = table(gaps=0.1)[0][["x", "y"]]
    start = np.random.default_rng(0).dirichlet(np.ones(3), len(X))
    scales = [[[2.0 * (1.0 + 1e-6) * X[name].var()]] for name in X]
    priors = [Gaussian(degrees_of_freedom=2.0, covariance=s, reg_covar=0.0) for s in scales]
    one = mixture(families=list(zip(priors, X, strict=True))).fit(X, resp_init=start)
    two = mixture(families="gaussian_diag").fit(X, resp_init=start)
    assert_allclose(one.elbo_trace_[0], two.elbo_trace_[0], rtol=1e-9)
    assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-6)


def test_other_schedules_and_files(tmp_path):
    X, z = table(gaps=0.1)
    for method in ("online", "memoized"):
        settings = {"learning_method": method, "batch_size": 150, "tol": 1e-4}
        model = mixture(families=NESTED, **settings).fit(X)
        assert adjusted_rand_score(z, model.predict(X)) > 0.5
    X.to_parquet(tmp_path / "x.parquet")
    one = mixture(families=NESTED).fit(X)
    two = mixture(families=NESTED).fit(str(tmp_path / "x.parquet"))
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))

"""Filling gaps, telling columns apart, profiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from tables import FAMILIES, draw

from vivace import BayesianMixture, BayesianMultinomialMixture


@pytest.fixture(scope="module")
def fitted():
    table, _ = draw(2000)
    model = BayesianMixture(n_components=5, families=FAMILIES, random_state=0, tol=1e-6)
    return model.fit(table), table


def holes(table, seed=1, share=0.2):
    rng = np.random.default_rng(seed)
    lost = table.copy()
    for name in table.columns:
        lost[name] = table[name].where(rng.random(len(table)) >= share)
    return lost


def test_what_is_there_stays_and_gaps_are_filled_well(fitted):
    model, table = fitted
    lost = holes(table)
    filled, std = model.impute(lost, return_std=True)
    assert list(filled.columns) == list(table.columns)
    assert filled.notna().all().all()
    for name in table.columns:
        there = lost[name].notna().to_numpy()
        assert_array_equal(filled[name][there], table[name][there])
        assert (std[name][there] == 0.0).all()
        assert (std[name][~there] > 0.0).all()
    gone = lost["x"].isna().to_numpy()
    error = (filled["x"] - table["x"])[gone]
    assert error.std() < 0.6 * table["x"].std()
    assert_allclose((error / std["x"][gone]).std(), 1.0, atol=0.2)
    gone = lost["country"].isna().to_numpy()
    assert (filled["country"] == table["country"])[gone].mean() > 0.6
    assert set(filled["member"]) == {0.0, 1.0}


@pytest.mark.parametrize("library", ["polars", "arrow", "numpy"])
def test_every_library_gets_its_own_back(fitted, library):
    model, table = fitted
    lost = holes(table)[:300]
    expected, spread = model.impute(lost, return_std=True)
    if library == "polars":
        arrow = pl.from_arrow(pa.Table.from_pandas(lost))
        found, std = model.impute(arrow, return_std=True)
        assert isinstance(found, pl.DataFrame)
        assert isinstance(std, pl.DataFrame)
        back = found.to_pandas()
    elif library == "arrow":
        found, std = model.impute(pa.Table.from_pandas(lost), return_std=True)
        assert isinstance(found, pa.Table)
        assert isinstance(std, pa.Table)
        back = found.to_pandas()
    else:
        numbers = table.drop(columns="country")
        model = BayesianMixture(n_components=3, random_state=0, tol=1e-5).fit(numbers.to_numpy())
        found = model.impute(lost.drop(columns="country").to_numpy())
        assert np.isfinite(found).all()
        return
    for name in table.columns:
        assert (back[name].to_numpy() == expected[name].to_numpy()).all(), name
    pd.testing.assert_frame_equal(std.to_pandas(), spread)


def test_conditional_of_correlated_columns_is_that_of_the_density(fitted):
    """Mean and spread of what is missing, by integrating the joint predictive density."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 2)) @ [[1.0, 0.8], [0.0, 0.6]] + [10.0, -3.0]
    model = BayesianMixture(
        families="gaussian", weight_concentration_prior_type="dirichlet_distribution"
    ).fit(X)
    row = np.array([[11.0, np.nan]])
    filled, std = model.impute(row, return_std=True)
    grid = np.linspace(-60.0, 60.0, 40_001)
    density = np.exp(model.score_samples(np.column_stack([np.full_like(grid, 11.0), grid])))
    density /= density.sum()
    mean = density @ grid
    assert_allclose(filled[0, 1], mean, atol=2e-2)
    assert_allclose(std[0, 1], np.sqrt(density @ (grid - mean) ** 2), rtol=5e-2)


def test_drawn_fillings_follow_the_predictive(fitted):
    model, table = fitted
    lost = holes(table)
    one, two = model.sample_missing(lost, 1), model.sample_missing(lost, 2)
    pd.testing.assert_frame_equal(one, model.sample_missing(lost, 1))
    gone = lost["visits"].isna()
    assert (one["visits"] != two["visits"])[gone].any()
    assert_array_equal(one["visits"][~gone], table["visits"][~gone])
    for name in ("x", "w", "visits", "wait"):
        gone = lost[name].isna()
        assert stats.ks_2samp(one[name][gone], table[name][gone]).pvalue > 1e-4, name


def test_explain_finds_the_columns_that_separate():
    rng = np.random.default_rng(3)
    z = rng.integers(0, 3, 1500)
    table = pd.DataFrame(
        {
            "far": rng.normal(6.0 * z, 1.0),
            "noise": rng.normal(size=1500),
            "count": rng.poisson(1.0 + 6.0 * (z == 2)),
            "idle": rng.choice(["a", "b"], 1500),
        }
    )
    families = {"gaussian_diag": ["far", "noise"], "poisson": ["count"], "categorical": ["idle"]}
    model = BayesianMixture(n_components=3, families=families, n_init=5, random_state=0).fit(table)
    found = model.explain(table)
    assert found.columns == list(table.columns)
    assert_allclose(found.information[0], np.log(3.0), atol=0.15)
    assert found.information[1] < 0.05
    assert found.information[3] < 0.05
    assert 0.2 < found.information[2] < 0.7
    third = int(np.bincount(model.predict(table)[z == 2]).argmax())
    assert found.by_component[third, 2] == found.by_component[:, 2].max()
    told = found.to_frame()
    assert list(told.column[:2]) == ["far", "count"]
    assert_array_equal(told.information, np.sort(found.information)[::-1])
    assert told.component_1[0] == found.by_component[1, 0]
    gaps = table.copy()
    gaps["far"] = np.nan
    assert model.explain(gaps).information[0] == 0.0


def test_profiles_hold_the_truth(fitted):
    model, _ = fitted
    profiles = model.profiles()
    assert set(profiles["component"]) == set(np.argsort(-model.weights_)[:3])
    visits = profiles[(profiles.column == "visits") & (profiles.parameter == "rate")]
    assert_allclose(np.sort(visits.estimate), [1.0, 5.0, 9.0], rtol=0.1)
    assert (visits.lower < visits.estimate).all()
    assert (visits.upper > visits.estimate).all()
    country = profiles[profiles.column == "country"]
    assert set(country.parameter) == {"P(de)", "P(fr)", "P(it)"}
    assert_allclose(country.groupby("component").estimate.sum(), 1.0)
    means = profiles[(profiles.column == "w") & (profiles.parameter == "mean")]
    assert_allclose(np.sort(means.estimate), [0.0, 100.0, 200.0], atol=6.0)
    with pytest.raises(ValueError, match="level must be"):
        model.profiles(level=2.0)


def test_a_gap_inside_a_multinomial_row_is_an_error():
    rng = np.random.default_rng(4)
    X = rng.poisson(3.0, size=(50, 4)).astype(float)
    X[3] = np.nan
    model = BayesianMultinomialMixture(n_components=2, random_state=0, tol=1e-4).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert model.impute(X)[3].sum() == pytest.approx(12.0, abs=2.0)
    X[4, 1] = np.nan
    with pytest.raises(ValueError, match="complete or wholly missing"):
        model.predict(X)

"""Information criteria and credible intervals of mixtures over tables."""

from __future__ import annotations

import numpy as np
import own_family
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from tables import FAMILIES, draw

import vivace
from vivace import BayesianMixture, families
from vivace.families import MissingPieceError


@pytest.fixture(scope="module")
def fitted():
    table, _ = draw(1500, gaps=0.05)
    model = BayesianMixture(n_components=6, families=FAMILIES, random_state=0, tol=1e-6)
    return model.fit(table), table


def counts(n=300, d=3, seed=0):
    rng = np.random.default_rng(seed)
    high = rng.permutation(n) < n // 2
    return rng.poisson(np.where(high, 40.0, 1.0)[:, None], size=(n, d)).astype(float)


@pytest.mark.parametrize(
    ("family", "shape", "own", "shared"),
    [
        ("bernoulli", lambda X: (X > 10.0).astype(float), 3, 0),
        ("poisson", lambda X: X, 3, 0),
        (families.Poisson(exposure=2), lambda X: X + 1.0, 2, 0),
        ("multinomial", lambda X: X * [1.0, 0.0, 9.0] + 1.0, 2, 0),
        ("exponential", lambda X: X + 0.5, 3, 0),
        (families.Gamma(known_shape=2.0), lambda X: X + 0.5, 3, 0),
        ("gaussian_diag", lambda X: X, 6, 0),
        ("gaussian", lambda X: X, 3 + 6, 0),
        ("student_t", lambda X: X, 3 + 6, 1),
        (families.StudentT(dof=5.0), lambda X: X, 3 + 6, 0),
        # levels that occur: 0 to 3, 0 to 1, 0 to 1
        ("categorical", lambda X: np.minimum(X % [4, 2, 2] + (X > 10) * 0.0, 3.0), 3 + 1 + 1, 0),
    ],
)
def test_free_parameters_of_every_family(family, shape, own, shared):
    X = shape(counts())
    model = BayesianMixture(n_components=4, families=family, random_state=0).fit(X)
    k, density = model.n_effective_components_, model.score_samples(X).sum()
    free = k - 1 + k * own + shared
    assert model.aic(X) == pytest.approx(-2 * density + 2 * free)
    assert model.bic(X) == pytest.approx(-2 * density + free * np.log(len(X)))


def test_criteria_of_a_mixed_table_add_up_and_rank_models(fitted):
    model, table = fitted
    k, n = model.n_effective_components_, len(table)
    assert k < 6
    one = (2 + 3) + 2 + 1 + 1 + 1 + (3 - 1)
    density = model.score_samples(table).sum()
    assert model.bic(table) == pytest.approx(-2 * density + (k - 1 + k * one) * np.log(n))
    single = BayesianMixture(n_components=1, families=FAMILIES).fit(table)
    assert model.bic(table) < single.bic(table)
    assert model.aic(table) < single.aic(table)


def test_shorthands_have_them_too():
    X = (counts() > 10.0).astype(float)
    model = vivace.BayesianBernoulliMixture(n_components=2, random_state=0).fit(X)
    assert model.bic(X) - model.aic(X) == pytest.approx((1 + 2 * 3) * (np.log(len(X)) - 2.0))
    assert model.credible_interval().parameters[2]["probability"].shape == (2, 2)


def test_a_family_without_a_count_is_named():
    X = counts()
    model = BayesianMixture(n_components=2, families=own_family.Geometric(), random_state=0).fit(X)
    with pytest.raises(MissingPieceError, match="Geometric lacks `n_parameters`, needed by aic"):
        model.aic(X)
    with pytest.raises(MissingPieceError, match="Geometric lacks `describe`, needed by profiles"):
        model.credible_interval()


def test_intervals_of_one_component_are_known():
    """K = 1: the exact posterior, so scipy's distributions are the reference."""
    X = counts(50, 2)
    flags, levels = (X[:, :1] > 10.0), X[:, 1:] % 3
    table = np.hstack([flags, X[:, :1], levels])
    given = [("bernoulli", [0]), (families.Poisson(rate=0.5), [1]), ("categorical", [2])]
    got = BayesianMixture(families=given).fit(table).credible_interval(0.8)
    ones, n = flags.sum(), len(X)
    beta = stats.beta(1 + ones, 1 + n - ones).interval(0.8)
    assert_allclose(got.parameters[0]["probability"][:, 0], beta)
    rate = stats.gamma(1 + X[:, 0].sum(), scale=1 / (0.5 + n)).interval(0.8)
    assert_allclose(got.parameters[1]["rate"][:, 0], rate)
    for level in range(3):
        held = (levels == level).sum()
        beta = stats.beta(1 + held, 2 + n - held).interval(0.8)
        assert_allclose(got.parameters[2][f"P({level})"][:, 0], beta)
    assert got.weights.shape == (2, 1)


def test_intervals_are_those_of_the_profiles(fitted):
    model, _ = fitted
    got, profiles = model.credible_interval(0.9), model.profiles(0.9)
    assert set(got.parameters) == {"x", "y", "w", "visits", "member", "wait", "country"}
    for line in profiles.itertuples():
        ends = (
            got.weights
            if line.parameter == "weight"
            else got.parameters[line.column][line.parameter]
        )
        assert_array_equal(ends[:, line.component], [line.lower, line.upper])
    wider = model.credible_interval(0.99)
    for column, parameters in got.parameters.items():
        for name, (low, high) in parameters.items():
            assert (wider.parameters[column][name][0] < low).all()
            assert (wider.parameters[column][name][1] > high).all()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, np.nan])
def test_level(fitted, level):
    with pytest.raises(ValueError, match="level"):
        fitted[0].credible_interval(level)

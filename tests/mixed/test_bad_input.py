"""What cannot be fitted is named: the column, what it held, and the remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from vivace import (
    BayesianBernoulliMixture,
    BayesianCategoricalMixture,
    BayesianMixture,
    BayesianMultinomialMixture,
    BayesianPoissonMixture,
)
from vivace.families import Bernoulli, Gamma, Gaussian, Normal, Poisson


def table(**columns):
    rng = np.random.default_rng(0)
    base = {"x": rng.normal(size=30), "n": rng.poisson(3.0, 30).astype(float)}
    return pd.DataFrame({**base, **columns})


def fit(X, families, **settings):
    return BayesianMixture(families=families, random_state=0, tol=1e-4, **settings).fit(X)


BOTH = {"gaussian": ["x"], "poisson": ["n"]}


@pytest.mark.parametrize(
    ("X", "families", "message"),
    [
        (table(n=-np.ones(30)), BOTH, r"must hold counts 0, 1, 2, ...; got values down to -1"),
        (table(n=np.full(30, 0.5)), BOTH, "got fractions"),
        (table(), {"gaussian": ["x"], "bernoulli": ["n"]}, "must hold 0, 1 or truth values"),
        (table(), {"exponential": ["x"], "poisson": ["n"]}, "must be positive"),
        (table(n=np.full(30, np.nan)), BOTH, "column 'n' holds no value at all"),
        (table(x=np.full(30, np.inf)), BOTH, "column 'x' holds infinity"),
        (table(x=np.full(30, 1e200)), BOTH, "values up to 1e"),
        (table(), {"gaussian": ["x", "n"], "poisson": ["n"]}, "column 'n' is listed twice"),
        (table(), {"gaussian": ["x"]}, r"column\(s\) 'n' belong to no family"),
        (table(), {"gaussian": ["x"], "poisson": ["m"]}, "there is no column 'm'"),
        (table(), {"gaussian": [0], "poisson": [7]}, "there is no column 7; the table has 2"),
        (table(), {"gauss": ["x", "n"]}, "'gauss' is none of bernoulli"),
        (table(), [("gaussian", ["x"], 3)], "expected .family, columns."),
        (table(), 3, "families must be 'auto'"),
        (table(t=["a"] * 30), {**BOTH, "gaussian_diag": ["t"]}, "holds what is no number"),
        (table(), {"gaussian": [["x"], "n"]}, r"got both in .*write \['n'\]"),
        (table(), {"gaussian": [["x"], ["n", "x"]]}, "'x' is listed twice"),
        (table(), [("gaussian", ["x"]), (Poisson(shape=-1), ["n"])], "poisson: shape and rate"),
        (table(), [(Gaussian(mean_precision=0), ["x"]), ("poisson", ["n"])], "mean_precision"),
        (table(), [(Normal(variance=-1), ["x"]), ("poisson", ["n"])], "variance must be positive"),
        (table(), [("gaussian", ["x"]), (Gamma(known_shape=0), ["n"])], "must be positive"),
        (table(e=np.zeros(30)), [("gaussian", ["x"]), (Poisson(exposure="e"), ["n"])], "exposure"),
    ],
)
def test_columns_and_families(X, families, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit(X, families)


def test_rows():
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        fit(table()[:1], BOTH)
    with pytest.raises(ValueError, match="n_samples = 30"):
        fit(table(), BOTH, n_components=31)
    empty = table()
    empty.iloc[1:] = np.nan
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        fit(empty, BOTH)
    with pytest.raises(ValueError, match="0 sample"):
        fit(table()[:0], BOTH)
    with pytest.raises(ValueError, match=r"unique column names|must be distinct"):
        fit(pd.concat([table(), table()], axis=1), "gaussian")
    with pytest.raises(TypeError, match="datetime"):
        fit(table(t=pd.date_range("2020", periods=30)), "auto")


def test_constant_and_all_zero_columns_are_fitted():
    model = fit(table(x=np.full(30, 3.0), n=np.zeros(30)), BOTH, n_components=2)
    assert np.isfinite(model.lower_bound_)
    assert np.isfinite(model.score_samples(table())).all()
    flags = BayesianBernoulliMixture(n_components=2, random_state=0).fit(np.ones((20, 2)))
    assert flags.score(np.ones((1, 2))) > flags.score(np.zeros((1, 2)))
    one_level = BayesianCategoricalMixture(random_state=0).fit(pd.DataFrame({"a": ["u"] * 9}))
    assert one_level.score(pd.DataFrame({"a": ["u"]})) == pytest.approx(0.0, abs=1e-12)


def test_later_rows_are_checked():
    model = fit(table(), BOTH)
    with pytest.raises(ValueError, match="must hold counts"):
        model.predict(table(n=np.full(30, 2.5)))
    with (
        pytest.warns(UserWarning, match="feature names"),
        pytest.raises(ValueError, match="expecting 2 features"),
    ):
        model.predict(table(z=np.ones(30)).to_numpy())
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table().rename(columns={"x": "y"}))
    with pytest.raises(ValueError, match="infinity"):
        model.score_samples(table(x=np.full(30, -np.inf)))


def test_sparse_rows():
    X = sp.csr_array(np.eye(5))
    with pytest.raises(TypeError, match="does not take sparse rows"):
        BayesianMixture(families="gaussian").fit(X)
    with pytest.raises(TypeError, match="go to one family as a whole"):
        BayesianMixture(families={"poisson": [0, 1], "bernoulli": [2, 3, 4]}).fit(X)
    for model in (BayesianPoissonMixture(), BayesianMultinomialMixture()):
        with pytest.raises(ValueError, match="must hold counts"):
            model.fit(-X)
    with pytest.raises(ValueError, match=r"0, 1 or truth values|NaN"):
        BayesianBernoulliMixture().fit(2 * X)
    X.data[0] = np.nan
    with pytest.raises(ValueError, match=r"NaN|no gaps"):
        BayesianPoissonMixture().fit(X)


def test_parameters_of_families_are_kept_and_compared():
    assert Bernoulli(0.5, 0.5) == Bernoulli(0.5, 0.5)
    assert Bernoulli(0.5, 0.5) != Bernoulli()
    assert repr(Poisson(2.0, exposure="h")) == "Poisson(shape=2.0, rate=None, exposure='h')"
    assert len({Bernoulli(), Bernoulli(1.0), Poisson()}) == 2


def noisy_text(kind):
    rng = np.random.default_rng(0)
    if kind == "numbers":
        return [f"{v:.3f}" for v in rng.normal(size=29)] + ["n/a"]
    if kind == "dates":
        return [str(day.date()) for day in pd.date_range("2020", periods=29)] + ["unknown"]
    return [f"id-{i}" for i in range(30)]


@pytest.mark.parametrize("kind", ["numbers", "dates"])
def test_damaged_columns_are_no_categories(kind):
    with pytest.raises(ValueError, match=f"column 't' is text that holds {kind}.*such as.*say so"):
        fit(table(t=noisy_text(kind)), "auto")
    said = fit(table(t=noisy_text(kind)), {"gaussian": ["x", "n"], "categorical": ["t"]})
    assert said.families_["categorical"] == ["t"]


def test_identifiers_are_suspected():
    with pytest.warns(UserWarning, match="column 't' has 30 different values in 30 rows"):
        fit(table(t=noisy_text("ids")), "auto")


def test_lists_and_repeated_names_are_named():
    with pytest.raises(TypeError, match="column 't' holds values that cannot be told apart"):
        fit(table(t=[[1, 2]] * 30), "auto")
    twice = pd.concat([table(), table()[["x"]]], axis=1)
    with pytest.raises(ValueError, match="names must be distinct: 'x'"):
        fit(twice, "auto")


@pytest.mark.parametrize(
    ("families", "near"),
    [({"gausian": ["x", "n"]}, "'gaussian'"), ({"gaussian": ["x"], "poisson": ["nn"]}, "'n'")],
)
def test_what_is_nearly_right_is_offered(families, near):
    with pytest.raises(ValueError, match=f"Did you mean {near}"):
        fit(table(), families)


def test_complaints_name_columns():
    with pytest.raises(ValueError, match="column 'n' of a poisson part must hold counts"):
        fit(table(n=-np.ones(30)), BOTH)
    model = fit(table(), BOTH)
    with pytest.raises(ValueError, match="column 'n' of a poisson part must hold counts"):
        model.predict(table(n=np.full(30, 0.5)))


def test_a_failed_fit_keeps_the_names_of_the_good_one():
    model = fit(table(), BOTH)
    for bad in (table(n=-np.ones(30)), table().rename(columns={"x": "z"}), table().to_numpy()):
        with pytest.raises(ValueError, match=r"counts|no column"):
            model.fit(bad)
        assert list(model.feature_names_in_) == ["x", "n"]
        assert model.n_features_in_ == 2
    model.predict(table())


def test_a_gap_inside_a_joint_row_is_found_by_its_row():
    X = np.random.default_rng(0).poisson(3.0, size=(20, 3)).astype(float)
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match=r"row 7 of X has a gap \(NaN\) inside"):
        BayesianMultinomialMixture(random_state=0).fit(X)


@pytest.mark.parametrize("family", ["poisson", "multinomial"])
def test_sparse_rows_for_a_dense_fit_and_the_other_way_round(family):
    from scipy.sparse import csr_array

    X = np.random.default_rng(0).poisson(1.0, size=(60, 4)).astype(float)
    dense = BayesianMixture(n_components=2, families=family, random_state=0).fit(X)
    sparse = BayesianMixture(n_components=2, families=family, random_state=0).fit(csr_array(X))
    with pytest.raises(TypeError, match=r"fitted to dense ones. Remedy: X.toarray"):
        dense.predict(csr_array(X))
    with pytest.raises(TypeError, match=r"fitted to sparse ones. Remedy: scipy.sparse"):
        sparse.score_samples(X)

"""NaN out of a family of one's own: an error that names family, method and columns."""

from __future__ import annotations

import numpy as np
import own_family
import pandas as pd
import pytest
from scipy.special import betaln, digamma

from vivace import BayesianMixture
from vivace.families import GatherFamily, NotFiniteError


def rows(n=400, gaps=False):
    rng = np.random.default_rng(0)
    p = np.where(rng.random(n) < 0.5, 0.6, 0.05)[:, None]
    table = pd.DataFrame(rng.geometric(np.repeat(p, 3, axis=1)) - 1.0, columns=["a", "b", "c"])
    table["z"] = rng.normal(p[:, 0], 1.0)
    return table.mask(rng.random(table.shape) < 0.1) if gaps else table


class Faulty(own_family.Geometric):
    """Puts `value` where one method says something of its second column."""

    name = "faulty"

    def __init__(self, method="", value=np.nan):
        super().__init__()
        self.method, self.value = method, value

    def _spoilt(self, method, found, place):
        if method == self.method:
            found = np.array(found, dtype=float)
            found[place] = self.value
        return found

    def prior(self, summary):
        return {n: self._spoilt("prior", v, 1) for n, v in super().prior(summary).items()}

    def features(self, x, out):
        super().features(x, out)
        if self.method == "features":
            out[x[:, 1] > 3.0, 1, 0] = self.value

    def base_measure(self, x):
        return self._spoilt("base_measure", np.zeros(x.shape), (7, 1))

    def update(self, prior, counts, sums):
        found = super().update(prior, counts, sums)
        return {n: self._spoilt("update", v, (0, 1)) for n, v in found.items()}

    def expected_natural(self, q):
        return self._spoilt("expected_natural", super().expected_natural(q), (0, 1, 1))

    def log_normaliser(self, prior, q):
        return float(self._spoilt("log_normaliser", super().log_normaliser(prior, q), ()))

    def log_predictive(self, q, x):
        return self._spoilt("log_predictive", super().log_predictive(q, x), (3, 1, 0))


class Gathered(GatherFamily):
    """The geometric columns by the other door."""

    def __init__(self, method="", value=np.nan):
        self.method, self.value = method, value

    def prior(self, summary):
        return {"a": np.ones(len(summary.mean))}

    def fields(self, prior, k):
        d = len(prior["a"])
        return {"there": ((k, d), 0), "sums": ((k, d), 0)}

    def update(self, prior, counts, statistics):
        return {"a": 1.0 + statistics["there"], "b": 1.0 + statistics["sums"]}

    def expected_log_likelihood(self, x, q, out):
        total = digamma(q["a"] + q["b"])
        k, there = len(total), ~np.isnan(x)
        out[:, :k] += there @ (digamma(q["a"]) - total).T
        out[:, :k] += np.where(there, x, 0.0) @ (digamma(q["b"]) - total).T
        if self.method == "expected_log_likelihood":
            out[2, 0] = self.value

    def accumulate(self, x, resp, q, statistics):
        k, there = len(q["a"]), ~np.isnan(x)
        statistics["there"] += resp[:, :k].T @ there
        statistics["sums"] += resp[:, :k].T @ np.where(there, x, 0.0)
        if self.method == "accumulate":
            statistics["sums"][1, 0] = self.value

    def bound(self, prior, q, counts, statistics):
        total = digamma(q["a"] + q["b"])
        found = (betaln(q["a"], q["b"]) - betaln(1.0, 1.0)).sum()
        found += ((statistics["there"] - q["a"] + 1.0) * (digamma(q["a"]) - total)).sum()
        found += ((statistics["sums"] - q["b"] + 1.0) * (digamma(q["b"]) - total)).sum()
        return self.value if self.method == "bound" else float(found)


def fit(family, table, columns=("a", "b", "c"), **settings):
    families = [(family, list(columns)), ("gaussian", ["z"])]
    settings = {"n_components": 3, "random_state": 0, "max_iter": 20, "tol": 0.1, **settings}
    return BayesianMixture(families=families, **settings).fit(table)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("method", ["features", "base_measure", "expected_natural", "update"])
def test_a_column_that_is_no_number_is_named(method, gaps):
    with pytest.raises(NotFiniteError, match=f"faulty returned NaN from `{method}` .* \\['b'\\]"):
        fit(Faulty(method), rows(gaps=gaps))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("method", ["features", "base_measure", "expected_natural"])
def test_an_infinity_is_no_number_either(method, gaps):
    message = f"faulty returned an infinity from `{method}` for columns \\['b'\\]"
    with pytest.raises(NotFiniteError, match=message):
        fit(Faulty(method, np.inf), rows(gaps=gaps))


@pytest.mark.parametrize("method", ["prior", "log_normaliser"])
def test_what_is_said_of_all_columns_names_them_all(method):
    with pytest.raises(NotFiniteError, match=f"NaN from `{method}` .*'a', 'b', 'c'"):
        fit(Faulty(method), rows())


@pytest.mark.parametrize("learning_method", ["batch", "online", "memoized"])
@pytest.mark.parametrize("method", ["expected_log_likelihood", "accumulate", "bound"])
def test_families_that_meet_the_rows(method, learning_method):
    message = f"family Gathered returned NaN from `{method}` for columns \\['c', 'a'\\]"
    settings = {"learning_method": learning_method, "batch_size": 100}
    with pytest.raises(NotFiniteError, match=message):
        fit(Gathered(method), rows(gaps=True)[["a", "c", "z"]], ["c", "a"], **settings)


def test_predictions_name_them_too():
    table = rows(gaps=True)
    model = fit(Faulty("log_predictive"), table)
    with pytest.raises(NotFiniteError, match="`log_predictive` for columns \\['b'\\]"):
        model.score_samples(table)
    model = fit(Gathered(), rows())
    model._fitted.model.parts[0].family.method = "expected_log_likelihood"
    with pytest.raises(NotFiniteError, match="`expected_log_likelihood`"):
        model.predict(rows())


@pytest.mark.parametrize("gaps", [False, True])
def test_sound_families_are_left_alone(gaps):
    one, other = (
        fit(family, rows(gaps=gaps), acceleration=None) for family in (Faulty(), Gathered())
    )
    assert one.lower_bound_ == pytest.approx(other.lower_bound_, rel=1e-9)
    # and where the data hold a column by its place
    table = rows(gaps=gaps).to_numpy()
    with pytest.raises(NotFiniteError, match="for columns \\[2\\]"):
        BayesianMixture(families=[("gaussian", [0]), (Faulty("update"), [1, 2, 3])]).fit(
            np.abs(table)
        )

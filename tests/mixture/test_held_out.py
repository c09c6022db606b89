"""Rows that are held out of the fit of a mixture: early stopping, the best state, what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from scipy.sparse import csr_array
from sklearn.base import clone

import vivace
from vivace import BayesianGaussianMixture, BayesianMixture, BayesianPoissonMixture
from vivace.mixture._held_out import hold_out, spread

# What does not converge is no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = ["batch", "online", "memoized"]
rng = np.random.default_rng(5)
X = rng.normal(size=(600, 3)) + 2.0 * rng.integers(-1, 2, size=(600, 1))


def model(**settings: Any) -> BayesianGaussianMixture:
    given = {"n_components": 8, "random_state": 0, "batch_size": 100, "tol": 0.0, "max_iter": 60}
    return BayesianGaussianMixture(**{**given, "validation_fraction": 0.25, **settings})


def held_out(estimator: Any, X: Any) -> Any:
    """Positions that a fit with random_state=0 holds out."""
    rows = estimator._rows_of_fit(X, None)
    seed = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
    return hold_out(rows, estimator.validation_fraction, seed, 1)[0]


@given(st.integers(1, 3000), st.floats(0.0, 1.0), st.integers(0, 99))
def test_a_draw_is_spread_evenly(n: int, share: float, seed: int) -> None:
    wanted = max(1, round(n * share))
    found = spread(n, wanted, np.random.default_rng(seed))
    assert len(np.unique(found)) == wanted
    assert 0 <= found.min() <= found.max() < n
    # Each from a run of its own.
    edges = np.arange(wanted + 1) * n // wanted
    np.testing.assert_array_equal(np.searchsorted(edges, found, "right"), 1 + np.arange(wanted))


@pytest.mark.parametrize("method", METHODS)
def test_the_best_state_on_held_out_rows_is_kept(method: str) -> None:
    seen: list[Any] = []
    mixture = model(learning_method=method, n_iter_no_change=4, n_components=30)
    mixture.fit(X, callbacks=seen.append)
    trace = mixture.validation_trace_
    assert len(trace) == mixture.n_iter_ == len(seen) < 60
    assert [progress.held_out for progress in seen] == trace.tolist()
    assert mixture.best_iter_ == int(np.argmax(trace)) + 1 == mixture.n_iter_ - 4
    assert mixture.converged_
    assert mixture.lower_bound_ == mixture.elbo_trace_[mixture.best_iter_ - 1]
    # The score is that of the model which was kept, and of rows that it has not seen.
    held = held_out(mixture, X)
    assert len(held) == 150
    assert mixture.score(X[held]) == pytest.approx(trace.max(), rel=1e-12)
    # The same fit, ended where it was best.
    again = clone(mixture).set_params(max_iter=mixture.best_iter_)
    again.fit(X)
    np.testing.assert_array_equal(again.means_, mixture.means_)
    np.testing.assert_array_equal(again.validation_trace_, trace[: mixture.best_iter_])


def test_held_out_rows_take_no_part() -> None:
    mixture = model().fit(X)
    held = held_out(mixture, X)
    rest = np.delete(X, held, axis=0)
    # Seeds that the fit draws after that of the held-out rows.
    draws = np.random.RandomState(0)
    draws.randint(np.iinfo(np.int32).max)
    alone = model(validation_fraction=None, random_state=draws, max_iter=mixture.best_iter_)
    alone.fit(rest)
    np.testing.assert_array_equal(alone.means_, mixture.means_)
    assert not hasattr(alone, "validation_trace_")
    assert mixture._about["data"]["n_rows"] == 450
    assert mixture._about["data"]["n_held_out"] == 150


def test_files_and_threads_make_no_difference(tmp_path: Any) -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    parquet.write_table(pa.table(frame), tmp_path / "a.parquet", row_group_size=90)
    fits = [
        model(learning_method="memoized", n_jobs=n).fit(data)
        for n, data in [(1, X), (2, np.asfortranarray(X)), (2, str(tmp_path / "a.parquet"))]
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(other.means_, fits[0].means_)
        np.testing.assert_array_equal(other.validation_trace_, fits[0].validation_trace_)


def test_weights_and_starts() -> None:
    weights = np.where(np.arange(600) % 3 == 0, 0.0, 2.0)
    resp = rng.dirichlet(np.ones(8), 600)
    mixture = model(max_iter=3, validation_fraction=0.5)
    mixture.fit(X, sample_weight=weights, resp_init=resp)
    assert mixture._about["data"]["n_held_out"] == 200  # half of those that weigh anything
    assert mixture._about["data"]["weight"] == 400.0
    with pytest.raises(ValueError, match=r"resp_init must have shape \(600, 8\)"):
        mixture.fit(X, resp_init=resp[:450])


def test_several_starts_are_compared_by_score() -> None:
    single = [model(n_init=n, max_iter=4, init_params="random") for n in (1, 5)]
    for mixture in single:
        mixture.fit(X)
    assert single[1].validation_trace_.max() > single[0].validation_trace_.max()
    held = held_out(single[1], X)
    assert single[1].score(X[held]) == pytest.approx(single[1].validation_trace_.max(), rel=1e-12)


def test_a_file_keeps_it_and_another_fit_forgets_it(tmp_path: Any) -> None:
    frame = table()
    for mixture, data in [(model(), X), (BayesianMixture(3, validation_fraction=0.2), frame)]:
        mixture.set_params(max_iter=5, random_state=0).set_params(n_iter_no_change=2).fit(data)
        mixture.save(tmp_path / "m")
        loaded = vivace.load(tmp_path / "m")
        np.testing.assert_array_equal(loaded.validation_trace_, mixture.validation_trace_)
        assert loaded.best_iter_ == mixture.best_iter_
        np.testing.assert_array_equal(loaded.weights_, mixture.weights_)
        mixture.set_params(validation_fraction=None, tol=1e-2).fit(data)
        assert not hasattr(mixture, "validation_trace_")


def test_verbose_tells_it(capsys: Any) -> None:
    model(verbose=2, verbose_interval=1, max_iter=2).fit(X)
    assert "held out -" in capsys.readouterr().out.splitlines()[1]


def test_what_cannot_be_held_out_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"validation_fraction=0\.001 of 20 rows makes 0"):
        model(validation_fraction=0.001).fit(X[:20])
    with pytest.raises(ValueError, match=r"at least one must be held out and 8 be left"):
        model(validation_fraction=0.9).fit(X[:20])
    for value in (0.0, 1.0, "half"):
        with pytest.raises(ValueError, match="validation_fraction"):
            model(validation_fraction=value).fit(X)


def test_an_interrupt_keeps_the_best_so_far() -> None:
    mixture = model()

    def interrupt(progress: Any) -> None:
        if progress.n_iter == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mixture.fit(X, callbacks=interrupt)
    assert mixture.n_iter_ == len(mixture.validation_trace_) == 3
    assert not mixture.converged_


def test_warm_starts_and_partial_fit() -> None:
    mixture = model(warm_start=True, max_iter=3)
    mixture.fit(X)
    first = mixture.means_
    mixture.fit(X)
    assert len(mixture.validation_trace_) == 3
    assert (mixture.means_ != first).any()
    mixture.partial_fit(X[:100])
    assert not hasattr(mixture, "validation_trace_")


def table(n: int = 400) -> pd.DataFrame:
    draws = np.random.default_rng(1)
    group = draws.integers(3, size=n)
    frame = pd.DataFrame(
        {
            "size": draws.normal(group, 0.5),
            "visits": draws.poisson(1 + 4 * group),
            "town": np.array(["a", "b", "c"])[(group + (draws.random(n) < 0.2)) % 3],
        }
    )
    frame.loc[draws.integers(n, size=5), "size"] = np.nan
    return frame


def test_tables_of_mixed_columns(tmp_path: Any) -> None:
    frame = table()
    frame.to_parquet(tmp_path / "t.parquet")
    settings = {"random_state": 0, "validation_fraction": 0.2, "learning_method": "memoized"}
    fits = [
        BayesianMixture(4, batch_size=50, max_iter=20, tol=1e-3, **settings).fit(data)
        for data in (frame, str(tmp_path / "t.parquet"))
    ]
    np.testing.assert_array_equal(fits[0].validation_trace_, fits[1].validation_trace_)
    np.testing.assert_array_equal(fits[0].weights_, fits[1].weights_)
    held = held_out(fits[0], frame)
    score = fits[0].score(frame.iloc[held])
    assert score == pytest.approx(fits[0].validation_trace_.max(), rel=1e-9)


def test_gaps_in_held_out_rows_alone() -> None:
    frame = table().fillna({"size": 0.0})
    mixture = BayesianMixture(3, random_state=0, validation_fraction=0.2, tol=1e-3)
    held = held_out(mixture, frame)
    frame.loc[held[:10], "size"] = np.nan
    mixture.fit(frame)
    score = mixture.score(frame.iloc[held])
    assert score == pytest.approx(mixture.validation_trace_.max(), rel=1e-9)


def test_sparse_rows() -> None:
    counts = csr_array(np.random.default_rng(2).poisson(0.5, size=(300, 12)).astype(float))
    settings = {"random_state": 0, "validation_fraction": 0.3, "init_params": "random"}
    sparse = BayesianPoissonMixture(3, **settings).fit(counts)
    dense = BayesianPoissonMixture(3, **settings).fit(counts.toarray())
    np.testing.assert_allclose(sparse.validation_trace_, dense.validation_trace_, rtol=1e-5)


def test_values_that_cannot_be_scored_are_named() -> None:
    mixture = model()
    bad = X.copy()
    position = held_out(mixture, X)[7]
    bad[position, 1] = np.nan
    with pytest.raises(ValueError, match=f"the first is in row {position}, column 1"):
        mixture.fit(bad)

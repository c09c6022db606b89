"""The memoized schedule: exact, monotone, and batch when there is one batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.toy import Counting, Setup, ToyMixture, rows, same, setup

from vivace.engine import CoordinateAscent, Fit, Infeasible, Memoized, Statistics, StopRule, run


def go(case: Setup, max_iter: int, *, keep: bool = True, seed: int = 0, tol: float = 0.0) -> Fit:
    fit = case.start(keep_batches=keep)
    return run(*case[:3], Memoized(seed), case[3], fit, StopRule(tol, max_iter))


def batch(case: Setup, max_iter: int, tol: float = 0.0) -> Fit:
    schedule = CoordinateAscent(None)
    return run(*case[:3], schedule, case[3], case.start(), StopRule(tol, max_iter))


@pytest.mark.parametrize("keep", [True, False])
def test_one_batch_is_coordinate_ascent_to_the_bit(keep: bool) -> None:
    a, b = go(setup(), 12, keep=keep), batch(setup(), 12)
    assert a.trace == b.trace
    assert same(a.statistics, b.statistics)
    np.testing.assert_array_equal(a.posterior.eta, b.posterior.eta)


def test_same_bits_for_any_number_of_threads() -> None:
    fits = [go(setup(batch_rows=200, block_rows=32, n_threads=n), 6) for n in (1, 2, 3, 7)]
    for fit in fits:
        assert fit.trace == fits[0].trace
        assert same(fit.statistics, fits[0].statistics)


@pytest.mark.parametrize("keep", [True, False])
def test_every_update_raises_the_bound(keep: bool) -> None:
    class Watched(ToyMixture):
        def elbo(self, posterior: Any, statistics: Statistics) -> float:
            self.log.append(super().elbo(posterior, statistics))
            return self.log[-1]

    case = setup(model=Watched(), batch_rows=70)
    fit = go(case, 40, keep=keep)
    assert len(case.model.log) == 1 + 40 * 9 - (0 if keep else 8)
    assert (np.diff(case.model.log) >= -1e-9 * abs(fit.elbo)).all()
    assert fit.n_iter == len(fit.trace) == 40


def test_statistics_are_those_of_the_batches() -> None:
    case = setup(batch_rows=70)
    fit = go(case, 5)
    assert fit.batch_statistics is not None
    assert sorted(fit.batch_statistics) == list(range(9))
    total = fit.statistics.zeros_like()
    for record in fit.batch_statistics.values():
        total.add_(record)
    for name in total.names:
        np.testing.assert_allclose(total[name], fit.statistics[name], rtol=1e-13)
    assert fit.elbo == case.model.elbo(fit.posterior, fit.statistics)
    assert fit.statistics["suff"][:, 0].sum() == pytest.approx(600, rel=1e-14)


def test_no_drift_over_many_passes() -> None:
    fit = go(setup(batch_rows=20), 60)
    assert fit.statistics["suff"][:, 0].sum() == pytest.approx(600, rel=1e-14)


def test_fixed_points_agree() -> None:
    """Where one has come to rest the other does not move."""
    X = rows(spread=4.0)  # clusters apart: at rest after a few hundred maps
    model = ToyMixture(3, len(X))
    plain = batch(setup(X, model, block_rows=1000), 400)
    case = setup(X, model, batch_rows=200, block_rows=1000)
    bound = plain.elbo
    moved = run(*case[:3], Memoized(), case[3], plain, StopRule(0.0, 3))
    np.testing.assert_allclose(moved.trace[-3:], bound, rtol=1e-12)
    memo = go(case, 300)
    schedule = CoordinateAscent(None)
    again = run(*case[:3], schedule, case[3], memo, StopRule(0.0, 3))
    np.testing.assert_allclose(again.trace[-4:], bound, rtol=1e-12)
    np.testing.assert_allclose(again.posterior.eta, moved.posterior.eta, rtol=1e-6, atol=1e-9)


def test_order_is_fresh_each_pass_and_seeded() -> None:
    def starts(seed: int) -> list[int]:
        case = setup(model=Counting(), batch_rows=100, block_rows=100)
        go(case, 4, seed=seed)
        return [start for start, _ in case.model.log]

    visits = np.reshape(starts(0), (4, 6))
    assert (np.sort(visits, axis=1) == np.arange(0, 600, 100)).all()
    assert len({tuple(visit) for visit in visits}) > 1
    assert starts(0) == starts(0) != starts(1)


def test_local_state_is_committed_for_each_batch() -> None:
    case = setup(model=Counting(), batch_rows=100, block_rows=60)
    fit = go(case, 4, keep=False)
    assert [fit.local.get(i) for i in range(6)] == [[4, 4]] * 6


def test_an_infeasible_difference_is_summed_anew() -> None:
    class Fragile(ToyMixture):
        refused = 0

        def global_step(self, statistics: Statistics, previous: Any) -> Any:
            if previous is not None and self.refused < 2:
                self.refused += 1
                raise Infeasible("rounding")
            return super().global_step(statistics, previous)

    case = setup(rows(100), Fragile(), batch_rows=25)
    case.model.refused = 1  # refuse the first difference, not the sum that replaces it
    fit = go(case, 3)
    assert case.model.refused == 2
    np.testing.assert_allclose(fit.trace, go(setup(rows(100), batch_rows=25), 3).trace, rtol=1e-13)
    case = setup(rows(100), Fragile(), batch_rows=25)
    with pytest.raises(Infeasible):
        go(case, 3)


def test_another_layout_collects_afresh() -> None:
    case = setup(batch_rows=100)
    fit = go(case, 3)
    other = setup(batch_rows=150)
    bound = fit.elbo
    run(*other[:3], Memoized(), other[3], fit, StopRule(0.0, 2))
    assert sorted(fit.batch_statistics or {}) == [0, 1, 2, 3]
    assert fit.elbo >= bound - 1e-9 * abs(bound)


def test_bad_seed() -> None:
    with pytest.raises(ValueError, match="seed"):
        Memoized(-1)
    with pytest.raises(TypeError):
        Memoized(0.5)  # type: ignore[arg-type]

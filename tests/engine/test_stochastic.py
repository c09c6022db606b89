"""The online schedule and the single step of partial_fit."""

from __future__ import annotations

import numpy as np
import pytest
from engine.toy import Counting, Scripted, Setup, rows, same, setup

from vivace.engine import (
    CoordinateAscent,
    Fit,
    Stochastic,
    StopRule,
    expectation,
    online_update,
    run,
)
from vivace.engine.schedules.stochastic import SMOOTHING, TOLERANCE_FACTOR


def go(case: Setup, schedule: Stochastic, max_iter: int, tol: float = 0.0) -> Fit:
    return run(*case[:3], schedule, case[3], case.start(), StopRule(tol, max_iter))


def batch(case: Setup, max_iter: int) -> Fit:
    schedule = CoordinateAscent(None)
    return run(*case[:3], schedule, case[3], case.start(), StopRule(0.0, max_iter))


def test_rate_one_on_all_rows_is_a_batch_step() -> None:
    a, b = go(setup(), Stochastic(decay=0.0, offset=1.0), 6), batch(setup(), 6)
    assert a.trace == b.trace
    assert same(a.statistics, b.statistics)
    # with any decay the first step has rate 1 at offset 1
    assert go(setup(), Stochastic(decay=0.9, offset=1.0), 1).trace == b.trace[:1]


def test_same_bits_for_any_number_of_threads() -> None:
    fits = [
        go(setup(batch_rows=200, block_rows=32, n_threads=n), Stochastic(seed=3), 5)
        for n in (1, 2, 3, 7)
    ]
    for fit in fits:
        assert fit.trace == fits[0].trace
        assert same(fit.statistics, fits[0].statistics)


def test_rates_and_steps() -> None:
    schedule = Stochastic(decay=0.7, offset=10.0)
    assert schedule.rate(0) == pytest.approx(10**-0.7)
    assert schedule.rate(90) == pytest.approx(100**-0.7)
    fit = go(setup(batch_rows=100), schedule, 4)
    assert fit.step == 4 * 6
    assert fit.n_iter == len(fit.trace) == 4


def test_one_step_by_hand() -> None:
    case = setup(batch_rows=150)
    schedule = Stochastic(decay=0.5, offset=4.0, seed=1)
    fit = case.start()
    expected = fit.statistics.copy()
    order = [case.layout.batches[i] for i in np.random.default_rng([1, 0]).permutation(4)]
    posterior, seen = fit.posterior, expected.zeros_like()
    for step, part in enumerate(order):
        block = case.source.read(part.start, part.stop)
        record, _ = case.model.local_step(block, posterior.eta, None)
        expected.blend_(record, (step + 4) ** -0.5, 4.0)
        posterior = case.model.global_step(expected, None)
        seen.add_(record)
    run(*case[:3], schedule, case[3], fit, StopRule(0.0, 1))
    for name in expected.names:
        np.testing.assert_allclose(fit.statistics[name], expected[name], rtol=1e-12)
    assert fit.elbo == pytest.approx(case.model.elbo(posterior, seen), rel=1e-12)


def test_the_bound_is_true_and_close_to_the_batch_one() -> None:
    best = batch(setup(block_rows=1000), 1500).elbo
    fit = go(setup(batch_rows=100, block_rows=100), Stochastic(decay=0.7, offset=5.0), 100)
    assert max(fit.trace) <= best + 1e-6
    assert fit.elbo > best - 0.01 * 600


def test_a_population_larger_than_the_rows() -> None:
    fit = go(setup(batch_rows=100), Stochastic(total_weight=60_000.0), 40)
    assert fit.statistics["suff"][:, 0].sum() == pytest.approx(60_000, rel=0.01)
    weights = np.full(600, 2.0)
    fit = go(setup(batch_rows=100, sample_weight=weights), Stochastic(), 40)
    assert fit.statistics["suff"][:, 0].sum() == pytest.approx(1200, rel=1e-6)


def test_heavy_batches_count_for_more() -> None:
    """Rows, not weights, scale a batch: the mean over batches is the sum over rows."""
    case = setup(batch_rows=300, sample_weight=np.repeat([1.0, 9.0], 300))
    posterior = case.start().posterior
    parts = [case.model.local_step(case.source.read(a, b), posterior.eta, None)[0]
             for a, b in ((0, 300), (300, 600))]  # fmt: skip
    whole = expectation(*case, posterior)
    mean = (2 * parts[0]["suff"] + 2 * parts[1]["suff"]) / 2
    np.testing.assert_allclose(mean, whole["suff"], rtol=1e-12)
    fit = go(case, Stochastic(decay=1.0, offset=1.0), 30)
    assert fit.statistics["suff"][:, 0].sum() == pytest.approx(3000, rel=0.05)


def test_local_state_is_committed_for_each_batch() -> None:
    case = setup(model=Counting(), batch_rows=100, block_rows=60)
    fit = go(case, Stochastic(), 3)
    assert [fit.local.get(i) for i in range(6)] == [[3, 3]] * 6


def test_stops_on_the_smoothed_bound() -> None:
    weight = 100.0
    wide = 1e-3 * weight * TOLERANCE_FACTOR
    bounds = [-100.0, -50.0, -50.0 + 10 * wide, -50.0]
    smoothed = [-50.0, -50.0 + 10 * wide * SMOOTHING]
    smoothed.append((1 - SMOOTHING) * smoothed[-1] + SMOOTHING * -50.0)
    # three bounds from here on that move the smoothed one by less than `wide`
    for move in (0.9, -0.9, 0.5):
        smoothed.append(smoothed[-1] + move * wide)
        bounds.append((smoothed[-1] - (1 - SMOOTHING) * smoothed[-2]) / SMOOTHING)
    case = setup(rows(100), Scripted([*bounds, 0.0, 0.0]))
    fit = go(case, Stochastic(), 50, tol=1e-3)
    assert fit.converged
    assert fit.trace == bounds[1:]
    assert fit.smoothed == pytest.approx(smoothed[-1])


def test_online_update_is_the_same_step() -> None:
    case = setup(rows(200))
    schedule = Stochastic(decay=0.6, offset=2.0, total_weight=1000.0)
    a = go(case, schedule, 3)
    b = case.start()
    for _ in range(3):
        record = expectation(*case, b.posterior)
        online_update(case.model, b, record, schedule.rate(b.step), 5.0)
    assert same(a.statistics, b.statistics)
    assert b.step == 3
    with pytest.raises(ValueError, match="rho"):
        online_update(case.model, b, record, 0.0)


def test_a_run_goes_on_with_the_rate_it_had() -> None:
    case = setup(batch_rows=100)
    schedule = Stochastic()
    whole = go(case, schedule, 6)
    fit = go(case, schedule, 4)
    run(*case[:3], schedule, case[3], fit, StopRule(0.0, 2))
    assert fit.trace == whole.trace


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"decay": 1.5}, "decay"),
        ({"decay": -0.1}, "decay"),
        ({"offset": 0.5}, "offset"),
        ({"total_weight": 0.0}, "total_weight"),
        ({"total_weight": float("nan")}, "total_weight"),
        ({"seed": -3}, "seed"),
    ],
)
def test_bad_settings(settings: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Stochastic(**settings)

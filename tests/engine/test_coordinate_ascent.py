"""The batch schedule, plain and accelerated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine.toy import Counting, Scripted, Setup, ToyMixture, rows, same, setup
from scipy.special import logsumexp

from vivace.engine import CoordinateAscent, Fit, Infeasible, Statistics, StopRule, run


def go(case: Setup, max_iter: int, acceleration: str | None = None, tol: float = 0.0) -> Fit:
    return run(
        *case[:3], CoordinateAscent(acceleration), case[3], case.start(), StopRule(tol, max_iter)
    )


def test_one_component_gives_the_evidence() -> None:
    """The toy itself: with K = 1 the bound is the log evidence, here by quadrature."""
    X = rows(7)
    fit = go(setup(X, ToyMixture(1)), 1)
    mu = np.linspace(-15, 15, 20_001)
    log_joint = -0.5 * (np.log(2 * np.pi) + (X - mu) ** 2).sum(0)
    log_joint += 0.5 * np.log(0.01 / (2 * np.pi)) - 0.005 * mu**2
    assert fit.elbo == pytest.approx(logsumexp(log_joint) + np.log(mu[1] - mu[0]), abs=1e-9)


@pytest.mark.parametrize("acceleration", [None, "squarem"])
def test_same_bits_for_any_number_of_threads(acceleration: str | None) -> None:
    fits = [
        go(setup(batch_rows=250, block_rows=32, n_threads=n), 15, acceleration)
        for n in (1, 2, 3, 7)
    ]
    for fit in fits:
        assert fit.trace == fits[0].trace
        assert same(fit.statistics, fits[0].statistics)


@pytest.mark.parametrize("acceleration", [None, "squarem"])
def test_the_bound_never_falls(acceleration: str | None) -> None:
    for seed in range(5):
        fit = go(setup(rows(seed=seed), block_rows=200), 150, acceleration)
        slack = 1e-9 * abs(fit.elbo)
        assert (np.diff(fit.trace) >= -slack).all()
        assert len(fit.trace) == fit.n_iter == 150


def test_each_entry_is_the_bound_of_its_state() -> None:
    case = setup()
    for n_iter in range(1, 8):
        fit = go(case, n_iter, "squarem")
        assert fit.trace[-1] == fit.elbo == case.model.elbo(fit.posterior, fit.statistics)


def test_acceleration_needs_fewer_maps() -> None:
    ratios = []
    for seed in range(6):
        case = setup(rows(seed=seed), block_rows=1000)
        plain = go(case, 3000, None, tol=1e-8)
        target = plain.elbo - 1e-5 * case.layout.n_rows
        fast = go(case, 3000, "squarem", tol=1e-8)
        assert plain.converged
        assert fast.converged
        needed = [next(i for i, b in enumerate(f.trace) if b >= target) for f in (plain, fast)]
        ratios.append(needed[0] / needed[1])
    assert np.exp(np.mean(np.log(ratios))) > 2.0, ratios


@pytest.mark.parametrize("bad", [-1000.0, np.nan, np.inf])
def test_a_rejected_trial_leaves_no_trace(bad: float) -> None:
    """Start, three plain maps, the trial, two plain maps from where the third had left it."""
    bounds = [-100.0, -90.0, -80.0, -75.0, bad, -74.0, -73.0]

    class Watched(Counting, Scripted):
        pass

    case = setup(model=Watched(bounds), block_rows=1000)
    before = go(case._replace(model=Watched(bounds[:4])), 3, "squarem")
    fit = go(case, 4, "squarem")
    assert fit.trace == [-90.0, -80.0, -75.0, -75.0]
    assert fit.elbo == -75.0
    assert same(fit.statistics, before.statistics)
    assert fit.local.get(0) == [3]
    case = setup(model=Watched(bounds), block_rows=1000)
    fit = go(case, 6, "squarem")
    assert fit.trace == [-90.0, -80.0, -75.0, -75.0, -74.0, -73.0]
    assert [local for _, local in case.model.log] == [None, 1, 2, 3, 3, 4]
    assert same(fit.statistics, go(setup(block_rows=1000), 5, None).statistics)


@pytest.mark.parametrize("where", ["prepare", "local_step"])
@pytest.mark.parametrize("how", ["nan", "error"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_trial_outside_the_domain_is_dropped_silently(
    where: str, how: str, n_threads: int
) -> None:
    """Warnings of the arithmetic, which are errors here, and errors: users hear of neither."""

    class Narrow(ToyMixture):
        def leave(self, value: Any) -> Any:
            if how == "error":
                raise ValueError("math domain error")
            return np.log(-1.0) * value  # warns

        def prepare(self, posterior: Any) -> Any:
            self.log.append(None)
            self.outside = len(self.log) == 4  # after three plain maps
            eta = super().prepare(posterior)
            return self.leave(eta) if self.outside and where == "prepare" else eta

        def local_step(self, block: Any, eta: Any, local: Any) -> Any:
            if self.outside and where == "local_step":
                eta = self.leave(eta)
            return super().local_step(block, eta, local)

    fit = go(setup(model=Narrow(n_rows=600), n_threads=n_threads), 5, "squarem")
    plain = go(setup(), 4, None)
    assert fit.trace == [*plain.trace[:3], plain.trace[2], plain.trace[3]]


def test_an_accepted_trial_commits_local_state() -> None:
    bounds = [-100.0, -90.0, -80.0, -75.0, -70.0, -69.0]

    class Watched(Counting, Scripted):
        pass

    case = setup(model=Watched(bounds), block_rows=200)
    fit = go(case, 5, "squarem")
    assert fit.trace == bounds[1:]
    assert fit.local.get(0) == [5, 5, 5]


def test_local_state_reaches_its_own_block() -> None:
    class Marked(ToyMixture):
        def local_step(self, block: Any, eta: Any, local: Any) -> Any:
            assert local in (None, block.start)
            self.log.append(local)
            return super().local_step(block, eta, None)[0], block.start

    case = setup(model=Marked(), batch_rows=150, block_rows=40, n_threads=3)
    fit = go(case, 3, "squarem")
    assert len(fit.local) == len(case.layout.batches) == 4
    assert case.model.log.count(None) == len(case.model.log) // 3


class NoExtrapolation(ToyMixture):
    """Finds every extrapolation impossible: its entropies are no entropies."""

    tried = 0

    def local_step(self, block: Any, eta: Any, local: Any) -> Any:
        record, local = super().local_step(block, eta, local)
        self.log.append(record["entropy"].copy())
        return record, local

    def global_step(self, statistics: Statistics, previous: Any) -> Any:
        known = not self.log or any(np.array_equal(statistics["entropy"], e) for e in self.log)
        if not known:
            self.tried += 1
            raise Infeasible("an extrapolation")
        return super().global_step(statistics, previous)


def test_impossible_extrapolations_cost_no_map() -> None:
    case = setup(model=NoExtrapolation(n_rows=600), block_rows=1000)
    fit = go(case, 12, "squarem")
    assert case.model.tried > 0
    assert len(case.model.log) == fit.n_iter == 12
    plain = go(setup(block_rows=1000), 12, None)
    assert fit.trace == plain.trace
    assert same(fit.statistics, plain.statistics)


def test_an_impossible_extrapolation_is_drawn_in() -> None:
    """Refused twice, made at the third attempt, nearer to v2 each time."""
    attempts: list[np.ndarray] = []

    class Narrow(ToyMixture):
        def global_step(self, statistics: Statistics, previous: Any) -> Any:
            if any(np.array_equal(statistics["suff"], known) for known in self.log):
                return super().global_step(statistics, previous)
            attempts.append(statistics["suff"].copy())
            if len(attempts) < 3:
                raise Infeasible("too far")
            return super().global_step(statistics, previous)

        def record(self, *args: Any) -> Statistics:
            self.log.append((made := super().record(*args))["suff"].copy())
            return made

    case = setup(model=Narrow(n_rows=600), block_rows=1000)
    v2 = go(case, 3, "squarem").statistics["suff"]
    assert not attempts
    fit = go(case, 4, "squarem")
    assert len(attempts) == 3
    distance = [np.abs(suff - v2).max() for suff in attempts]
    assert distance[0] > distance[1] > distance[2] > 0
    assert fit.trace[3] > fit.trace[2]


def test_no_curvature_means_plain_maps() -> None:
    class Flat(ToyMixture):
        def standardised(self, statistics: Statistics) -> np.ndarray:
            return np.zeros(3)

    assert go(setup(model=Flat()), 10, "squarem").trace == go(setup(), 10, None).trace


def test_a_bound_that_is_no_number_is_an_error() -> None:
    case = setup(model=Scripted([-10.0, -9.0, float("nan")]))
    fit = case.start()
    with pytest.raises(FloatingPointError, match="bound became nan"):
        run(*case[:3], CoordinateAscent(), case[3], fit, StopRule(0, 5))
    assert fit.trace == [-9.0]
    with pytest.raises(FloatingPointError, match="bound became nan"):
        setup(model=Scripted([float("nan")])).start()


def test_zero_weight_rows_are_absent() -> None:
    X = rows(50)
    weights = np.repeat([1.0, 0.0], [30, 20])
    a = go(setup(X, sample_weight=weights), 5)
    b = go(setup(X[:30]), 5)
    np.testing.assert_allclose(a.trace, b.trace, rtol=1e-12)


def test_bad_acceleration() -> None:
    with pytest.raises(ValueError, match="'squarem' or None, got 'anderson'"):
        CoordinateAscent("anderson")

"""Quick maps far from convergence, exact ones at the end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from engine.toy import ToyMixture

import vivace.engine.schedules.coordinate_ascent as coordinate_ascent
from vivace.engine import (
    ArraySource,
    Block,
    CoordinateAscent,
    Fit,
    Layout,
    Statistics,
    StopRule,
    ThreadExecutor,
    run,
    start,
)


class Draft(NamedTuple):
    eta: np.ndarray
    error: float


class Drafting(ToyMixture):
    """Drafts make the bound wrong by a known amount a row, up and down in turn."""

    error = 1e-7

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.drafts = self.maps = 0

    def prepare_draft(self, posterior: Any) -> Any:
        self.drafts += 1
        return Draft(self.prepare(posterior), self.error * (-1) ** self.drafts)

    def local_step(self, block: Block, prepared: Any, local: Any) -> tuple[Statistics, Any]:
        if not isinstance(prepared, Draft):
            self.maps += 1
            return super().local_step(block, prepared, local)
        record, state = super().local_step(block, prepared.eta, local)
        record["base"][...] += prepared.error * len(block.data)
        return record, state


def data(n: int = 600) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(n, 1)) + rng.choice([-2.0, 0.0, 2.5], size=(n, 1))).astype(float)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinate_ascent, "DRAFT_ROWS", 100)


def go(model: ToyMixture, max_iter: int = 500, tol: float = 1e-9, callbacks: Any = ()) -> Fit:
    X = data()
    source, layout, executor = ArraySource(X), Layout(len(X), None, 600), ThreadExecutor(1)
    fit = start(model, source, layout, executor, model.initial)
    rule = StopRule(tol, max_iter)
    return run(model, source, layout, CoordinateAscent(), executor, fit, rule, callbacks)


def exact_bound(model: ToyMixture, fit: Fit) -> float:
    block = Block(data(), None, 0, 600)
    record, _ = ToyMixture.local_step(model, block, model.prepare(fit.posterior), None)
    return model.elbo(fit.posterior, record)


def test_drafts_are_used_first_and_exact_maps_at_the_end() -> None:
    model = Drafting(n_rows=600)
    fit = go(model)
    plain = go(ToyMixture(n_rows=600))
    assert fit.converged
    assert model.drafts > 3
    assert model.maps >= 3
    assert fit.elbo == pytest.approx(plain.elbo, abs=600 * 1e-7)
    assert fit.elbo == pytest.approx(model.elbo(fit.posterior, fit.statistics), rel=1e-14)


@pytest.mark.parametrize("max_iter", [1, 2, 3, 5, 8, 13, 40])
def test_the_bound_is_exact_wherever_a_fit_ends(max_iter: int) -> None:
    model = Drafting(n_rows=600)
    fit = go(model, max_iter, tol=0.0)
    assert fit.n_iter == max_iter == len(fit.trace)
    assert fit.elbo == fit.trace[-1]
    assert fit.elbo <= exact_bound(model, fit) + 1e-9
    assert fit.elbo >= exact_bound(model, fit) - 600 * 2e-6


def test_the_bound_is_exact_where_a_callback_ends_a_fit() -> None:
    model = Drafting(n_rows=600)
    fit = go(model, callbacks=[lambda progress: progress.n_iter == 4])
    assert fit.n_iter == 4
    assert fit.elbo == pytest.approx(exact_bound(model, fit), rel=1e-14)


@pytest.mark.parametrize("error", [1e-7, -1e-7, 1e-4])
def test_the_trace_never_falls_and_never_passes_the_end(error: float) -> None:
    model = Drafting(n_rows=600)
    model.error = error
    fit = go(model)
    assert (np.diff(fit.trace) >= -1e-9 * abs(fit.elbo)).all()
    assert max(fit.trace) == fit.elbo


def test_no_drafts_for_few_rows_or_without_acceleration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinate_ascent, "DRAFT_ROWS", 601)
    model = Drafting(n_rows=600)
    go(model, 5)
    assert model.drafts == 0


def test_a_model_may_decline() -> None:
    class Declines(Drafting):
        def prepare_draft(self, posterior: Any) -> Any:
            return None

    model = Declines(n_rows=600)
    assert go(model).elbo == go(ToyMixture(n_rows=600)).elbo

"""Latent Dirichlet allocation behind the engine."""

from __future__ import annotations

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from scipy import sparse

from vivace.engine import (
    CoordinateAscent,
    CsrSource,
    Layout,
    Memoized,
    Stochastic,
    StopRule,
    ThreadExecutor,
    resume,
    run,
)
from vivace.models.lda import LatentDirichletModel, Sweeps, make_topics

COUNTS, TRUE = planted(150)
ALPHA, ETA = 0.1, 0.05
SWEEPS = Sweeps(500, 1e-9)


def source_of(counts, dtype=np.float64, weights=None):
    rows = sparse.csr_array(counts)
    return CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), rows.shape[1], weights)


def fit(schedule, *, counts=COUNTS, batch=None, threads=1, passes=30, dtype=np.float64, **settings):
    model = LatentDirichletModel(
        np.full(5, ALPHA), ETA, counts.shape[1], np.dtype(dtype), SWEEPS, **settings
    )
    topics = make_topics(np.random.RandomState(0).gamma(100, 0.01, (5, counts.shape[1])).T, dtype)
    layout = Layout(len(counts), batch, 16)
    state = resume(topics, model.statistics_of(topics))
    executor = ThreadExecutor(threads)
    return model, run(
        model, source_of(counts, dtype), layout, schedule, executor, state, StopRule(0.0, passes)
    )


SCHEDULES = {
    "batch": (CoordinateAscent(None), None),
    "squarem": (CoordinateAscent(), None),
    "memoized": (Memoized(0), 40),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_bound_never_falls(name):
    schedule, batch = SCHEDULES[name]
    _, done = fit(schedule, batch=batch)
    assert np.diff(done.trace).min() >= -1e-9 * abs(done.elbo)
    assert done.statistics["counts"].sum() == pytest.approx(COUNTS.sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*SCHEDULES, "online"])
def test_the_same_bits_for_any_number_of_threads(name, dtype):
    schedule, batch = (SCHEDULES | {"online": (Stochastic(), 40)})[name]
    runs = [fit(schedule, batch=batch, threads=n, passes=5, dtype=dtype)[1] for n in (1, 2, 5)]
    for other in runs[1:]:
        np.testing.assert_array_equal(other.posterior.values, runs[0].posterior.values)
        assert other.trace == runs[0].trace


def test_the_bound_from_statistics_is_that_of_the_formula():
    model, done = fit(CoordinateAscent(None), passes=200)
    gamma = np.concatenate([state.gamma for state in done.local.get(0)])
    expected = naive.bound(COUNTS, done.posterior.values.T, model.alpha, ETA, gamma)
    # At a fixed point the responsibilities of the last step are the best for the new topics.
    assert done.elbo == pytest.approx(expected, abs=1e-5)
    assert done.elbo <= expected + 1e-9


def test_one_topic_has_its_evidence_in_closed_form():
    model = LatentDirichletModel(np.array([0.3]), ETA, 60, np.dtype(float), SWEEPS)
    topics = make_topics(np.ones((60, 1)), np.float64)
    state = resume(topics, model.statistics_of(topics))
    layout = Layout(len(COUNTS), None, 16)
    done = run(
        model, source_of(COUNTS), layout, CoordinateAscent(None), ThreadExecutor(1), state,
        StopRule(0.0, 1),
    )  # fmt: skip
    expected = naive.evidence_of_one_topic(COUNTS, ETA)
    assert done.elbo == pytest.approx(expected, rel=1e-12)


def test_estimates_of_batches_average_to_the_bound():
    """Stochastic estimate: (D / |S|) documents' terms + topics' terms, over a partition."""
    model, done = fit(CoordinateAscent(None), passes=3)
    whole = Layout(len(COUNTS), None, 16)
    parts = Layout(len(COUNTS), 30, 16)
    source, topics = source_of(COUNTS), done.posterior

    def bound(layout, batch):
        blocks = layout.blocks(batch)
        record, _ = model.local_batch(source.read, blocks, topics, None, ThreadExecutor(1))
        return record.scale_(len(COUNTS) / batch.n_rows)

    model.seed = 0
    expected = model.elbo(topics, bound(whole, whole.batches[0]))
    estimates = [model.elbo(topics, bound(parts, batch)) for batch in parts.batches]
    assert np.mean(estimates) == pytest.approx(expected, rel=1e-9)


def test_a_row_of_weight_two_is_the_row_twice():
    counts = COUNTS[:40]
    weights = np.r_[np.full(20, 2.0), np.ones(20)]
    twice = np.concatenate([counts, counts[:20]])
    model = LatentDirichletModel(np.full(5, ALPHA), ETA, 60, np.dtype(float), SWEEPS, seed=0)
    topics = make_topics(ETA + 100 * TRUE.T, np.float64)
    records = []
    for source in (source_of(counts, weights=weights), source_of(twice)):
        layout = Layout(source.n_rows, None, 16)
        blocks = layout.blocks(layout.batches[0])
        # Sharp topics: where a document starts makes no difference.
        records.append(model.local_batch(source.read, blocks, topics, None, ThreadExecutor(1))[0])
    for name in records[0].names:
        np.testing.assert_allclose(records[0][name], records[1][name], rtol=1e-6, atol=1e-6)


def test_impossible_statistics_are_refused():
    from vivace.engine import Infeasible

    model, done = fit(CoordinateAscent(None), passes=1)
    record = done.statistics.copy()
    record["counts"][0, 0] = -1.0
    with pytest.raises(Infeasible, match="expected counts"):
        model.global_step(record)

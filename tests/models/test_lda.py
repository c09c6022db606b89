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
from vivace.io.spool import Shelf
from vivace.models.document_groups import GROUP_BLOCKS
from vivace.models.lda import LatentDirichletModel, Sweeps
from vivace.models.topics import WordPrior

COUNTS, TRUE = planted(150)
ALPHA, ETA = 0.1, 0.05
SWEEPS = Sweeps(500, 1e-9)


def source_of(counts, dtype=np.float64, weights=None):
    rows = sparse.csr_array(counts)
    return CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), rows.shape[1], weights)


def model_of(alpha=ALPHA, eta=ETA, n_topics=5, n_words=60, dtype=np.float64, **settings):
    eta = np.asarray(eta, dtype)
    prior = WordPrior(eta.reshape(1, 1) if eta.ndim == 0 else eta, n_words, n_topics)
    return LatentDirichletModel(np.full(n_topics, alpha), prior, SWEEPS, **settings)


def fit(schedule, *, counts=COUNTS, batch=None, threads=1, passes=30, dtype=np.float64, **settings):
    model = model_of(n_words=counts.shape[1], dtype=dtype, **settings)
    topics = model.start(np.random.RandomState(0).gamma(100, 0.01, (5, counts.shape[1])).T)
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
    assert done.statistics.table("counts").dense().sum() == pytest.approx(COUNTS.sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*SCHEDULES, "online"])
def test_the_same_bits_for_any_number_of_threads(name, dtype):
    schedule, batch = (SCHEDULES | {"online": (Stochastic(), 40)})[name]
    runs = [fit(schedule, batch=batch, threads=n, passes=5, dtype=dtype)[1] for n in (1, 2, 5)]
    for other in runs[1:]:
        np.testing.assert_array_equal(other.posterior.parameters(), runs[0].posterior.parameters())
        assert other.trace == runs[0].trace


def test_the_bound_from_statistics_is_that_of_the_formula():
    model, done = fit(CoordinateAscent(None), passes=200)
    gamma = np.concatenate([state.loaded() for state in done.local.get(0)])
    expected = naive.bound(COUNTS, done.posterior.parameters().T, model.alpha, ETA, gamma)
    # At a fixed point the responsibilities of the last step are the best for the new topics.
    assert done.elbo == pytest.approx(expected, abs=1e-5)
    assert done.elbo <= expected + 1e-9


def test_one_topic_has_its_evidence_in_closed_form():
    model = model_of(0.3, n_topics=1)
    topics = model.start(np.ones((60, 1)))
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


@pytest.mark.parametrize("shelved", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_groups_overlap_without_a_trace(weighted, shelved):
    """Many groups of small blocks: any number of threads, and the sum over the blocks."""
    counts = np.tile(COUNTS, (3, 1))[:, np.random.default_rng(0).permutation(60)]
    weights = np.linspace(0.5, 2.0, len(counts)) if weighted else None
    source = source_of(counts, weights=weights)
    blocks = Layout(len(counts), None, 2).blocks(Layout(len(counts), None, 2).batches[0])
    assert len(blocks) > 5 * GROUP_BLOCKS
    found = []
    for n in (1, 2, 7):
        model = model_of(seed=0, learn_alpha=True)
        model.shelf = Shelf(1000) if shelved else None
        topics, states = model.start(ETA + 20 * TRUE.T), None
        for _ in range(2):
            record, states = model.local_batch(
                source.read, blocks, topics, states, ThreadExecutor(n)
            )
        gamma = np.concatenate([state.loaded() for state in states])
        found.append([record[name] for name in ("local", "documents", "tokens", "log_theta")])
        found[-1] += [record["totals"], record.table("counts").dense(), gamma]
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    tokens = counts.sum(axis=1) @ (np.ones(len(counts)) if weights is None else weights)
    assert found[0][2] == pytest.approx(tokens)
    assert found[0][4].sum() == pytest.approx(tokens)
    whole, _ = model.local_batch(source.read, blocks, topics, None, ThreadExecutor(2))
    parts = [model.local_step(source.read(*block), topics, None)[0] for block in blocks]
    summed = np.sum([part.table("counts").dense() for part in parts], axis=0)
    np.testing.assert_allclose(summed, whole.table("counts").dense(), rtol=1e-9, atol=1e-12)


def test_a_row_of_weight_two_is_the_row_twice():
    counts = COUNTS[:40]
    weights = np.r_[np.full(20, 2.0), np.ones(20)]
    twice = np.concatenate([counts, counts[:20]])
    model = model_of(seed=0)
    topics = model.start(ETA + 100 * TRUE.T)
    records = []
    for source in (source_of(counts, weights=weights), source_of(twice)):
        layout = Layout(source.n_rows, None, 16)
        blocks = layout.blocks(layout.batches[0])
        # Sharp topics: where a document starts makes no difference.
        records.append(model.local_batch(source.read, blocks, topics, None, ThreadExecutor(1))[0])
    for name in ("local", "documents", "tokens", "totals"):
        np.testing.assert_allclose(records[0][name], records[1][name], rtol=1e-6, atol=1e-6)
    tables = [record.table("counts").dense() for record in records]
    np.testing.assert_allclose(*tables, rtol=1e-6, atol=1e-6)


def test_impossible_statistics_are_refused():
    from vivace.engine import Infeasible

    model, done = fit(CoordinateAscent(None), passes=1)
    record = done.statistics.copy()
    record.table("counts").values[0, 0] = -1.0
    with pytest.raises(Infeasible, match="expected counts"):
        model.global_step(record, done.posterior)


def gammas(done):
    batches = done.layout.batches
    return np.concatenate([state.loaded() for b in batches for state in done.local.get(b.id)])


PRIORS = {
    "alpha": {"learn_alpha": True},
    "eta": {"learn_prior": True},
    "both": {"learn_alpha": True, "learn_prior": True},
}


@pytest.mark.parametrize("learn", PRIORS)
@pytest.mark.parametrize("name", ["batch", "memoized"])
def test_learned_priors_never_lower_the_bound(name, learn):
    schedule, batch = SCHEDULES[name]
    model, done = fit(schedule, batch=batch, passes=40, **PRIORS[learn])
    assert np.diff(done.trace).min() >= -1e-9 * abs(done.elbo)
    posterior = done.posterior
    gamma = gammas(done)
    values, prior = posterior.parameters().T, posterior.prior.number
    expected = naive.bound(COUNTS, values, posterior.alpha, prior, gamma)
    # Before the documents' next step, which can only gain.
    assert done.elbo == pytest.approx(expected, rel=1e-3)
    assert done.elbo <= expected + 1e-9
    assert (posterior.alpha != ALPHA).any() == model.learn_alpha
    assert (posterior.prior.number != ETA) == model.learn_prior


@pytest.mark.parametrize("shape", [(60, 1), (60, 5)])
@pytest.mark.parametrize("name", ["batch", "memoized"])
def test_priors_of_words_and_topics(name, shape):
    schedule, batch = SCHEDULES[name]
    eta = np.random.default_rng(0).uniform(0.01, 1.0, shape)
    model, done = fit(schedule, batch=batch, passes=20, eta=eta)
    assert np.diff(done.trace).min() >= -1e-9 * abs(done.elbo)
    gamma = gammas(done)
    values = done.posterior.parameters().T
    prior = np.broadcast_to(eta, (60, 5)).T
    topics = sum(naive.dirichlet_terms(p, t) for p, t in zip(prior, values, strict=True))
    assert model.topic_bound(done.posterior) == pytest.approx(topics, rel=1e-10)
    documents = naive.bound(COUNTS, values, model.alpha, 1.0, gamma)
    documents -= naive.topic_bound(values, 1.0)
    assert done.elbo == pytest.approx(topics + documents, rel=1e-3)


def test_the_bound_is_exact_for_any_pair():
    """Statistics of other documents, and of a step at other topics, with learned priors."""
    model, done = fit(CoordinateAscent(None), passes=15, learn_alpha=True, learn_prior=True)
    posterior, source = done.posterior, source_of(COUNTS[:30])
    blocks = Layout(30, None, 16).blocks(Layout(30, None, 16).batches[0])
    other = model.start(np.random.default_rng(3).gamma(1.0, 1.0, (60, 5)))
    record, states = model.local_batch(source.read, blocks, other, None, ThreadExecutor(1))
    gamma = np.concatenate([state.loaded() for state in states])
    log_beta = naive.expected_log(other.parameters().T).T
    expected = naive.topic_bound(posterior.parameters().T, posterior.prior.number)
    new_beta = naive.expected_log(posterior.parameters().T).T
    for x, g in zip(COUNTS[:30], gamma, strict=True):
        phi = naive.responsibilities(g, log_beta)
        cross = naive.expected_log(g) + new_beta
        entropy = np.where(phi > 0, phi * np.log(np.maximum(phi, 1e-300)), 0.0)
        expected += (x[:, None] * (phi * cross - entropy)).sum()
        expected += naive.dirichlet_terms(posterior.alpha, g)
    assert model.elbo(posterior, record) == pytest.approx(expected, rel=1e-10)

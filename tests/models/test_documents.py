"""The topic kernels against slow references, on every precision."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from document_calls import TOPICS, document_call
from scipy import sparse
from scipy.special import digamma, gammaln

from vivace import _core
from vivace.engine import CsrSource, Layout, RowTable, ThreadExecutor
from vivace.engine.aligned import CACHE_LINE
from vivace.models import documents
from vivace.models.documents import (
    Sweeps,
    add_word_sums,
    document_step,
    make_group,
    make_table,
    row_sums,
    word_index,
    word_parts,
)
from vivace.models.topics import Topics, WordPrior, counted_terms, terms, topics_of

PRIORS = [(1.0, 1.0), (0.05, 0.02), (1e-3, 1e-2), (1e-3, 1e-4)]
ONE = ThreadExecutor(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_sums_by_parts(dtype, monkeypatch):
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 40, 200)
    sizes[[0, 5, 6, -1]] = 0
    start = np.concatenate([[0], np.cumsum(sizes)])
    values = rng.standard_normal(start[-1]).astype(dtype)
    expected = [values[a:b].sum(dtype=np.float64) for a, b in pairwise(start)]
    whole = row_sums(start, values)
    np.testing.assert_allclose(whole, expected, atol=1e-12)
    for summed in (1, 7, 100):
        monkeypatch.setattr(documents, "SUMMED", summed)
        np.testing.assert_array_equal(row_sums(start, values), whole)
    assert row_sums(np.zeros(4, np.int64), values[:0]).tolist() == [0.0] * 3
    assert row_sums(np.zeros(1, np.int64), values[:0]).tolist() == []


def source_of(counts, dtype=np.float64, weights=None):
    rows = sparse.csr_array(counts)
    return CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), rows.shape[1], weights)


def make_topics(values, dtype, eta=0.01) -> Topics:
    n_words, n_topics = values.shape
    prior = WordPrior(np.full((1, 1), eta, dtype), n_words, n_topics)
    return topics_of(np.array(values), prior, np.ones(n_topics), np.dtype(dtype))


def fitted_topics(true, eta, dtype, tokens=300.0) -> Topics:
    return make_topics((eta + tokens * true).T, dtype, eta)


def step(counts, topics, alpha, sweeps, *, weights=None, apart=False, **settings):
    """Kernel results: group, expected counts (V, K); `apart`: the group's gamma begins as NaN."""
    topics = replace(topics, alpha=alpha)
    source = source_of(counts, topics.dtype, weights)
    layout = Layout(len(counts), None, 16)
    group = make_group(source.read(0, len(counts)), topics)
    index = word_index(group.rows)
    table = make_table(topics, index.words, ONE)
    before = settings.pop("previous", None)
    group.gamma[...] = np.nan
    for block in layout.blocks(layout.batches[0]):
        at = slice(*block)
        previous = None if before is None else before[at]
        gamma = np.empty_like(group.gamma[at]) if apart else None
        document_step(group, at, topics, table, sweeps, previous=previous, gamma=gamma, **settings)
    shape = topics.n_words, topics.n_topics
    found = []
    for rows in (index.words, None):  # a row a word of these documents, or of all
        size = len(index.words) if rows is not None else shape[0]
        sums = RowTable(shape[0], np.zeros((size, shape[1]), topics.dtype), rows)
        for part in word_parts(index):
            add_word_sums(group, index, part, topics, table, sums)
        found.append(sums.dense())
    np.testing.assert_array_equal(*found)
    for part in word_parts(index):  # in the place of the table
        add_word_sums(group, index, part, topics, table, None)
    alone = RowTable(shape[0], table.narrowed(shape[1]), index.words)
    np.testing.assert_array_equal(alone.dense(), found[0])
    return group, found[0]


def reference(counts, topics, gamma, weights=None):
    """Expected counts (V, K) and bounds of the documents for a given gamma."""
    values = topics.parameters().T.astype(float)
    log_beta = naive.expected_log(values).T
    gamma = gamma.astype(float)
    weights = np.ones(len(counts)) if weights is None else weights
    sums = sum(
        w * x[:, None] * naive.responsibilities(g, log_beta)
        for w, x, g in zip(weights, counts, gamma, strict=True)
    )
    return sums


@pytest.mark.parametrize(("alpha", "eta"), PRIORS)
@pytest.mark.parametrize("n_topics", [1, 5, 23])
def test_documents_match_the_reference(alpha, eta, n_topics):
    counts, true = planted(60, n_topics=n_topics)
    topics = fitted_topics(true, eta, np.float64)
    prior = np.full(n_topics, alpha)
    group, sums = step(counts, topics, prior, Sweeps(1000, 1e-10))
    values = topics.parameters().T
    log_beta, gained = naive.expected_log(values).T, 0.0
    for x, gamma, bound in zip(counts, group.gamma, group.bound, strict=True):
        expected, _, _ = naive.document_step(x, values, prior, np.ones(n_topics), 1000, 1e-10)
        if n_topics < 23 or alpha == 1.0:  # elsewhere documents have several optima
            np.testing.assert_allclose(gamma, expected, atol=1e-7)
        again = prior + x @ naive.responsibilities(gamma, log_beta)
        np.testing.assert_allclose(again, gamma, atol=1e-7)
        assert bound == pytest.approx(naive.document_bound(x, values, prior, gamma), rel=1e-11)
        gained += bound - naive.document_bound(x, values, prior, expected)
    assert gained > -1e-3 * counts.sum()
    np.testing.assert_allclose(sums, reference(counts, topics, group.gamma), atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sharpened_documents_find_higher_optima(dtype):
    counts, true = planted(200, n_topics=40, n_words=300)
    topics = fitted_topics(true, 0.02, dtype)
    prior = np.full(40, 0.02)
    plain, _ = step(counts, topics, prior, Sweeps(300, 1e-5))
    sharp, sums = step(counts, topics, prior, Sweeps(300, 1e-5), sharpen=True)
    assert sharp.bound.sum() > plain.bound.sum()
    np.testing.assert_allclose(sums, reference(counts, topics, sharp.gamma), atol=1e-3)
    log_beta = naive.expected_log(topics.parameters().T.astype(float)).T
    for x, gamma in zip(counts, sharp.gamma.astype(float), strict=True):
        again = prior + x @ naive.responsibilities(gamma, log_beta)
        np.testing.assert_allclose(again, gamma, atol=3e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1e-3, 0.02, 0.5, "uneven"])
def test_shares_alone_are_those_of_the_whole_step(alpha, dtype):
    # What topics that were left out would take is found from the sums of rows then.
    counts, true = planted(200, n_topics=40, n_words=300)
    topics = fitted_topics(true, 0.02, dtype)
    prior = np.linspace(1e-3, 0.5, 40) if alpha == "uneven" else np.full(40, alpha)
    sweeps = Sweeps(100, 1e-3)
    whole, _ = step(counts, topics, prior, sweeps, sharpen=True)
    source = source_of(counts, dtype)
    table = make_table(topics, np.arange(300, dtype=np.int32), ONE)
    topics = replace(topics, alpha=prior)
    shares = make_group(source.read(0, 200), topics)._replace(theta=None, bound=None)
    for at in (slice(0, 120), slice(120, 200)):
        document_step(shares, at, topics, table, sweeps, sharpen=True)
    np.testing.assert_allclose(shares.gamma, whole.gamma, atol=40 * sweeps.tolerance)
    np.testing.assert_allclose(
        shares.gamma.sum(axis=1),
        prior.sum() + counts.sum(axis=1),
        rtol=1e-4 if dtype == np.float32 else 1e-9,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vectors_of_tables_lie_in_one_line(dtype):
    _, true = planted(5, n_topics=23)
    table = make_table(fitted_topics(true, 0.02, dtype), np.arange(7, dtype=np.int32), ONE)
    assert table.rows.ctypes.data % CACHE_LINE == 0
    assert table.rows.flags.c_contiguous


@pytest.mark.parametrize(("alpha", "eta"), PRIORS)
def test_single_precision(alpha, eta):
    counts, true = planted(60, n_topics=7)
    topics = fitted_topics(true, eta, np.float32)
    prior = np.full(7, alpha)
    group, sums = step(counts, topics, prior, Sweeps(300, 1e-5))
    assert group.gamma.dtype == np.float32
    np.testing.assert_allclose(sums, reference(counts, topics, group.gamma), atol=5e-4)
    values = topics.parameters().T.astype(float)
    for x, gamma, bound in zip(counts, group.gamma.astype(float), group.bound, strict=True):
        assert bound == pytest.approx(naive.document_bound(x, values, prior, gamma), rel=2e-5)


def test_parameters_apart_are_the_groups_only_where_words_need_them():
    counts, true = planted(40, n_topics=5)
    topics, sweeps = fitted_topics(true, 0.02, np.float32), Sweeps(50, 1e-3)
    _, expected = step(counts, topics, np.full(5, 0.1), sweeps)
    group, sums = step(counts, topics, np.full(5, 0.1), sweeps, apart=True)
    assert np.isnan(group.gamma).all()
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_words_that_underflow_keep_their_tokens(dtype, apart):
    """A gamma that rules out the only topic of a word, with priors beyond the range of either."""
    eta, alpha = 1e-5, 1e-5
    true = np.kron(np.eye(2), np.full((1, 3), 1 / 3))
    topics = make_topics((eta + 30 * true).T, dtype)
    counts = np.array([[3.0, 2, 0, 0, 0, 1], [0.0, 0, 0, 4, 0, 0]])
    previous = np.array([[6 + alpha, alpha], [4 + alpha, alpha]], dtype)
    # No sweep at all: the step is asked what this gamma is worth.
    group, sums = step(
        counts, topics, np.full(2, alpha), Sweeps(0, 0.0), previous=previous, warm=True, apart=apart
    )
    np.testing.assert_array_equal(group.gamma, previous)
    assert (group.weights < 0).sum() == 2
    assert sums.sum() == pytest.approx(counts.sum(), rel=1e-6)
    np.testing.assert_allclose(sums, reference(counts, topics, previous), atol=1e-5)
    values = topics.parameters().T.astype(float)
    for x, gamma, bound in zip(counts, group.gamma.astype(float), group.bound, strict=True):
        expected = naive.document_bound(x, values, np.full(2, alpha), gamma)
        assert bound == pytest.approx(expected, rel=1e-5)
    # With sweeps they pull their topic back.
    group, _ = step(
        counts, topics, np.full(2, alpha), Sweeps(50, 1e-6), previous=previous, warm=True
    )
    np.testing.assert_allclose(group.gamma, [[5, 1], [0, 4]], atol=1e-3)


def test_active_topics_change_nothing():
    """The tolerance decides how much a topic may lose by being left out."""
    counts, true = planted(80, n_topics=40, n_words=200, length=100)
    topics = fitted_topics(true, 0.02, np.float64)
    prior = np.full(40, 0.02)
    group, _ = step(counts, topics, prior, Sweeps(1000, 1e-9))
    for x, gamma in zip(counts, group.gamma, strict=True):
        log_beta = naive.expected_log(topics.parameters().T).T
        again = prior + x @ naive.responsibilities(gamma, log_beta)
        np.testing.assert_allclose(again, gamma, atol=1e-6)  # a fixed point over all topics


def test_previous_parameters_guard_the_bound():
    counts, true = planted(100, n_topics=8)
    topics = fitted_topics(true, 0.02, np.float64)
    prior = np.full(8, 0.05)
    rng = np.random.default_rng(1)
    previous = rng.gamma(0.3, 10.0, (100, 8)) + 0.05
    values = topics.parameters().T
    before = [
        naive.document_bound(x, values, prior, g) for x, g in zip(counts, previous, strict=True)
    ]
    kept = previous.copy()
    group, sums = step(counts, topics, prior, Sweeps(20, 1e-3), previous=previous)
    assert (group.bound >= np.array(before) - 1e-9).all()
    np.testing.assert_array_equal(previous, kept)
    np.testing.assert_allclose(sums, reference(counts, topics, group.gamma), atol=1e-11)


def test_long_documents_read_the_table_itself():
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (3, 4000)).astype(float)
    topics = make_topics(rng.gamma(1.0, 1.0, (4000, 30)), np.float64)
    prior = np.full(30, 0.1)
    group, sums = step(counts, topics, prior, Sweeps(3000, 1e-8))
    expected, _, _ = naive.document_step(
        counts[0], topics.parameters().T, prior, np.ones(30), 3000, 1e-8
    )
    np.testing.assert_allclose(group.gamma[0], expected, rtol=1e-3)
    np.testing.assert_allclose(sums, reference(counts, topics, group.gamma), atol=1e-9)


def test_weights_of_documents():
    counts, true = planted(40)
    topics = fitted_topics(true, 0.1, np.float64)
    weights = np.random.default_rng(0).uniform(0, 3, 40)
    weights[5] = 0
    prior = np.full(5, 0.1)
    group, sums = step(counts, topics, prior, Sweeps(50, 1e-6), weights=weights)
    plain, _ = step(counts, topics, prior, Sweeps(50, 1e-6))
    np.testing.assert_array_equal(group.gamma, plain.gamma)
    np.testing.assert_allclose(sums, reference(counts, topics, group.gamma, weights), atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_topic_terms(dtype):
    rng = np.random.default_rng(0)
    topics = make_topics(rng.gamma(0.5, 1.0, (3000, 13)) + 1e-4, dtype)
    values = topics.parameters().T.astype(float)
    log_beta = naive.expected_log(values)
    counts = rng.gamma(1.0, 1.0, (3000, 13)).astype(dtype)
    expected = counts.T * log_beta
    exact = 1e-12 if dtype is np.float64 else 1e-8  # lambda may be rounded once more
    words = np.arange(0, 3000, 3, dtype=np.int32)
    cross = terms(topics, words, statistics=counts, factor=2.0)
    assert cross == pytest.approx(2 * expected[:, words].sum(), rel=exact)
    assert cross == terms(topics, words, ThreadExecutor(2), statistics=counts[words], factor=2.0)
    zeros = np.zeros_like(counts)
    zeros[words] = counts[words]
    for rows in (counts[words], zeros):
        for executor in (ONE, ThreadExecutor(2)):
            sums, value = counted_terms(topics, words, rows, executor)
            np.testing.assert_allclose(sums, counts[words].sum(axis=0, dtype=float), rtol=1e-12)
            assert value == pytest.approx(cross / 2, rel=1e-12)
    own = topics.counts.values.T * log_beta
    assert terms(topics, None, own_factor=-1.0) == pytest.approx(-own.sum(), rel=10 * exact)
    assert terms(topics, None, log_gamma=True) == pytest.approx(gammaln(values).sum(), rel=exact)
    assert terms(topics, None, digamma=True) == pytest.approx(digamma(values).sum(), rel=exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_topics", [1, 3, 16, 21])
def test_priors_of_every_shape(dtype, n_topics):
    """lambda is put together from counts, a factor and a prior; every kernel must do it alike."""
    rng = np.random.default_rng(0)
    counts, _ = planted(30, n_topics=n_topics)
    table = rng.gamma(0.5, 4.0, (60, n_topics)).astype(dtype)
    for shape in [(1, 1), (60, 1), (60, n_topics)]:
        prior = WordPrior(rng.uniform(0.01, 2.0, shape).astype(dtype), 60, n_topics)
        values = np.broadcast_to(prior.values, (60, n_topics)).astype(float)
        np.testing.assert_allclose(prior.totals, values.sum(axis=0))
        norm = (gammaln(values.sum(axis=0)) - gammaln(values).sum(axis=0)).sum()
        assert prior.log_norm == pytest.approx(norm, rel=1e-11)
        expected = values + 0.25 * table
        rows = RowTable(60, table, scale=0.25)
        topics = Topics(rows, prior, np.full(n_topics, 0.3), expected.sum(axis=0))
        np.testing.assert_allclose(topics.parameters(), expected, rtol=1e-6)
        found = np.zeros(n_topics)
        group, sums = step(counts, topics, topics.alpha, Sweeps(20, 1e-6), log_theta=found)
        np.testing.assert_allclose(sums, reference(counts, topics, group.gamma), atol=1e-3)
        log_theta = naive.expected_log(group.gamma.astype(float)).sum(axis=0)
        np.testing.assert_allclose(found, log_theta, rtol=1e-10)
    with pytest.raises(ValueError, match="the prior of words must have shape"):
        WordPrior(np.ones((60, n_topics + 1)), 60, n_topics)


CALLS = {
    "topics": {"topics": (np.ones((6, 2), np.int64), *TOPICS[1:])},
    "tuple": {"topics": TOPICS[:3]},
    "prior": {"topics": (*TOPICS[:2], np.ones((6, 3)), TOPICS[3])},
    "psi_total": {"topics": (*TOPICS[:3], np.zeros(3))},
    "vocabulary": {"vocabulary": np.array([0, 6], np.int32)},
    "table": {"table": np.ones((2, 9))},
    "words": {"words": np.array([0, 2], np.int32)},
    "start": {"start": np.array([0, 3], np.int64)},
    "gamma": {"gamma": np.ones((2, 2))},
    "weights": {"weights": np.ones(3)},
    "alpha": {"alpha": np.ones(3)},
    "counts": {"counts": np.ones(2, np.float32)},
    "previous": {"previous": np.ones((1, 3))},
    "theta": {"theta": np.ones((1, 9))},
    "log_theta": {"log_theta": np.ones(3)},
}


@pytest.mark.parametrize("name", CALLS)
def test_the_border_checks_what_it_is_given(name):
    _core.topic_documents(**document_call())
    with pytest.raises((TypeError, ValueError), match=name):
        _core.topic_documents(**document_call(**CALLS[name]))

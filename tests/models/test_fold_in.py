"""Collapsed inference of documents at fixed topics against a slow reference."""

from __future__ import annotations

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from vivace import _core
from vivace.engine import CsrSource, ThreadExecutor
from vivace.models.documents import Sweeps
from vivace.models.fold_in import FoldIn
from vivace.models.topics import WordPrior, topics_of

ONE = ThreadExecutor(1)


def make_topics(values, dtype, eta, alpha):
    n_words, n_topics = values.shape
    prior = WordPrior(np.full((1, 1), eta, dtype), n_words, n_topics)
    return topics_of(np.array(values), prior, np.array(alpha, float), np.dtype(dtype))


def found(counts, topics, sweeps, blocks=None, executor=ONE):
    rows = sparse.csr_array(counts)
    source = CsrSource(rows.indptr, rows.indices, rows.data.astype(topics.dtype), rows.shape[1])
    words = np.flatnonzero(counts.any(axis=0)).astype(np.int32)
    blocks = [(0, len(counts))] if blocks is None else blocks
    step = FoldIn(topics, source, words, sweeps, executor)
    gamma = np.empty((len(counts), topics.n_topics), topics.dtype)
    executor.map(lambda block: step(block, gamma[slice(*block)]), blocks)
    return gamma


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_topics", [1, 3, 8, 23, 40])
@pytest.mark.parametrize("alpha", [1e-3, 0.05, 1.0])
def test_documents_match_the_reference(n_topics, alpha, dtype):
    counts, true = planted(40, n_topics=n_topics)
    counts[3] = 0
    counts[5] *= 0.3  # parts of tokens leave only themselves out
    prior = alpha * np.linspace(1, 2, n_topics)
    topics = make_topics((0.02 + 300 * true).T, dtype, 0.02, prior)
    mean = topics.mean().T.astype(float)
    gamma = found(counts, topics, Sweeps(7, 0.0))
    expected = [naive.fold_in(x, mean, prior, 7, 0.0) for x in counts]
    tight = dtype == np.float64
    np.testing.assert_allclose(
        gamma, expected, rtol=1e-9 if tight else 2e-3, atol=1e-9 if tight else 2e-3
    )
    np.testing.assert_allclose(gamma[3], prior, rtol=1e-6)
    if tight:
        stopped = found(counts, topics, Sweeps(100, 1e-2))
        expected = [naive.fold_in(x, mean, prior, 100, 1e-2) for x in counts]
        np.testing.assert_allclose(stopped, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 20),
    st.integers(1, 30),
    st.sampled_from([np.float32, np.float64]),
)
def test_tokens_are_kept(seed, n_topics, n_words, dtype):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.7, size=(6, n_words)).astype(float)
    alpha = rng.gamma(0.5, size=n_topics) + 1e-4
    topics = make_topics(rng.gamma(0.3, size=(n_words, n_topics)) + 1e-3, dtype, 1e-3, alpha)
    gamma = found(counts, topics, Sweeps(20, 1e-3))
    assert (gamma >= 0.99 * topics.alpha.astype(dtype)).all()
    total = topics.alpha.sum() + counts.sum(axis=1)
    np.testing.assert_allclose(gamma.sum(axis=1), total, rtol=1e-4)


def test_neither_threads_nor_blocks_change_a_bit():
    counts, true = planted(90, n_topics=7)
    topics = make_topics((0.02 + 300 * true).T, np.float32, 0.02, np.full(7, 0.1))
    one = found(counts, topics, Sweeps(50, 1e-3))
    cut = [(0, 20), (20, 21), (21, 70), (70, 90)]
    for threads in (1, 3):
        other = found(counts, topics, Sweeps(50, 1e-3), cut, ThreadExecutor(threads))
        np.testing.assert_array_equal(other, one)


def test_tiny_priors_make_no_subnormal_numbers():
    counts, true = planted(20, n_topics=5)
    topics = make_topics((1e-4 + 1e4 * true).T, np.float32, 1e-4, np.full(5, 1e-3))
    gamma = found(counts, topics, Sweeps(200, 0.0))
    assert np.isfinite(gamma).all()
    taken = gamma - topics.alpha.astype(np.float32)
    assert not ((taken > 0) & (taken < np.finfo(np.float32).tiny)).any()


@pytest.mark.parametrize("name", ["table", "start", "words", "counts", "alpha", "gamma"])
def test_the_border_checks_what_it_is_given(name):
    stride = _core.topic_stride(2, False)
    good = {
        "table": np.ones((2, stride)),
        "start": np.array([0, 2], np.int64),
        "words": np.array([0, 1], np.int32),
        "counts": np.ones(2),
        "alpha": np.ones(stride),
        "max_sweeps": 3,
        "tolerance": 0.1,
        "gamma": np.ones((1, 2)),
    }
    _core.topic_fold_in(**good)
    bad = {
        "table": np.ones((2, 3)),
        "start": np.array([0, 3], np.int64),
        "words": np.array([0, 2], np.int32),
        "counts": np.ones((2, 1)),
        "alpha": np.ones(2),
        "gamma": np.ones((2, 2)),
    }
    with pytest.raises((TypeError, ValueError), match=name):
        _core.topic_fold_in(**(good | {name: bad[name]}))

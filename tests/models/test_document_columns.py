"""Documents of any number of words, at any number of topics: rows, columns, and their ends."""

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from vivace.engine import CsrSource, ThreadExecutor
from vivace.models.documents import Sweeps, document_step, make_group, make_table
from vivace.models.topics import WordPrior, topics_of

ETA = 0.02


@settings(max_examples=25, deadline=None)
@given(
    n_topics=st.integers(2, 130),
    n_words=st.integers(5, 400),
    length=st.integers(1, 500),
    alpha=st.sampled_from([1e-3, 0.02, 0.3]),
    dtype=st.sampled_from([np.float32, np.float64]),
    sharpen=st.booleans(),
    shares_only=st.booleans(),
    seed=st.integers(0, 99),
)
def test_documents_end_at_a_fixed_point(
    n_topics, n_words, length, alpha, dtype, sharpen, shares_only, seed
):
    counts, true = planted(6, n_topics=n_topics, n_words=n_words, length=length, seed=seed)
    prior = np.full(n_topics, alpha)
    words = WordPrior(np.full((1, 1), ETA, dtype), n_words, n_topics)
    topics = topics_of((ETA + 300.0 * true).T, words, prior, np.dtype(dtype))
    rows = sparse.csr_array(counts)
    source = CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), n_words)
    table = make_table(topics, np.arange(n_words, dtype=np.int32), ThreadExecutor(1))
    group = make_group(source.read(0, 6), topics)
    if shares_only:
        group = group._replace(theta=None, bound=None)
    sweeps = Sweeps(3000, 1e-5)
    document_step(group, slice(0, 6), topics, table, sweeps, sharpen=sharpen)
    values = topics.parameters().T.astype(float)
    log_beta = naive.expected_log(values).T
    for i, (x, gamma) in enumerate(zip(counts, group.gamma.astype(float), strict=True)):
        again = prior + x @ naive.responsibilities(gamma, log_beta)
        np.testing.assert_allclose(again, gamma, atol=2 * n_topics * sweeps.tolerance, rtol=1e-4)
        if group.bound is not None:
            expected = naive.document_bound(x, values, prior, gamma)
            assert group.bound[i] == pytest.approx(expected, rel=5e-5, abs=1e-3)


@pytest.mark.parametrize("sharpen", [False, True])
def test_a_loose_tolerance_costs_little_of_the_bound(sharpen):
    n_topics, n_words, n = 60, 500, 60
    counts, true = planted(n, n_topics=n_topics, n_words=n_words, length=15, seed=0)
    words = WordPrior(np.full((1, 1), ETA), n_words, n_topics)
    topics = topics_of((ETA + 300.0 * true).T, words, np.full(n_topics, 0.02), np.dtype(float))
    rows = sparse.csr_array(counts)
    source = CsrSource(rows.indptr, rows.indices, rows.data.astype(float), n_words)
    table = make_table(topics, np.arange(n_words, dtype=np.int32), ThreadExecutor(1))
    bounds = []
    for tolerance in (1e-4, 1e-2):
        group = make_group(source.read(0, n), topics)
        step = Sweeps(100, tolerance)
        document_step(group, slice(0, n), topics, table, step, sharpen=sharpen)
        bounds.append(group.bound.sum() / counts.sum())
    # Topics that leave too soon cost more than a nat.
    assert bounds[1] > bounds[0] - 0.15

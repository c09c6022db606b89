"""Edges of the input that the issue of topic models names, and priors in every form."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted_csr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import vivace
from vivace import LatentDirichletAllocation
from vivace.engine import CsrSource, ThreadExecutor
from vivace.models import document_groups
from vivace.models import lda as lda_module
from vivace.models.documents import Sweeps, document_step, make_group, make_table
from vivace.models.lda import LatentDirichletModel
from vivace.topics import _fitting

X = planted_csr()
METHODS = ["batch", "online", "memoized"]


def fitted(data=X, **given):
    given = {"n_components": 5, "random_state": 0, "batch_size": 50, "max_iter": 5} | given
    return LatentDirichletAllocation(**given).fit(data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_document_of_more_than_a_million_tokens(dtype):
    rng = np.random.default_rng(0)
    counts = rng.poisson(30.0, (4, 50_000)).astype(dtype)
    counts[1:, 100:] = 0
    lda = fitted(sparse.csr_array(counts), max_iter=2)
    assert counts[0].sum() > 1e6
    assert lda.topic_sizes_.sum() == pytest.approx(counts.sum(dtype=np.float64), rel=1e-4)
    np.testing.assert_allclose(lda.transform(counts).sum(axis=1), 1.0, rtol=1e-5)


def test_tiny_priors_in_single_precision_make_no_subnormal_numbers():
    """They cost a hundred times as much."""
    counts = X.astype(np.float32)
    lda = fitted(counts, doc_topic_prior=1e-3, topic_word_prior=1e-3, max_iter=20)
    topics, tiny = lda._fitted.topics, np.finfo(np.float32).tiny
    table = make_table(topics, np.arange(60, dtype=np.int32), ThreadExecutor(1))
    rows = CsrSource(counts.indptr, counts.indices, counts.data, 60)
    group = make_group(rows.read(0, 200), topics)
    document_step(group, slice(0, 200), topics, table, Sweeps(100, 1e-3), sharpen=True)
    for values in (lda.components_, group.gamma, table.rows, group.theta, group.weights):
        assert np.isfinite(values).all()
        assert not ((values != 0) & (np.abs(values) < tiny)).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_permuted_words_and_documents_give_permuted_topics(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(X.shape[0]), rng.permutation(X.shape[1])
    start = rng.gamma(1.0, 1.0, (4, X.shape[1]))
    common = {"n_components": 4, "doc_topic_prior": 1.0, "random_state": 0, "init": "random"}
    one = LatentDirichletAllocation(max_iter=3, topics_init=start, **common).fit(X)
    two = LatentDirichletAllocation(max_iter=3, topics_init=start[:, columns], **common)
    two.fit(X[rows][:, columns])
    np.testing.assert_allclose(two.components_, one.components_[:, columns], rtol=2e-2)
    assert two.elbo_ == pytest.approx(one.elbo_, rel=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_priors_of_words_by_word_and_by_topic(method, dtype, tmp_path):
    rng = np.random.default_rng(0)
    for shape in [(60,), (5, 60)]:
        eta = rng.uniform(0.01, 1.0, shape)
        lda = fitted(X.astype(dtype), topic_word_prior=eta, learning_method=method)
        np.testing.assert_allclose(lda.topic_word_prior_, eta, rtol=1e-6)
        assert lda.components_.dtype == dtype
        assert np.isfinite(lda.elbo_)
        lda.save(tmp_path / "m")
        found = vivace.load(tmp_path / "m")
        np.testing.assert_array_equal(found.topic_word_prior_, lda.topic_word_prior_)
        np.testing.assert_array_equal(found.components_, lda.components_)
        np.testing.assert_array_equal(found.transform(X), lda.transform(X))
        lda.partial_fit(X[:20].astype(dtype))
        found.partial_fit(X[:20].astype(dtype))
        np.testing.assert_array_equal(found.components_, lda.components_)


def test_equal_priors_in_any_form_give_the_same_fit():
    number = fitted(topic_word_prior=0.3, doc_topic_prior=0.2)
    word = fitted(topic_word_prior=np.full(60, 0.3), doc_topic_prior=[0.2] * 5)
    table = fitted(topic_word_prior=np.full((5, 60), 0.3), doc_topic_prior=0.2)
    for other in (word, table):
        np.testing.assert_allclose(other.components_, number.components_, rtol=1e-9)
        assert other.elbo_ == pytest.approx(number.elbo_, rel=1e-11)


def test_seeded_topics_come_where_they_are_seeded():
    counts = np.kron(np.eye(3), np.full((60, 4), 2.0))
    eta = np.full((3, 12), 0.1)
    for topic, group in enumerate([2, 0, 1]):
        eta[topic, 4 * group] = 100.0
    lda = fitted(counts, n_components=3, topic_word_prior=eta, max_iter=30)
    for topic, group in enumerate([2, 0, 1]):
        shares = lda.transform(counts[60 * group : 60 * group + 1])[0]
        assert shares.argmax() == topic


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_learned_priors(method, n_jobs, tmp_path):
    lda = fitted(
        learning_method=method, doc_topic_prior="auto", topic_word_prior="auto", max_iter=40,
        n_jobs=n_jobs,
    )  # fmt: skip
    assert lda.doc_topic_prior_.shape == (5,)
    assert lda.doc_topic_prior_.min() > 0
    assert lda.topic_word_prior_ != 0.2
    fixed = fitted(learning_method=method, max_iter=40)
    assert lda.elbo_ > fixed.elbo_
    lda.save(tmp_path / "m")
    found = vivace.load(tmp_path / "m")
    for estimator in (lda, found):
        estimator.partial_fit(X[:60])
    np.testing.assert_array_equal(found.doc_topic_prior_, lda.doc_topic_prior_)
    np.testing.assert_array_equal(found.components_, lda.components_)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_learned_from_the_shares_of_one_topic(method):
    lda = fitted(n_components=1, learning_method=method, doc_topic_prior="auto", max_iter=30)
    assert lda.doc_topic_prior_ == 1.0


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"topic_word_prior": np.ones(59)}, r"topic_word_prior must have shape \(60,\)"),
        ({"topic_word_prior": np.ones((4, 60))}, r"topic_word_prior must have shape \(5, 60\)"),
        ({"topic_word_prior": np.r_[np.ones(59), 0]}, "topic_word_prior must be positive"),
        ({"topic_word_prior": np.r_[np.ones(59), np.nan]}, "NaN"),
        ({"topic_word_prior": "learn"}, "topic_word_prior"),
        ({"doc_topic_prior": "learn"}, "doc_topic_prior"),
        ({"doc_topic_prior": -1.0}, "doc_topic_prior"),
        ({"doc_topic_prior": np.ones((5, 1))}, "doc_topic_prior must have shape"),
    ],
)
def test_priors_that_cannot_be(settings, match):
    with pytest.raises(ValueError, match=match):
        fitted(**settings)


def test_statistics_of_batches_go_to_a_file(monkeypatch):
    settings = {"learning_method": "memoized", "batch_size": 30, "max_iter": 6}
    in_memory = fitted(**settings)
    monkeypatch.setattr(_fitting, "STATISTICS_BYTES", 1_000)
    shelved = fitted(**settings)
    np.testing.assert_array_equal(shelved.components_, in_memory.components_)
    np.testing.assert_array_equal(shelved.elbo_trace_, in_memory.elbo_trace_)


@pytest.mark.parametrize("method", ["batch", "memoized"])
def test_states_of_documents_may_be_replaced_as_a_pass_goes(method, monkeypatch):
    monkeypatch.setattr(document_groups, "GROUP_BLOCKS", 2)
    settings = {"learning_method": method, "max_iter": 30}
    found = fitted(**settings)
    # One that cannot be switched on: states are replaced when a pass is accepted.
    never = property(lambda _: False, lambda *_: None)
    monkeypatch.setattr(LatentDirichletModel, "replace_states", never, raising=False)
    np.testing.assert_array_equal(fitted(**settings).components_, found.components_)


@pytest.mark.parametrize("method", ["batch", "memoized"])
def test_the_bound_does_not_fall_after_an_interrupt_within_a_pass(method, monkeypatch):
    monkeypatch.setattr(document_groups, "GROUP_BLOCKS", 2)
    steps = []

    def interrupted(*args, **settings):
        steps.append(None)
        if len(steps) == 100:
            raise KeyboardInterrupt
        return document_step(*args, **settings)

    monkeypatch.setattr(lda_module, "document_step", interrupted)
    lda = LatentDirichletAllocation(
        5, random_state=0, warm_start=True, max_iter=100, learning_method=method, perp_tol=0.0
    )
    with pytest.raises(KeyboardInterrupt):
        lda.fit(X)
    reached = lda.elbo_trace_
    assert len(reached) > 3
    trace = np.append(reached, lda.set_params(max_iter=5).fit(X).elbo_trace_)
    assert (np.diff(trace) > -1e-9 * abs(trace[-1])).all()

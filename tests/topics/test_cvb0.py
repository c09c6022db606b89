"""The estimator with inference='cvb0', and what it starts from."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from corpora import planted, planted_csr
from scipy import sparse
from sklearn.utils.estimator_checks import parametrize_with_checks

import vivace
from vivace import LatentDirichletAllocation
from vivace.models.lda import LatentDirichletModel, Sweeps
from vivace.models.topics import WordPrior
from vivace.topics import _starts
from vivace.topics._documents import check_documents

X = planted_csr()


def fitted(data=X, **settings):
    settings = {"n_components": 5, "random_state": 0, "inference": "cvb0"} | settings
    return LatentDirichletAllocation(**settings).fit(data)


@parametrize_with_checks(
    [LatentDirichletAllocation(3, inference="cvb0", random_state=0)],
    # Documents go through in batches, in an order that is drawn: a document twice is not the same
    # as one of weight two, and the last bits depend on the order.
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "documents are visited in batches",
        "check_sample_weight_equivalence_on_sparse_data": "documents are visited in batches",
        "check_fit_score_takes_y": "partial_fit is an error that names vb",
        "check_n_features_in_after_fitting": "partial_fit is an error that names vb",
    },
)
def test_check_estimator(estimator, check):
    check(estimator)


def test_components_are_prior_and_counts():
    for dtype in (np.float32, np.float64):
        lda = fitted(X.astype(dtype), topic_word_prior=0.1, max_iter=20)
        assert lda.components_.dtype == dtype
        counts = lda.components_ - dtype(0.1)
        np.testing.assert_allclose(counts.sum(axis=0), X.sum(axis=0), rtol=2e-3)
        assert lda.topic_sizes_.sum() == pytest.approx(X.sum(), rel=1e-3)


def test_planted_topics_are_found():
    counts, true = planted(2000, sharp=0.05, seed=1)
    lda = fitted(counts, max_iter=40)
    norms = np.linalg.norm(true, axis=1), np.linalg.norm(lda.topic_word_, axis=1)
    cosine = (true @ lda.topic_word_.T) / np.outer(*norms)
    assert (cosine.max(axis=1) > 0.95).all()


def test_there_is_no_bound_but_a_likelihood():
    lda = fitted(max_iter=12)
    assert lda.n_iter_ == len(lda.log_likelihood_trace_) == 12
    assert lda.log_likelihood_ == lda.log_likelihood_trace_[-1] > lda.log_likelihood_trace_[0]
    for name in ("elbo_", "elbo_trace_"):
        with pytest.raises(AttributeError, match="inference='cvb0' has no bound"):
            getattr(lda, name)
        assert not hasattr(fitted(inference="vb"), f"log_likelihood{name[4:]}")
    # At fixed topics it is the step of vb that serves.
    assert lda.elbo(X) < lda.score(X) < 0
    vb = LatentDirichletAllocation(5, topics_init=lda.components_, max_iter=0, random_state=0).fit(
        X
    )
    np.testing.assert_allclose(vb.transform(X), lda.transform(X), rtol=1e-6)
    assert vb.score(X) == pytest.approx(lda.score(X))
    assert fitted(evaluate_every=2, perp_tol=0.0).bound_ == pytest.approx(fitted().perplexity(X))


def test_perplexity_stops_a_fit():
    lda = fitted(max_iter=50, evaluate_every=1, perp_tol=100.0)
    assert lda.n_iter_ == 2


def test_progress_and_interrupts():
    seen = []
    lda = LatentDirichletAllocation(5, inference="cvb0", random_state=0, max_iter=50)
    lda.fit(X, callbacks=lambda progress: seen.append(progress.elbo) or len(seen) == 4)
    assert seen == lda.log_likelihood_trace_.tolist()
    assert lda.n_iter_ == 4

    def interrupt(progress):
        if progress.n_iter == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lda.fit(X, callbacks=[interrupt])
    assert lda.n_iter_ == 3
    np.testing.assert_array_equal(lda.components_, fitted(max_iter=3).components_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_n_jobs(dtype):
    data = sparse.vstack([X] * 20).astype(dtype)
    one = fitted(data, n_jobs=1)
    for n_jobs in (2, 3):
        other = fitted(data, n_jobs=n_jobs)
        np.testing.assert_array_equal(one.components_, other.components_)
        assert one.log_likelihood_trace_.tolist() == other.log_likelihood_trace_.tolist()


def test_counts_and_weights_of_any_size():
    data = planted(300)[0]
    weights = np.random.default_rng(0).choice([0.0, 0.3, 1.0, 2.5], 300)
    for scale in (0.2, 1.0, 7.5):
        lda = LatentDirichletAllocation(5, inference="cvb0", random_state=0, max_iter=20)
        lda.fit(scale * data, sample_weight=weights)
        expected = scale * (weights @ data)
        counts = lda.components_.sum(axis=0) - 5 * lda.topic_word_prior_
        np.testing.assert_allclose(counts, expected, rtol=1e-3, atol=1e-4)
        assert np.isfinite(lda.log_likelihood_trace_).all()
    with pytest.raises(ValueError, match="sample_weight"):
        fitted().fit(data, sample_weight=-weights)


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_method": "online"},
        {"learning_method": "memoized"},
        {"doc_topic_prior": "auto"},
        {"topic_word_prior": "auto"},
    ],
)
def test_what_is_not_supported_names_vb(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))}=.*inference='vb'"):
        fitted(**settings)


def test_partial_fit_names_vb():
    lda = fitted()
    with pytest.raises(ValueError, match=r"partial_fit.*inference='vb'"):
        lda.partial_fit(X)
    before = lda.components_.sum()
    lda.set_params(inference="vb", total_samples=200).partial_fit(X)
    assert lda.components_.sum() == pytest.approx(before, rel=0.05)


def test_files_and_pickles(tmp_path):
    lda = fitted(doc_topic_prior=0.3)
    lda.save(tmp_path / "model")
    for other in (vivace.load(tmp_path / "model"), pickle.loads(pickle.dumps(lda))):
        np.testing.assert_array_equal(other.components_, lda.components_)
        np.testing.assert_array_equal(other.transform(X), lda.transform(X))
        assert other.log_likelihood_trace_.tolist() == lda.log_likelihood_trace_.tolist()
        assert other.log_likelihood_ == lda.log_likelihood_
        assert other.get_params() == lda.get_params()
        with pytest.raises(AttributeError, match="has no bound"):
            other.elbo_  # noqa: B018


def test_small_priors_and_odd_corpora():
    tiny = {"doc_topic_prior": 1e-3, "topic_word_prior": 1e-3}
    for dtype in (np.float32, np.float64):
        assert np.isfinite(fitted(X.astype(dtype), max_iter=30, **tiny).components_).all()
    with pytest.warns(UserWarning, match="X holds no words"):
        assert np.allclose(fitted(np.zeros((4, 7)), topic_word_prior=0.2).components_, 0.2)
    assert fitted(np.eye(3), n_components=1).components_.shape == (1, 3)
    assert fitted(np.ones((3, 1))).components_.shape == (5, 1)
    assert fitted(np.full((1, 2), 2e6)).components_.sum() == pytest.approx(4e6, rel=1e-3)


def test_the_lean_store():
    data = sparse.vstack([X] * 5)
    for dtype in (np.float32, np.float64):
        full = fitted(data.astype(dtype), cvb0_store="full", max_iter=20)
        lean = fitted(data.astype(dtype), cvb0_store="lean", max_iter=20)
        # All five topics fit into what is kept.
        assert lean.log_likelihood_ == pytest.approx(full.log_likelihood_, abs=1e-2)
        np.testing.assert_allclose(lean.components_.sum(), full.components_.sum(), rtol=1e-3)
        other = fitted(data.astype(dtype), cvb0_store="lean", max_iter=20, n_jobs=3)
        np.testing.assert_array_equal(lean.components_, other.components_)
    with pytest.raises(ValueError, match="cvb0_store"):
        fitted(cvb0_store="small")


# -- starts ------------------------------------------------------------------------------------


def documents_of(counts):
    return check_documents(LatentDirichletAllocation(), counts, reset=True, whom="fit")


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_documents_are_a_better_start_for_short_documents(method):
    counts, _ = planted(1500, n_words=400, n_topics=20, length=8, sharp=0.03, seed=2)
    settings = {"max_iter": 10, "learning_method": method, "doc_topic_prior": 0.1}
    settings |= {"topic_word_prior": 0.1, "random_state": 0}
    found = {
        init: LatentDirichletAllocation(20, init=init, **settings).fit(counts).elbo_
        for init in (None, "documents", "random")
    }
    assert found[None] == found["documents"] > found["random"] + 0.05 * counts.sum()


def formed_from(counts, weights=None, dtype=np.float64, threads=1):
    """Five topics that form around documents, at alpha = eta = 0.1."""
    documents = check_documents(
        LatentDirichletAllocation(), counts.astype(dtype), weights, reset=True, whom="fit"
    )
    prior = WordPrior(np.full((1, 1), 0.1, dtype), counts.shape[1], 5)
    model = LatentDirichletModel(np.full(5, 0.1), prior, Sweeps(100, 1e-3), seed=3)
    with vivace.engine.ThreadExecutor(threads) as executor:
        return _starts.formed_topics(model, documents, executor, np.random.RandomState(0))


def test_a_start_from_a_part_of_a_large_corpus(monkeypatch):
    counts = planted(500)[0]
    assert counts.sum() > 3_000
    monkeypatch.setattr(_starts, "MOST_TOKENS", 3_000)
    tokens = _starts.whole_tokens(documents_of(counts), np.random.RandomState(0))
    assert 2_500 < tokens.number <= 3_000
    assert tokens.chosen is not None
    assert tokens.number == counts[tokens.chosen].sum()
    assert formed_from(counts).totals.sum() == pytest.approx(counts.sum() + 0.1 * 60 * 5)


def test_a_start_is_the_same_for_any_number_of_threads():
    counts = planted(1500)[0]
    one, two = (formed_from(counts, threads=n).parameters() for n in (1, 3))
    np.testing.assert_array_equal(one, two)
    single = formed_from(counts, dtype=np.float32)
    assert single.dtype == np.float32
    assert single.totals.sum() == pytest.approx(one.sum(), rel=1e-5)


@pytest.mark.parametrize("scale", [1.0, 0.37, 1e-3, 50.0])
def test_whole_tokens_of_any_counts(scale):
    counts, rng = planted(400)[0].astype(float), np.random.RandomState(1)
    weights = rng.random_sample(400) * (rng.random_sample(400) > 0.2)
    for given in (None, weights):
        documents = check_documents(
            LatentDirichletAllocation(), counts * scale, given, reset=True, whom="fit"
        )
        source = _starts.whole_tokens(documents, rng).source
        rows = source.read(0, source.n_rows).data
        assert (rows.values == np.floor(rows.values)).all()
        assert (rows.values >= 0).all()
        # An entry has from one token to some in the mean; words keep their shares.
        entries = (counts > 0).sum()
        assert 0.9 * entries < source.total_weight < 1.1 * _starts.MOST_COUNT * entries
        found = np.bincount(rows.columns, rows.values, counts.shape[1])
        wanted = counts.sum(axis=0) if given is None else weights @ counts
        shares = wanted / wanted.sum()
        spread = np.sqrt(shares / source.total_weight)
        np.testing.assert_allclose(found / found.sum(), shares, atol=6 * spread.max())
    whole = _starts.whole_tokens(documents_of(counts), rng)
    assert whole.number == counts.sum()


def test_a_document_longer_than_all_that_is_sampled(monkeypatch):
    monkeypatch.setattr(_starts, "MOST_TOKENS", 1_000)
    counts = planted(20)[0].astype(float)
    counts[3] = 1e5
    assert _starts.whole_tokens(documents_of(counts), np.random.RandomState(0)).number < 1_500
    assert np.isfinite(formed_from(counts).parameters()).all()


def test_starts_by_name():
    for init in ("documents", "random"):
        for inference in ("vb", "cvb0"):
            lda = fitted(init=init, inference=inference)
            again = fitted(init=init, inference=inference)
            np.testing.assert_array_equal(lda.components_, again.components_)
    given = fitted().components_
    assert fitted(topics_init=given, max_iter=0).components_ == pytest.approx(given)
    assert np.isfinite(fitted(topics_init=given).components_).all()
    with pytest.raises(ValueError, match="init"):
        fitted(init="pca")

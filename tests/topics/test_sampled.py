"""The estimator with inference='gibbs'.

scikit-learn's own checks of estimators fit fractions, which are an error here.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from corpora import planted, planted_csr
from scipy import sparse

import vivace
from vivace import LatentDirichletAllocation

X = planted_csr()


def fitted(data=X, **settings):
    settings = {"n_components": 5, "random_state": 0, "inference": "gibbs"} | settings
    return LatentDirichletAllocation(**settings).fit(data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_components_are_prior_and_counts(dtype):
    lda = fitted(X.astype(dtype), topic_word_prior=0.1, max_iter=20)
    assert lda.components_.dtype == dtype
    counts = lda.components_ - dtype(0.1)
    np.testing.assert_allclose(counts.sum(axis=0), X.sum(axis=0), rtol=1e-4)
    assert lda.topic_sizes_.sum() == pytest.approx(X.sum(), rel=1e-5)
    assert lda.n_iter_ == len(lda.log_likelihood_trace_) == 20


@pytest.mark.parametrize("init", ["documents", "random"])
def test_nothing_is_learned_of_one_topic(init):
    """The likelihood does not depend on the alpha of one topic."""
    lda = fitted(n_components=1, doc_topic_prior="auto", init=init, max_iter=30)
    assert lda.doc_topic_prior_ == 1.0
    given = fitted(n_components=1, doc_topic_prior=0.01, init=init, max_iter=30)
    np.testing.assert_array_equal(lda.components_, given.components_)


@pytest.mark.parametrize("init", ["documents", "random"])
def test_planted_topics_are_found(init):
    counts, true = planted(2000, sharp=0.05, seed=1)
    # One fit in ten stays where two topics share what belongs to one: the likelihood says so.
    fits = [fitted(counts, max_iter=60, init=init, random_state=seed) for seed in range(3)]
    lda = max(fits, key=lambda fit: fit.log_likelihood_)
    norms = np.linalg.norm(true, axis=1), np.linalg.norm(lda.topic_word_, axis=1)
    cosine = (true @ lda.topic_word_.T) / np.outer(*norms)
    assert (cosine.max(axis=1) > 0.95).all()


def test_there_is_no_bound_but_a_likelihood():
    lda = fitted(max_iter=30)
    assert lda.log_likelihood_ == lda.log_likelihood_trace_[-1] > lda.log_likelihood_trace_[0]
    with pytest.raises(AttributeError, match="inference='gibbs' has no bound"):
        lda.elbo_  # noqa: B018
    assert lda.elbo(X) < lda.score(X) < 0
    # As good for new documents as other inference.
    counts = planted(2000)[0]
    scores = [
        fitted(counts[:1000], max_iter=50, inference=name).document_completion(counts[1000:])
        for name in ("gibbs", "cvb0")
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_n_jobs(dtype):
    data = sparse.vstack([X] * 20).astype(dtype)
    one = fitted(data, n_jobs=1, doc_topic_prior="auto")
    for n_jobs in (2, 3):
        other = fitted(data, n_jobs=n_jobs, doc_topic_prior="auto")
        np.testing.assert_array_equal(one.components_, other.components_)
        np.testing.assert_array_equal(one.doc_topic_prior_, other.doc_topic_prior_)
        assert one.log_likelihood_trace_.tolist() == other.log_likelihood_trace_.tolist()


def test_progress_and_interrupts():
    seen = []
    lda = LatentDirichletAllocation(5, inference="gibbs", random_state=0, max_iter=50)
    lda.fit(X, callbacks=lambda progress: seen.append(progress.elbo) or len(seen) == 4)
    assert seen == lda.log_likelihood_trace_.tolist()

    def interrupt(progress):
        if progress.n_iter == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lda.fit(X, callbacks=[interrupt])
    assert lda.n_iter_ == 3
    np.testing.assert_array_equal(lda.components_, fitted(max_iter=3).components_)


def test_held_out_documents_and_warm_starts():
    counts = planted(1000)[0]
    lda = fitted(counts, max_iter=30, validation_fraction=0.2)
    assert len(lda.validation_trace_) == lda.n_iter_
    before = fitted(counts, max_iter=20, warm_start=True, doc_topic_prior="auto")
    alpha = before.doc_topic_prior_
    after = before.set_params(max_iter=3).fit(counts)
    assert after.n_iter_ == 3
    np.testing.assert_allclose(after.doc_topic_prior_, alpha, rtol=0.3)


def test_a_learned_prior_of_documents():
    counts, _ = planted(2000, sharp=0.05, seed=1)
    lda = fitted(counts, max_iter=60, doc_topic_prior="auto", random_state=1)
    np.testing.assert_allclose(lda.doc_topic_prior_, 0.3, rtol=0.3)


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_method": "online"},
        {"learning_method": "memoized"},
        {"topic_word_prior": "auto"},
    ],
)
def test_what_is_not_supported_names_vb(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))}=.*inference='vb'"):
        fitted(**settings)
    with pytest.raises(ValueError, match=r"partial_fit.*inference='vb'"):
        fitted().partial_fit(X)


def test_only_whole_tokens_are_sampled():
    with pytest.raises(ValueError, match=r"got a count of 0\.5\. Use inference='cvb0'"):
        fitted(0.5 * X)
    with pytest.raises(ValueError, match=r"got sample_weight\. Use inference='cvb0'"):
        LatentDirichletAllocation(5, inference="gibbs").fit(X, sample_weight=np.ones(X.shape[0]))
    with pytest.raises(ValueError, match=r"got n_components=65537"):
        fitted(n_components=2**16 + 1)
    with pytest.raises(ValueError, match=r"tokens; got 4000000000 tokens"):
        fitted(np.full((2, 1), 2e9))


def test_files_and_pickles(tmp_path):
    lda = fitted(doc_topic_prior="auto")
    lda.save(tmp_path / "model")
    for other in (vivace.load(tmp_path / "model"), pickle.loads(pickle.dumps(lda))):
        np.testing.assert_array_equal(other.components_, lda.components_)
        np.testing.assert_array_equal(other.transform(X), lda.transform(X))
        np.testing.assert_array_equal(other.doc_topic_prior_, lda.doc_topic_prior_)
        assert other.log_likelihood_ == lda.log_likelihood_
        assert other.get_params() == lda.get_params()


def test_small_priors_and_odd_corpora():
    tiny = {"doc_topic_prior": 1e-3, "topic_word_prior": 1e-3}
    for dtype in (np.float32, np.float64):
        lda = fitted(X.astype(dtype), max_iter=30, **tiny)
        assert np.isfinite(lda.components_).all()
        assert np.isfinite(lda.log_likelihood_trace_).all()
    with pytest.warns(UserWarning, match="X holds no words"):
        assert np.allclose(fitted(np.zeros((4, 7)), topic_word_prior=0.2).components_, 0.2)
    assert fitted(np.eye(3), n_components=1).components_.shape == (1, 3)
    assert fitted(np.ones((3, 1))).components_.shape == (5, 1)
    assert fitted(np.full((1, 2), 5e5)).components_.sum() == pytest.approx(1e6, rel=1e-3)


def test_a_stream_of_documents():
    blocks = [X[i : i + 50] for i in range(0, X.shape[0], 50)]
    stream = fitted(lambda: iter(blocks))
    np.testing.assert_array_equal(stream.components_, fitted().components_)

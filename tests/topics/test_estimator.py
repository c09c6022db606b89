"""The estimator: manners, scores, descriptions, files."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from corpora import planted, planted_csr
from scipy import sparse

import vivace
from vivace import LatentDirichletAllocation
from vivace.engine import expectation
from vivace.topics._completion import split_tokens
from vivace.topics._documents import check_documents

X = planted_csr()
METHODS = ["batch", "online", "memoized"]


def fitted(**settings):
    settings = {"n_components": 5, "random_state": 0, "batch_size": 50} | settings
    return LatentDirichletAllocation(**settings).fit(X)


@pytest.mark.parametrize("method", ["batch", "memoized"])
def test_the_trace_never_falls(method):
    lda = fitted(learning_method=method, max_iter=30)
    assert np.diff(lda.elbo_trace_).min() >= -1e-9 * abs(lda.elbo_)
    assert len(lda.elbo_trace_) == lda.n_iter_ == 30
    assert lda.elbo_ == lda.elbo_trace_[-1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_n_jobs(method, dtype):
    data = sparse.vstack([X] * 20).astype(dtype)
    found = []
    for n_jobs in (1, 2, 3):
        lda = LatentDirichletAllocation(
            5, learning_method=method, batch_size=1500, random_state=0, max_iter=2, n_jobs=n_jobs
        ).fit(data)
        found.append((lda.components_, lda.transform(data), lda.elbo_))
    for other in found[1:]:
        np.testing.assert_array_equal(other[0], found[0][0])
        np.testing.assert_array_equal(other[1], found[0][1])
        assert other[2] == found[0][2]


def test_single_precision_is_near_double():
    single = LatentDirichletAllocation(5, random_state=0).fit(X.astype(np.float32))
    double = LatentDirichletAllocation(5, random_state=0).fit(X)
    assert single.components_.dtype == np.float32
    assert single.elbo_ == pytest.approx(double.elbo_, rel=1e-5)


def test_planted_topics_are_found():
    counts, true = planted(2000, sharp=0.05, seed=1)
    fits = [
        LatentDirichletAllocation(
            5, learning_method="memoized", max_iter=40, batch_size=200, random_state=seed
        ).fit(counts)
        for seed in range(3)
    ]
    lda = max(fits, key=lambda fit: fit.elbo_)
    norms = np.linalg.norm(true, axis=1), np.linalg.norm(lda.topic_word_, axis=1)
    cosine = (true @ lda.topic_word_.T) / np.outer(*norms)
    assert (cosine.max(axis=1) > 0.95).all()


def shuffled(counts, rng):
    """The same counts with unsorted, duplicate and explicitly zero entries."""
    data, columns, start = [], [], [0]
    for i in range(counts.shape[0]):
        row = slice(counts.indptr[i], counts.indptr[i + 1])
        c, v = counts.indices[row], counts.data[row]
        c, v = np.r_[c, c, 7], np.r_[0.25 * v, 0.75 * v, 0.0]
        order = rng.permutation(len(c))
        columns.append(c[order])
        data.append(v[order])
        start.append(start[-1] + len(c))
    parts = np.concatenate(data), np.concatenate(columns), np.array(start)
    return sparse.csr_matrix(parts, shape=counts.shape)


def test_any_form_of_sparse_input_is_the_same():
    messy = shuffled(X, np.random.default_rng(0))
    before = messy.copy()
    expected = fitted(max_iter=3)
    found = LatentDirichletAllocation(5, random_state=0, max_iter=3, batch_size=50).fit(messy)
    np.testing.assert_array_equal(found.components_, expected.components_)
    np.testing.assert_array_equal(found.transform(messy), expected.transform(X))
    np.testing.assert_array_equal(messy.data, before.data)
    np.testing.assert_array_equal(messy.indices, before.indices)
    for form in (X.tocsc(), X.tocoo(), X.toarray(), sparse.csr_matrix(X)):
        np.testing.assert_array_equal(expected.transform(form), expected.transform(X))


def test_scores():
    lda = fitted(max_iter=20)
    tokens = X.sum()
    assert lda.perplexity(X) == pytest.approx(np.exp(-lda.score(X) / tokens))
    # The documents' terms only: documents add up, however many there are.
    assert lda.score(X[:10]) + lda.score(X[10:]) == pytest.approx(lda.score(X))
    weights = np.r_[np.full(10, 2.0), np.ones(190)]
    assert lda.score(X, sample_weight=weights) == pytest.approx(lda.score(X) + lda.score(X[:10]))
    assert lda.elbo(X) < lda.score(X)
    # The fit may know a better optimum for a document than a start from equal shares finds.
    assert lda.elbo_ == pytest.approx(lda.elbo(X), rel=2e-3)


def test_shares_of_the_fitted_documents():
    lda = LatentDirichletAllocation(5, random_state=0)
    weights = np.r_[np.full(10, 2.0), np.ones(190)]
    raw = lda.fit_transform(X, normalize=False, sample_weight=weights)
    np.testing.assert_array_equal(raw, lda.transform(X, normalize=False))
    np.testing.assert_allclose(raw.sum(axis=1), X.sum(axis=1) + 1.0)
    assert not np.array_equal(raw, lda.fit_transform(X, normalize=False))
    assert not np.array_equal(raw, lda.fit_transform(X, normalize=False))
    lda.set_output(transform="pandas")
    for frame in (lda.transform(X), lda.fit_transform(X)):
        assert frame.columns.tolist() == [f"latentdirichletallocation{k}" for k in range(5)]


def test_document_completion():
    lda = fitted(max_iter=30)
    held_out = planted_csr(seed=5)[:, :60]
    outcome = lda.document_completion(X, return_details=True)
    assert outcome.n_documents + outcome.n_left_out == 200
    assert outcome.n_left_out == np.count_nonzero(X.sum(axis=1) < 2)
    assert outcome.score == lda.document_completion(X)
    assert outcome.score != lda.document_completion(X, random_state=1)
    unigram = np.asarray(X.sum(axis=0)).ravel() / X.sum()
    assert outcome.score > unigram @ np.log(np.maximum(unigram, 1e-9))
    assert np.isfinite(lda.document_completion(held_out))
    assert np.isnan(lda.document_completion(np.eye(3, 60)))
    with pytest.raises(ValueError, match="whole numbers"):
        lda.document_completion(0.5 * X)
    assert outcome.score > lda.document_completion(X, inference="vb")
    with pytest.raises(ValueError, match="inference must be 'cvb0' or 'vb'"):
        lda.document_completion(X, inference="gibbs")


def test_the_halves_of_a_completion():
    lda = fitted(max_iter=20)
    documents = check_documents(lda, X, reset=False, whom="score")
    known, asked, used = split_tokens(documents, 0)
    lengths = np.asarray(X.sum(axis=1)).ravel()
    np.testing.assert_array_equal(used, lengths >= 2)
    np.testing.assert_array_equal((known.counts + asked).toarray()[used], X.toarray()[used])
    np.testing.assert_array_equal(asked.sum(axis=1), np.where(used, lengths // 2, 0))
    likelihoods = np.log(lda.transform(known.counts) @ lda.topic_word_)
    expected = asked.multiply(likelihoods).sum() / asked.sum()
    found = lda.document_completion(X, inference="vb", random_state=0)
    assert found == pytest.approx(expected, rel=1e-10)


def test_descriptions():
    lda = fitted(max_iter=20)
    np.testing.assert_allclose(lda.topic_word_.sum(axis=1), 1.0)
    assert lda.topic_sizes_.sum() == pytest.approx(X.sum())
    names = [f"w{i}" for i in range(60)]
    words = lda.top_words(3, feature_names=names)
    assert [w[0] for w in words] == [names[i] for i in lda.topic_word_.argmax(axis=1)]
    assert lda.top_words(3)[0][0] == int(lda.topic_word_[0].argmax())
    assert lda.top_words(60, relevance=0.3) != lda.top_words(60)
    with pytest.raises(ValueError, match="relevance"):
        lda.top_words(relevance=2)
    with pytest.raises(ValueError, match="feature_names"):
        lda.top_words(feature_names=names[:3])


def test_priors_and_starts():
    alpha = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    lda = fitted(doc_topic_prior=alpha, topic_word_prior=0.3, topics_init=np.ones((5, 60)))
    np.testing.assert_array_equal(lda.doc_topic_prior_, alpha)
    assert lda.topic_word_prior_ == 0.3
    empty = lda.transform(np.zeros((1, 60)))
    np.testing.assert_allclose(empty[0], alpha / alpha.sum())
    more = fitted(max_iter=5, topics_init=fitted(max_iter=5).components_)
    assert more.elbo_ > fitted(max_iter=5).elbo_
    for settings, match in [
        ({"doc_topic_prior": [0.1, 0.2]}, "doc_topic_prior must have shape"),
        ({"doc_topic_prior": [0.1, 0.2, 0.0, 1, 1]}, "doc_topic_prior must be positive"),
        ({"doc_topic_prior": 0.0}, "doc_topic_prior"),
        ({"topic_word_prior": -1.0}, "topic_word_prior"),
        ({"topics_init": np.ones((5, 3))}, "topics_init must have shape"),
        ({"topics_init": -np.ones((5, 60))}, "topics_init must be positive"),
    ]:
        with pytest.raises(ValueError, match=match):
            fitted(**settings)


def test_bound_is_there_when_it_was_asked_for():
    assert fitted(evaluate_every=5).bound_ > 1
    with pytest.raises(AttributeError, match="evaluate_every"):
        fitted().bound_  # noqa: B018
    stopped = fitted(evaluate_every=1, perp_tol=100.0, max_iter=50)
    assert stopped.n_iter_ == 2


def test_callbacks_and_interrupts():
    seen = []
    lda = LatentDirichletAllocation(5, random_state=0, max_iter=50)
    lda.fit(X, callbacks=lambda progress: seen.append(progress) or len(seen) == 4)
    assert lda.n_iter_ == 4
    assert [p.elbo for p in seen] == lda.elbo_trace_.tolist()

    def interrupt(progress):
        if progress.n_iter == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lda.fit(X, callbacks=[interrupt])
    assert lda.n_iter_ == 3
    assert lda.transform(X).shape == (200, 5)
    with pytest.raises(TypeError, match="callbacks"):
        lda.fit(X, callbacks=3)


def test_partial_fit_goes_on_from_fit():
    lda = fitted(learning_method="online", max_iter=5)
    before = lda.components_.copy()
    lda.partial_fit(X)
    assert not np.array_equal(before, lda.components_)
    assert not hasattr(lda, "elbo_")
    with pytest.raises(ValueError, match="n_components must stay 5"):
        lda.set_params(n_components=3).partial_fit(X)


def stepped(tmp_path=None, **settings):
    """Four stochastic steps by two calls; between them the model is stored and read anew."""
    data = sparse.vstack([X] * 13)
    settings = {"n_components": 5, "random_state": 3, "batch_size": 1300} | settings
    # Documents are left where their start still tells.
    lda = LatentDirichletAllocation(**settings, max_doc_update_iter=2).partial_fit(data)
    if tmp_path is not None:
        lda.save(tmp_path / "model")
        lda = vivace.load(tmp_path / "model")
    return lda.partial_fit(data)


def test_equal_calls_of_partial_fit_make_equal_steps(tmp_path):
    expected = stepped(n_jobs=1)
    assert expected.n_batch_iter_ == 5
    generator = np.random.RandomState(3)
    for other in (
        stepped(n_jobs=1),
        stepped(n_jobs=2),
        stepped(tmp_path, n_jobs=1),
        stepped(tmp_path, n_jobs=2),
        stepped(random_state=generator),
    ):
        np.testing.assert_array_equal(other.components_, expected.components_)
    assert not np.array_equal(stepped(random_state=generator).components_, expected.components_)
    whole = LatentDirichletAllocation(5, random_state=3, batch_size=1300, max_doc_update_iter=2)
    whole.partial_fit(sparse.vstack([X] * 26))
    np.testing.assert_allclose(whole.components_, expected.components_, rtol=1e-9)


def test_the_seed_of_partial_fit_starts_documents(monkeypatch):
    """Not only topics: each document elsewhere at each step, the same at each run."""
    given = np.random.default_rng(0).gamma(1.0, 1.0, (5, X.shape[1]))
    found = [stepped(topics_init=given, random_state=seed).components_ for seed in (3, 3, 4)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])

    def seen(model, *rest):
        seeds.append(model.seed)
        return expectation(model, *rest)

    monkeypatch.setattr("vivace.topics._fitting.expectation", seen)
    seeds: list[int] = []
    stepped()
    stepped()
    assert len(set(seeds[:4])) == 4
    assert seeds[:4] == seeds[4:]


@pytest.mark.parametrize("method", METHODS)
def test_files_and_pickles(method, tmp_path):
    lda = fitted(learning_method=method, doc_topic_prior=0.3)
    lda.save(tmp_path / "model")
    for other in (vivace.load(tmp_path / "model"), pickle.loads(pickle.dumps(lda))):
        np.testing.assert_array_equal(other.components_, lda.components_)
        np.testing.assert_array_equal(other.transform(X), lda.transform(X))
        assert other.elbo_ == lda.elbo_
        assert other.elbo_trace_.tolist() == lda.elbo_trace_.tolist()
        assert other.get_params() == lda.get_params()
        np.testing.assert_array_equal(
            other.partial_fit(X).components_,
            pickle.loads(pickle.dumps(lda)).partial_fit(X).components_,
        )

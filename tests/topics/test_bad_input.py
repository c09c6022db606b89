"""Input that cannot be used, and input at the edge of what can."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted_csr
from scipy import sparse
from sklearn.utils._param_validation import Interval, InvalidParameterError

from vivace import LatentDirichletAllocation
from vivace.topics._parameters import CONSTRAINTS

X = planted_csr(n_documents=30)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.nan, r"Input X of \w+\.fit contains NaN: the first is nan"),
        (np.inf, r"Input X of \w+\.fit contains infinity: the first is inf"),
        (-np.inf, r"Input X of \w+\.fit contains infinity: the first is -inf"),
        (
            -1.0,
            r"^Negative values in data passed to LatentDirichletAllocation\.fit: the first is -1",
        ),
    ],
)
@pytest.mark.parametrize(
    "form", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.coo_array, np.float32]
)
def test_counts_must_be_finite_and_not_negative(value, what, form):
    counts = X.toarray()
    counts[2, 3] = counts[5, 1] = value
    with pytest.raises(
        ValueError, match=what + r"\S* for word 3 of document 2, counted from 0\. C"
    ):
        LatentDirichletAllocation(3).fit(form(counts))


def test_weights_are_checked():
    for weights, match in [
        (np.ones(3), "one weight a document"),
        (-np.ones(30), "must not be negative"),
        (np.full(30, np.nan), "NaN"),
        (np.zeros(30), "non-zero weight"),
    ]:
        with pytest.raises(ValueError, match=match):
            LatentDirichletAllocation(3).fit(X, sample_weight=weights)


@pytest.mark.parametrize("value", [True, False, np.True_])
@pytest.mark.parametrize(
    "name",
    [name for name, one in CONSTRAINTS.items() if any(isinstance(c, Interval) for c in one)],
)
def test_true_and_false_are_no_numbers(name, value):
    settings = {"n_components": 3, name: value}
    with pytest.raises(InvalidParameterError, match=rf"'{name}' parameter .* Got (np\.)?{value}"):
        LatentDirichletAllocation(**settings).fit(X)


def test_arrays_of_priors_are_checked():
    for name, shape in [("doc_topic_prior", 3), ("topic_word_prior", 60)]:
        for wrong in (np.ones(shape + 1), np.zeros(shape), np.full(shape, np.nan), ["a"] * shape):
            with pytest.raises(InvalidParameterError, match=f"{name}|'a'"):
                LatentDirichletAllocation(3, **{name: wrong}).fit(X)


@pytest.mark.parametrize(
    "method", ["transform", "score", "perplexity", "elbo", "document_completion", "partial_fit"]
)
def test_another_vocabulary_is_an_error(method):
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    with pytest.raises(ValueError, match="50 features"):
        getattr(lda, method)(X[:, :50])
    assert lda.n_features_in_ == 60


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
@pytest.mark.parametrize("shape", [(5, 1), (1, 5), (1, 1)])
def test_small_shapes(method, shape):
    counts = np.full(shape, 3.0)
    for n_topics in (1, 2):
        lda = LatentDirichletAllocation(n_topics, learning_method=method, random_state=0)
        shares = lda.fit(counts).transform(counts)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        assert np.isfinite(lda.elbo_)


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_no_tokens_at_all(method):
    lda = LatentDirichletAllocation(3, learning_method=method, random_state=0, max_iter=700)
    with pytest.warns(UserWarning, match="X holds no words") as warned:
        lda.fit(np.zeros((4, 6)))
    assert warned[0].filename == __file__
    np.testing.assert_allclose(lda.components_, 1 / 3, rtol=1e-2)
    np.testing.assert_allclose(lda.transform(np.zeros((2, 6))), 1 / 3)
    assert np.isnan(lda.perplexity(np.zeros((2, 6))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_documents_and_large_counts(dtype):
    counts = np.zeros((3, 50), dtype)
    counts[0] = 40_000
    counts[1, 7] = 3e9
    counts[2, :3] = 1
    lda = LatentDirichletAllocation(4, random_state=0).fit(counts)
    assert np.isfinite(lda.elbo_)
    np.testing.assert_allclose(lda.transform(counts).sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("prior", [1e-3, 1e-6])
def test_tiny_priors(dtype, prior):
    lda = LatentDirichletAllocation(
        8, doc_topic_prior=prior, topic_word_prior=prior, random_state=0, max_iter=30
    ).fit(X.astype(dtype))
    assert np.isfinite(lda.elbo_)
    assert lda.topic_sizes_.sum() == pytest.approx(X.sum(), rel=1e-4)
    assert np.diff(lda.elbo_trace_).min() > -1e-5 * abs(lda.elbo_)


@pytest.mark.parametrize("name", ["doc_topic_prior", "topic_word_prior"])
def test_priors_beyond_the_arithmetic(name):
    counts = X.astype(np.float32)

    def fit(value, data):
        return LatentDirichletAllocation(3, random_state=0, max_iter=2, **{name: value}).fit(data)

    assert fit(1e-300, counts).elbo_ == fit(1e-30, counts).elbo_
    assert np.isfinite(fit(1e6, counts).elbo_)
    assert np.isfinite(fit(1e10, X).elbo_)
    with pytest.raises(
        ValueError, match=rf"{name} must be at most 8.4e\+06 for float32 .* float64"
    ):
        fit(1e10, counts)
    with pytest.raises(ValueError, match=rf"{name} must be at most 4.5e\+15 .*got 1e\+30\. Give"):
        fit(1e30, X)


def test_unseen_words():
    counts = X.toarray()
    counts[:, 5] = 0
    lda = LatentDirichletAllocation(3, random_state=0).fit(counts)
    new = np.zeros((1, 60))
    new[0, 5] = 4
    np.testing.assert_allclose(lda.transform(new).sum(), 1.0)
    assert np.isfinite(lda.score(new))


def test_numbers_that_are_not_whole():
    lda = LatentDirichletAllocation(3, random_state=0).fit(0.37 * X)
    assert lda.topic_sizes_.sum() == pytest.approx(0.37 * X.sum())

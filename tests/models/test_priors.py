"""Learned Dirichlet priors are where the gradient is zero, whatever they start from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma, gammaln

from vivace.models import priors

shapes = st.floats(0.02, 5.0)


@given(
    st.integers(0, 2**32 - 1), st.lists(shapes, min_size=2, max_size=8), st.floats(0.01, 20.0)
)  # fmt: skip
def test_the_prior_of_documents_is_that_of_their_shares(seed, true, start):
    n = 500
    shares = np.maximum(np.random.default_rng(seed).dirichlet(true, size=n), 1e-30)
    log_theta = np.log(shares).sum(axis=0)
    found = priors.document_prior(np.full(len(true), start), float(n), log_theta)
    assert ((found >= priors.LEAST) & (found <= priors.MOST)).all()
    gradient = digamma(found.sum()) - digamma(found) + log_theta / n
    np.testing.assert_allclose(gradient, 0.0, atol=1e-6 * np.abs(log_theta / n).max())


def test_nothing_to_learn_from():
    alpha = np.array([0.3, 0.7])
    assert priors.document_prior(alpha, 0.0, np.zeros(2)) is alpha
    assert priors.document_prior(alpha[:1], 5.0, np.zeros(1)).tolist() == [0.3]
    assert priors.word_prior(0.4, 3 * 50 * digamma(0.4), np.full(3, 20.0), 50) == 0.4


@pytest.mark.parametrize("start", [0.01, 3.0])
def test_the_prior_of_words_has_the_most_evidence(start):
    n_words, rng = 200, np.random.default_rng(0)
    counts = np.array(
        [rng.multinomial(2_000, rng.dirichlet(np.full(n_words, 0.15))) for _ in "abc"]
    )
    eta = start
    for _ in range(300):
        lambda_ = counts + eta
        eta = priors.word_prior(eta, digamma(lambda_).sum(), lambda_.sum(axis=1), n_words)

    def evidence(eta):
        norm = gammaln(n_words * eta) - gammaln(counts.sum(axis=1) + n_words * eta)
        return norm.sum() + (gammaln(counts + eta) - gammaln(eta)).sum()

    assert eta == pytest.approx(0.15, rel=0.2)
    assert evidence(eta) > max(evidence(0.999 * eta), evidence(1.001 * eta))

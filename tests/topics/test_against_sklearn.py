"""scikit-learn's class as an oracle: the bound, and the trajectory from the same start."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.decomposition
from corpora import planted_csr

from vivace import LatentDirichletAllocation

X = planted_csr(n_documents=120, n_words=50, n_topics=4)
TIGHT = {"mean_change_tol": 1e-10, "max_doc_update_iter": 1000}


def theirs(**settings):
    return sklearn.decomposition.LatentDirichletAllocation(**settings)


@pytest.mark.parametrize("prior", [None, 1.0, 0.05])
def test_elbo_is_their_score(prior):
    """Evaluated by their own formula at our topics and documents."""
    settings = {"n_components": 4, "random_state": 0, "doc_topic_prior": prior}
    ours = LatentDirichletAllocation(**settings, **TIGHT).fit(X)
    other = theirs(**settings, **TIGHT)
    other.fit(X[:5])
    other.components_ = np.ascontiguousarray(ours.components_)
    gamma = ours.transform(X, normalize=False)
    expected = other._approx_bound(X, gamma, sub_sampling=False)
    assert ours.elbo(X) == pytest.approx(expected, rel=1e-8)
    assert ours.score(X) > ours.elbo(X)


def test_the_batch_trajectory_is_theirs():
    settings = {
        "n_components": 4,
        "doc_topic_prior": 1.0,
        "topic_word_prior": 0.5,
        "random_state": 0,
        **TIGHT,
    }
    for passes in (1, 3, 10):
        ours = LatentDirichletAllocation(max_iter=passes, **settings).fit(X)
        other = theirs(max_iter=passes, **settings).fit(X)
        np.testing.assert_allclose(ours.components_, other.components_, rtol=1e-6)
        np.testing.assert_allclose(ours.transform(X), other.transform(X), rtol=1e-6)
        assert ours.elbo(X) == pytest.approx(other.score(X), rel=1e-8)
        np.testing.assert_allclose(
            ours.exp_dirichlet_component_, other.exp_dirichlet_component_, rtol=1e-6
        )
    assert ours.n_iter_ == other.n_iter_
    assert ours.n_batch_iter_ == other.n_batch_iter_


def test_partial_fit_makes_their_steps():
    settings = {
        "n_components": 3,
        "doc_topic_prior": 1.0,
        "total_samples": 500,
        "batch_size": 40,
        "random_state": 0,
        **TIGHT,
    }
    ours, other = LatentDirichletAllocation(**settings), theirs(**settings)
    for part in (X[:80], X[80:]):
        ours.partial_fit(part)
        other.partial_fit(part)
    np.testing.assert_allclose(ours.components_, other.components_, rtol=1e-6)
    assert ours.n_batch_iter_ == other.n_batch_iter_


def test_online_with_one_batch_makes_their_steps():
    settings = {
        "n_components": 3,
        "doc_topic_prior": 1.0,
        "learning_method": "online",
        "batch_size": 200,
        "random_state": 0,
        "max_iter": 4,
        **TIGHT,
    }
    ours, other = LatentDirichletAllocation(**settings).fit(X), theirs(**settings).fit(X)
    np.testing.assert_allclose(ours.components_, other.components_, rtol=1e-6)

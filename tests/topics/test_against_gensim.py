"""gensim's bound as an oracle, recorded and live, and pyLDAvis' own checks, where installed."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted_csr

from vivace import LatentDirichletAllocation

X = planted_csr(n_documents=80)


ALPHA = np.array([0.9, 1.1, 1.3])
ETA = np.random.default_rng(0).uniform(0.05, 1.0, 60)
TOPICS = np.random.default_rng(1).gamma(2.0, 3.0, (3, 60))

#: What `bound_of_gensim` returned of version 4.4.0, its own steps of documents included.
RECORDED = {
    "alpha": -13816.207605972464,
    "both": -13766.525885238427,
    "eta": -13748.04320532497,
}
PRIORS = {"alpha": (ALPHA, 0.2), "both": (ALPHA, ETA), "eta": (1.2, ETA)}


def bound_of_gensim(topics, alpha, eta, gamma=None):
    models = pytest.importorskip("gensim.models")
    corpus = [
        list(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        for row in (X[[i]] for i in range(X.shape[0]))
    ]
    words = {i: str(i) for i in range(60)}
    other = models.LdaModel(
        num_topics=3, id2word=words, alpha=np.broadcast_to(alpha, 3), eta=eta, dtype=np.float64,
        iterations=10_000, gamma_threshold=1e-12, random_state=0,
    )  # fmt: skip
    other.state.sstats[...] = topics - np.broadcast_to(eta, (3, 60))
    other.sync_state()
    return other.bound(corpus, gamma=None if gamma is None else gamma[:, None, :])


@pytest.mark.parametrize("name", PRIORS)
def test_elbo_is_the_bound_that_gensim_had(name):
    alpha, eta = PRIORS[name]
    lda = LatentDirichletAllocation(
        3, doc_topic_prior=alpha, topic_word_prior=eta, topics_init=TOPICS, max_iter=0,
        mean_change_tol=1e-10, max_doc_update_iter=10_000,
    ).fit(X)  # fmt: skip
    assert lda.elbo(X) == pytest.approx(RECORDED[name], rel=1e-8)


@pytest.mark.parametrize("name", PRIORS)
def test_gensim_still_has_it(name):
    assert bound_of_gensim(TOPICS, *PRIORS[name]) == pytest.approx(RECORDED[name], rel=1e-9)


@pytest.mark.parametrize("alpha", [0.3, np.array([0.1, 0.4, 0.9])])
@pytest.mark.parametrize("eta", [0.2, ETA])
def test_elbo_is_the_bound_of_gensim(alpha, eta):
    lda = LatentDirichletAllocation(
        3, doc_topic_prior=alpha, topic_word_prior=eta, random_state=0, max_iter=5
    ).fit(X)
    gamma = lda.transform(X, normalize=False)
    expected = bound_of_gensim(lda.components_, alpha, eta, gamma)
    assert lda.elbo(X) == pytest.approx(expected, rel=1e-10)


def test_pyldavis_takes_its_arguments():
    viewer = pytest.importorskip("pyLDAvis")
    lda = LatentDirichletAllocation(5, random_state=0, max_iter=10).fit(X)
    prepared = viewer.prepare(**lda.pyldavis_dict(X), n_jobs=1, R=5)
    assert len(prepared.topic_coordinates) == 5

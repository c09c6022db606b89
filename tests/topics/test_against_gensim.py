"""gensim's bound as an oracle, and pyLDAvis' own checks, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted_csr

from vivace import LatentDirichletAllocation

X = planted_csr(n_documents=80)


@pytest.mark.parametrize("alpha", [0.3, np.array([0.1, 0.4, 0.9])])
@pytest.mark.parametrize("eta", [0.2, np.random.default_rng(0).uniform(0.05, 1.0, 60)])
def test_elbo_is_the_bound_of_gensim(alpha, eta):
    models = pytest.importorskip("gensim.models")
    lda = LatentDirichletAllocation(
        3, doc_topic_prior=alpha, topic_word_prior=eta, random_state=0, max_iter=5
    ).fit(X)
    corpus = [
        list(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        for row in (X[[i]] for i in range(X.shape[0]))
    ]
    words = {i: str(i) for i in range(60)}
    other = models.LdaModel(
        num_topics=3, id2word=words, alpha=np.broadcast_to(alpha, 3), eta=eta, dtype=np.float64
    )
    other.state.sstats[...] = lda.components_ - np.broadcast_to(eta, (3, 60))
    other.sync_state()
    gamma = lda.transform(X, normalize=False)
    expected = other.bound(corpus, gamma=gamma[:, None, :])
    assert lda.elbo(X) == pytest.approx(expected, rel=1e-10)


def test_pyldavis_takes_its_arguments():
    viewer = pytest.importorskip("pyLDAvis")
    lda = LatentDirichletAllocation(5, random_state=0, max_iter=10).fit(X)
    prepared = viewer.prepare(**lda.pyldavis_dict(X), n_jobs=1, R=5)
    assert len(prepared.topic_coordinates) == 5

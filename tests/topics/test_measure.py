"""Coherence and pyLDAvis' arguments, against slow references."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from corpora import planted_csr

from vivace import LatentDirichletAllocation
from vivace.topics import _coherence

X = planted_csr()
LDA = LatentDirichletAllocation(5, random_state=0, max_iter=20).fit(X)


def naive_coherence(lda, counts, measure, top_n):
    held = counts.toarray() > 0
    result = []
    for topic in lda.components_:
        words = np.argsort(-topic, kind="stable")[:top_n]
        values = []
        for j, i in combinations(words, 2):  # j comes first
            both, first, second = (
                (held[:, i] & held[:, j]).sum(),
                held[:, j].sum(),
                held[:, i].sum(),
            )
            if first == 0 or second == 0:
                continue
            if measure == "umass":
                values.append(np.log((both + 1) / first))
            elif both == 0:
                values.append(-1.0)
            elif both == len(held):
                values.append(1.0)
            else:
                p = both / len(held)
                pmi = np.log(p * len(held) ** 2 / (first * second))
                values.append(pmi / -np.log(p))
        result.append(np.mean(values) if values else np.nan)
    return np.array(result)


@pytest.mark.parametrize("measure", ["npmi", "umass"])
@pytest.mark.parametrize("top_n", [2, 5, 60])
def test_coherence(measure, top_n, monkeypatch):
    monkeypatch.setattr(_coherence, "BLOCK_DOCUMENTS", 37)
    found = LDA.coherence(X, measure=measure, top_n=top_n)
    np.testing.assert_allclose(found, naive_coherence(LDA, X, measure, top_n), rtol=1e-12)
    few = X[:6]  # most words are missing, some are everywhere
    expected = naive_coherence(LDA, few, measure, top_n)
    np.testing.assert_allclose(LDA.coherence(few, measure=measure, top_n=top_n), expected)


def test_coherence_of_words_that_are_always_and_never_together():
    counts = np.zeros((4, 60))
    words = np.argsort(-LDA.components_[0], kind="stable")[:4]
    counts[:, words[:2]] = 1
    assert LDA.coherence(counts, top_n=2)[0] == 1
    counts[:] = 0
    counts[:2, words[0]] = counts[2:, words[1]] = 1
    assert LDA.coherence(counts, top_n=2)[0] == -1
    assert np.isnan(LDA.coherence(np.zeros((3, 60)), measure="umass")).all()


def test_arguments_are_checked():
    for settings, match in [
        ({"measure": "c_v"}, "measure must be 'npmi' or 'umass'"),
        ({"top_n": 1}, "top_n must be from 2"),
        ({"top_n": 61}, "top_n must be from 2"),
    ]:
        with pytest.raises(ValueError, match=match):
            LDA.coherence(X, **settings)
    for method in (LDA.coherence, LDA.pyldavis_dict):
        with pytest.raises(ValueError, match="50 features"):
            method(X[:, :50])


def test_planted_topics_are_coherent():
    random = LatentDirichletAllocation(5, random_state=0, max_iter=0).fit(X)
    assert LDA.coherence(X).mean() > random.coherence(X).mean() + 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_pyldavis_wants(dtype):
    counts = X.toarray().astype(dtype)
    counts[:, 7] = 0
    lda = LatentDirichletAllocation(5, random_state=0).fit(counts)
    names = [f"word{i}" for i in range(60)]
    given = lda.pyldavis_dict(counts, feature_names=names)
    used = np.flatnonzero(counts.sum(axis=0))
    held = counts.sum(axis=1) > 0
    assert given["vocab"] == [names[i] for i in used]
    assert given["topic_term_dists"].shape == (5, len(used))
    assert given["doc_topic_dists"].shape == (held.sum(), 5)
    for rows in (given["topic_term_dists"], given["doc_topic_dists"]):
        np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_array_equal(given["term_frequency"], counts.sum(axis=0)[used])
    np.testing.assert_array_equal(given["doc_lengths"], counts.sum(axis=1)[held])
    assert given["term_frequency"].min() > 0
    np.testing.assert_allclose(given["doc_topic_dists"], lda.transform(counts)[held], rtol=1e-5)
    with pytest.raises(ValueError, match="feature_names"):
        lda.pyldavis_dict(counts, feature_names=names[:4])

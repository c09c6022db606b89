"""The trial of stochastic collapsed inference, on documents that take a second."""

import numpy as np
import pytest
from corpora import planted
from scipy import sparse

from benchmarks import stochastic_cvb0
from benchmarks.versus.corpora import Corpus
from benchmarks.versus.stopwatch import EnoughIterations
from benchmarks.versus.topics.completion import Judge

pytest.importorskip("sklearn.callback", reason="a look after each pass needs scikit-learn 1.9")


@pytest.fixture(scope="module")
def corpus():
    counts = sparse.csr_matrix(planted()[0])
    corpus = Corpus("planted", counts[:160], counts[160:], [f"w{i}" for i in range(60)])
    stochastic_cvb0.compile_for(corpus)
    return corpus


@pytest.mark.parametrize("start", ["random", "documents"])
def test_planted_topics_are_found_and_hold_all_tokens(corpus, start):
    rate = stochastic_cvb0.Rate(1, 10, 0.7)
    settings = stochastic_cvb0.Settings(start, 20, topics=rate)
    found = []

    def watch(topics, passes):
        if passes >= 20:
            found.append(topics())
            raise EnoughIterations

    with pytest.raises(EnoughIterations):
        stochastic_cvb0.scvb0(corpus, watch, 5, settings)
    topics = found[-1]
    tokens = corpus.train.sum() + topics.size * stochastic_cvb0.ETA
    np.testing.assert_allclose(topics.sum(), tokens, rtol=1e-3)
    judge = Judge(corpus.test)
    one = np.asarray(corpus.train.sum(axis=0)).reshape(1, -1) + 0.1
    assert judge.score(topics)[0] > judge.score(one)[0] + 0.1


def test_the_table_has_a_row_for_each_fit(corpus):
    table = stochastic_cvb0.curves(corpus, 5, 0.2)
    assert len(table.rows) == len(stochastic_cvb0.TRIED) + len(stochastic_cvb0.OURS)

"""The judge of the comparison of topic models, beside slow and obvious ones."""

import numpy as np
import pytest
from scipy import sparse

from benchmarks.versus.corpora.synthetic import draw
from benchmarks.versus.corpora.words import corpus_of, tokens
from benchmarks.versus.topics.completion import SWEEPS, TOLERANCE, Judge, split


def naive_score(beta, given, asked, alpha):
    """Log likelihood of one second half, with loops; `given` and `asked` are word: count."""
    gamma = {word: np.full(len(beta), 1.0 / len(beta)) for word in given}
    for _ in range(SWEEPS):
        before = sum(count * gamma[word] for word, count in given.items())
        for word, count in given.items():
            held = sum(c * gamma[w] for w, c in given.items()) - min(count, 1) * gamma[word]
            new = beta[:, word] * (held + alpha)
            gamma[word] = new / new.sum()
        held = sum(count * gamma[word] for word, count in given.items())
        if np.abs(held - before).sum() < TOLERANCE * sum(given.values()):
            break
    theta = (held + alpha) / (held + alpha).sum()
    return sum(count * np.log(theta @ beta[:, word]) for word, count in asked.items())


def entries(row):
    return dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))


@pytest.mark.usefixtures("c_code")
def test_documents_score_as_with_loops():
    counts, beta = draw(40, 60, 5, 20, seed=1)
    judge = Judge(counts)
    for alpha in (0.01, 0.3):
        got = judge.by_document(beta, alpha)
        for d in range(judge.halves.given.shape[0]):
            halves = entries(judge.halves.given[d]), entries(judge.halves.asked[d])
            assert got[d] == pytest.approx(naive_score(beta, *halves, alpha), rel=2e-4)


@pytest.mark.usefixtures("c_code")
def test_one_topic_is_the_unigram_level():
    counts, _ = draw(50, 30, 3, 15)
    words = np.arange(1.0, 31.0)
    judge = Judge(counts)
    asked = np.asarray(judge.halves.asked.sum(axis=0)).ravel()
    score, _ = judge.score(words[None])
    assert score == pytest.approx(asked @ np.log(words / words.sum()) / asked.sum(), rel=1e-6)


@pytest.mark.usefixtures("c_code")
def test_alpha_of_a_fold_is_chosen_on_the_other():
    counts, beta = draw(61, 40, 4, 20)
    judge = Judge(counts)
    each = np.array([judge.by_document(beta, alpha) for alpha in judge.alphas])
    even, odd = each[:, ::2], each[:, 1::2]
    expected = even[odd.sum(axis=1).argmax()].sum() + odd[even.sum(axis=1).argmax()].sum()
    score, best = judge.score(beta)
    assert score == pytest.approx(expected / judge.halves.tokens, rel=1e-12)
    assert best == judge.alphas[each.sum(axis=1).argmax()]


@pytest.mark.usefixtures("c_code")
def test_truth_beats_other_topics():
    counts, beta = draw(200, 100, 5, 60)
    judge = Judge(counts)
    other = np.random.default_rng(0).dirichlet(np.ones(100), 5)
    assert judge.score(beta)[0] > judge.score(np.vstack([beta[:1]] * 5))[0]
    assert judge.score(beta)[0] > judge.score(other)[0]


def test_halves_share_out_every_token():
    counts = sparse.csr_matrix(np.array([[3, 0, 4], [1, 0, 0], [0, 0, 0], [0, 1, 1]]))
    halves = split(counts)
    np.testing.assert_array_equal((halves.given + halves.asked).toarray(), [[3, 0, 4], [0, 1, 1]])
    np.testing.assert_array_equal(np.asarray(halves.asked.sum(axis=1)).ravel(), [3, 1])


@pytest.mark.usefixtures("c_code")
def test_topics_of_another_vocabulary_are_an_error():
    counts, beta = draw(20, 30, 2, 10)
    with pytest.raises(ValueError, match="30 words"):
        Judge(counts).score(beta[:, :-1])


def test_words_are_kept_by_document_frequency_and_groups_stay_together():
    texts = [
        (f"source{i // 2}", f"every rare{'abcdefghij'[i]} pair{'vwxyz'[i // 2]}") for i in range(10)
    ]
    corpus = corpus_of(
        "tiny", [(g, tokens(t)) for g, t in texts], at_least=2, at_most=0.5, test_every=2
    )
    assert corpus.vocabulary == ["pairv", "pairw", "pairx", "pairy", "pairz"]
    # The two documents of a source are the same when rare words are gone: one is left of each.
    assert corpus.train.shape[0] + corpus.test.shape[0] == 5
    assert (corpus.train.sum(axis=0) + corpus.test.sum(axis=0)).tolist() == [[1] * 5]

"""Collapsed Gibbs sampling against exact probabilities: precisions, instruction sets, threads."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from scipy import sparse
from scipy.special import digamma

from vivace import _core
from vivace.engine import CsrSource, Layout, ThreadExecutor
from vivace.models import sampled
from vivace.models.documents import Sweeps
from vivace.models.sampled import SampledModel
from vivace.models.topics import WordPrior


def source_of(counts, dtype=np.float64):
    rows = sparse.csr_array(counts)
    return CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), rows.shape[1], None)


def make_model(n_words, n_topics, dtype=np.float64, alpha=0.1, eta=0.05, **more):
    values = np.full((1, 1), eta) if np.isscalar(eta) else eta
    prior = WordPrior(np.asarray(values, dtype), n_words, n_topics)
    return SampledModel(np.full(n_topics, alpha), prior, Sweeps(100, 1e-3), seed=3, **more)


def begin(model, source, n_threads=1, seed=0):
    """Passes from random topics, and the executor."""
    rng = np.random.default_rng(seed)
    values = 3 * rng.random((model.n_words, model.n_topics)) + 0.05
    executor = ThreadExecutor(n_threads)
    layout = Layout(source.n_rows, None, source.n_rows)
    work = model.begin_sweeps(source, layout, model.start(values.astype(model.dtype)), executor)
    return work, executor


class Frozen:
    """One pass over `documents` (lists of words) whose tokens have given topics, by hand."""

    def __init__(self, documents, topics, counts, alpha, prior):
        n_words, self.n_topics = counts.shape
        stride = _core.topic_stride(self.n_topics, True)
        self.start = np.cumsum([0, *map(len, documents)])
        # An entry a token, so that tokens keep their order.
        self.columns = np.concatenate(documents).astype(np.int32)
        self.values = np.ones(len(self.columns))
        self.corpus = _core.SampledCorpus(self.start, self.columns, self.values, n_words)
        self.topic = np.concatenate(topics).astype(np.uint16)
        totals = counts.sum(axis=0) + n_words * prior
        self.table, self.alpha, self.one, self.rest = (
            np.zeros(shape, np.float32) for shape in ((n_words, stride), stride, stride, stride)
        )
        self.table[:, : self.n_topics] = (counts + prior) / totals
        self.alpha[: self.n_topics] = alpha
        self.one[: self.n_topics], self.rest[: self.n_topics] = 1 / totals, totals / (totals - 1)

    def draw(self, key=0, sweeps=1, learned=None, n_topics=None):
        return _core.sampled_documents(
            self.corpus, 0, len(self.start) - 1, self.topic, self.table, self.alpha, self.one,
            self.rest, 1e-9, n_topics or self.n_topics, sweeps, key, learned,
        )  # fmt: skip


def problem(n_topics, n_words=4, seed=0):
    """A document of three tokens, its topics, and counts of all words that hold them."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (n_words, n_topics))
    words, topics = np.array([0, 1, 1]), rng.integers(0, n_topics, 3)
    np.add.at(counts, (words, topics), 1)
    return words, topics, counts, rng.uniform(0.2, 1.0, n_topics), 0.3


def conditional(words, topics, i, before, counts, alpha, prior):
    """Of token i, whose document has these topics; `before` are those that `counts` holds."""
    n_topics = counts.shape[1]
    mine = np.bincount(np.delete(topics, i), minlength=n_topics)
    others = counts.copy()
    others[words[i], before[i]] -= 1
    return naive.topic_of_token(words[i], mine, others, alpha, prior)


def test_tokens_are_drawn_from_their_exact_probabilities():
    words, before, counts, alpha, prior = problem(3)
    expected = np.zeros((3, 3, 3))
    for drawn in itertools.product(range(3), repeat=3):
        topics, p = before.copy(), 1.0
        for i in range(3):
            odds = conditional(words, topics, i, before, counts, alpha, prior)
            p *= odds[drawn[i]] / odds.sum()
            topics[i] = drawn[i]
        expected[drawn] = p
    assert expected.sum() == pytest.approx(1)
    n = 40_000
    work = Frozen([words] * n, [before] * n, counts, alpha, prior)
    work.draw(key=5)
    found = np.zeros((3, 3, 3))
    np.add.at(found, tuple(work.topic.reshape(n, 3).T), 1)
    chi_square = ((found - n * expected) ** 2 / (n * expected)).sum()
    assert chi_square < 26 + 4 * np.sqrt(52)  # 26 degrees of freedom, four standard deviations


@pytest.mark.parametrize("n_topics", [1, 2, 15, 16, 17, 100, 128, 129, 300])
def test_the_first_token_for_any_number_of_topics(n_topics):
    words, before, counts, alpha, prior = problem(n_topics, seed=n_topics)
    n = 20_000
    work = Frozen([words] * n, [before] * n, counts, alpha, prior)
    work.draw(key=n_topics)
    assert work.topic.max() < n_topics
    odds = conditional(words, before, 0, before, counts, alpha, prior)
    expected = n * odds / odds.sum()
    found = np.bincount(work.topic[::3], minlength=n_topics)
    chi_square = ((found - expected) ** 2 / expected).sum()
    assert chi_square < n_topics + 5 * np.sqrt(2 * n_topics)


def key_of_bits(bits, place=0):
    """The key for which the token at `place` is drawn by these 64 random bits (SplitMix undone)."""
    whole = 2**64
    bits ^= (bits >> 31) ^ (bits >> 62)
    bits = bits * pow(0x94D049BB133111EB, -1, whole) % whole
    bits ^= (bits >> 27) ^ (bits >> 54)
    bits = bits * pow(0xBF58476D1CE4E5B9, -1, whole) % whole
    bits ^= (bits >> 30) ^ (bits >> 60)
    return (bits - 0x9E3779B97F4A7C15 * (place + 1)) % whole


@pytest.mark.parametrize("n_topics", [1, 2, 5, 7, 9, 15, 16, 17, 100, 130])
def test_the_ends_of_the_numbers_fall_on_topics(n_topics):
    rng = np.random.default_rng(0)
    lowest, highest = set(), set()
    for _ in range(200):
        counts = rng.integers(1, 9, (1, n_topics))
        prior, alpha = rng.uniform(0.1, 1.0), rng.uniform(0.1, 1.0, n_topics)
        work = Frozen([[0]], [[0]], counts, alpha, prior)
        for bits, found in [(0, lowest), (2**64 - 1, highest)]:
            work.topic[0] = 0
            work.draw(key_of_bits(bits))
            found.add(int(work.topic[0]))
    # The first of the topics; and one of the last of each lane, none that is not there.
    assert lowest == {0}
    assert max(highest) < n_topics


@pytest.mark.parametrize("n_topics", [3, 130])
def test_likelihood_and_what_alpha_is_learned_from(n_topics):
    rng = np.random.default_rng(1)
    documents = [rng.integers(0, 6, n) for n in (5, 0, 1, 40, 3, 2, 17)]
    topics = [rng.integers(0, n_topics, len(words)) for words in documents]
    counts = np.zeros((6, n_topics), int)
    for words, mine in zip(documents, topics, strict=True):
        np.add.at(counts, (words, mine), 1)
    alpha, prior = rng.uniform(0.1, 1.0, n_topics), 0.2
    work, learned = Frozen(documents, topics, counts, alpha, prior), np.empty(n_topics)
    likelihood = work.draw(learned=learned)
    drawn = np.split(work.topic, work.start[1:-1])
    expected, gains = 0.0, np.zeros(n_topics)
    for words, before, after in zip(documents, topics, drawn, strict=True):
        now = before.copy()
        gains += digamma(np.bincount(before, minlength=n_topics) + alpha) - digamma(alpha)
        for i in range(len(words)):
            expected += np.log(conditional(words, now, i, before, counts, alpha, prior).sum())
            now[i] = after[i]
    assert likelihood == pytest.approx(expected, rel=2e-6)
    np.testing.assert_allclose(learned, gains, rtol=1e-5)


def test_the_first_sweeps_give_every_token_a_topic():
    words, _, counts, alpha, prior = problem(3)
    n = 20_000
    work = Frozen([words[:1]] * n, [np.array([60_000])] * n, counts, alpha, prior)
    work.draw(sweeps=2)
    odds = (counts[0] + prior) / (counts.sum(axis=0) + 4 * prior) * alpha
    found = np.bincount(work.topic, minlength=3)
    np.testing.assert_allclose(found / n, odds / odds.sum(), atol=4 * 0.5 / np.sqrt(n))


def test_arguments_are_checked():
    words, before, counts, alpha, prior = problem(3)
    work = Frozen([words], [before], counts, alpha, prior)
    with pytest.raises(ValueError, match="sweeps must be 1"):
        work.draw(sweeps=0)
    with pytest.raises(ValueError, match="table must have shape"):
        work.draw(n_topics=300)
    work.topic[1] = 3
    with pytest.raises(ValueError, match="topic must lie from 0 to below 3"):
        work.draw()
    for start, columns, values in [
        ([0, 2], [0, 1], [1.0, 0.5]),
        ([0, 2], [0, 1], [1.0, -1.0]),
        ([0, 2], [0, 7], [1.0, 1.0]),
        ([0, 1], [0, 1], [1.0, 1.0]),
        ([0, 2], [0, 1], [2e9, 2e9]),
    ]:
        with pytest.raises(ValueError, match=r"counts must|words must|start must"):
            _core.SampledCorpus(np.array(start), np.array(columns, np.int32), np.array(values), 3)


def test_documents_are_the_callers_and_must_not_change():
    words, before, counts, alpha, prior = problem(3)
    work = Frozen([words] * 4, [before] * 4, counts, alpha, prior)
    sums, table = np.empty(3, np.int64), np.empty(work.table.shape, np.int32)
    for columns, values in [(7, 1.0), (-1, 1.0), (1, 2.0), (1, 0.0), (1, -1.0)]:
        work.columns[-1], work.values[-1] = columns, values
        with pytest.raises(ValueError, match="documents must not change"):
            work.draw()
        # What has gone is not counted, and nothing is written outside.
        _core.sampled_counts(work.corpus, 0, len(counts), work.topic, table, sums)
        assert 10 <= sums.sum() <= 12
    work.topic[0] = 3
    with pytest.raises(ValueError, match="topic must lie from 0 to below 3"):
        _core.sampled_counts(work.corpus, 0, len(counts), work.topic, table, sums)
    with pytest.raises(ValueError, match="parts must be at least 1"):
        work.corpus.word_edges(0)


def test_entries_are_runs_of_tokens():
    """Counts, zeros among them, are as good as an entry a token, in either precision."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (50, 30))
    start, columns = 30 * np.arange(51), np.tile(np.arange(30, dtype=np.int32), 50)
    documents = [np.repeat(np.arange(30), row) for row in values]
    topics = [rng.integers(0, 5, len(words)) for words in documents]
    counts = rng.integers(1, 9, (30, 5))
    for sweeps in (1, 3):
        drawn = []
        for dtype in (None, np.float32, np.float64):
            work = Frozen(documents, topics, counts, 0.1, 0.2)
            if dtype is not None:
                work.corpus = _core.SampledCorpus(start, columns, values.ravel().astype(dtype), 30)
            likelihood = work.draw(key=3, sweeps=sweeps)
            drawn.append([likelihood, *work.topic])
        assert drawn[0] == drawn[1] == drawn[2]


def test_chosen_documents_are_read_where_they_are():
    counts, chosen = planted(200)[0], np.flatnonzero(np.random.default_rng(0).random(200) < 0.4)
    model = make_model(counts.shape[1], 5, np.float32)
    part = begin(model, source_of(counts[chosen]))[0]
    posterior, whole = part._topics, source_of(counts)
    same = sampled.SampledSweeps(model, whole, posterior, ThreadExecutor(2), chosen=chosen)
    for _ in range(3):
        (topics, likelihood), (found, other) = part.sweep(), same.sweep()
        assert likelihood == other
        np.testing.assert_array_equal(topics.counts.values, found.counts.values)
    assert part.state()["topic"].dtype == np.uint8


def test_topics_of_tokens_in_either_type():
    words, before, counts, alpha, prior = problem(40)
    drawn = []
    for dtype in (np.uint8, np.uint16):
        work = Frozen([words] * 50, [before] * 50, counts, alpha, prior)
        work.topic = work.topic.astype(dtype)
        drawn.append([work.draw(key=5), work.draw(key=6, sweeps=3), *work.topic])
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (12, 1), (12, 5)])
def test_counts_are_those_of_the_topics_and_means_follow(dtype, shape):
    counts = np.random.default_rng(0).poisson(0.7, (60, 12))
    eta = np.random.default_rng(1).uniform(0.1, 0.5, shape)
    model = make_model(12, 5, dtype, eta=eta)
    work, executor = begin(model, source_of(counts, dtype))
    words = np.repeat(np.tile(np.arange(12), 60), counts.ravel())
    mean = np.zeros((12, 5))
    with executor:
        for number in range(1, 15):
            topics, objective = work.sweep()
            now = np.zeros((12, 5))
            np.add.at(now, (words, work.state()["topic"]), 1)
            mean += max(1 / max(8, 0.4 * number), 2 / (number + 1)) * (now - mean)
            np.testing.assert_allclose(topics.counts.values, mean, atol=1e-4)
            assert topics.counts.dtype == dtype
            np.testing.assert_allclose(topics.totals, topics.parameters().sum(axis=0), rtol=1e-5)
            assert -np.log(12) - 1 < objective < 0


def test_bits_do_not_depend_on_threads_and_a_state_goes_on():
    source = source_of(np.vstack([planted(300)[0]] * 20))
    found = []
    for n_threads in (1, 2, 3):
        work, executor = begin(make_model(source.n_columns, 7), source, n_threads)
        with executor:
            found.append([work.sweep() for _ in range(4)])
    (one, objective), others = found[0][-1], found[1:]
    for other in others:
        np.testing.assert_array_equal(other[-1][0].counts.values, one.counts.values)
        assert other[-1][1] == objective
    work, executor = begin(make_model(source.n_columns, 7), source)
    again, executor_again = begin(make_model(source.n_columns, 7), source)
    with executor, executor_again:
        for _ in range(3):
            work.sweep()
        again.restore(work.state())
        assert again.sweep()[1] == objective


@pytest.fixture
def forming(monkeypatch):
    """Passes that begin with a look, for any number of threads."""
    monkeypatch.setattr(sampled, "LOOK_ENTRIES", 2_000)
    counts = np.vstack([planted(300)[0]] * 5)
    source = source_of(counts)

    def begin_forming(n_threads=1):
        model = make_model(source.n_columns, 7)
        model.forming = True
        return begin(model, source, n_threads)

    return counts, begin_forming


def test_topics_are_looked_at_and_then_form(forming):
    counts, begin_forming = forming
    work, executor = begin_forming()
    work._model.begun = -7.0
    start = work._topics
    with executor:
        assert work.sweep() == (start, -7.0)
        formed, objective = work.sweep()
        held = formed.totals.sum() - formed.prior.totals.sum()
        assert held == pytest.approx(counts.sum(), rel=1e-3)
        drawn, _ = work.sweep()
    np.testing.assert_allclose(drawn.counts.values.sum(axis=1), counts.sum(axis=0), rtol=1e-5)
    assert -np.log(counts.shape[1]) < objective < 0


def test_a_state_goes_on_while_topics_form(forming):
    _, begin_forming = forming
    wanted, executor = begin_forming(n_threads=2)
    with executor:
        found = [wanted.sweep() for _ in range(4)]
    for n_passes in range(4):
        before, executor = begin_forming()
        with executor:
            for _ in range(n_passes):
                posterior, _ = before.sweep()
        again, executor = begin_forming()
        if n_passes:
            source = again._source
            again = again._model.begin_sweeps(source, None, posterior, executor)
        again.restore(before.state())
        with executor:
            for _, objective in found[n_passes:]:
                other, likelihood = again.sweep()
                np.testing.assert_equal(likelihood, objective)
        np.testing.assert_array_equal(other.counts.values, found[-1][0].counts.values)


@pytest.mark.parametrize("sizes", [[0, 0], [0], [3, 0, 5], [300] * 100, [10**7]])
def test_parts_have_every_document_once(sizes, monkeypatch):
    monkeypatch.setattr(sampled, "LOOK_ENTRIES", 1_000)
    parts = sampled._parts(np.array(sizes), 0)
    assert sorted(np.concatenate(parts)) == list(range(len(sizes)))
    assert len(parts) == (2 if sum(sizes) >= 1_000 else 1)


def test_most_of_a_large_corpus_is_left_out(monkeypatch):
    monkeypatch.setattr(sampled, "LOOK_ENTRIES", 100)
    monkeypatch.setattr(sampled, "MOST_ENTRIES", 1_000)
    look, chosen = sampled._parts(np.full(5_000, 7), 0)
    assert len(look) == 0
    assert len(chosen) == len(set(chosen)) == 143


def test_learned_alpha_is_the_best_for_the_topics():
    counts, _ = planted(2000, sharp=0.05, seed=1)
    model = make_model(counts.shape[1], 5, alpha=3.0, learn_alpha=True)
    work, executor = begin(model, source_of(counts))
    with executor:
        for _ in range(60):
            topics, _ = work.sweep()
    # Shares are drawn with 0.3.
    np.testing.assert_allclose(topics.alpha, 0.3, rtol=0.3)


@pytest.mark.parametrize("isa", _core.available_isas())
def test_every_instruction_set(isa):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", __file__, "-k", "token or counts"],
        env={**os.environ, "VIVACE_ISA": isa}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout

"""How many tables of words and topics are in memory at a time, counted array by array."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from scipy import sparse

from vivace import LatentDirichletAllocation
from vivace.engine import ThreadExecutor, aligned
from vivace.models import collapsed_table, document_groups, sampled
from vivace.models.lda import LatentDirichletModel, Sweeps
from vivace.models.topics import WordPrior
from vivace.topics import _crowd, _starts
from vivace.topics._documents import check_documents

WORDS, TOPICS = 6_000, 48
TABLE = WORDS * TOPICS * 4


class Memory:
    """Stands in for arrays that are mapped by themselves: the sum of those that are there.

    Rows that are given back early are spoilt, for those who read them.
    """

    def __init__(self) -> None:
        self.held = self.peak = 0
        self.discarded = {}

    def __call__(self, size):
        array = np.zeros(size, np.uint8)
        self.held += size
        self.peak = max(self.peak, self.held)
        self.discarded[id(array)] = 0
        weakref.finalize(array, self.gone, size, id(array))
        return array

    def gone(self, size, array):
        self.held -= size - self.discarded.pop(array)

    def discard(self, rows):
        rows[...] = np.nan
        self.discarded[id(rows.base)] += rows.nbytes
        self.held -= rows.nbytes

    @property
    def tables(self):
        return self.peak / TABLE


@pytest.fixture
def memory(monkeypatch):
    found = Memory()
    monkeypatch.setattr(aligned, "_mapped", found)
    monkeypatch.setattr(aligned, "LARGE", 1_000)
    for module in (_crowd, collapsed_table, sampled):
        monkeypatch.setattr(module, "discard", found.discard)
    return found


def corpus(n=600, size=20, seed=0, parts=8):
    rng, part = np.random.default_rng(seed), WORDS // parts
    words = rng.integers(0, part, (n, size)) + part * rng.integers(0, parts, (n, 1))
    rows = np.repeat(np.arange(n), size)
    return sparse.csr_array((np.ones(n * size, np.float32), (rows, words.ravel())), (n, WORDS))


def documents_of(counts):
    return check_documents(LatentDirichletAllocation(), counts, reset=True, whom="fit")


def model_of(dtype=np.float32):
    prior = WordPrior(np.full((1, 1), 0.1, dtype), WORDS, TOPICS)
    return LatentDirichletModel(np.full(TOPICS, 0.1), prior, Sweeps(10, 1e-2))


def test_the_first_topics_take_little_more_than_a_table_of_the_crowd(memory):
    rng = np.random.RandomState(0)
    with ThreadExecutor(1) as executor:
        topics, _ = _crowd.first_topics(model_of(), documents_of(corpus()), executor, rng)
    assert topics.counts.shape == (WORDS, TOPICS)
    assert np.isfinite(topics.counts.values).all()
    assert memory.tables < _crowd.CROWD + 0.7
    assert memory.held == pytest.approx(TABLE, rel=0.01)


def test_the_start_takes_little_more_than_two_tables(memory):
    rng = np.random.RandomState(0)
    with ThreadExecutor(1) as executor:
        topics = _starts.formed_topics(model_of(), documents_of(corpus()), executor, rng)
    assert topics.counts.shape == (WORDS, TOPICS)
    assert np.isfinite(topics.counts.values).all()
    assert memory.tables < 2.3
    assert memory.held == pytest.approx(TABLE, rel=0.01)


@pytest.mark.parametrize("method", ["batch", "online"])
def test_fits_take_some_tables_and_the_documents_at_work(memory, method):
    lda = LatentDirichletAllocation(
        TOPICS, learning_method=method, batch_size=300, max_iter=3, random_state=0
    )
    lda.fit(corpus())
    # The start's two tables, and fewer in passes: 2.6 in those of batch with rows of exp(E ln beta)
    # that are not packed, 3.2 online with a sum of the pass that is not.
    assert 2.0 < memory.tables < 2.4


@pytest.fixture
def at_work(memory, monkeypatch):
    """Tables that are there whenever words are summed."""
    found, add = [], document_groups.add_word_sums

    def spied(*arguments):
        found.append(memory.held / TABLE)
        add(*arguments)

    monkeypatch.setattr(document_groups, "add_word_sums", spied)
    return found


def test_a_batch_pass_takes_one_table_and_two_packed_and_the_documents_at_work(at_work):
    lda = LatentDirichletAllocation(TOPICS, topic_word_prior=0.01, max_iter=3, random_state=0)
    lda.fit(corpus(parts=TOPICS))
    counts = lda._fitted.topics.counts.values
    packed = 3 / TOPICS + np.count_nonzero(counts) / counts.size  # 64 bits and a factor a row
    assert packed < 0.1
    # The fresh sums, and .6 of a table of documents and their parameters; 2.5 with one of the
    # packed tables whole.
    assert 1.5 < max(at_work) < 1.0 + 2.0 * packed + 0.6


def test_an_online_pass_takes_one_table_and_a_packed_one_and_a_batch(at_work):
    lda = LatentDirichletAllocation(
        TOPICS, learning_method="online", batch_size=150, max_iter=3, random_state=0
    )
    lda.fit(corpus(parts=TOPICS))
    # The counts of topics; the sum of the pass, packed, and .6 of a table for the batch: of its
    # words twice, its documents. 2.4 with a sum that is not packed.
    assert 1.3 < max(at_work) < 2.0


def test_words_that_do_not_occur_cost_batch_no_further_table(memory):
    most, n = WORDS * 4 // 5, 12_000  # several groups of documents
    counts = corpus(n)[:, :most]
    counts.resize((n, WORDS))
    lda = LatentDirichletAllocation(TOPICS, max_iter=3, random_state=0, init="random")
    lda.fit(counts)
    # Counts before and after, .9 of a table of weights, and documents.
    assert memory.tables < 9.8  # 10.1 with counts of the words that occur

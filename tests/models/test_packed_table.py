"""Rows of exp(E ln beta) without what is at the prior: the same bits as with it, whoever reads."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted
from document_calls import document_call
from scipy import sparse

from vivace import LatentDirichletAllocation, _core
from vivace.engine import CsrSource, RowTable, ThreadExecutor
from vivace.models import document_groups, documents
from vivace.models.documents import (
    Sweeps,
    add_word_sums,
    document_step,
    make_group,
    make_table,
    word_index,
    word_parts,
)
from vivace.models.topics import WordPrior, topics_of

ONE = ThreadExecutor(1)


def topics_with(counts, prior, dtype):
    n_words, n_topics = counts.shape
    prior = WordPrior(prior.astype(dtype), n_words, n_topics)
    return topics_of(counts + prior.values, prior, np.full(n_topics, 0.05), np.dtype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_topics", [1, 7, 64, 150])
@pytest.mark.parametrize("kind", ["number", "words", "table"])
def test_packed_rows_change_nothing(kind, n_topics, dtype, monkeypatch):
    # Documents of 900 words do not fit the room for rows.
    monkeypatch.setattr(documents, "PACKED_SHARE", 2.0)
    rng, n_words = np.random.default_rng(n_topics), 1000
    shape = {"number": (1, 1), "words": (n_words, 1), "table": (n_words, n_topics)}[kind]
    counted = np.where(rng.random((n_words, n_topics)) < 0.2, rng.uniform(0, 50, 1), 0.0)
    topics = topics_with(counted, rng.uniform(0.005, 0.05, shape), dtype)
    counts = rng.poisson(np.where(np.arange(12) < 2, 3.0, 0.02)[:, None], (12, n_words))
    rows = sparse.csr_array(counts)
    source = CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), n_words)
    found = []
    for pack in (False, True):
        table = make_table(topics, np.arange(n_words, dtype=np.int32), ONE, pack=pack)
        assert isinstance(table.rows, documents.PackedRows) == pack
        group = make_group(source.read(0, 12), topics)
        index, sums = word_index(group.rows), np.zeros((n_words, n_topics), dtype)
        document_step(group, slice(0, 12), topics, table, Sweeps(50, 1e-3))
        for part in word_parts(index):
            add_word_sums(group, index, part, topics, table, RowTable(n_words, sums))
        parts = (group.gamma, group.bound, group.weights, group.theta, sums)
        found.append([*parts, table.level, table.row_sums])
    for whole, packed in zip(*found, strict=True):
        np.testing.assert_array_equal(packed, whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_packed_where_most_parameters_are_at_the_prior(dtype):
    rng, words = np.random.default_rng(0), np.arange(500, dtype=np.int32)
    for share, pack in ((0.05, True), (0.9, False)):
        counted = np.where(rng.random((500, 100)) < share, 5.0, 0.0)
        topics = topics_with(counted, np.full((1, 1), 0.01), dtype)
        table = make_table(topics, words, ONE, pack=True)
        whole = make_table(topics, words, ONE).rows
        assert isinstance(table.rows, documents.PackedRows) == pack
        assert not pack or table.rows.numbers.nbytes < 0.2 * whole.nbytes
        if not pack:
            np.testing.assert_array_equal(table.rows, whole)


@pytest.fixture
def groups(monkeypatch):
    """Whether the table was packed, of each group whose words are summed; groups are small."""
    found, add = [], document_groups.add_word_sums

    def spied(group, index, part, topics, table, *arguments):
        found.append(isinstance(table.rows, documents.PackedRows))
        add(group, index, part, topics, table, *arguments)

    monkeypatch.setattr(document_groups, "GROUP_BLOCKS", 1)
    monkeypatch.setattr(document_groups, "add_word_sums", spied)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eta", [0.02, 1e-4])  # with the latter some words get no weight
def test_fits_of_several_groups_are_the_same_with_packed_rows_and_any_threads(
    groups, eta, dtype, monkeypatch
):
    counts, found = planted(1000)[0].astype(dtype), []
    counts[np.random.default_rng(1).random(counts.shape) < 0.3] *= 1e-3
    for share, threads in ((0.0, 1), (2.0, 1), (2.0, 2)):
        monkeypatch.setattr(documents, "PACKED_SHARE", share)
        groups.clear()
        model = LatentDirichletAllocation(
            6, doc_topic_prior=0.05, topic_word_prior=eta, max_iter=4, random_state=0
        )
        model.set_params(n_jobs=threads, init="random").fit(counts)
        assert len(groups) >= 4 * 4  # of each pass four
        assert set(groups) == {share > 0.0}
        found.append((model.components_.tobytes(), model.elbo_, model.transform(counts).tobytes()))
    assert found[0] == found[1] == found[2]


def test_words_of_one_group_are_summed_in_rows_that_are_whole(groups):
    counts = np.zeros((40, 60), np.float32)  # of few of the words
    counts[:, :6] = 1.0
    LatentDirichletAllocation(6, max_iter=2, random_state=0, init="random").fit(counts)
    assert set(groups) == {False}


STRIDE = _core.topic_stride(2, False)
ROOM = _core.packed_room(STRIDE, False)
ROWS = np.zeros(4 + ROOM), np.array([0, 2, 4], np.int64), np.zeros(STRIDE)
BAD = {
    "tuple": ROWS[:2],
    "room": (np.zeros(ROOM - 1), *ROWS[1:]),
    "from at least 0 to at most 4": (ROWS[0], np.array([0, 2, 5], np.int64), ROWS[2]),
    "start of rows": (ROWS[0], ROWS[1][:2], ROWS[2]),
    "common": (*ROWS[:2], ROWS[2][1:]),
    "packed": (ROWS[0].astype(np.float32), *ROWS[1:]),
}


@pytest.mark.parametrize("wrong", BAD)
def test_the_border_checks_packed_rows(wrong):
    _core.topic_documents(**document_call(table=ROWS))
    with pytest.raises((TypeError, ValueError), match=wrong):
        _core.topic_documents(**document_call(table=BAD[wrong]))

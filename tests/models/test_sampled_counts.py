"""Counts of words in topics, whatever the parts that the vocabulary is cut into."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivace import _core


@given(
    entries=st.lists(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), max_size=9)),
    n_topics=st.sampled_from([1, 3, 40]),
    parts=st.integers(1, 12),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
def test_counts_of_words_in_any_parts(entries, n_topics, parts, dtype):
    start = np.cumsum([0, *map(len, entries)])
    pairs = np.array([pair for document in entries for pair in document]).reshape(-1, 2)
    columns, values = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.float32)
    corpus = _core.SampledCorpus(start, columns, values, 9)
    edges = corpus.word_edges(parts)
    assert edges[0] == 0
    assert edges[-1] == 9
    assert len(edges) <= parts + 1
    assert (np.diff(edges) > 0).all()
    topic = np.random.default_rng(0).integers(0, n_topics, corpus.n_tokens).astype(dtype)
    expected = np.zeros((9, _core.topic_stride(n_topics, True)), int)
    np.add.at(expected, (np.repeat(columns, values.astype(int)), topic), 1)
    table, sums = np.full(expected.shape, -1, np.int32), np.empty(n_topics, np.int64)
    total = np.zeros(n_topics, int)
    for first, last in itertools.pairwise(edges):
        _core.sampled_counts(corpus, first, last, topic, table, sums)
        total += sums
    np.testing.assert_array_equal(table, expected)
    np.testing.assert_array_equal(total, expected.sum(axis=0)[:n_topics])


def test_bytes_are_too_few_for_many_topics():
    corpus = _core.SampledCorpus(np.array([0, 1]), np.zeros(1, np.int32), np.ones(1), 1)
    table, sums = np.zeros((1, _core.topic_stride(257, True)), np.int32), np.empty(257, np.int64)
    with pytest.raises(TypeError, match="uint16"):
        _core.sampled_counts(corpus, 0, 1, np.zeros(1, np.uint8), table, sums)


@pytest.mark.parametrize("chosen", [[-1], [0, 3]])
def test_chosen_rows_must_be_there(chosen):
    start, words, counts = np.array([0, 1, 1, 2]), np.zeros(2, np.int32), np.ones(2)
    with pytest.raises(ValueError, match="chosen must lie"):
        _core.SampledCorpus(start, words, counts, 1, np.array(chosen))

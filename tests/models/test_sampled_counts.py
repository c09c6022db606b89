"""Counts of words in topics, whatever the parts that the vocabulary is cut into."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vivace import _core


@given(
    entries=st.lists(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), max_size=9)),
    n_topics=st.sampled_from([1, 3, 40]),
    parts=st.integers(1, 12),
)
def test_counts_of_words_in_any_parts(entries, n_topics, parts):
    start = np.cumsum([0, *map(len, entries)])
    pairs = np.array([pair for document in entries for pair in document]).reshape(-1, 2)
    columns, values = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.float32)
    corpus = _core.SampledCorpus(start, columns, values, 9)
    edges = corpus.word_edges(parts)
    assert edges[0] == 0
    assert edges[-1] == 9
    assert len(edges) <= parts + 1
    assert (np.diff(edges) > 0).all()
    topic = np.random.default_rng(0).integers(0, n_topics, corpus.n_tokens).astype(np.uint16)
    expected = np.zeros((9, _core.topic_stride(n_topics, True)), int)
    np.add.at(expected, (np.repeat(columns, values.astype(int)), topic), 1)
    table, sums = np.full(expected.shape, -1, np.int32), np.empty(n_topics, np.int64)
    total = np.zeros(n_topics, int)
    for first, last in itertools.pairwise(edges):
        _core.sampled_counts(corpus, first, last, topic, table, sums)
        total += sums
    np.testing.assert_array_equal(table, expected)
    np.testing.assert_array_equal(total, expected.sum(axis=0)[:n_topics])

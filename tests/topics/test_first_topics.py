"""What topics begin as: groups of documents, and a crowd around them that becomes fewer."""

from __future__ import annotations

import naive_topics
import numpy as np
import pytest
from corpora import planted
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from vivace import LatentDirichletAllocation, _core
from vivace.engine import ThreadExecutor
from vivace.models.lda import LatentDirichletModel, Sweeps
from vivace.models.topics import WordPrior
from vivace.topics import _crowd
from vivace.topics._crowd import first_topics, merged
from vivace.topics._documents import check_documents
from vivace.topics._seeds import ALIKE, mean_documents, seed_groups

NONE = np.zeros(0, np.int64)


def documents_of(counts, weights=None):
    return check_documents(LatentDirichletAllocation(), counts, weights, reset=True, whom="fit")


def model_of(n_topics, n_words, prior=0.1, seed=0):
    values = np.broadcast_to(prior, (1, 1) if np.isscalar(prior) else np.shape(prior))
    words = WordPrior(np.array(values, dtype=np.float64), n_words, n_topics)
    return LatentDirichletModel(np.full(n_topics, 0.1), words, Sweeps(100, 1e-3), seed=seed)


def first(counts, model, seed=0, threads=1, weights=None):
    with ThreadExecutor(threads) as executor:
        documents = documents_of(counts, weights)
        return first_topics(model, documents, executor, np.random.RandomState(seed))[0]


# -- groups ------------------------------------------------------------------------------------


def groups_of(counts, n_topics, seed=0, left_out=NONE):
    return seed_groups(documents_of(counts), n_topics, np.random.RandomState(seed), left_out)


def test_seed_groups_are_alike_inside_and_unlike_each_other():
    counts = np.kron(np.eye(4), np.full((60, 5), 6.0))
    for seed in range(5):
        groups = groups_of(counts, 4, seed)
        assert [len(group) for group in groups] == [ALIKE] * 4
        kinds = [set(group // 60) for group in groups]
        assert all(len(kind) == 1 for kind in kinds)
        assert set.union(*kinds) == {0, 1, 2, 3}
    few = groups_of(counts[[0, 60]], 4)
    assert [group.tolist() for group in few] == [[0], [1]]
    # No more than a quarter of the documents that there are for each topic.
    assert {len(group) for group in groups_of(counts, 20)} == {3}
    copies = groups_of(np.repeat(counts[:1], 9, axis=0), 4)
    assert len({group[0] for group in copies}) == len(copies) <= 4
    assert groups_of(np.zeros((3, 2)), 4) == []
    out = np.arange(0, 240, 2)
    assert not np.isin(np.concatenate(groups_of(counts, 4, left_out=out)), out).any()


@given(st.integers(0, 10**6), st.integers(2, 200), st.integers(1, 30), st.integers(1, 12))
def test_groups_are_those_of_the_reference(seed, n_documents, n_groups, alike):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, size=40), (n_documents, 40)).astype(np.float64)
    counts[:, :3] += rng.random((n_documents, 3))  # no document is empty, no two are parallel
    first, draws = int(rng.integers(n_documents)), rng.random(n_groups - 1)
    members = np.empty((n_groups, alike), np.int64)
    rows = csr_array(counts)
    start, words = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    n = _core.seed_groups(start, words, rows.data, 40, first, draws, members)
    found = [[int(d) for d in group if d >= 0] for group in members[:n]]
    assert found == naive_topics.seed_groups(counts, n_groups, alike, first, draws)


def test_arguments_of_the_kernel_are_checked():
    good = {
        "start": np.array([0, 2, 3]),
        "words": np.array([0, 1, 1], np.int32),
        "counts": np.ones(3),
        "n_words": 2,
        "first": 0,
        "draws": np.full(1, 0.5),
        "members": np.empty((2, 1), np.int64),
    }
    assert _core.seed_groups(**good) == 2
    assert good["members"].ravel().tolist() == [0, 1]
    for name, value, message in [
        ("start", np.array([0, 3, 2]), "must rise"),
        ("start", np.array([0]), "must rise"),
        ("words", np.array([0, 1, 2], np.int32), "below n_words"),
        ("counts", np.ones(4, np.float32), "shape"),
        ("first", 2, "first must be"),
        ("draws", np.ones(2), "shape"),
        ("members", np.empty((0, 1), np.int64), "a row and a column"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.seed_groups(**(good | {name: value}))


def test_a_topic_starts_with_the_mean_of_its_group():
    counts = planted(200, n_words=50)[0]
    groups = [np.array([8, 3, 5]), np.array([1])]
    found = mean_documents(documents_of(counts), groups)
    wanted = [counts[group].mean(axis=0) for group in groups]
    np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-15)
    assert mean_documents(documents_of(counts), []).shape == (0, 50)


# -- a crowd becomes fewer ----------------------------------------------------------------------


def merged_one_by_one(counts, n_topics):
    """Reference: every pair is looked at anew, its distance word by word."""
    words = counts.sum(axis=1)
    groups = [(counts[:, [k]].sum(axis=1), [k]) for k in range(counts.shape[1])]
    while len(groups) > n_topics:
        best = (np.inf, 0, 0)
        for i, (a, _) in enumerate(groups):
            for j, (b, _) in enumerate(groups[:i]):
                m, n = a.sum(), b.sum()
                distance = ((a / m - b / n) ** 2 / words).sum()
                best = min(best, (m * n / (m + n) * distance, j, i))
        _, j, i = best
        a, b = groups[j], groups[i]
        groups = [g for k, g in enumerate(groups) if k not in (i, j)]
        groups.append((a[0] + b[0], a[1] + b[1]))
    return sorted(sorted(members) for _, members in groups)


@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(3, 40))
def test_merging_is_that_of_the_reference(seed, crowd, n_words):
    rng = np.random.default_rng(seed)
    counts = 1e4 * rng.gamma(0.5, size=(n_words, crowd)) + 1.0
    n_topics = int(rng.integers(1, crowd + 1))
    owner = merged(counts, n_topics, ThreadExecutor(1))
    found = [np.flatnonzero(owner == k).tolist() for k in range(n_topics)]
    assert found == merged_one_by_one(counts, n_topics)


def test_pieces_of_topics_come_together():
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(300, 0.1), size=6)
    pieces = np.stack([rng.multinomial(400, topics[k % 6]) for k in range(15)], axis=1)
    for dtype in (np.float32, np.float64):
        owner = merged(pieces.astype(dtype), 6, ThreadExecutor(2))
        assert owner.tolist() == [k % 6 for k in range(15)]


def test_topics_without_words_are_the_first_to_go():
    counts = np.eye(4, 6) * [5.0, 0.0, 7.0, 1.0, 0.0, 0.0]
    owner = merged(counts, 3, ThreadExecutor(1))
    assert len(set(owner[[0, 2, 3]])) == 3
    assert set(merged(np.zeros((4, 6)), 2, ThreadExecutor(1))) == {0, 1}


def test_a_crowd_finds_more_of_the_planted_topics(monkeypatch):
    counts, topics = planted(2000, n_words=200, n_topics=12, length=25, sharp=0.05, seed=1)

    def worst(seed):
        found = first(counts, model_of(12, 200, seed=seed), seed).mean().T
        overlap = np.minimum(found[:, None], topics[None]).sum(axis=2)
        return overlap[linear_sum_assignment(-overlap)].min()

    crowd = [worst(seed) for seed in range(5)]
    monkeypatch.setattr(_crowd, "CROWD", 1.0)
    alone = [worst(seed) for seed in range(5)]
    assert np.mean(crowd) > np.mean(alone) + 0.1


@pytest.mark.parametrize("n_documents", [1, 2, 3, 7])
def test_few_documents_and_empty_ones(n_documents):
    rng = np.random.default_rng(0)
    for counts in (rng.poisson(1.0, (n_documents, 9)), np.zeros((n_documents, 9))):
        topics = first(counts.astype(float), model_of(4, 9))
        assert (topics.parameters() >= 0.1 - 1e-12).all()
        assert np.isfinite(topics.parameters()).all()
        assert len(np.unique(topics.parameters(), axis=1).T) == 4


def test_seeded_topics_keep_their_places():
    counts, topics = planted(600, n_words=60, n_topics=3, length=30, sharp=0.05, seed=3)
    prior = 0.05 + 500.0 * topics.T
    found = first(counts, model_of(3, 60, prior)).mean().T
    overlap = np.minimum(found[:, None], topics[None]).sum(axis=2)
    assert overlap.argmax(axis=1).tolist() == [0, 1, 2]


def test_bits_do_not_depend_on_threads_and_weights_of_zero_leave_out():
    counts, _ = planted(900, n_words=80, n_topics=5, length=12, seed=2)
    one, three = (first(counts, model_of(8, 80), threads=n).parameters() for n in (1, 3))
    np.testing.assert_array_equal(one, three)
    weights = np.repeat([1.0, 0.0], [450, 450])
    counts[450:] = 0.0
    counts[450:, 79] = 50.0
    counts[:450, 79] = 0.0
    found = first(counts, model_of(8, 80), weights=weights)
    assert (found.parameters([79]) < 0.12).all()

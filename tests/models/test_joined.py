"""Columns of few values, joined: exact whatever their sizes, and the same mixture as features."""

from __future__ import annotations

import naive_kernels
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from parts import block, draw, model_of
from problems import responsibilities

from vivace.models.parts.base import padded
from vivace.models.parts.joined import JOINED_BYTES, JoinedLevels
from vivace.models.weights import Dirichlet

SIZES = st.lists(st.integers(1, 9) | st.sampled_from([2, 3, 100, 700]), min_size=1, max_size=30)


@given(SIZES, st.integers(1, 70), st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_joined_columns_say_what_single_ones_say(sizes, k, seed):
    rng = np.random.default_rng(seed)
    sizes = np.array(sizes, dtype=np.int64)
    joined, n = JoinedLevels(sizes, k), 40
    values = rng.integers(0, sizes, size=(n, len(sizes)))
    numbers, resp = rng.normal(size=(sizes.sum(), k)), np.zeros((n, padded(k)))
    resp[:, :k] = rng.random((n, k))
    pieces = np.split(values, [len(sizes) // 2], axis=1)
    codes = joined.codes(pieces if pieces[0].size else [values])
    assert codes.shape == (n, len(joined.first) - 1)
    assert joined.joins == (codes.shape[1] < len(sizes))
    assert (codes >= 0).all()
    assert (codes < np.diff(joined.first)).all()
    scores, sums = naive_kernels.levels_reference(sizes, values, numbers, resp[:, :k])
    table = joined.table(numbers)
    assert not table[-1].any()
    assert table.ctypes.data % 64 == 0
    found = table[codes + joined.first[:-1]].sum(axis=1)
    assert_allclose(found[:, :k], scores, rtol=1e-12, atol=1e-12)
    assert_allclose(joined.fold(joined.gather(codes, resp)), sums, rtol=1e-12, atol=1e-12)
    # no more levels than a pass of the kernel has room for, unless one column has them alone
    alone = np.isin(np.diff(joined.first), sizes)
    assert (alone | (8 * min(padded(k), 32) * np.diff(joined.first) <= JOINED_BYTES)).all()


def test_a_negative_value_is_the_last_of_its_column():
    values = np.array([[0, -1], [-1, 2], [1, 0]], dtype=np.int32)
    joined = JoinedLevels(np.array([3, 4]), 2)
    assert joined.joins
    assert_array_equal(joined.codes([values]), [[0 + 3 * 3], [2 + 3 * 2], [1 + 3 * 0]])
    alone = JoinedLevels(np.array([100, 100]), 20)
    assert not alone.joins
    codes = alone.codes([values])
    assert codes is values
    sums = alone.gather(codes, np.ones((3, 24)))
    assert_array_equal(sums[-1], np.full(24, 2.0))


@given(
    st.lists(st.sampled_from(["bernoulli", "categorical", "poisson"]), min_size=0, max_size=3),
    st.booleans(),
    st.booleans(),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_flags_looked_up_are_flags_as_features(others, gaps, weighted, k, seed):
    rng, n = np.random.default_rng(seed), 50
    w = rng.uniform(0.0, 2.0, size=n) if weighted else None
    rest = [draw(rng, name, n, int(rng.integers(1, 8)), gaps) for name in others]
    d, own = int(rng.integers(1, 14)), int(rng.integers(2**32))
    found = []
    for as_features in (False, True):
        flags = draw(np.random.default_rng(own), "bernoulli", n, d, gaps, as_features)
        model = model_of([flags[0], *(part for part, *_ in rest)], Dirichlet(0.5), k)
        assert (0 in model.layout.levels) != as_features
        rows = block([flags[1], *(data for _, data, *_ in rest)], w)
        r = responsibilities(np.random.default_rng(own), n, k)
        given_, state = model.given(rows, r), None
        posterior = model.global_step(given_, None)
        for _ in range(3):
            statistics, state = model.local_step(rows, model.prepare(posterior), state)
            posterior = model.global_step(statistics, posterior)
        resp, labels = np.empty((n, k)), np.empty(n, dtype=np.int32)
        model.score(rows, model.prepare(posterior), resp=resp, labels=labels)
        found.append((given_, statistics, model.elbo(posterior, statistics), resp))
    (given_, statistics, bound, resp), others_found = found[0], found[1]
    for mine, theirs in ((given_, others_found[0]), (statistics, others_found[1])):
        for name in mine.names:
            assert_allclose(mine[name], theirs[name], rtol=1e-9, atol=1e-9)
    assert bound == pytest.approx(others_found[2], rel=1e-10, abs=1e-9)
    assert_allclose(resp, others_found[3], atol=1e-9)


def test_codes_that_are_not_kept_make_the_same_bits():
    rng = np.random.default_rng(5)
    found = [draw(rng, name, 300, 6, True) for name in ("bernoulli", "categorical")]
    model = model_of([part for part, *_ in found], Dirichlet(0.5), 3)
    rows, r = block([data for _, data, *_ in found]), responsibilities(rng, 300, 3)
    prepared = model.prepare(model.global_step(model.given(rows, r), None))
    first, state = model.local_step(rows, prepared, None)
    assert state.codes is not None
    again, _ = model.local_step(rows, prepared, state)
    model.keeps_codes = False
    other, state = model.local_step(rows, prepared, None)
    assert state.codes is None
    for name in first.names:
        assert_array_equal(first[name], again[name])
        assert_array_equal(first[name], other[name])

"""Sums of tables that stay packed against those that do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivace import _core
from vivace.engine import PairwiseSum, RowTable, Statistics, packing


def some_rows(rng, n_rows, n_columns, dtype, zeros):
    """A table of some rows, or of all; numbers on a grid, of which sums are exact."""
    every = bool(rng.random() < 0.2)
    chosen = np.sort(rng.choice(n_rows, rng.integers(0, n_rows + 1), replace=False))
    size = (n_rows if every else len(chosen), n_columns)
    values = rng.integers(-40, 100, size) / 8.0 * (rng.random(size) >= zeros)
    scale = float(rng.choice([1.0, 0.25, 4.0]))
    return RowTable(n_rows, values.astype(dtype), None if every else chosen.astype(np.int32), scale)


def is_packed(table):
    return isinstance(table.kernel, _core.PackedTable)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(1, 40),
    n_columns=st.integers(1, 140),
    zeros=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_sums_are_those_of_arrays(seed, n_rows, n_columns, zeros, dtype):
    rng = np.random.default_rng(seed)
    total = RowTable(n_rows, np.zeros((n_rows, n_columns), dtype)).zeros_like(packed=True)
    expected = np.zeros((n_rows, n_columns), dtype)
    for _ in range(4):
        added = some_rows(rng, n_rows, n_columns, dtype, zeros)
        expected += added.dense() * dtype(-0.5)
        total.add_(added, -0.5)
        np.testing.assert_array_equal(total.unpacked, expected)
        assert is_packed(total)
    assert (total.shape, total.dtype) == (expected.shape, dtype)
    np.testing.assert_array_equal(total.values, expected)
    assert total.values is total.values  # packed no more
    np.testing.assert_array_equal(total.add_(added).values, expected + added.dense())


def record(table, number):
    return Statistics({"n": float(number)}, {"n": None}, {"t": table})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_packed_sums_have_the_same_bits(dtype):
    rng = np.random.default_rng(0)
    plain, packed = PairwiseSum(), PairwiseSum(pack=True)
    for i in range(9):
        rows = np.sort(rng.choice(50, 20, replace=False)).astype(np.int32)
        values = (rng.gamma(0.1, size=(20, 33)) * (rng.random((20, 33)) < 0.3)).astype(dtype)
        plain.push(record(RowTable(50, values.copy(), rows), i))
        packed.push(record(RowTable(50, values, rows), i))
        assert is_packed(packed.parts()[0].table("t"))  # again, after 4
        if i == 4:  # as a checkpoint does
            stored = [packing.pack_statistics(one) for one in packed.parts()]
            assert is_packed(packed.parts()[0].table("t"))
            found = [packing.unpack_statistics(one) for one in stored]
            packed = PairwiseSum.of(5, found, pack=True)
    plain, packed = plain.total(), packed.total()
    assert plain["n"] == packed["n"] == 36.0
    assert plain.table("t").dense().tobytes() == packed.table("t").dense().tobytes()


def test_sums_of_few_rows_are_not_packed_until_many_come():
    def some(n):
        rows = np.arange(0, 2 * n, 2, dtype=np.int32)
        return record(RowTable(40, np.ones((n, 3)), rows), 1)

    total = PairwiseSum(pack=True)
    for n, packed in [(9, False), (9, False), (10, True), (1, True)]:
        total.push(some(n))
        assert is_packed(total.parts()[0].table("t")) == packed
    expected = np.zeros((40, 3))
    for n in (9, 9, 10, 1):
        expected[: 2 * n : 2] += 1.0
    np.testing.assert_array_equal(total.total().table("t").dense(), expected)
    total.push(some(9))  # afresh
    assert not is_packed(total.parts()[0].table("t"))


def test_a_packed_sum_leaves_what_it_is_made_of():
    table = RowTable(5, np.ones((2, 3)), np.array([1, 3], np.int32))
    total = PairwiseSum(pack=True)
    total.push(record(table, 1))
    total.push(record(table, 1))
    np.testing.assert_array_equal(table.values, 1.0)
    np.testing.assert_array_equal(total.total().table("t").dense()[[1, 3]], 2.0)


def test_additions_are_checked():
    bits, marks = np.array([0b101, 0], np.uint64), np.zeros(2, np.uint64)
    kept, values = np.ones(3 + 16), np.ones((1, 13))
    row = np.array([1], np.int32)
    assert _core.count_bits(bits) == 2
    assert _core.sum_marks(values, row, 6, bits, marks) == 15
    for arguments, what in [
        ((values, np.array([6], np.int32), 6, bits, marks), "rows must lie"),
        ((np.ones((2, 13)), np.array([2, 2], np.int32), 6, bits, marks), "rows must rise"),
        ((values, None, 6, bits, marks), "must have 6 rows"),
        ((values, row, 6, bits[:1], marks), "bits"),
        ((values, row, 20, bits, marks), "marks"),
    ]:
        with pytest.raises(ValueError, match=what):
            _core.sum_marks(*arguments)
    with pytest.raises(ValueError, match="kept must hold 31 numbers, got 19"):
        _core.packed_sum(values, row, 6, 1.0, marks, bits, kept)
    with pytest.raises(ValueError, match="marks must hold all bits"):
        _core.packed_sum(values, row, 6, 1.0, np.zeros(2, np.uint64), bits, kept)
    with pytest.raises(TypeError, match="kept"):
        _core.packed_sum(values, row, 6, 1.0, marks, bits, kept.astype(np.float32))
    assert bits.tolist() == [0b101, 0]

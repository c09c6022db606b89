"""Tables of rows against plain arrays."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivace import _core
from vivace.engine import PairwiseSum, RowTable, Statistics
from vivace.io.spool import Shelf


def sparse_table(rng, n_rows, rows, scale=1.0, dtype=np.float64):
    values = rng.uniform(0, 1, (len(rows), 3)).astype(dtype)
    return RowTable(n_rows, values, np.asarray(rows, np.int32), scale)


def dense_table(rng, n_rows, scale=1.0, dtype=np.float64):
    return RowTable(n_rows, rng.uniform(0, 1, (n_rows, 3)).astype(dtype), None, scale)


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_a_chain_of_blends_is_that_of_arrays(seed, rates):
    rng = np.random.default_rng(seed)
    table = dense_table(rng, 20, scale=0.5)
    expected = table.dense()
    for rho in rates:
        rows = np.sort(rng.choice(20, rng.integers(0, 20), replace=False))
        added = sparse_table(rng, 20, rows, scale=rng.uniform(0.1, 2.0))
        expected = (1 - rho) * expected + rho * 7.0 * added.dense()
        table = table.successor(1 - rho, added, rho * 7.0)
        assert table.n_changed == len(rows)
        if rng.random() < 0.5:
            np.testing.assert_allclose(table.dense(), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(table.dense(), expected, rtol=1e-9, atol=1e-12)


def test_a_step_that_is_not_read_has_done_nothing():
    rng = np.random.default_rng(0)
    table, added = dense_table(rng, 9), sparse_table(rng, 9, [1, 4])
    before = table.dense()
    dropped = table.successor(0.5, added, 2.0)
    np.testing.assert_array_equal(table.dense(), before)
    assert dropped.waiting
    taken = table.successor(0.25, added, 1.0)
    np.testing.assert_allclose(taken.dense(), 0.25 * before + added.dense())
    assert not taken.waiting
    for gone in (table, dropped):
        with pytest.raises(RuntimeError, match="took this table over"):
            gone.dense()


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_do_not_change_each_other(duplicate):
    rng = np.random.default_rng(0)
    table, added = dense_table(rng, 9), sparse_table(rng, 9, [1, 4])
    before = table.dense()
    other = duplicate(table)
    stepped = table.successor(0.5, added, 1.0).dense()
    np.testing.assert_array_equal(other.dense(), before)
    np.testing.assert_array_equal(other.successor(0.5, added, 1.0).dense(), stepped)


def test_replacing_rows_clips_what_rounding_leaves():
    rng = np.random.default_rng(0)
    old, new = sparse_table(rng, 9, [0, 3, 5]), sparse_table(rng, 9, [0, 3, 5])
    total = RowTable(9, old.dense() * np.float64(1 - 1e-12))
    found = total.successor(1.0, new, 1.0, old, clip=True).dense()
    np.testing.assert_allclose(found, new.dense(), atol=1e-11)
    assert found.min() >= 0
    other = sparse_table(rng, 9, [2, 3])
    expected = found + new.dense() - other.dense()
    plain = RowTable(9, found.copy()).successor(1.0, new, 1.0, other)
    np.testing.assert_allclose(plain.dense(), expected)


def test_statistics_with_tables_add_as_arrays_do():
    rng = np.random.default_rng(0)

    def record(table):
        return Statistics({"n": 1.0}, {"n": None}, {"t": table})

    parts = [sparse_table(rng, 9, rows) for rows in ([0, 3], [3, 8], [], [1])]
    total = PairwiseSum()
    for part in parts:
        total.push(record(part))
    found = total.total()
    np.testing.assert_allclose(found.table("t").dense(), sum(part.dense() for part in parts))
    assert found["n"] == 4
    assert "t" in found
    assert found.names == ("n", "t")
    assert found.n_components == 3
    assert found.nbytes == 8 + 9 * 3 * 8
    mixed = Statistics.combine([2.0, -1.0], [found, record(parts[0])])
    np.testing.assert_allclose(
        mixed.table("t").dense(), 2 * found.table("t").dense() - parts[0].dense()
    )
    blended = found.copy().blend_(record(parts[1]), 0.25, 3.0)
    lazily = found.copy().blended(record(parts[1]), 0.25, 3.0)
    np.testing.assert_allclose(lazily.table("t").dense(), blended.table("t").dense())
    assert lazily["n"] == blended["n"]
    swapped = found.copy().replaced(record(parts[0]), record(parts[1]))
    np.testing.assert_allclose(
        swapped.table("t").dense(),
        found.table("t").dense() - parts[0].dense() + parts[1].dense(),
        atol=1e-15,
    )
    some = found.take([2, 0])
    np.testing.assert_array_equal(some.table("t").dense(), found.table("t").dense()[:, [2, 0]])
    again = Statistics.from_dict(found.to_dict())
    np.testing.assert_array_equal(again.table("t").dense(), found.table("t").dense())
    with pytest.raises(ValueError, match="same fields"):
        found.add_(Statistics({"n": 1.0}, {"n": None}))
    with pytest.raises(ValueError, match="values must have shape"):
        RowTable(4, np.ones((3, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1000])
def test_packing_loses_nothing(size, dtype):
    rng = np.random.default_rng(size)
    values = rng.standard_normal(size).astype(dtype) * (rng.random(size) < 0.3)
    values[::7] = -0.0
    values[::11] = np.finfo(dtype).smallest_subnormal
    bits = np.empty(-(-size // 64), np.uint64)
    kept = np.empty(_core.nonzero_bits(values, bits), dtype)
    _core.take_bits(values, bits, kept)
    assert len(kept) == np.count_nonzero(values.view(f"u{values.itemsize}"))
    out = np.zeros(size, dtype)
    _core.put_bits(out, bits, kept)
    assert out.tobytes() == values.tobytes()
    with pytest.raises(ValueError, match="as many as there are values"):
        _core.put_bits(out, bits, np.zeros(len(kept) + 1, dtype))
    if size % 64:
        bits[-1] |= np.uint64(1 << 63)
        with pytest.raises(ValueError, match="as many as there are values"):
            _core.put_bits(out, bits, np.zeros(len(kept) + 1, dtype))


def test_tables_that_change_take_no_more_of_the_file():
    shelf, rng, table = Shelf(0), np.random.default_rng(0), None
    for zeros in (0.9, 0.1, 0.5, 0.0):
        values = rng.random((50, 8)) * (rng.random((50, 8)) > zeros)
        table = RowTable(50, values.copy())
        table.put_away(shelf)
        np.testing.assert_array_equal(table.values, values)
    assert shelf._end <= 2 * (values.nbytes + 50)


@pytest.mark.parametrize("memory", [0, 10_000])
def test_a_table_on_a_shelf_is_the_same_table(memory):
    rng = np.random.default_rng(0)
    old, new = (RowTable(9, rng.random((3, 2)), np.array([1, 4, 8], np.int32)) for _ in range(2))
    total = old.dense() + 1.0
    shelved = RowTable(9, old.values.copy(), old.rows, scale=old.scale)
    shelved.put_away(Shelf(memory))
    assert (shelved.shape, shelved.dtype, shelved.nbytes) == (old.shape, old.dtype, old.nbytes)
    np.testing.assert_array_equal(shelved.values, old.values)
    stepped = [RowTable(9, total.copy()).successor(1.0, new, 1.0, one) for one in (old, shelved)]
    np.testing.assert_array_equal(*(table.dense() for table in stepped))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(shelved)).dense(), old.dense())
    with pytest.raises(AssertionError):
        shelved.add_(new)

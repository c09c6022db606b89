"""Tables of rows against plain arrays."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivace import _core
from vivace.engine import PairwiseSum, RowTable, Statistics, ThreadExecutor, storage
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


def mostly_zeros(rng, n_rows=30, n_columns=7, dtype=np.float64):
    values = rng.random((n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.2)
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [None, np.arange(3, 33, dtype=np.int32)])
def test_a_packed_table_is_the_same_table(rows, dtype):
    rng = np.random.default_rng(0)
    values, n_rows = mostly_zeros(rng, dtype=dtype), 30 if rows is None else 40

    def table(pack):
        found = RowTable(n_rows, values.copy(), rows, 0.5)
        if pack:
            found.pack()
            assert isinstance(found.kernel, _core.PackedTable)
            found.pack()
        return found

    added = RowTable(n_rows, mostly_zeros(rng, 3, dtype=dtype), np.array([1, 4, 8], np.int32))
    uses = [
        RowTable.dense,
        lambda found: found.copy().dense(),
        lambda found: found.take(np.array([2, 0])).dense(),
        lambda found: found.successor(0.5, added, 2.0).dense(),
        lambda found: found.scale_(0.1).dense(),
        lambda found: found.add_(added, 3.0).dense(),
        lambda found: added.copy().add_(found).dense(),
        lambda found: found.put_away(Shelf(0)) or found.dense(),
        lambda found: copy.deepcopy(found).dense(),
        lambda found: pickle.loads(pickle.dumps(found)).dense(),
    ]
    for use in uses:
        plain, packed = table(False), table(True)
        assert (packed.shape, packed.dtype, packed.nbytes) == (plain.shape, dtype, plain.nbytes)
        np.testing.assert_array_equal(use(packed), use(plain))
    packed = table(True)
    assert packed.values is packed.values is packed.kernel


@pytest.mark.parametrize("n_rows", [1, 2000])
def test_threads_pack_parts_of_a_table(n_rows, monkeypatch):
    monkeypatch.setattr(storage, "PART_BITS", 5)
    values, found = mostly_zeros(np.random.default_rng(0), n_rows), []
    for executor in (None, ThreadExecutor(1), ThreadExecutor(3)):
        table = RowTable(n_rows, values.copy())
        table.pack(executor)
        found.append(table.kernel)
        np.testing.assert_array_equal(table.values, values)
    for other in found[1:]:
        np.testing.assert_array_equal(other.bits, found[0].bits)
        np.testing.assert_array_equal(other.kept, found[0].kept)


def test_a_table_that_somebody_shares_stays_shared_when_packed():
    rng = np.random.default_rng(0)
    table = RowTable(30, mostly_zeros(rng))
    added = RowTable(30, mostly_zeros(rng, 2), np.array([1, 4], np.int32))
    table.share()
    table.pack()
    before = table.dense()
    table.successor(0.5, added, 1.0).dense()
    np.testing.assert_array_equal(table.dense(), before)


def test_a_table_without_zeros_is_not_packed():
    values = np.random.default_rng(0).random((30, 7)) + 0.5
    table = RowTable(30, values)
    table.pack()
    assert table.values is values


def test_what_is_packed_is_checked():
    bits, kept = np.array([0b101, 1], np.uint64), np.ones(3)
    _core.PackedTable(bits, kept, 5, 13)
    for rows, columns, many in ((5, 13, 2), (5, 12, 3), (8, 8, 3), (20, 13, 3)):
        with pytest.raises(ValueError, match=r"bits|as many as"):
            _core.PackedTable(bits, kept[:many], rows, columns)
    with pytest.raises(TypeError, match="kept"):
        _core.PackedTable(bits, kept.astype(int), 5, 13)


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

"""Sources, layouts and local state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine.toy import rows, same, setup
from hypothesis import given
from hypothesis import strategies as st

from vivace.engine import ArraySource, CoordinateAscent, Layout, LocalStore, StopRule, run

X = np.random.default_rng(3).normal(size=(301, 3))


def unaligned(a: np.ndarray) -> np.ndarray:
    raw = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    raw[:] = a
    return raw


def read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flags.writeable = False
    return a


def memory_mapped(a: np.ndarray, folder: Path, order: str = "C") -> np.ndarray:
    np.save(folder / "rows.npy", np.asarray(a, order=order))
    return np.load(folder / "rows.npy", mmap_mode="r")


VARIANTS = {
    "fortran": lambda a, _: np.asfortranarray(a),
    "strided": lambda a, _: np.repeat(a, 2, axis=0)[::2],
    "columns": lambda a, _: np.repeat(a, 2, axis=1)[:, ::2],
    "reversed": lambda a, _: a[::-1].copy()[::-1],
    "read-only": lambda a, _: read_only(a),
    "memmap": memory_mapped,
    "fortran memmap": lambda a, folder: memory_mapped(a, folder, "F"),
    "big-endian": lambda a, _: a.astype(a.dtype.newbyteorder(">")),
    "unaligned": lambda a, _: unaligned(a),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_layout_reads_alike(variant: str, dtype: type, tmp_path: Path) -> None:
    a = X.astype(dtype)
    source = ArraySource(VARIANTS[variant](a, tmp_path))
    assert source.n_rows == source.total_weight == len(a)
    for start, stop in [(0, 301), (7, 8), (100, 300)]:
        block = source.read(start, stop)
        assert type(block.data) is np.ndarray
        assert block.data.dtype == dtype
        assert block.data.dtype.isnative
        assert block.data.flags.c_contiguous
        assert block.data.flags.aligned
        assert (block.start, block.stop, block.weights) == (start, stop, None)
        np.testing.assert_array_equal(block.data, a[start:stop])


def test_contiguous_rows_are_not_copied(tmp_path: Path) -> None:
    for a in (X, read_only(X), memory_mapped(X, tmp_path)):
        assert np.shares_memory(ArraySource(a).read(5, 9).data, a)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_layout_fits_to_the_same_bits(variant: str, tmp_path: Path) -> None:
    a = rows(300)
    results = []
    for data in (a, VARIANTS[variant](a, tmp_path)):
        case = setup(data, n_threads=2)
        results.append(run(*case[:3], CoordinateAscent(), case[3], case.start(), StopRule(0, 8)))
    assert results[0].trace == results[1].trace
    assert same(results[0].statistics, results[1].statistics)


def test_weights_and_other_types() -> None:
    source = ArraySource(np.arange(12).reshape(4, 3), [1, 0, 2, 0.5])
    assert source.total_weight == 3.5
    block = source.read(1, 3)
    assert block.data.dtype == np.float64
    np.testing.assert_array_equal(block.weights, [0.0, 2.0])
    assert ArraySource([[1.0, 2.0]]).n_rows == 1


@pytest.mark.parametrize(
    ("data", "weights", "match"),
    [
        (np.zeros(3), None, "two-dimensional"),
        (np.zeros((3, 2), complex), None, "real numbers"),
        (np.array([["a"]]), None, "real numbers"),
        (np.zeros((3, 2)), np.ones(2), r"\(3,\)"),
    ],
)
def test_bad_sources(data: np.ndarray, weights: np.ndarray | None, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ArraySource(data, weights)


@given(st.integers(1, 500), st.none() | st.integers(1, 600), st.integers(1, 600))
def test_layout_covers_every_row_once(n: int, batch_rows: int | None, block_rows: int) -> None:
    layout = Layout(n, batch_rows, block_rows)
    at = 0
    for i, batch in enumerate(layout.batches):
        assert batch.id == i
        assert batch.n_rows <= (n if batch_rows is None else batch_rows)
        blocks = layout.blocks(batch)
        assert [stop - start for start, stop in blocks[:-1]] == [block_rows] * (len(blocks) - 1)
        for start, stop in blocks:
            assert start == at
            assert 0 < stop - start <= block_rows
            at = stop
        assert at == batch.stop
    assert at == n
    sizes = [batch.n_rows for batch in layout.batches]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("sizes", [(0, None, 1), (1, 0, 1), (1, None, 0)])
def test_bad_layouts(sizes: tuple) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Layout(*sizes)


def test_layouts_compare_by_their_numbers() -> None:
    a, b = Layout(10, 3, 2), Layout(10, 3, 2)
    assert a.batches is a.batches
    assert a == b
    assert a != Layout(10, 3, 1)


def test_local_store() -> None:
    store = LocalStore()
    assert store.get(0) is None
    store.commit({0: [1, None], 1: [None, None]})
    assert len(store) == 1
    assert 0 in store
    assert store.get(0) == [1, None]
    store.clear()
    assert store.get(0) is None

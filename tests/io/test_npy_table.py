"""Rows of .npy files by system calls: the rows of the array, and errors instead of signals."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace import BayesianGaussianMixture, BayesianMixture
from vivace.io import TableError, open_frame, open_table, read_table
from vivace.io.frame_stream import open_mixed
from vivace.io.npy_table import NpyTable, runs_of
from vivace.io.runs import table_runs

N = 3000


def values(dtype: str = "f8", order: Any = "C") -> np.ndarray:
    rng = np.random.default_rng(0)
    found = rng.normal(size=(N, 5)) * 20 + 30.0 * rng.integers(0, 2, (N, 1))
    return np.asarray(found.clip(0) if dtype in ("u1", "?") else found).astype(dtype, order=order)


@pytest.fixture(params=["f8", "f4", ">f8", "f2", "i4", "u1", "?"])
def dtype(request: Any) -> str:
    return str(request.param)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("columns", [None, ["x3"], ["x4", "x0", "x1"]])
def test_rows(dtype: str, order: str, columns: list[str] | None, tmp_path: Path) -> None:
    """Runs, single rows, chosen rows and what is left of held-out ones: those of the mapping."""
    np.save(tmp_path / "t.npy", values(dtype, order))
    whole = read_table(tmp_path / "t.npy", columns)
    table = open_table(tmp_path / "t.npy", columns)
    assert isinstance(table, NpyTable)
    assert (table.columns, table.named, table.left_out) == (whole.names, False, [])
    assert table.dtype == whole.values.dtype
    assert table.shape == whole.values.shape
    rng = np.random.default_rng(1)
    table.expect(5, 900)
    for start, stop in [(0, N), (7, 8), (9, 9), *np.sort(rng.integers(0, N, (20, 2)), axis=1)]:
        found = table[start:stop]
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, whole.values[start:stop])
    np.testing.assert_array_equal(table[-1], whole.values[-1])
    for chosen in (np.arange(N), rng.permutation(N), rng.choice(N, 40), rng.integers(0, N, 500)):
        np.testing.assert_array_equal(table[chosen], whole.values[chosen])
    held = np.sort(rng.choice(N, 300, replace=False))
    rest = table.without(held)
    np.testing.assert_array_equal(rest[100:2000], np.delete(whole.values, held, 0)[100:2000])


def test_read_by_many_threads(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", values())
    table, wrong = NpyTable(tmp_path / "t.npy"), []

    def work(seed: int) -> None:
        for start in np.random.default_rng(seed).integers(0, N, 200):
            if not np.array_equal(table[start : start + 50], values()[start : start + 50]):
                wrong.append(start)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_rows_that_are_wide_come_in_shorter_runs(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.ones((30, 1 << 20), np.uint8))
    starts, each = zip(
        *((start, len(rows)) for start, rows in runs_of(NpyTable(tmp_path / "t.npy"), 10)),
        strict=True,
    )
    assert set(each) == {4, 2}
    assert starts == tuple(range(0, 30, 4))


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", values())
    before = len(os.listdir("/proc/self/fd"))
    table = NpyTable(tmp_path / "t.npy")
    rest = table.without(np.array([3]))
    del table
    assert len(rest[:10]) == 10
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del rest
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("order", ["C", "F"])
def test_cut_short(order: str, tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    np.save(path, values(order=order))
    table = NpyTable(path)
    os.truncate(path, 4096)
    with pytest.raises(TableError, match=r"t.npy: has changed while it was read: expected 120,128 "
                       r"bytes, got 4,096\. Remedy: .*--resume"):  # fmt: skip
        table[100:2000]


def test_an_error_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.npy"
    np.save(path, values())
    table = NpyTable(path)

    def fails(*_: Any) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", fails)
    with pytest.raises(TableError, match=r"t.npy: .* \(Input/output error\)\. Remedy: copy"):
        table[:]
    path.unlink()
    with pytest.raises(TableError, match=r"t.npy: has vanished"):
        table[:]


def test_reading_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may return less than it was asked for."""
    np.save(tmp_path / "t.npy", values())
    table, whole = NpyTable(tmp_path / "t.npy"), os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, views, at: whole(fd, [views[0][:1000]], at))
    np.testing.assert_array_equal(table[11:2500], values()[11:2500])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros(3), "2 dimensions"),
        (np.zeros((3, 2), complex), "real numbers"),
        (np.zeros((3, 0)), "at least one numeric column"),
        (np.zeros((0, 3)), "at least one row"),
        (np.array([["a"]]), "real numbers"),
        (None, "array of numbers in .npy format"),
    ],
)
def test_no_table_of_numbers(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    path.write_bytes(b"PK")
    if content is not None:
        np.save(path, content)
    for reader in (open_table, read_table, open_mixed, table_runs):
        with pytest.raises(TableError, match=message):
            reader(path)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", values())
    for columns, message in ((["x9"], "no column 'x9'"), (["x1", "x1"], "only once"), ([], "none")):
        for reader in (open_table, read_table, open_mixed):
            with pytest.raises(TableError, match=message):
                reader(tmp_path / "t.npy", columns)


@pytest.mark.filterwarnings("ignore:Best performing")
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_mixed_columns_whole_and_in_a_scratch_file(dtype: str, tmp_path: Path) -> None:
    """What fits is an array, anything else a stream: the same fit."""
    path = tmp_path / "t.npy"
    np.save(path, values(dtype))
    memory = 8 * N * 5
    whole = open_mixed(path, ["x2", "x0"], memory)
    stream = open_frame(path, ["x2", "x0"])
    assert isinstance(open_mixed(path, memory=memory), np.ndarray)
    np.testing.assert_array_equal(whole, values(dtype)[:, [2, 0]])
    np.testing.assert_array_equal(stream[:], whole)
    assert (stream.columns, stream.named) == (["x2", "x0"], False)
    with pytest.raises(TableError, match="memory"):  # too little for a stream, too
        open_mixed(path, memory=memory - 1)
    settings: dict[str, Any] = {"n_components": 3, "random_state": 0, "max_iter": 4}
    settings["families"] = "gaussian"
    fits = [BayesianMixture(**settings).fit(X) for X in (whole, stream)]
    assert fits[0].elbo_trace_.tobytes() == fits[1].elbo_trace_.tobytes()


@pytest.mark.filterwarnings("ignore:Best performing")
@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
@pytest.mark.parametrize("held", [None, 0.1])
def test_fit_by_path(method: str, held: float | None, tmp_path: Path) -> None:
    """The bits of the array, and what the model remembers of the data."""
    path = tmp_path / "t.npy"
    np.save(path, values())
    model = BayesianGaussianMixture(
        n_components=3, learning_method=method, batch_size=500, max_iter=4, random_state=0,
        validation_fraction=held,
    )  # fmt: skip
    found = []
    for X in (values(), path, np.load(path, mmap_mode="r")):
        model.fit(X)
        found.append((model.elbo_trace_.tobytes(), model._about["data"]))
        assert np.array_equal(model.predict(X), model.predict(values()))
    assert found[0] == found[1] == found[2]


@pytest.mark.filterwarnings("ignore:Best performing")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_cut_short_under_a_fit(method: str, order: str, tmp_path: Path) -> None:
    """The fit ends with what is wrong; the model that was there before stays."""
    path = tmp_path / "t.npy"
    np.save(path, values(order=order))
    settings: dict[str, Any] = {"n_components": 3, "random_state": 0, "tol": 0.0}
    model = BayesianGaussianMixture(learning_method=method, batch_size=500, **settings)
    means = model.set_params(max_iter=1).fit(path).means_.copy()
    with pytest.raises(TableError, match=r"t.npy: has changed .*: expected 120,128 bytes, got 999"):
        model.set_params(max_iter=9).fit(path, callbacks=lambda _: os.truncate(path, 999))
    np.testing.assert_array_equal(model.means_, means)


def test_cut_short_while_a_model_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    np.save(path, np.ones((1_000_000, 4), np.float32))
    table = table_runs(path)
    next(table.runs)
    os.truncate(path, 4096)
    with pytest.raises(TableError, match="has changed while it was read"):
        list(table.runs)

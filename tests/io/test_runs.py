"""Tables that are read once, from front to back, the next rows in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vivace.io import TableError
from vivace.io import runs as runs_module
from vivace.io.ahead import ahead
from vivace.io.runs import table_runs

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
feather = pytest.importorskip("pyarrow.feather")


def test_ahead_keeps_order_and_is_bounded() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    for i in ahead(items(), size=3):
        assert made[-1] <= i + 5  # the queue, one on its way in, one being made
        time.sleep(0.001)
    assert made == list(range(50))
    assert list(ahead([])) == []


def test_ahead_raises_where_the_item_was_asked_for() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("gone")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(KeyError, match="gone"):
        next(found)


def test_ahead_ends_its_thread() -> None:
    before = threading.active_count()
    found = ahead(iter(range(10**9)))
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


@pytest.mark.parametrize("form", ["npy", "csv", "parquet", "feather"])
def test_runs(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "MOST_ROWS", 64)
    X = np.random.default_rng(0).normal(size=(500, 3))
    path = tmp_path / f"t.{form}"
    table = pa.table({name: X[:, j] for j, name in enumerate("abc")})
    if form == "npy":
        np.save(path, X)
    elif form == "csv":
        rows = "".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in X.tolist())
        path.write_text("a,b,c\n" + rows)
    elif form == "parquet":
        pq.write_table(table, path, row_group_size=150)
    else:
        feather.write_feather(table, path, chunksize=150)
    found = table_runs(path, ["x2", "x0"] if form == "npy" else ["c", "a"])
    starts, rows = [], []
    for run in found.runs:
        assert len(run) <= 64
        starts.append(run.start)
        rows.append(run.rows)
    assert np.array_equal(np.concatenate(rows), X[:, [2, 0]])
    assert starts == np.cumsum([0, *map(len, rows[:-1])]).tolist()


def test_vanished_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "MOST_ROWS", 64)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": np.arange(5000.0)}), path, row_group_size=100)
    runs = table_runs(path).runs
    next(runs)
    path.unlink()
    with pytest.raises(TableError, match="has vanished while it was read"):
        list(runs)


def test_ids(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,a\n007,1\n008,2\n")
    found = table_runs(path, ids="id")
    assert found.names == ["a"]
    run = next(found.runs)
    assert run.ids.to_pylist() == ["007", "008"]
    np.save(tmp_path / "t.npy", np.zeros((2, 2)))
    with pytest.raises(TableError, match="column of names, such as 'id'"):
        table_runs(tmp_path / "t.npy", ids="id")

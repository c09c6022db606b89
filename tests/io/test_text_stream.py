"""Text tables, and blocks that a function makes, larger than memory."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace import BayesianGaussianMixture
from vivace.io import TableError, open_table, read_table
from vivace.io import spool as spool_module
from vivace.io import stream as stream_module
from vivace.io import text_table as text_module
from vivace.io.stream import SpooledTable

pa = pytest.importorskip("pyarrow")

pytestmark = pytest.mark.filterwarnings("ignore:Best performing")

N = 3000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "CHUNK", 1 << 10)
    monkeypatch.setattr(stream_module, "WORKING", 0)
    monkeypatch.setattr(text_module, "_BLOCK", 1 << 13)


def values() -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.normal(size=(N, 3)) + 2.0 * rng.integers(-1, 2, size=(N, 1))


def write(path: Path, head: str = "a,b,town,c\n", last: str = "") -> np.ndarray:
    X = values()
    rows = (f"{a!r},{b!r},t{i % 7},{c!r}\n" for i, (a, b, c) in enumerate(X.tolist()))
    text = (head + "".join(rows) + last).encode()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text))
    elif path.suffix == ".zst":
        with pa.output_stream(str(path), compression="zstd") as file:
            file.write(text)
    else:
        path.write_bytes(text)
    return X


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zst"])
@pytest.mark.parametrize("memory", [5000, 1 << 30])
def test_same_rows(name: str, memory: int, tmp_path: Path) -> None:
    X = write(tmp_path / name)
    table = open_table(tmp_path / name, memory=memory)
    assert isinstance(table, SpooledTable)
    assert table.in_memory == (memory > 5000)
    assert (table.shape, table.columns, table.left_out) == ((N, 3), ["a", "b", "c"], ["town"])
    rng = np.random.default_rng(0)
    for _ in range(50):
        start, stop = sorted(rng.integers(0, N + 1, 2))
        table.expect(start, stop)
        assert np.array_equal(table[start:stop], X[start:stop])
    chosen = rng.integers(0, N, 100)
    assert np.array_equal(table[chosen], X[chosen])
    assert np.array_equal(open_table(tmp_path / name, ["c", "a"])[0:N], X[:, [2, 0]])
    assert open_table(tmp_path / name, memory=1 << 29).fingerprint == table.fingerprint


@pytest.mark.filterwarnings("ignore:.*left out. town")
@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_same_fit(method: str, tmp_path: Path) -> None:
    write(tmp_path / "t.csv")
    X = read_table(tmp_path / "t.csv").values
    settings: dict[str, Any] = {"n_components": 4, "random_state": 0, "max_iter": 8}
    full = BayesianGaussianMixture(**settings, learning_method=method).fit(X)
    halves = [tmp_path / "h1.csv", tmp_path / "h2.csv"]
    lines = (tmp_path / "t.csv").read_text().splitlines(keepends=True)
    for half, part in zip(halves, (lines[1:1200], lines[1200:]), strict=True):
        half.write_text("".join([lines[0], *part]))

    def blocks() -> Any:
        return (X[i : i + 500] for i in range(0, N, 500))

    for given in (
        tmp_path / "t.csv", open_table(tmp_path / "t.csv", memory=5000), halves,
        str(tmp_path / "h?.csv"), blocks,
    ):  # fmt: skip
        model = BayesianGaussianMixture(**settings, learning_method=method, n_jobs=1).fit(given)
        assert model.elbo_trace_.tobytes() == full.elbo_trace_.tobytes()
        assert np.array_equal(model.predict(given), full.predict(X))


def test_types_that_change_late(tmp_path: Path) -> None:
    """What looks like numbers for megabytes and is text in the end is left out, as in memory."""
    lines = [f"{i},{i},\n" for i in range(4000)] + ["1.5,2,7\n", "2,oops,8\n"]
    (tmp_path / "t.csv").write_text("".join(["a,b,c\n", *lines]))
    table, whole = open_table(tmp_path / "t.csv"), read_table(tmp_path / "t.csv")
    assert (table.columns, table.left_out) == (["a", "c"], ["b"])
    assert whole.names == table.columns
    assert np.array_equal(table[0 : len(table)], whole.values, equal_nan=True)
    with pytest.raises(
        TableError, match=r"column 'b', row 4002 of the data \(line 4003\): expected a number"
    ):
        open_table(tmp_path / "t.csv", ["b"])


@pytest.mark.parametrize(
    ("last", "message"), [("1,2\n", "Expected 4 columns, got 2"), ("1,2,x,3,4\n", "got 5")]
)
def test_torn_lines(last: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "t.csv", last=last)
    with pytest.raises(TableError, match=message):
        open_table(tmp_path / "t.csv")


def test_cut_archives(tmp_path: Path) -> None:
    for name in ("t.csv.gz", "t.csv.zst"):
        write(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(TableError, match="expected a table of text"):
            open_table(tmp_path / name)


def test_without_names(tmp_path: Path) -> None:
    X = values()
    np.savetxt(tmp_path / "t.csv", X, delimiter=",")
    table = open_table(tmp_path / "t.csv")
    assert (table.columns, table.named) == (["x0", "x1", "x2"], False)
    np.testing.assert_allclose(table[0:N], X)
    model = BayesianGaussianMixture(n_components=2, max_iter=3).fit(tmp_path / "t.csv")
    assert not hasattr(model, "feature_names_in_")


def test_bad_blocks() -> None:
    for blocks, message in [
        ([np.zeros(3)], "two-dimensional"),
        ([np.zeros((3, 2)), np.zeros((3, 4))], "expected 2 columns in all of them, got 4"),
        ([np.array([["a"]])], "of numbers"),
        ([], "at least one row"),
    ]:
        with pytest.raises(TableError, match=message):
            open_table(lambda blocks=blocks: blocks)


def test_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "WORKING", 48 << 20)
    write(tmp_path / "t.csv")
    with pytest.raises(TableError, match="takes at least 51 MB of memory, got 1 MB"):
        open_table(tmp_path / "t.csv", memory=1_000_000)

"""Tables that are read a piece at a time, and mixtures fitted to them."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace import BayesianGaussianMixture, BayesianMixture, Checkpoint, LatentDirichletAllocation
from vivace.io import TableError, TableStream, open_table, read_table
from vivace.io.pieces import PieceStream
from vivace.io.spool import Scratch

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
ds = pytest.importorskip("pyarrow.dataset")
feather = pytest.importorskip("pyarrow.feather")

# The tables here have a column of names, which Gaussian mixtures leave out and say so.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Best performing"),
    pytest.mark.filterwarnings("ignore:.*that are not numbers are left out"),
]

N = 5000


def values(dtype: Any = np.float64) -> np.ndarray:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(N, 3)) + 2.0 * rng.integers(-1, 2, size=(N, 1))
    return np.asarray(X, dtype)


def arrow(X: np.ndarray) -> Any:
    columns = {name: X[:, j] for j, name in enumerate("abc")}
    return pa.table({"id": [f"row{i}" for i in range(len(X))], **columns})


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    pq.write_table(arrow(values()), tmp_path / "t.parquet", row_group_size=700)
    return tmp_path / "t.parquet"


def files(form: str, folder: Path) -> Any:
    table = arrow(values())
    if form == "parquet":
        pq.write_table(table, folder / "t.parquet", row_group_size=700)
        return folder / "t.parquet"
    if form in ("feather", "arrow"):
        feather.write_feather(table, folder / f"t.{form}", chunksize=700)
        return str(folder / f"t.{form}")
    for i, first in enumerate(range(0, N, 1300)):
        part = folder / "parts" / f"t{i:03d}.parquet"
        part.parent.mkdir(exist_ok=True)
        pq.write_table(table[first : first + 1300], part, row_group_size=400)
    if form == "glob":
        return str(folder / "parts" / "*.parquet")
    return folder / "parts" if form == "folder" else ds.dataset(folder / "parts")


@pytest.mark.parametrize("form", ["parquet", "feather", "arrow", "glob", "folder", "dataset"])
@pytest.mark.parametrize("memory", [None, 70_000])
def test_same_rows(form: str, memory: int | None, tmp_path: Path) -> None:
    if memory is not None and form in ("feather", "arrow"):
        memory = 2 * 24 * N  # their pieces are larger
    table, X = open_table(files(form, tmp_path), memory=memory), values()
    assert table.shape == (N, 3)
    assert table.columns == ["a", "b", "c"]
    assert table.left_out == ["id"]
    rng = np.random.default_rng(0)
    for _ in range(200):
        start, stop = sorted(rng.integers(0, N + 1, 2))
        stop = min(stop, start + 900)
        assert np.array_equal(table[start:stop], X[start:stop])
    assert np.array_equal(table[17], X[17])
    assert np.array_equal(table[-1], X[-1])
    chosen = rng.integers(0, N, 300)
    assert np.array_equal(table[chosen], X[chosen])
    assert table[5:5].shape == (0, 3)


def test_many_threads(parquet: Path) -> None:
    table, X, wrong = open_table(parquet, memory=70_000), values(), []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(100):
            start = int(rng.integers(0, N - 50))
            if not np.array_equal(table[start : start + 50], X[start : start + 50]):
                wrong.append(start)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_is_bounded(parquet: Path) -> None:
    piece = 700 * 3 * 8
    table = open_table(parquet, memory=6 * piece)
    for start in range(0, N, 100):
        table[start : start + 100]
        held = [*table._kept.values(), *table._passing.values()]
        assert sum(values.nbytes for values in held) <= 6 * piece
    assert len(table._kept) == 3
    with pytest.raises(TableError, match=r"at least 68 kB of memory are needed"):
        open_table(parquet, memory=piece)


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_fit(method: str, dtype: Any, tmp_path: Path) -> None:
    """Bit for bit that of the rows in memory, for any memory and number of threads."""
    path = tmp_path / "t.parquet"
    pq.write_table(arrow(values(dtype)), path, row_group_size=700)
    X = read_table(path).values
    assert X.dtype == dtype
    settings: dict[str, Any] = {"random_state": 0, "max_iter": 12, "learning_method": method}
    full = BayesianGaussianMixture(n_components=4, n_jobs=1, **settings).fit(X)
    for memory, n_jobs in ((70_000, 2), (None, 1)):
        table = open_table(path, memory=memory)
        model = BayesianGaussianMixture(n_components=4, n_jobs=n_jobs, **settings).fit(table)
        assert model.elbo_trace_.tobytes() == full.elbo_trace_.tobytes()
        assert model.means_.tobytes() == full.means_.tobytes()
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert np.array_equal(model.predict(path), full.predict(X))
    assert np.array_equal(model.score_samples(open_table(path)), full.score_samples(X))


def test_hive_partitions(tmp_path: Path) -> None:
    X = values()
    for year in (2023, 2024):
        folder = tmp_path / "sales" / f"year={year}"
        folder.mkdir(parents=True)
        half = arrow(X)[: N // 2] if year == 2023 else arrow(X)[N // 2 :]
        pq.write_table(half, folder / "p.parquet", row_group_size=600)
    table = open_table(tmp_path / "sales", ["b", "year"])
    assert np.array_equal(table[0:N][:, 0], X[:, 1])
    assert set(table[0:10][:, 1]) == {2023}
    assert table[N - 1][1] == 2024


def test_paths_of_other_tables(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", values())
    settings: dict[str, Any] = {"n_components": 3, "random_state": 0, "max_iter": 5}
    model = BayesianGaussianMixture(**settings).fit(tmp_path / "t.npy")
    same = BayesianGaussianMixture(**settings).fit(values())
    assert model.lower_bound_ == same.lower_bound_


def test_resumed(parquet: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"n_components": 4, "max_iter": 10, "learning_method": "memoized"}

    class Stop(KeyboardInterrupt):
        pass

    calls = [0]

    def poll() -> BaseException | None:
        calls[0] += 1
        return Stop() if calls[0] == 9 else None

    full = BayesianGaussianMixture(**settings, random_state=0).fit(parquet)
    with pytest.raises(Stop):
        BayesianGaussianMixture(**settings, random_state=0).fit(
            parquet, checkpoint=Checkpoint(tmp_path / "job", poll=poll)
        )
    model = BayesianGaussianMixture(**settings, random_state=0)
    model.fit(parquet, checkpoint=tmp_path / "job")
    assert model.elbo_trace_.tobytes() == full.elbo_trace_.tobytes()
    pq.write_table(arrow(values() + 1.0), parquet, row_group_size=700)
    with pytest.raises(ValueError, match="data have changed"):
        model.fit(parquet, checkpoint=tmp_path / "job")


def test_changed_and_vanished(parquet: Path) -> None:
    table = open_table(parquet, memory=70_000)
    table[0:10]
    os.utime(parquet, (1, 1))
    with pytest.raises(TableError, match="has changed while it was read"):
        table[0:N]
    table = open_table(parquet, memory=70_000)
    parquet.unlink()
    with pytest.raises(TableError, match="has vanished"):
        table[0:N]


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_truncated(part: float, parquet: Path) -> None:
    content = parquet.read_bytes()
    parquet.write_bytes(content[: int(part * len(content))])
    with pytest.raises(TableError, match="damaged"):
        open_table(parquet)


def test_damaged_inside(parquet: Path) -> None:
    content = bytearray(parquet.read_bytes())
    content[200:20_000] = os.urandom(19_800)
    parquet.write_bytes(content)
    with pytest.raises(TableError, match="damaged"):
        BayesianGaussianMixture(n_components=2).fit(parquet)


def test_gaps_are_named(tmp_path: Path) -> None:
    X = values()
    X[4321, 1] = np.nan
    pq.write_table(arrow(X), tmp_path / "t.parquet", row_group_size=700)
    with pytest.raises(ValueError, match="row 4321, column 1"):
        BayesianGaussianMixture(n_components=2).fit(tmp_path / "t.parquet")


def test_names_of_columns_with_gaps_are_told(tmp_path: Path) -> None:
    """Their numbers are those of the columns in use."""
    X = arrow(values()).set_column(3, "c", pa.array([None, *values()[1:, 2]]))
    pq.write_table(X, tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"row 0, column 2 \('c'\)"):
        BayesianGaussianMixture(n_components=2).fit(tmp_path / "t.parquet")


def test_columns_left_out_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,town\n1,2,x\n3,oops,y\n5,6,z\n7,1,x\n")
    model = BayesianGaussianMixture(n_components=1, max_iter=50)
    with pytest.warns(UserWarning, match="not numbers are left out: b, town. Remedy"):
        model.fit(tmp_path / "t.csv")
    assert list(model.feature_names_in_) == ["a"]
    model.predict(tmp_path / "t.csv")  # no word: the model knows its columns
    with pytest.raises(TableError, match="column 'b', row 2"):
        open_table(tmp_path / "t.csv", ["a", "b"])


@pytest.mark.parametrize("estimator", [BayesianGaussianMixture, BayesianMixture])
def test_what_is_read_once_only_is_refused(estimator: Any, parquet: Path) -> None:
    data = ds.dataset(parquet)
    blocks = (values()[start : start + 100] for start in (0, 100))
    for once in (blocks, data.scanner(), data.scanner().to_reader()):
        with pytest.raises(TypeError, match=r"read more than once, got a .* Remedy: a function"):
            estimator(n_components=2).fit(once)


@pytest.mark.parametrize("name", ["none.npy", "none.csv", "none.parquet", "none"])
@pytest.mark.parametrize("estimator", [BayesianGaussianMixture, BayesianMixture])
def test_a_file_that_does_not_exist(estimator: Any, name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"(?i)no such file"):
        estimator(n_components=2).fit(tmp_path / name)


def test_refusals(parquet: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no column 'z'"):
        open_table(parquet, ["z"])
    with pytest.raises(TableError, match="'id' holds string"):
        open_table(parquet, ["id"])
    with pytest.raises(FileNotFoundError):
        open_table(tmp_path / "none.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="the folder holds no file"):
        open_table(tmp_path / "empty")
    pq.write_table(arrow(values())[:0], tmp_path / "no_rows.parquet")
    with pytest.raises(TableError, match="at least one row"):
        open_table(tmp_path / "no_rows.parquet")
    model = BayesianGaussianMixture(n_components=2, max_iter=3).fit(parquet)
    with pytest.raises(ValueError, match="expected the columns that the model was fitted to"):
        model.predict(open_table(parquet, ["b", "a", "c"]))
    assert isinstance(open_table(parquet), TableStream)


def test_small_batches_of_large_pieces_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room for a scratch file; the fit is the same."""
    pq.write_table(arrow(np.tile(values(), (3, 1))), tmp_path / "t.parquet", row_group_size=3000)

    def fitted() -> BayesianGaussianMixture:
        table = open_table(tmp_path / "t.parquet", memory=4 * 3000 * 24)
        model = BayesianGaussianMixture(n_components=2, learning_method="online", batch_size=300)
        return model.set_params(max_iter=2, random_state=0).fit(table)

    full = fitted()

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Scratch, "write", no_room)
    with pytest.warns(UserWarning, match="vivace convert"):
        assert fitted().means_.tobytes() == full.means_.tobytes()


def test_pieces_that_do_not_fit_are_decoded_once(parquet: Path) -> None:
    table = open_table(parquet, memory=70_000)
    assert isinstance(table, PieceStream)
    assert np.array_equal(table[0:N], values())
    table[0:1]
    deadline = time.monotonic() + 60
    while len(table._spooled) + len(table._kept) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    parquet.unlink()
    X, rng = values(), np.random.default_rng(0)
    for _ in range(50):
        start = int(rng.integers(0, N - 100))
        table.expect(start, start + 100)
        assert np.array_equal(table[start : start + 100], X[start : start + 100])
    chosen = rng.integers(0, N, 300)
    assert np.array_equal(table[chosen], X[chosen])


def _same_size(path: Path) -> None:
    """Another writer: the same number of bytes, and another content."""
    content = bytearray(path.read_bytes())
    content[-2:] = content[-2:][::-1]
    before = os.stat(path)
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize("kind", ["parquet", "csv", "npy", "map", "frame", "documents"])
@pytest.mark.parametrize("what", ["changed", "vanished"])
def test_a_file_that_was_read_already_is_watched(kind: str, what: str, tmp_path: Path) -> None:
    """At the end of a pass, although all rows are in memory or in a scratch file by then."""
    path = tmp_path / f"a.{kind}"
    model: Any = BayesianGaussianMixture(n_components=2, tol=0.0, random_state=0)
    data: Any = str(path)
    if kind in ("parquet", "frame"):
        pq.write_table(arrow(values()).drop(["id"]), path)
    if kind == "frame":
        path = path.rename(tmp_path / "a.parquet")
        model, data = BayesianMixture(2, tol=0.0, random_state=0), str(path)
    elif kind == "csv":
        np.savetxt(path, values(), delimiter=",", header="a,b,c", comments="")
    elif kind in ("npy", "map"):
        path = tmp_path / "a.npy"
        np.save(path, values())
        data = np.load(path, mmap_mode="r") if kind == "map" else str(path)
    elif kind == "documents":
        path = tmp_path / "a.txt"
        path.write_text("one two three\ntwo three four\n" * 20)
        model, data = LatentDirichletAllocation(2, max_iter=9), str(path)
    seen = []

    def meddle(progress: Any) -> None:
        seen.append(progress.n_iter)
        if progress.n_iter == 2:
            _same_size(path) if what == "changed" else path.unlink()

    with pytest.raises(TableError, match=rf"{path.name}: has {what} while it was read.*Remedy"):
        model.fit(data, callbacks=meddle)
    assert seen == [1, 2]

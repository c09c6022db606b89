"""Files that vanish, are cut short or replaced while a job reads them, in processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from vivace.cli.app import cli
from vivace.io import load_model

from .conftest import runner

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
feather = pytest.importorskip("pyarrow.feather")

# Long enough to be met on the way, short enough to be waited for.
MIXTURE = ["-k", "6", "--set", "tol=0", "--threads", "1", "--passes"]
STREAM = ["--memory", "4M", "--learning-method", "memoized", "--batch-size", "4000"]
TOPICS = ["-k", "10", "--threads", "1", "--memory", "80M", "--batch-size", "300", "--passes"]

#: name -> the file that is meddled with, and the fit.
JOBS = {
    "parquet": ("t.parquet", ["gaussian-mixture", "t.parquet", *STREAM, *MIXTURE, "60"]),
    "folder": ("parts/b.parquet", ["gaussian-mixture", "parts", *STREAM, *MIXTURE, "60"]),
    "feather": ("t.feather", ["gaussian-mixture", "t.feather", *STREAM, *MIXTURE, "60"]),
    "npy": ("t.npy", ["gaussian-mixture", "t.npy", *STREAM, *MIXTURE, "60"]),
    "npy batch": ("t.npy", ["gaussian-mixture", "t.npy", *MIXTURE, "200"]),
    "mixed": ("t.parquet", ["mixture", "t.parquet", "--memory", "60M", *MIXTURE, "40"]),
    "npz": ("c.npz", ["lda", "c.npz", "--learning-method", "memoized", *TOPICS, "40"]),
    "npz sampled": ("c.npz", ["lda", "c.npz", "--inference", "gibbs", *TOPICS, "600"]),
}


def _vanish(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _replace(path: Path) -> None:
    """As who writes the data of another night does: whole, of the same size in rows."""
    other = path.with_suffix(".new" + path.suffix)
    if path.suffix == ".npz":
        sparse.save_npz(other, 2 * sparse.load_npz(path))
    elif path.suffix == ".npy":
        np.save(other, np.load(path)[::-1])
    else:
        read = parquet.read_table if path.suffix == ".parquet" else feather.read_table
        table = read(path).take(pa.array(range(20_000)[::-1]))
        write = parquet.write_table if path.suffix == ".parquet" else feather.write_feather
        write(table, other)
    os.replace(other, path)


MEDDLING: dict[str, Callable[[Path], None]] = {
    "vanished": _vanish, "changed": _cut, "replaced": _replace,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60_000, 4)) + 2.0 * rng.integers(-1, 2, size=(60_000, 1))
    np.save(folder / "t.npy", X)
    table = pa.table({name: X[:, j] for j, name in enumerate("abcd")})
    parquet.write_table(table, folder / "t.parquet", row_group_size=5000)
    feather.write_feather(table, folder / "t.feather", chunksize=5000, compression="uncompressed")
    (folder / "parts").mkdir()
    for i, name in enumerate("abc"):
        part = table.slice(20_000 * i, 20_000)
        parquet.write_table(part, folder / "parts" / f"{name}.parquet", row_group_size=5000)
    topics = rng.dirichlet(np.full(500, 0.05), 10)
    shares = rng.dirichlet(np.full(10, 0.2), 3000)
    sparse.save_npz(folder / "c.npz", sparse.csr_array(rng.poisson(40 * shares @ topics)))
    return folder


@pytest.fixture(scope="module")
def full(made: Path) -> Callable[[str], bytes]:
    """What uninterrupted jobs end with."""
    known: dict[str, bytes] = {}

    def of(name: str) -> bytes:
        if name not in known:
            out = made / f"{name}.vivace"
            arguments = ["fit", *JOBS[name][1], "-q", "-o", str(out)]
            before = os.getcwd()
            os.chdir(made)
            try:
                assert runner().invoke(cli, arguments).exit_code == 0
            finally:
                os.chdir(before)
            known[name] = arrays(out)
        return known[name]

    return of


def arrays(path: Path) -> bytes:
    model = load_model(path)
    found = [array.tobytes() for _, array in sorted(model._to_record()[1].items())]
    return b"".join([*found, str(model.n_iter_).encode()])


#: Each job loses a file once; the other ways for one job of each kind of reader.
CASES = [
    *((name, "vanished") for name in JOBS),
    *((name, "changed") for name in ("parquet", "feather", "npy", "npy batch", "mixed", "npz")),
    *((name, "replaced") for name in ("parquet", "folder", "npy", "npz")),
]


@pytest.mark.parametrize(("name", "how"), CASES)
def test_meddling(
    name: str, how: str, made: Path, full: Callable[[str], bytes], tmp_path: Path
) -> None:
    """A message and the last checkpoint; when the file is back, the bits of a job left alone."""
    shutil.copytree(made, tmp_path / "work")
    folder, file = tmp_path / "work", tmp_path / "work" / JOBS[name][0]
    (folder / "m.vivace").write_bytes(b"old")
    fit = [sys.executable, "-m", "vivace", "fit", *JOBS[name][1], "-o", "m.vivace"]
    fit += ["--checkpoint", "job", "--every", "0.02s", "--resume"]
    job = subprocess.Popen(fit, cwd=folder, stdout=-1, stderr=-1, text=True)
    manifest, deadline = folder / "job" / "checkpoint.vivace", time.monotonic() + 60
    while not manifest.exists():
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    good = file.read_bytes()
    MEDDLING[how](file)
    _, told = job.communicate(timeout=120)
    assert job.returncode == 1, told
    what = "vanished" if how == "vanished" else "changed"
    last = told.splitlines()[-1]
    assert last.startswith(f"vivace: {JOBS[name][0]}: has {what} while it was read"), told
    assert "Remedy" in last
    assert "--resume" in last
    assert "Traceback" not in told
    assert (folder / "m.vivace").read_bytes() == b"old"

    if how != "vanished":  # it is not what the checkpoint was made of, or is no table any more
        again = subprocess.run(fit, cwd=folder, capture_output=True, text=True)
        assert again.returncode == 1
        told = again.stderr.splitlines()[-1]
        assert "Remedy" in told
        if how == "replaced":
            assert "job: holds the checkpoint of another data set, or the data have changed" in told
        else:
            assert told.startswith(f"vivace: {JOBS[name][0].split('/')[0]}")
            assert "damaged" in told or "expected an array of numbers in .npy format" in told
        assert manifest.exists()
    file.write_bytes(good)
    again = subprocess.run(fit, cwd=folder, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "resumed from job after iteration" in again.stderr
    assert arrays(folder / "m.vivace") == full(name)

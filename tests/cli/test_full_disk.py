"""Disks that are really full: files that may not grow, a small file system, /dev/full."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
from scipy import sparse

from vivace.cli.app import cli
from vivace.io import load_model, write_table

from .conftest import runner

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

#: Jobs whose checkpoints differ in kind: parts, one state, a state that changes in place.
JOBS = {
    "memoized": ["gaussian-mixture", "rows.parquet", "--learning-method", "memoized",
                 "--batch-size", "500", "--set", "tol=0"],
    "batch": ["gaussian-mixture", "rows.npy", "--set", "tol=0"],
    "table": ["mixture", "rows.csv", "--learning-method", "online", "--set", "tol=0"],
    "topics": ["lda", "counts.npz", "--learning-method", "memoized", "--batch-size", "60"],
    "cvb0": ["lda", "counts.npz", "--inference", "cvb0"],
    "gibbs": ["lda", "counts.npz", "--inference", "gibbs"],
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", checkpoints.rows())
    for name in ("rows.parquet", "rows.csv"):
        write_table(name, checkpoints.rows(), ["a", "b", "c"])
    sparse.save_npz("counts.npz", checkpoints.documents())
    return tmp_path


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, where mounting is allowed."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("mounting is refused here")
    except OSError:
        pytest.skip("there is no mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run(*arguments: object, limit: int = -1, **more: Any) -> Any:
    """Run the command as a process; no file may get larger than `limit` bytes."""

    def begin() -> None:
        if limit >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "vivace", *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, preexec_fn=begin, **more)
    assert "Traceback" not in found.stderr, found.stderr
    return found


def fit(name: str, passes: int, out: object, *more: object, limit: int = -1) -> Any:
    """Fit in a process of its own where files may not grow."""
    command = ["fit", *JOBS[name], "-k", 5, "--threads", 1, "--passes", passes, "-o", out, *more]
    return run(*command, limit=limit)


def fitted(name: str, passes: int, out: object, *more: object) -> str:
    """Fit where there is room, in this process; return what was said."""
    command = ["fit", *JOBS[name], "-k", 5, "--threads", 1, "--passes", passes, "-o", out, *more]
    found = runner().invoke(cli, [str(argument) for argument in command])
    assert found.exit_code == 0, found.stderr
    return found.stderr


def arrays(path: object) -> dict[str, bytes]:
    """All arrays of a model."""
    model = load_model(str(path))
    found = {name: array.tobytes() for name, array in model._to_record()[1].items()}
    return found | {"n_iter_": str(model.n_iter_).encode()}


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name != "lock"}


def check_events(path: Path) -> None:
    """No line is torn."""
    text = path.read_text()
    assert text.endswith("\n")
    for line in text.splitlines():
        assert "event" in json.loads(line)


def fill(folder: Path, leave: int) -> Path:
    """Use up a file system but for some bytes."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return filler


@pytest.mark.parametrize(("name", "share"), [*((name, 0.5) for name in JOBS), ("memoized", 0.0)])
def test_files_that_may_not_grow(name: str, share: float, data: Path) -> None:
    """Every checkpoint and the model fail half-way or at their first byte; then there is room."""
    job = ["--checkpoint", "job", "--resume", "--events", "e.jsonl"]
    fitted(name, 3, "m.vivace", *job)
    before, old = contents(data / "job"), (data / "m.vivace").read_bytes()
    smallest = min(len(content) for file, content in before.items() if file.endswith(".vivace"))
    limit = 1 + int(share * min(smallest, len(old)))
    found = fit(name, 8, "m.vivace", *job, "--every", "0s", limit=limit)
    assert found.returncode == 1, found.stderr
    told = found.stderr.splitlines()
    assert [line for line in told if "this checkpoint could not be written" in line] == [
        "vivace: warning: job: this checkpoint could not be written (File too large); the one "
        "before is as it was"
    ]
    assert told[-1] == (
        "vivace: m.vivace: file too large. Remedy: make room, or name another --out, and "
        "--resume, which goes on from iteration 3"
    )
    assert contents(data / "job") == before
    assert (data / "m.vivace").read_bytes() == old
    assert [entry for entry in os.listdir(data) if entry.endswith(".part")] == []
    check_events(data / "e.jsonl")
    assert "resumed from job after iteration 3" in fitted(name, 8, "m.vivace", *job)
    fitted(name, 8, "full.vivace")
    assert arrays("m.vivace") == arrays("full.vivace")
    check_events(data / "e.jsonl")


def test_only_the_checkpoint_is_too_large(data: Path) -> None:
    """The model is written, and the job has done its work."""
    job = ["--checkpoint", "job", "--every", "0s", "--resume"]
    fitted("cvb0", 2, "m.vivace", *job)
    before, old = contents(data / "job"), (data / "m.vivace").read_bytes()
    limit = len(old) + 500
    assert limit < len(before["checkpoint.vivace"])
    found = fit("cvb0", 4, "m.vivace", *job, "--strict", limit=limit)
    assert found.returncode == 3, found.stderr
    assert "could not be written (File too large)" in found.stderr
    assert "with --resume, which goes on from iteration 2" in found.stderr
    after = contents(data / "job")
    assert {file: after[file] for file in before} == before
    assert load_model("m.vivace").n_iter_ == 4


@pytest.mark.parametrize("leave", [0, 20_000])
@pytest.mark.parametrize("name", ["memoized", "cvb0"])
def test_a_full_file_system(name: str, leave: int, data: Path, small: Path) -> None:
    job = ["--checkpoint", small / "job", "--resume", "--events", small / "e.jsonl"]
    out = small / "m.vivace"
    fitted(name, 3, out, *job)
    before, old = contents(small / "job"), out.read_bytes()
    filler = fill(small, leave)
    found = fit(name, 60, out, *job, "--every", "0s")
    assert found.returncode == 1, found.stderr
    assert f"{small}/job: this checkpoint could not be written (No space left" in found.stderr
    assert found.stderr.splitlines()[-1].startswith(f"vivace: {out}: no space left on device. Rem")
    left = contents(small / "job")
    assert [file for file in left if file.endswith(".part")] == []
    assert out.read_bytes() == old
    if leave == 0:
        assert left == before
        assert "events are no longer written (No space left on device)" in found.stderr
    filler.unlink()
    check_events(small / "e.jsonl")
    assert "resumed from" in fitted(name, 60, out, *job)
    fitted(name, 60, "full.vivace")
    assert arrays(out) == arrays("full.vivace")


def test_scratch_files(data: Path, small: Path) -> None:
    """Pieces of Parquet are decoded again where the scratch file has no room; text needs one."""
    fill(small, 8192)
    environment = {**os.environ, "TMPDIR": str(small)}
    rows = np.tile(checkpoints.rows(), (60, 1))
    columns = {name: rows[:, j] for j, name in enumerate("abc")}
    parquet.write_table(pyarrow.table(columns), "more.parquet", row_group_size=10_000)
    np.savetxt("more.csv", rows, delimiter=",", fmt="%.3f")
    fit = ["fit", "gaussian-mixture", "more.parquet", "-k", 3, "--passes", 2, "-o"]
    assert run(*fit, "a.vivace", "--memory", "2M", env=environment).returncode == 0
    assert run(*fit, "b.vivace").returncode == 0
    assert arrays("a.vivace") == arrays("b.vivace")
    fit[2] = "more.csv"
    found = run(*fit, "c.vivace", "--memory", "51M", env=environment)
    assert found.returncode == 1
    assert "no space left for a scratch file" in found.stderr
    assert "Remedy: set TMPDIR" in found.stderr
    assert not os.path.exists("c.vivace")


def test_devices(data: Path) -> None:
    found = fit("batch", 3, "/dev/full")
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1] == (
        "vivace: /dev/full: no space left on device. Remedy: make room, or name another --out; "
        "with --checkpoint the fit would not be lost"
    )
    found = fit("batch", 3, "m.vivace", "--events", "/dev/full")
    assert found.returncode == 0
    assert "/dev/full: events are no longer written (No space left on device)" in found.stderr
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "vivace", "inspect", "m.vivace"]
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert told.returncode == 1
    assert told.stderr == "vivace: no space left on device\n"


OUTPUTS = {
    "predict": ["a.npy", "a.csv.gz"],
    "transform": ["a.npy", "a.npz", "a.csv", "a.parquet", "a.arrow"],
    "convert": ["a.feather", "a.npz"],
    "report": ["a.html"],
}


@pytest.mark.parametrize("command", OUTPUTS)
def test_results(command: str, data: Path) -> None:
    if command == "report":
        pytest.importorskip("jinja2")
    fitted("batch", 3, "m.vivace")
    for name in OUTPUTS[command]:
        (data / name).write_bytes(b"old")
        before = set(os.listdir(data))
        arguments = {
            "convert": ["rows.parquet", name],
            "report": ["m.vivace", "--out", name],
        }.get(command, ["m.vivace", "rows.npy", "--out", name])
        found = run(command, *arguments, limit=2000)
        assert found.returncode == 1, (name, found.stderr)
        assert found.stderr.splitlines()[-1] == f"vivace: {name}: file too large", found.stderr
        assert (data / name).read_bytes() == b"old"
        assert set(os.listdir(data)) == before

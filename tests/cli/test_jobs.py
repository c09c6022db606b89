"""`vivace fit` as a job: checkpoints, signals, time limits, events, configuration, dry runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vivace
from vivace.io import load_model

from .conftest import Run

FIT = ["fit", "gaussian-mixture", "long.npy", "-k", "8", "--set", "tol=0", "--threads", "1"]


@pytest.fixture
def long(folder: Path) -> Path:
    rng = np.random.default_rng(7)
    X = rng.normal(size=(30_000, 4)) + 1.5 * rng.integers(-1, 2, size=(30_000, 1))
    np.save(folder / "long.npy", X)
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vivace", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=-1, stderr=-1, text=True)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def trace(path: Path) -> bytes:
    model = load_model(path)
    found = b"".join(array.tobytes() for array in model._to_record()[1].values())
    return bytes(found + model.elbo_trace_.tobytes())


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_signal_and_resume(number: int, code: int, word: str, long: Path) -> None:
    """The exit code and the message; resumed, the model of a run that was left alone."""
    limit = ["--set", "max_iter=400"]
    job = [*FIT, *limit, "--out", "a.vivace", "--checkpoint", "job", "--every", "0.01s"]
    process = start(long, *job, "--events", "e.jsonl")
    wait_for(long / "job" / "checkpoint.vivace", process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert "stopping at the next step" in stderr
    assert f"{word}; the checkpoint in job is of iteration" in stderr
    assert "a.vivace was not written" in stderr
    assert not (long / "a.vivace").exists()
    last = json.loads((long / "e.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "stopped"
    assert last["message"].startswith(f"{signal.Signals(number).name}; the checkpoint in job is of")

    refused = start(long, *job)
    assert refused.wait(60) == 1
    assert refused.stderr is not None
    assert "holds a checkpoint already" in refused.stderr.read()
    refused.communicate()

    for arguments in ([*job, "--resume"], [*FIT, *limit, "--out", "b.vivace"]):
        process = start(long, *arguments)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    assert trace(long / "a.vivace") == trace(long / "b.vivace")
    # The model is written: the folder is free for the next job.
    process = start(long, *FIT, "--passes", "2", "-o", "c", "--checkpoint", "job")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_more_passes(method: str, run: Run, long: Path) -> None:
    """A job that has ended goes on; the model is that of a job that had all passes at once."""
    batches = [] if method == "batch" else ["--set", "batch_size=5000"]
    fit = [*FIT, "--learning-method", method, *batches]
    job = [*fit, "--checkpoint", "job", "--resume", "--events", "events.jsonl"]
    found = run(*job, "-o", "a.vivace", "--passes", "4")
    assert "no checkpoint in job: starting afresh" in found.stderr
    assert "--passes of more than 4 with --resume, which goes on from here" in found.stderr
    shown = run("inspect", "job").stdout
    assert "after iteration 4 of at most 4" in shown
    assert "given --resume and more --passes" in shown
    found = run(*job, "-o", "b.vivace", "--passes", "9")
    assert found.exit_code == 0, found.stderr
    assert "resumed from job after iteration 4" in found.stderr
    run(*fit, "-o", "c.vivace", "--passes", "9")
    assert trace(long / "b.vivace") == trace(long / "c.vivace")
    assert load_model("b.vivace").max_iter == 9
    found = run(*job, "-o", "d.vivace", "--passes", "8")
    assert found.exit_code == 1
    assert "made 9 iterations, more than max_iter=8" in found.stderr
    assert "--passes) of at least 9" in found.stderr
    assert not Path("d.vivace").exists()

    np.save("long.npy", np.load("long.npy")[::2])  # the data of another night
    found = run(*job, "-o", "b.vivace", "--passes", "9")
    assert found.exit_code == 0, found.stderr
    assert "the checkpoint in job is of another data set" in found.stderr
    assert "its job has ended: starting afresh" in found.stderr
    events = [json.loads(line) for line in Path("events.jsonl").read_text().splitlines()]
    assert "afresh" in [event["event"] for event in events]
    run(*fit, "-o", "c.vivace", "--passes", "9")
    assert trace(long / "b.vivace") == trace(long / "c.vivace")


def test_time_limit(run: Run, long: Path) -> None:
    job = [*FIT, "--out", "a.vivace", "--checkpoint", "job", "--time-limit", "0.2s"]
    found = run(*job, "--set", "max_iter=1000", "--strict", "--events", "events.jsonl")
    assert found.exit_code == 3
    assert "the time limit was reached" in found.stderr
    assert "has not converged" in found.stderr
    assert not load_model("a.vivace").converged_
    before = json.loads(run("inspect", "job", "--json").stdout)["seconds"]
    assert before > 0.0
    found = run(
        *FIT, "--out", "a.vivace", "--checkpoint", "job", "--resume", "--set", "max_iter=1000",
        "--json",
    )  # fmt: skip
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout)["seconds"]["fit"] > before  # of both processes
    shown = json.loads(run("inspect", "a.vivace", "--json").stdout)
    assert shown["notes"]["seconds"]["fit"] > shown["meta"]["timings"]["fit"] > before
    events = [json.loads(line) for line in Path("events.jsonl").read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "begin"
    assert kinds[-2:] == ["stopped", "end"]
    assert "iteration" in kinds
    assert events[-1]["out_of_time"] is True
    run(*FIT, "--out", "b.vivace", "--set", "max_iter=1000")
    assert trace(long / "a.vivace") == trace(long / "b.vivace")


def test_lda_resumes(run: Run, folder: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(50)]
    lines = (" ".join(rng.choice(words, 12)) for _ in range(200))
    Path("texts.txt").write_text("\n".join(lines) + "\n")
    fit = ["fit", "lda", "texts.txt", "-k", "4", "--set", "max_iter=2000"]
    found = run(
        *fit, "--out", "a.vivace", "--checkpoint", "job", "--time-limit", "0.2s", "--every", "0.1"
    )
    assert found.exit_code == 0, found.stderr
    assert "time limit" in found.stderr
    assert 0 < load_model("a.vivace").n_iter_ < 2000
    assert Path("job", "checkpoint.vivace").exists()


def test_configuration(run: Run, folder: Path) -> None:
    Path("job.toml").write_text(
        'data = "data.csv"\nn-components = 3\nout = "m.vivace"\ncolumns = ["age", "income"]\n'
        "quiet = true\n[set]\ntol = 1e-5\nmax_iter = 50\n"
    )
    found = run("fit", "gaussian-mixture", "--config", "job.toml")
    assert found.exit_code == 0, found.stderr
    model = load_model("m.vivace")
    assert (model.n_components, model.tol, model.max_iter) == (3, 1e-5, 50)
    found = run("fit", "gaussian-mixture", "--config", "job.toml", "-k", "2", "--set", "tol=1e-4")
    assert found.exit_code == 0, found.stderr
    model = load_model("m.vivace")
    assert (model.n_components, model.tol, model.max_iter) == (2, 1e-4, 50)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("n-component = 3", "did you mean n-components?"),
        ("n-components = ", "expected TOML"),
        ("[data]\nx = 1", "expected a value, got a table"),
        ("every = 'soon'", "expected a time"),
    ],
)
def test_bad_configuration(content: str, message: str, run: Run, folder: Path) -> None:
    Path("job.toml").write_text(content)
    found = run("fit", "gaussian-mixture", "data.csv", "-k", "2", "-o", "m", "--config", "job.toml")
    assert found.exit_code == 2
    assert message in found.stderr


def test_missing_configuration(run: Run, folder: Path) -> None:
    found = run("fit", "gaussian-mixture", "--config", "none.toml")
    assert found.exit_code == 2
    assert "none.toml" in found.stderr


@pytest.mark.parametrize("name", ["data.npy", "data.csv", "data.parquet"])
def test_dry_run(name: str, run: Run, folder: Path) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
        vivace.io.write_table(name, np.load("data.npy"), ["age", "income"])
    fit = ["fit", "gaussian-mixture", name, "-k", "3", "--out", "new.vivace", "--dry-run"]
    found = run(*fit)
    assert found.exit_code == 0, found.stderr
    assert "400" in found.stdout
    record: dict[str, Any] = json.loads(run(*fit, "--json").stdout)
    assert record["n_rows"] == 400
    assert record["n_rows_exact"] is True
    assert record["columns_left_out"] == (["town"] if name == "data.csv" else [])
    assert not os.path.exists("new.vivace")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_dry_run_of_mixed_columns(suffix: str, run: Run, folder: Path) -> None:
    """The columns of the fit itself, and its errors."""
    pd, feather = pytest.importorskip("pandas"), pytest.importorskip("pyarrow.feather")
    frame = pd.DataFrame({"age": [1.5, 2.5, 3.5], "town": ["a", "b", "a"]})
    write = {".csv": lambda t, n: t.to_csv(n, index=False), ".parquet": pd.DataFrame.to_parquet}
    write.get(suffix, feather.write_feather)(frame, f"t{suffix}")
    fit = ["fit", "mixture", f"t{suffix}", "-k", "2", "-o", "m", "--dry-run", "--json"]
    record = json.loads(run(*fit).stdout)
    assert list(record["columns"]) == ["age", "town"]
    assert record["columns"]["town"] == "text"
    assert (record["n_rows"], record["columns_left_out"]) == (3, [])
    if suffix != ".csv":
        frame["day"] = pd.to_datetime(["2020-01-01"] * 3)
        write.get(suffix, feather.write_feather)(frame, f"t{suffix}")
        found = run(*fit)
        assert found.exit_code == 1
        assert "'day' holds timestamp" in found.stderr


def test_dry_run_of_documents(run: Run, folder: Path) -> None:
    Path("docword.txt").write_text("3\n5\n4\n1 1 2\n1 3 1\n2 5 1\n3 2 4\n")
    fit = ["fit", "lda", "docword.txt", "-k", "2", "-o", "t", "--dry-run", "--json"]
    found = run(*fit, "--format", "docword")
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout)["n_documents"] == 3


def test_another_job_leaves_all_as_it_was(run: Run, long: Path) -> None:
    job = [*FIT, "--checkpoint", "job", "--out", "model.vivace", "--time-limit", "0.2s", "-q"]
    before = Path("model.vivace").read_bytes()
    assert run(*job, "--set", "max_iter=300").exit_code == 0
    written = Path("model.vivace").read_bytes()
    assert written != before
    kept = Path("job", "checkpoint.vivace").read_bytes()
    for more in (["--seed", "5"], ["--covariance-type", "diag"]):
        found = run(*job, "--set", "max_iter=300", "--resume", *more)
        assert found.exit_code == 1
        assert "another job" in found.stderr
    np.save("long.npy", np.load("long.npy") + 1.0)
    found = run(*job, "--set", "max_iter=300", "--resume")
    assert found.exit_code == 1
    assert "data have changed" in found.stderr
    assert Path("job", "checkpoint.vivace").read_bytes() == kept
    assert Path("model.vivace").read_bytes() == written


def test_usage(run: Run, folder: Path) -> None:
    fit = ["fit", "gaussian-mixture", "data.csv", "-k", "2", "-o", "m"]
    assert "--checkpoint DIR" in run(*fit, "--resume").stderr
    assert "expected a time" in run(*fit, "--every", "often").stderr
    assert "no time at all" in run(*fit, "--time-limit", "0s").stderr

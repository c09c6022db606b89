"""The command as a process: streams, exit codes, signals, start-up."""

from __future__ import annotations

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

FIT = ("fit", "gaussian-mixture")


def test_fit_and_use(process: Any) -> None:
    run = process(*FIT, "data.csv", "-k", 4, "--out", "m")
    assert run.returncode == 0, run.stderr
    assert "m: written" in run.stdout
    assert "reading data.csv" in run.stderr
    assert "\r" not in run.stderr  # no moving line where there is no terminal
    assert process("score", "m", "data.csv").stdout.endswith("mean of 400 rows\n")


def test_script_is_the_same_command(folder: Path) -> None:
    script = Path(sys.executable).with_name("vivace")
    if not script.exists():
        pytest.skip("the package is not installed")
    run = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"vivace {vivace.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["score", "none", "data.csv"], 1),
        (["score", "data.npy", "data.csv"], 1),
        ([*FIT, "data.csv", "-k", "3", "--out", "m", "--columns", "town"], 1),
        ([*FIT, "data.csv", "-k", "no", "--out", "m"], 2),
        ([*FIT, "data.csv", "-k", "3", "--out", "m", "--set", "tol=-1"], 2),
        (["nothing"], 2),
    ],
)
def test_failures_in_a_process(process: Any, arguments: list[str], code: int) -> None:
    run = process(*arguments)
    assert run.returncode == code
    assert run.stdout == ""
    assert run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("more", [[], ["--quiet"]])
def test_a_fit_outlives_the_reader_of_its_messages(folder: Path, more: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "vivace", *FIT, "data.csv", "-k", "4", "-o", "m", *more]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=write, text=True)
    os.close(write)
    assert run.returncode == 0
    assert "m: written" in run.stdout
    assert vivace.load("m").n_components == 4


def test_a_pipe_is_a_table(process: Any, folder: Path) -> None:
    csv = (folder / "data.csv").read_text()
    run = process(*FIT, "-", "-k", 4, "--out", "m", input=csv)
    assert run.returncode == 0, run.stderr
    assert "m: written" in run.stdout


def test_without_click(folder: Path) -> None:
    code = "import sys; sys.modules['click'] = None; from vivace.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "pip install click tqdm" in run.stderr
    assert run.stderr.count("\n") == 1


def test_closed_pipe(folder: Path) -> None:
    """The reader of the output may leave: no traceback."""
    command = [sys.executable, "-m", "vivace", "inspect", "model.vivace"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None
    run.stdout.close()
    assert run.stderr is not None
    assert "Traceback" not in run.stderr.read()
    run.stderr.close()
    assert run.wait(timeout=60) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_fit(folder: Path, number: int, code: int) -> None:
    np.save("long.npy", np.random.default_rng(0).normal(size=(200_000, 4)))
    before = set(os.listdir(folder))
    model = Path("model.vivace").read_bytes()
    command = [sys.executable, "-m", "vivace", *FIT, "long.npy", "-k", "20", "--out"]
    command += ["model.vivace", "--set", "tol=0", "--set", "max_iter=1000000", "--threads", "1"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    lines = [run.stderr.readline(), run.stderr.readline()]
    assert lines[1].startswith("fitting 20 components"), lines
    time.sleep(3)  # most likely within the iterations; the start is well under a second
    sent = time.perf_counter()
    run.send_signal(number)
    stdout, stderr = run.communicate(timeout=60)
    assert time.perf_counter() - sent < 20  # a second on a machine that has nothing else to do
    assert run.returncode == code, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    assert stderr.startswith("vivace: interrupted; " if code == 130 else "vivace: terminated; ")
    assert "model.vivace is as it was" in stderr
    assert Path("model.vivace").read_bytes() == model
    assert set(os.listdir(folder)) - before <= {"model.vivace.interrupted"}


def loaded_by(*arguments: str) -> set[str]:
    code = (
        "import sys; from vivace.cli import main\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stderr.split()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["fit", "gaussian-mixture", "--help"], ["--version"], ["demo", "-h"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = {
        "numpy",
        "scipy",
        "sklearn",
        "numba",
        "matplotlib",
        "pyarrow",
        "pandas",
        "tqdm",
        "joblib",
    }
    assert not loaded_by(*arguments) & heavy

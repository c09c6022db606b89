"""Tables, a fitted model, and ways to run the command."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from vivace.cli.app import cli

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def people(n_rows: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = np.array([[20.0, 30.0], [50.0, 70.0], [40.0, 10.0]])
    return centres[rng.integers(3, size=n_rows)] + rng.normal(0, [3, 4], (n_rows, 2))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files for every test, made once: tables and a model."""
    folder = tmp_path_factory.mktemp("made")
    values = people()
    np.save(folder / "data.npy", values)
    rows = [f"{i},{a!r},town{i % 3},{b!r}" for i, (a, b) in enumerate(values.tolist())]
    (folder / "data.csv").write_text("\n".join(["id,age,town,income", *rows, ""]))
    arguments = ["fit", "gaussian-mixture", str(folder / "data.csv"), "-k", "6"]
    arguments += ["--out", str(folder / "model.vivace"), "--columns", "age,income", "-q"]
    assert runner().invoke(cli, arguments).exit_code == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the files, which is the current one."""
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def runner() -> CliRunner:
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters  # click before 8.2
    return CliRunner(mix_stderr=False) if separate else CliRunner()  # type: ignore[call-arg]


@pytest.fixture
def run(folder: Path) -> Run:
    """Run the command in this process."""

    def invoke(*arguments: object) -> Result:
        result = runner().invoke(cli, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.stderr or "--debug" in arguments
        return result

    return invoke


@pytest.fixture
def process(folder: Path) -> Process:
    """Run the command in a process of its own."""

    def start(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vivace", *map(str, arguments)]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]

    return start

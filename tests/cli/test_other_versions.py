"""Files of other versions, in processes: a clean message, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged import contents

from vivace.io.container import write_container

MODELS = {
    "newer": ({"format_version": 2}, "format version 2"),
    "unknown": ({"class": "vivace.BayesianNeuralNetwork"}, "BayesianNeuralNetwork"),
}


def forge(path: Path, changes: dict[str, Any]) -> None:
    header, arrays = contents(path)
    assert changes.keys() <= header.keys()
    with open(path, "wb") as out:
        write_container(out, header | changes, arrays)


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, process: Any, folder: Path) -> None:
    changes, message = MODELS[name]
    forge(folder / "model.vivace", changes)
    (folder / "x.csv").write_text("old")
    for command in (
        ["inspect", "model.vivace"],
        ["predict", "model.vivace", "data.csv", "--out", "x.csv"],
        ["score", "model.vivace", "data.csv"],
        ["report", "model.vivace", "--out", "x.csv"],
    ):
        found = process(*command)
        assert (found.returncode, found.stdout) == (1, "")
        assert found.stderr.startswith("vivace: model.vivace: ")
        assert found.stderr.count("\n") == 1
        assert message in found.stderr
        assert "Remedy" in found.stderr
    assert (folder / "x.csv").read_text() == "old"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "a checkpoint of format version 2; this vivace reads 1"),
        ({"format": "vivace-model"}, "it is no part of a checkpoint"),
    ],
)
@pytest.mark.parametrize("file", ["checkpoint.vivace", "part-*.vivace"])
def test_checkpoints(
    file: str, changes: dict[str, Any], message: str, process: Any, folder: Path
) -> None:
    fit = ["fit", "gaussian-mixture", "data.npy", "-k", "3", "-o", "m.vivace", "-q"]
    fit += ["--learning-method", "memoized", "--checkpoint", "job", "--resume", "--passes"]
    assert process(*fit, "2").returncode == 0
    old = (folder / "m.vivace").read_bytes()
    path = next((folder / "job").glob(file))
    forge(path, changes)
    kept = {entry: entry.read_bytes() for entry in (folder / "job").iterdir()}
    for command in ([*fit, "3"], ["inspect", "job"]):
        if command[0] == "inspect" and file.startswith("part"):
            continue  # it reads no parts
        found = process(*command)
        assert found.returncode == 1, found.stderr
        assert found.stderr.splitlines()[-1].startswith(f"vivace: job/{path.name}: ")
        assert message in found.stderr
        assert "Remedy" in found.stderr
        assert "Traceback" not in found.stderr
    assert {entry: entry.read_bytes() for entry in (folder / "job").iterdir()} == kept
    assert (folder / "m.vivace").read_bytes() == old


def test_checkpoints_of_other_software(process: Any, folder: Path) -> None:
    """Refused, and gone on with where that is asked for."""
    np.save("long.npy", np.random.default_rng(0).normal(size=(3000, 3)))
    fit = ["fit", "gaussian-mixture", "long.npy", "-k", "3", "-o", "m.vivace", "-q"]
    fit += ["--set", "tol=0", "--checkpoint", "job", "--resume", "--passes", "500"]
    assert process(*fit, "--time-limit", "0.05s").returncode == 0
    header, _ = contents(folder / "job" / "checkpoint.vivace")
    state = header["state"]
    state["identity"]["software"]["numpy"] = "0.9"
    forge(folder / "job" / "checkpoint.vivace", {"state": state})
    found = process(*fit)
    assert found.returncode == 1
    assert "another version or instruction set (numpy was 0.9 and is " in found.stderr
    found = process(*fit, "--inexact")
    assert found.returncode == 0, found.stderr
    assert "the last bits may differ" in found.stderr

"""Fits that are killed at random moments and resumed end like fits that never were."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkpoints
import pytest

import vivace
from vivace import Checkpoint
from vivace.io.checkpoint_folder import MANIFEST, read_manifest

KILLS = 6  # of each job: 138 together


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    """A process that makes processes."""
    script = [sys.executable, checkpoints.__file__]
    with subprocess.Popen(script, stdin=-1, stdout=-1, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def ask(server: subprocess.Popen[str], *question: Any) -> int:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps([*map(str, question[:-1]), question[-1]]) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


def place(folder: Path) -> tuple[int, int] | None:
    """Passes and steps of the checkpoint that a killed fit left; None where there is none."""
    if not (folder / MANIFEST).exists():
        return None
    fit = read_manifest(folder)["state"]["fit"]
    return fit["n_iter"], fit["step"]


@pytest.mark.filterwarnings("ignore:Best performing")
@pytest.mark.parametrize("name", checkpoints.JOBS)
def test_killed_and_resumed(name: str, server: subprocess.Popen[str], tmp_path: Path) -> None:
    """The first time anywhere before the first checkpoint, then between them or while one is
    written, spread over the fit; `pytest -rP` shows where."""
    if name.startswith("parquet"):
        pytest.importorskip("pyarrow")
    points = [0]

    def count() -> None:
        points[0] += 1

    data = checkpoints.data(name)
    full = checkpoints.JOBS[name]().fit(data, checkpoint=Checkpoint(None, poll=count))
    rng = random.Random(name)
    for attempt in range(20):
        folder, out = tmp_path / f"job {attempt}", tmp_path / f"{attempt}.vivace"
        places: list[tuple[int, int] | None] = []
        while len(set(places)) < KILLS:  # one that dies while it writes may get no further
            # Those that are written beside the fit are fewer than its safe points.
            most = 1 if "beside" in name else max(1, points[0] // KILLS)
            after = rng.randint(1, most) if places else 0
            status = ask(server, folder, out, name, [after, rng.uniform(0.0, 1.0)])
            if status == 0:  # it had ended by then
                break
            assert status == -9
            places.append(place(folder))
        if len(set(places)) == KILLS:
            break
    print(f"{name}: {points[0]} safe points, killed after (pass, step) {places}")
    assert all(one is not None for one in places[1:])
    assert len(set(places)) == KILLS
    assert ask(server, folder, out, name, None) == 0
    model, expected = vivace.load(out), checkpoints.arrays(full)
    found = checkpoints.arrays(model)
    assert checkpoints.same(found, {key: expected[key] for key in found})
    assert expected.keys() - found.keys() <= {"bound_"}
    assert [entry for entry in os.listdir(folder) if entry.endswith(".part")] == []

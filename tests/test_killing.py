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

KILLS = 6  # of each job: 90 together


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


@pytest.mark.filterwarnings("ignore:Best performing")
@pytest.mark.parametrize("name", checkpoints.JOBS)
def test_killed_and_resumed(name: str, server: subprocess.Popen[str], tmp_path: Path) -> None:
    full = checkpoints.JOBS[name]().fit(checkpoints.data(name))
    rng = random.Random(name)
    kills, last = 0, tmp_path / "never"
    seconds = 0.1
    for attempt in range(20):
        folder, out = tmp_path / f"job {attempt}", tmp_path / f"{attempt}.vivace"
        while (status := ask(server, folder, out, name, rng.uniform(0.0, seconds))) != 0:
            assert status == -9
            kills += 1
            if kills >= KILLS:
                assert ask(server, folder, out, name, None) == 0
                break
            # A fit that never gets to its first checkpoint would go on for ever.
            seconds *= 1.0 if (folder / "checkpoint.vivace").exists() else 1.5
        last = out
        if kills >= KILLS:
            break
    assert kills >= KILLS
    model, expected = vivace.load(last), checkpoints.arrays(full)
    found = checkpoints.arrays(model)
    assert checkpoints.same(found, {key: expected[key] for key in found})
    assert expected.keys() - found.keys() <= {"bound_"}
    left = os.listdir(folder)
    assert [entry for entry in left if entry.endswith(".part")] == []

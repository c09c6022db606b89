"""One measurement: a function run in a fresh process with its thread pools limited."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

# Read by thread pools when they are loaded: set before the child's first import.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Task:
    """What to measure: `function` ("module:name" below this package) called with `args`."""

    key: str
    function: str
    args: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    env: dict[str, str] = field(default_factory=dict)
    timeout: float = 300.0

    @property
    def ours(self) -> bool:
        """Whether vivace itself is measured, so that another commit makes the result stale."""
        return "vivace" in self.key.split("/")

    def describe(self) -> dict[str, Any]:
        """Return the parameters that are stored beside the result."""
        return {"args": self.args, "threads": self.threads, "env": self.env}


def run(task: Task) -> dict[str, Any]:
    """Run a task in a process of its own; a failure is a result too."""
    env = os.environ | dict.fromkeys(THREAD_VARIABLES, str(task.threads)) | task.env
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        call = [task.function, json.dumps(task.args), str(answer)]
        command = [sys.executable, "-m", "benchmarks.versus.child", *call]
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            _, errors = process.communicate(timeout=task.timeout)
            if answer.exists():
                result = json.loads(answer.read_text())
            else:
                tail = " | ".join(errors.strip().splitlines()[-3:])
                result = {"error": f"exit status {process.returncode}: {tail}"}
        except BaseException as stop:
            os.killpg(process.pid, signal.SIGKILL)  # what it started included
            process.communicate()
            if not isinstance(stop, subprocess.TimeoutExpired):
                raise
            result = {"error": f"stopped after {task.timeout:.0f} s"}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result["took_seconds"] = round(time.perf_counter() - started, 2)
    result["took_cpu_seconds"] = round(
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2
    )
    return result

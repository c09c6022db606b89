"""Peak memory of a piece of work in this process, beyond what was there before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")

# A process of its own, so that a library that holds the interpreter's lock cannot hide its peak.
SAMPLER = """
import select, sys
field, path, highest = sys.argv[1] + ":", sys.argv[2], 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    with open(path) as file:
        for line in file:
            if line.startswith(field):
                highest = max(highest, int(line.split()[1]))
                break
print(highest)
"""


def status_kb(field: str) -> int:
    """Return a field of /proc/self/status in kB."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"{STATUS} has no {field}: peak memory is measured on Linux alone")


def available_gb() -> float:
    """Return the memory that a new process may use without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 2**20
    return float("inf")


class Peak:
    """Context that measures resident memory: all of it, and the anonymous part.

    The peak of the whole is the kernel's own high-water mark, reset on entry. The anonymous part
    (heap and stacks; no mapped file) has no such mark and is sampled every 2 ms.
    """

    def __enter__(self) -> Peak:
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        self.before = {field: status_kb(field) for field in ("VmRSS", "RssAnon")}
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            SAMPLER,
            "RssAnon",
            f"/proc/{os.getpid()}/status",
        ]
        self.sampler = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.sampler.stdout is not None
        self.sampler.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self.high_water = status_kb("VmHWM")
        out, _ = self.sampler.communicate("stop\n")
        self.anonymous = int(out)

    def result(self) -> dict[str, Any]:
        """Return both peaks in MB (10^6 bytes) beyond what was resident on entry."""
        return {
            "peak_mb": round((self.high_water - self.before["VmRSS"]) * 1.024e-3, 1),
            "anonymous_mb": round((self.anonymous - self.before["RssAnon"]) * 1.024e-3, 1),
            "resident_before_mb": round(self.before["VmRSS"] * 1.024e-3, 1),
        }

"""What is recorded beside the results: processor, flags, commit."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.versus.task import REPOSITORY

CHANGED = "+changes"

# The flags that decide which kernels run.
TELLING_FLAGS = re.compile(r"^(sse4_2|fma|bmi2|f16c|avx\w*|amx_\w+|asimd\w*|sve\w*)$")


def _cpuinfo() -> dict[str, str]:
    fields: dict[str, str] = {}
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields


def describe() -> dict[str, Any]:
    """Return the processor's name, family and telling flags, the system and the load."""
    cpu = _cpuinfo()
    flags = (cpu.get("flags") or cpu.get("Features") or "").split()
    return {
        "processor": cpu.get("model name") or platform.processor() or platform.machine(),
        "family": f"{cpu.get('cpu family', '?')}-{cpu.get('model', '?')}",
        "flags": sorted(filter(TELLING_FLAGS.match, flags)),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def slug(machine: dict[str, Any]) -> str:
    """Return a file name for a machine's results."""
    name = re.sub(r"\((r|tm)\)|cpu|processor|@.*", " ", machine["processor"].lower())
    family = machine["family"] if "?" not in machine["family"] else ""
    return "-".join(re.findall(r"[a-z0-9]+", f"{name} {family}"))


def commit() -> str:
    """Return the last commit that touched what is measured, marked when the tree differs."""
    measured = ["src", "cpp", "CMakeLists.txt"]

    def git(*words: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *words, "--", *measured]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain")
    return (git("log", "-1", "--format=%h") or "unknown") + (CHANGED if changed else "")


def why_stale() -> str | None:
    """Say how the installed vivace differs from the working tree, whose commit is recorded."""
    spec = importlib.util.find_spec("vivace")
    if spec is None or spec.origin is None:
        return None  # not installed: its measurements will say so
    installed, sources = Path(spec.origin).parent, REPOSITORY / "src" / "vivace"
    for source in sources.rglob("*.py"):
        twin = installed / source.relative_to(sources)
        if not twin.exists() or twin.read_bytes() != source.read_bytes():
            return f"{source.relative_to(sources)} differs"
    module = importlib.util.find_spec("vivace._core")
    kernels = chain((REPOSITORY / "cpp").rglob("*.[ch]pp"), [REPOSITORY / "CMakeLists.txt"])
    newest = max(kernels, key=lambda path: path.stat().st_mtime)
    if module is None or module.origin is None:
        return "it has no extension module"
    if Path(module.origin).stat().st_mtime < newest.stat().st_mtime:
        return f"{newest.name} is newer than the extension module"
    return None

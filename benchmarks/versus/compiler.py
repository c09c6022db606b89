"""C code of the benchmarks: the compiler, and libraries that are made once for a processor."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks import data


def compiler() -> str:
    """Return the C compiler's path."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))))


def library(source: Path, *flags: str) -> ctypes.CDLL:
    """Return a source file as a library; it is kept in the benchmarks' cache."""
    command = [compiler(), *flags]
    recipe = " ".join((*command, source.read_text(), _processor()))
    name = f"{source.stem}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.so"
    path = data.CACHE / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / name
            subprocess.run(
                [*command, "-shared", "-fPIC", str(source), "-o", str(made), "-lm"], check=True
            )
            os.replace(made, path)
    return ctypes.CDLL(str(path))


def _processor() -> str:
    """Return what tells this processor's code from another's."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")

"""The core's multiply-add peak, measured, and the share of it that a map of vivace reaches."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.versus.compiler import compiler
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table
from benchmarks.versus.task import Task

SOURCE = Path(__file__).with_name("peak.c")
# instruction set: compiler flag, bytes of a vector
LEVELS = {
    "x86-64-v2": ("-march=x86-64-v2", 16),
    "x86-64-v3": ("-march=x86-64-v3", 32),
    "x86-64-v4": ("-march=x86-64-v4", 64),
}
PORTABLE = ("-mcpu=native", 16)
STARTS = {"full": "rows", "dense": "dense"}
TYPES = {"float64": "double", "float32": "float"}


def levels() -> dict[str, tuple[str, int]]:
    """Return the instruction sets to measure on this machine."""
    return LEVELS if platform.machine() == "x86_64" else {"portable": PORTABLE}


def measure(level: str, dtype: str) -> dict[str, Any]:
    """Compile the register loop for one instruction set and run it."""
    flag, vector_bytes = levels()[level]
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "peak")
        flags = ["-O3", flag, f"-DTYPE={TYPES[dtype]}", f"-DVECTOR_BYTES={vector_bytes}"]
        subprocess.run([compiler(), *flags, str(SOURCE), "-o", program], check=True)
        done = subprocess.run([program], check=True, capture_output=True, text=True)
    return {"gflops": float(done.stdout), "compiler_flags": flags}


def plan(share: float) -> list[Task]:
    """Return the measurements (the loop does not depend on `share`)."""
    return [
        Task(f"peak/{level}/{dtype}", "peak:measure", {"level": level, "dtype": dtype}, timeout=60)
        for level in levels()
        for dtype in TYPES
    ]


def operations(name: str, rows: int) -> float:
    """Return the operations of the two matrix products of a full local step."""
    recipe = data.SETS[name]
    n_features = 1 + recipe.columns + recipe.columns * (recipe.columns + 1) // 2
    return 4.0 * rows * n_features * recipe.components


def tables(store: Store) -> list[Table]:
    """Return GF/s and the share of the peak, from the measurements of iteration.py and isa.py."""
    peaks = Table("Multiply-add peak of one core (GF/s)", ("instruction set", *TYPES), notes=[])
    for level in levels():
        cells = [store.value(f"peak/{level}/{dtype}", "gflops") or "-" for dtype in TYPES]
        peaks.rows.append((level, *cells))
    shares = Table(
        "Share of the peak in a whole map (full covariance, one thread)",
        (
            "set",
            "start",
            "arithmetic",
            "instruction set",
            "kept",
            "vivace GF/s",
            "share",
            "numpy GF/s",
        ),
        notes=[
            "Work: the two matrix products in full; features and softmax are overhead.",
            "kept: responsibilities after the last map that were not too small to count; statistics"
            " of the others cost nothing, so that the share of the peak can pass 100 %.",
            "start: random rows as means, or random responsibilities (dense).",
        ],
    )
    for key, result in store.results.items():
        part, *rest = key.split("/")
        if part == "iteration" and rest[1] in STARTS and rest[3] == "vivace":
            name, start, dtype = rest[0], STARTS[rest[1]], rest[2]
        elif part == "isa":
            name, start, dtype = rest[0], STARTS["full"], "float64"
        else:
            continue
        level, median = result.get("instruction_set"), result.get("seconds")
        if median is None:
            continue
        speed = operations(name, result["parameters"]["args"]["rows"]) / median / 1e9
        peak = store.value(f"peak/{level}/{dtype}", "gflops")
        share = "-" if peak is None else f"{100 * speed / peak:.0f} %"
        numpy = store.value(f"iteration/{name}/full/{dtype}/numpy", "gflops")
        numpy = "-" if numpy is None or part == "isa" else numpy
        kept = f"{100 * result['responsibilities_kept']:.0f} %"
        shares.rows.append((name, start, dtype, level, kept, f"{speed:.1f}", share, numpy))
    shares.rows.sort(key=lambda row: row[:4])
    return [peaks, shares]

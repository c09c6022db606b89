"""Seconds a map with the kernels of each instruction set (VIVACE_ISA)."""

from __future__ import annotations

from benchmarks import data
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
ITERATIONS = {"b": 20, "c": 8, "d": 6}
AVX2_AT_MOST = 2.2


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    tasks = []
    for name, iterations in ITERATIONS.items():
        for level in LEVELS:
            args = {
                "name": name,
                "rows": data.rows_of(name, share),
                "iterations": iterations,
            }
            key, env = f"isa/{name}/{level}/vivace", {"VIVACE_ISA": level}
            tasks.append(Task(key, "peers.ours:iteration", args, env=env))
    return tasks


def tables(store: Store) -> list[Table]:
    """Return seconds a map by instruction set."""
    table = Table(
        "Instruction sets (CPU time a map, one thread, full, float64)",
        ("set", *LEVELS, "v3 / v4", "target"),
    )
    for name in ITERATIONS:
        cells, medians = [], {}
        for level in LEVELS:
            key = f"isa/{name}/{level}/vivace"
            medians[level] = store.value(key, "seconds")
            cells.append(seconds(medians[level]) if medians[level] else store.why_missing(key))
        avx2, avx512 = medians["x86-64-v3"], medians["x86-64-v4"]
        measured = None if None in (avx2, avx512) else avx2 / avx512
        target = verdict(measured, AVX2_AT_MOST, at_most=True)
        table.rows.append((name, *cells, ratio(avx2, avx512), target))
    return [table]

"""Peak memory beyond the data, and beyond the mapped pages of a file of 20 million rows."""

from __future__ import annotations

from typing import Any

from benchmarks import data
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, verdict
from benchmarks.versus.task import Task

IN_MEMORY_AT_MOST = 100.0
MAPPED_AT_MOST = 300.0
METHODS = ("online", "memoized")
LARGE = "large"


def mapped(rows: int, iterations: int, learning_method: str) -> dict[str, Any]:
    """Fit a memory-mapped file of so many rows, made if need be."""
    from benchmarks.versus.peers import ours

    path = str(data.stored(LARGE, rows))
    return ours.peak_memory(LARGE, rows, iterations, path, learning_method=learning_method)


def clean() -> None:
    """Delete the large file: it is quickly made and 2.6 GB."""
    for path in data.CACHE.glob(f"{LARGE}-*.npy"):
        path.unlink()


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    tasks = []
    for name, part in (("c", 0.25), ("c", 1.0), ("e", 1.0)):
        rows = data.rows_of(name, share * part)
        args = {"name": name, "rows": rows, "iterations": 4}
        tasks.append(Task(f"memory/{name}-{rows}/vivace", "peers.ours:peak_memory", args))
    rows = data.rows_of("c", share)
    args = {"name": "c", "rows": rows, "iterations": 1}
    key = f"memory/c-{rows}/scikit-learn"
    tasks.append(Task(key, "peers.scikit:peak_memory", args, timeout=400))
    for method in METHODS:
        args = {
            "rows": data.rows_of(LARGE, share),
            "iterations": 2,
            "learning_method": method,
        }
        key = f"memory/{LARGE}/{method}/vivace"
        tasks.append(Task(key, "memory:mapped", args, timeout=400))
    return tasks


def tables(store: Store) -> list[Table]:
    """Return peaks in MB."""
    table = Table(
        "Peak memory beyond the data (MB; after import and a tiny first fit, start included)",
        ("data", "rows", "library", "peak", "of it anonymous", "target"),
        notes=[
            "in memory: the kernel's high-water mark of resident memory less what was resident.",
            "mapped: only anonymous memory counts, the pages of the file are the data.",
        ],
    )
    for key, result in sorted(store.results.items()):
        part, *rest = key.split("/")
        if part != "memory":
            continue
        args = result["parameters"]["args"]
        is_mapped, library = len(rest) == 3, rest[-1]
        label = f"mapped, {rest[1]}" if is_mapped else args["name"]
        peak, anonymous = result.get("peak_mb"), result.get("anonymous_mb")
        target = ""
        if library == "vivace":
            counted, limit = (anonymous, MAPPED_AT_MOST) if is_mapped else (peak, IN_MEMORY_AT_MOST)
            target = verdict(counted, limit, at_most=True)
        shown = store.why_missing(key) if peak is None else "-" if is_mapped else peak
        table.rows.append((label, args["rows"], library, shown, anonymous or "-", target))
    return [table]

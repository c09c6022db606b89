"""Wall seconds a map with two threads against one."""

from __future__ import annotations

from benchmarks import data
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

ITERATIONS = {"b": 60, "c": 20, "d": 10, "e": 6}
TIMES_ONE_THREAD = 1.8


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    tasks = []
    for name, iterations in ITERATIONS.items():
        for n_jobs in (1, 2):
            args = {
                "name": name,
                "rows": data.rows_of(name, share),
                "iterations": iterations,
                "n_jobs": n_jobs,
                "wall": True,
            }
            # One thread for BLAS and the like: the engine's own threads are what is measured.
            tasks.append(Task(f"threads/{name}/{n_jobs}/vivace", "peers.ours:iteration", args))
    return tasks


def tables(store: Store) -> list[Table]:
    """Return wall seconds with one and two threads and their ratio."""
    table = Table(
        "Threads (wall time a map, full, float64; needs a machine without other work)",
        ("set", "1 thread", "2 threads", "speed-up", "target"),
    )
    for name in ITERATIONS:
        one, two = (store.value(f"threads/{name}/{n}/vivace", "seconds") for n in (1, 2))
        speedup = None if None in (one, two) else one / two
        target = verdict(speedup, TIMES_ONE_THREAD)
        table.rows.append((name, seconds(one), seconds(two), ratio(one, two), target))
    return [table]

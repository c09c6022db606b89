"""Seconds of predict_proba on a million rows at one thread."""

from __future__ import annotations

from benchmarks import data
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

SETS = ("c",)
TIMES_SCIKIT = 20


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    tasks = []
    for name in SETS:
        where = {"name": name, "rows": data.rows_of(name, share)}
        for library, function, repeats in (
            ("vivace", "peers.ours:predict", 7),
            ("scikit-learn", "peers.scikit:predict", 2),
        ):
            key = f"predict/{name}/{library}"
            tasks.append(Task(key, function, where | {"repeats": repeats}))
    return tasks


def tables(store: Store) -> list[Table]:
    """Return seconds, rows a second and the ratio."""
    table = Table(
        "predict_proba, one thread (CPU time)",
        ("set", "library", "median", "rows a second", "times vivace", "target"),
    )
    for name in SETS:
        ours = store.value(f"predict/{name}/vivace", "seconds")
        for library in ("vivace", "scikit-learn"):
            key = f"predict/{name}/{library}"
            median = store.value(key, "seconds")
            if median is None:
                table.rows.append((name, library, store.why_missing(key), "-", "-", ""))
                continue
            rows = store.results[key]["parameters"]["args"]["rows"]
            target = verdict(median / ours, TIMES_SCIKIT) if ours and library != "vivace" else ""
            speed = f"{rows / median / 1e6:.3g} M"
            table.rows.append((name, library, seconds(median), speed, ratio(median, ours), target))
    return [table]

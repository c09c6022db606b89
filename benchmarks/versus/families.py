"""Mixtures of discrete columns: seconds an iteration at one thread, of every library that has them.

A million rows of 20 columns, 20 components. BayesPy's arrays of rows x columns x components would
take tens of gigabytes: it gets a twentieth of the rows, and its figures are multiplied by twenty
(each of its steps is linear in the rows).
"""

from __future__ import annotations

from benchmarks.bench_families import ROWS
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

CASES = ("bernoulli", "poisson", "categorical")
BAYESPY_SHARE = 0.05
PEERS = {
    "stepmix": ("bernoulli", "categorical"),
    "bnpy": ("bernoulli",),
    "pomegranate": CASES,
    "bayespy": CASES,
}
TIMES_PEER = 10.0
TIMES_FLOOR = 2.0
#: Tables of which only vivace's time is measured: beside which other case, and at most how many
#: times its time; or seconds.
BESIDE = {
    "holes bernoulli": ("bernoulli", 1.5),
    "holes poisson": ("poisson", 1.5),
    "holes categorical": ("categorical", 1.5),
    "holes gaussian_diag": ("gaussian_diag", 1.5),
    "gaps gaussian": ("gaussian", 3.0),
    "own poisson": ("poisson", 1.2),
    "own gaussian_diag": ("gaussian_diag", 1.2),
}
SECONDS = {"mixed": 1.5}
LOADING = 1.0


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    rows = int(ROWS * share)
    tasks = []
    for case in CASES:
        where = {"case": case, "rows": rows}

        def add(
            label: str, function: str, extra: dict, where: dict = where, case: str = case
        ) -> None:
            key = f"families/{case}/{label}"
            tasks.append(Task(key, f"peers.{function}", where | extra, timeout=600))

        add("vivace", "ours:families", {"maps": 5})
        add("vivace/floor", "ours:families_floor", {"repeats": 3})
        if case in PEERS["stepmix"]:
            add("stepmix", "stepmix_peer:families", {"short": 1, "long": 9, "pairs": 1})
        if case in PEERS["bnpy"]:
            add("bnpy", "bnpy_peer:families", {"short": 2, "long": 14, "pairs": 1})
        add("pomegranate", "pomegranate_peer:families", {"iterations": 2})
        few = {"rows": int(rows * BAYESPY_SHARE), "iterations": 2}
        add("bayespy", "bayespy_peer:families", few)
    for case in ("gaussian_diag", "gaussian", *BESIDE, *SECONDS):
        where = {"case": case, "rows": rows, "maps": 5}
        key = f"families/{case}/vivace"
        tasks.append(Task(key, "peers.ours:families", where, timeout=600))
    tasks.append(Task("families/compiled", "peers.ours:compiled", {}, timeout=600))
    return tasks


def tables(store: Store) -> list[Table]:
    """Return seconds an iteration, and ratios to vivace."""
    table = Table(
        "Mixtures of discrete columns: seconds an iteration, one thread (CPU time)",
        ("family", "library", "seconds", "times vivace", "target"),
        notes=[
            "a million rows of 20 columns (categorical: 10 levels), 20 components.",
            "floor: the two products and the softmax alone, or fetching the levels' numbers twice.",
            f"bayespy: {BAYESPY_SHARE:.0%} of the rows, scaled up.",
            "stepmix has no Poisson columns; bnpy has Bernoulli only.",
        ],
    )
    for case in CASES:
        ours = store.value(f"families/{case}/vivace", "seconds")
        if ours is None:
            continue
        floor = store.value(f"families/{case}/vivace/floor", "seconds")
        against = None if floor is None else ours / floor
        told = f"{ratio(ours, floor)} the floor, {verdict(against, TIMES_FLOOR, at_most=True)}"
        table.rows.append((case, "vivace", seconds(ours), "", told))
        for peer, cases in PEERS.items():
            if case not in cases:
                continue
            key = f"families/{case}/{peer}"
            found = store.value(key, "seconds")
            if found is not None and peer == "bayespy":
                found /= BAYESPY_SHARE
            shown = seconds(found) if found is not None else store.why_missing(key)
            times = None if found is None else found / ours
            row = (case, peer, shown, ratio(found, ours), verdict(times, TIMES_PEER))
            table.rows.append(row)
    return [table, _own(store)]


def _own(store: Store) -> Table:
    """Return what gaps, families of one's own and mixed columns cost, and loading functions."""
    table = Table(
        "Mixtures over tables: seconds an iteration of vivace, one thread (CPU time)",
        ("table", "seconds", "beside", "target"),
        notes=[
            "a million rows of 20 columns, 20 components; gaussian: 10 and 30; mixed: 20 and 30.",
            "holes: a tenth of all values is missing; gaps: 50 patterns of missing values.",
            "own: the same likelihood as a user's family, features compiled by numba.",
            "loading: wall seconds of a new process, the cache on disk warm.",
        ],
    )
    for case in ("gaussian_diag", "gaussian", *BESIDE, *SECONDS):
        found = store.value(f"families/{case}/vivace", "seconds")
        if found is None:
            continue
        other, most = BESIDE.get(case, ("", 0.0))
        base = store.value(f"families/{other}/vivace", "seconds") if other else None
        told = "" if base is None else verdict(found / base, most, at_most=True)
        if case in SECONDS:
            told = verdict(found, SECONDS[case], at_most=True)
        beside = "" if base is None else f"{ratio(found, base)} {other}"
        table.rows.append((case, seconds(found), beside, told))
    for name in ("import numba", "load a function"):
        found = store.value("families/compiled", name)
        if found is not None:
            told = verdict(found, LOADING, at_most=True)
            table.rows.append((f"loading: {name}", seconds(found), "", told))
    return table

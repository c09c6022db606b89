"""Whole fits: time to come within a fixed distance of the bound that plain ascent converges to.

scikit-learn's trajectory is plain coordinate ascent, so its iterations to the level are vivace's
maps with acceleration=None (the first iterations are compared, constants included), and its time is
that number times its median seconds an iteration.
"""

from __future__ import annotations

import statistics

from benchmarks import data
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

SETS = {"a": 4, "b": 3}  # iterations of scikit-learn that are timed and compared
SEEDS = (0, 1, 2)
SLACK = 1e-5  # nats a row below the converged bound
MAX_ITER = 5000
REPEATS = 3
TIMES_SCIKIT = 40
# The same bound from another order of summation: relative to the bound itself.
SAME_TRAJECTORY = 1e-9


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    tasks = []
    for name, iterations in SETS.items():
        for seed in SEEDS:
            where = {"name": name, "rows": data.rows_of(name, share), "seed": seed}
            ours = {"slack": SLACK, "max_iter": MAX_ITER, "repeats": REPEATS}
            key = f"whole_fit/{name}/{seed}"
            tasks += [
                Task(f"{key}/vivace", "peers.ours:whole_fit", where | ours, timeout=600),
                Task(
                    f"{key}/scikit-learn",
                    "peers.scikit:trajectory",
                    where | {"iterations": iterations},
                ),
            ]
    return tasks


def _same_trajectory(ours: list[float], theirs: list[float]) -> str:
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=False))
    return f"{'same' if worst < SAME_TRAJECTORY else 'OTHER'} ({worst:.0e})"


def _optimum(gap: float, converged: bool) -> str:
    if gap < -SLACK:
        return f"LOWER by {-gap:.2g} nats a row" + ("" if converged else " (not converged)")
    return f"higher by {gap:.2g} nats a row" if gap > SLACK else "same"


def tables(store: Store) -> list[Table]:
    """Return times to the level, ratios, and where each default fit ended."""
    table = Table(
        f"Whole fits: to within {SLACK:g} nats a row of plain ascent's converged bound, one thread",
        (
            "set",
            "seed",
            "plain maps",
            "scikit-learn",
            "vivace maps",
            "vivace",
            "times less",
            "first bounds",
            "default fit ends",
            "in",
        ),
        notes=[
            "plain maps: maps of plain ascent to the level (in brackets: to convergence).",
            "scikit-learn: plain maps times its median seconds an iteration at this set.",
            "first bounds: scikit-learn's first bounds plus the exact constant, against vivace's.",
        ],
    )
    for name in SETS:
        keys = [f"whole_fit/{name}/{seed}" for seed in SEEDS]
        samples = [s for key in keys for s in store.value(f"{key}/scikit-learn", "samples") or ()]
        each = statistics.median(samples) if samples else None
        ratios = []
        for seed, key in zip(SEEDS, keys, strict=True):
            ours = store.results.get(f"{key}/vivace", {})
            if "plain_maps_to_level" not in ours:
                reason = store.why_missing(f"{key}/vivace")
                table.rows.append((name, seed, reason, *["-"] * 7))
                continue
            plain, mine = ours["plain_maps_to_level"], ours["seconds_to_level"]
            theirs = None if each is None else plain * each
            bounds = store.value(f"{key}/scikit-learn", "bounds")
            rows = ours["parameters"]["args"]["rows"]
            gap = (ours["final_bound"] - ours["reference_bound"]) / rows
            ratios.append(None if None in (theirs, mine) else theirs / mine)
            table.rows.append(
                (
                    name,
                    seed,
                    f"{plain} ({ours['reference_maps']}"
                    f"{'' if ours['reference_converged'] else ', unconverged'})",
                    seconds(theirs),
                    ours["maps_to_level"] or "never",
                    seconds(mine),
                    ratio(theirs, mine),
                    _same_trajectory(ours["first_bounds"], bounds) if bounds else "-",
                    _optimum(gap, ours["fit_converged"]),
                    f"{ours['fit_maps']} maps, {seconds(ours['fit_seconds'])}",
                )
            )
        if ratios:
            worst = None if None in ratios else min(ratios)
            table.notes.append(f"set {name}, worst of the seeds {verdict(worst, TIMES_SCIKIT)}.")
    return [table]

"""Seconds an iteration at one thread, of every library, on the same rows and starting means."""

from __future__ import annotations

from benchmarks import data
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

# set: iterations of vivace, scikit-learn, pypmc, pomegranate, rounds of mlpack (0: left out: one
# iteration would take minutes and tell nothing that the other sets do not)
ITERATIONS = {
    "b": (30, 4, 4, 4, 2),
    "c": (15, 3, 2, 2, 1),
    "d": (8, 2, 1, 2, 1),
    "e": (6, 1, 0, 0, 0),
}
KMEANS_ITERATIONS = {"b": (3, 13), "c": (5, 25), "d": (5, 25), "e": (2, 6)}
DENSE_ITERATIONS = 5
FLOAT32 = ("c", "d")
PRODUCTS = ("b", "c", "d", "e")

TIMES_SCIKIT = {"b/full": 20, "c/full": 22, "d/full": 9, "c/diag": 10}
TIMES_FLOAT32 = 1.7


def plan(share: float) -> list[Task]:
    """Return the measurements; `share` is the part of the rows that is used."""
    tasks = []
    for name, (ours, scikit, pypmc, pomegranate, mlpack) in ITERATIONS.items():
        where = {"name": name, "rows": data.rows_of(name, share)}

        def add(
            label: str, function: str, extra: dict, where: dict = where, name: str = name
        ) -> None:
            key = f"iteration/{name}/{label}"
            tasks.append(Task(key, f"peers.{function}", where | extra, timeout=400))

        add("full/float64/vivace", "ours:iteration", {"iterations": ours})
        dense = {"iterations": min(ours, DENSE_ITERATIONS), "dense": True}
        add("dense/float64/vivace", "ours:iteration", dense)
        if name in FLOAT32:
            single = {"dtype": "float32"}
            add("full/float32/vivace", "ours:iteration", single | {"iterations": ours})
            add("dense/float32/vivace", "ours:iteration", single | dense)
        add("full/float64/scikit-learn", "scikit:iteration", {"iterations": scikit})
        if name in PRODUCTS:
            add("full/float64/numpy", "numpy_peer:products", {"repeats": 3})
        if pypmc:
            add("full/float64/pypmc", "pypmc_peer:iteration", {"iterations": pypmc})
        if pomegranate:
            for dtype in ("float32", "float64"):
                settings = {"iterations": pomegranate, "dtype": dtype}
                add(f"full/{dtype}/pomegranate", "pomegranate_peer:iteration", settings)
        if mlpack:
            settings = {"short": 1, "long": 3, "pairs": mlpack}
            add("full/float64/mlpack", "mlpack_peer:iteration", settings)
        short, long = KMEANS_ITERATIONS[name]
        settings = {"short": short, "long": long, "pairs": 3}
        add("hard/float64/k-means", "scikit:kmeans", settings)
        if f"{name}/diag" in TIMES_SCIKIT:
            diag = {"covariance_type": "diag"}
            add("diag/float64/vivace", "ours:iteration", diag | {"iterations": ours})
            add("diag/float64/scikit-learn", "scikit:iteration", diag | {"iterations": 3})
    return tasks


def tables(store: Store) -> list[Table]:
    """Return seconds an iteration, and ratios to vivace in float64."""
    table = Table(
        "Seconds an iteration, one thread (CPU time)",
        ("set", "covariance", "arithmetic", "library", "median", "times vivace", "target"),
        notes=[
            "times vivace: the library's seconds over vivace's (float64, same covariance type).",
            "hard: k-means, which knows no covariance; numpy: two bare matrix products.",
            "dense: full, from random responsibilities, so that vivace can skip few as too small.",
        ],
    )
    for key, result in store.results.items():
        part, *rest = key.split("/")
        if part != "iteration":
            continue
        name, covariance, dtype, library = rest
        basis = "diag" if covariance == "diag" else "full"
        ours = store.value(f"iteration/{name}/{basis}/float64/vivace", "seconds")
        median = result.get("seconds")
        measured = None if None in (ours, median) else median / ours
        target = ""
        if library == "scikit-learn" and f"{name}/{covariance}" in TIMES_SCIKIT:
            target = verdict(measured, TIMES_SCIKIT[f"{name}/{covariance}"])
        elif library == "numpy" and name in FLOAT32:
            target = verdict(measured, 1.0)
        elif (covariance, dtype, library) == ("full", "float32", "vivace"):
            target = verdict(None if measured is None else 1 / measured, TIMES_FLOAT32)
            target = f"float64 / float32 {ratio(ours, median)}, {target}"
        shown = seconds(median) if median is not None else store.why_missing(key)
        table.rows.append((name, covariance, dtype, library, shown, ratio(median, ours), target))
    kinds = ("full", "dense", "diag", "hard")
    table.rows.sort(key=lambda row: (row[0], kinds.index(row[1]), row[3] != "vivace", row[3:1:-1]))
    return [table]

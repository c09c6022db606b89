"""vivace.BayesianGaussianMixture."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import bench_families, data, resident
from benchmarks import compiled as compiled_functions
from benchmarks.versus import stopwatch
from vivace import BayesianGaussianMixture

# Rows that tell which part of the responsibilities the kernels do not set to zero.
SAMPLE_ROWS = 10_000


class Clock:
    """Callback of a fit: the time and the bound after each map."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self.clock = clock
        self.times = [clock()]
        self.bounds: list[float] = []

    def __call__(self, progress: Any) -> None:
        self.times.append(self.clock())
        self.bounds.append(float(progress.elbo))

    @property
    def maps(self) -> np.ndarray:
        """Seconds of each map, the first left out: it includes the start."""
        return np.diff(self.times)[1:]

    @property
    def since_start(self) -> np.ndarray:
        """Seconds from the making of the clock to the end of each map."""
        return np.array(self.times[1:]) - self.times[0]


def instruction_set() -> str:
    """Return the instruction set whose kernels run."""
    from vivace import _core

    return str(_core.isa())


def plain(n_components: int, iterations: int, **more: Any) -> BayesianGaussianMixture:
    """Return an estimator that runs so many maps of coordinate ascent, whatever happens."""
    settings = {"acceleration": None, "tol": 0.0, "n_jobs": 1, "random_state": 0} | more
    return BayesianGaussianMixture(n_components=n_components, max_iter=iterations, **settings)


def iteration(
    name: str,
    rows: int,
    iterations: int,
    covariance_type: str = "full",
    dtype: str = "float64",
    n_jobs: int = 1,
    wall: bool = False,
    dense: bool = False,
) -> dict[str, Any]:
    """Seconds a map of plain coordinate ascent from random rows as means.

    Kernels skip responsibilities too small to count; `dense` starts from random responsibilities,
    which stay near 1 / K for the first few maps, so that little can be skipped.
    """
    n_components = data.SETS[name].components
    X = data.load(name, rows, dtype)
    start: dict[str, Any] = {"init_params": "random"}
    if not dense:
        start = {"means_init": data.starting_means(X, n_components).astype(dtype)}
    model = plain(
        n_components, iterations + 1, covariance_type=covariance_type, n_jobs=n_jobs, **start
    )
    clock = Clock(time.perf_counter if wall else time.process_time)
    model.fit(X, callbacks=[clock])
    resp = model.predict_proba(X[:SAMPLE_ROWS])
    return stopwatch.summary(clock.maps) | {
        "responsibilities_kept": round(float((resp > 0).mean()), 4),
        "instruction_set": instruction_set(),
        "forced": os.environ.get("VIVACE_ISA", ""),
    }


def predict(
    name: str, rows: int, repeats: int, n_jobs: int = 1, wall: bool = False
) -> dict[str, Any]:
    """Seconds of predict_proba on all rows; the model is fitted on a few of them."""
    X, n_components = data.load(name, rows), data.SETS[name].components
    model = plain(n_components, 3, n_jobs=n_jobs).fit(X[:20_000])
    return stopwatch.repeat(lambda: model.predict_proba(X), repeats, wall)


def _reached(bounds: np.ndarray, level: float) -> int | None:
    """Return the number of maps after which the bound is at the level."""
    hits = np.flatnonzero(bounds >= level)
    return int(hits[0]) + 1 if hits.size else None


def whole_fit(
    name: str, rows: int, seed: int, slack: float, max_iter: int, repeats: int
) -> dict[str, Any]:
    """Plain ascent to convergence for the reference bound, then default fits against the clock.

    All start from the responsibilities of the same k-means labels. The reference is not timed, so
    it may use every core: results do not depend on the number of threads.
    """
    X, n_components = data.load(name, rows), data.SETS[name].components
    resp = data.one_hot(data.kmeans_labels(name, rows, seed), n_components)
    reference = plain(n_components, max_iter, tol=1e-11, reg_covar=0.0, n_jobs=-1)
    reference.fit(X, resp_init=resp)
    bounds = np.asarray(reference.elbo_trace_, dtype=float)
    level = float(bounds[-1]) - slack * rows
    times, finals, maps, totals = [], [], [], []
    for _ in range(repeats):
        model = BayesianGaussianMixture(
            n_components=n_components, reg_covar=0.0, n_jobs=1, random_state=0
        )
        clock = Clock()
        model.fit(X, resp_init=resp, callbacks=[clock])
        totals.append(time.process_time() - clock.times[0])
        needed = _reached(np.array(clock.bounds), level)
        maps.append(needed)
        times.append(None if needed is None else float(clock.since_start[needed - 1]))
        finals.append(float(model.lower_bound_))
    done = [t for t in times if t is not None]
    return {
        "reference_bound": float(bounds[-1]),
        "reference_maps": len(bounds),
        "reference_converged": bool(reference.converged_),
        "reference_last_gain_a_row": float(bounds[-1] - bounds[-2]) / rows,
        "plain_maps_to_level": _reached(bounds, level),
        "first_bounds": bounds[:10].tolist(),
        "seconds_to_level": float(np.median(done)) if done else None,
        "maps_to_level": maps[0],
        "fit_seconds": float(np.median(totals)),
        "fit_maps": int(model.n_iter_),
        "fit_converged": bool(model.converged_),
        "final_bound": finals[0],
        "samples": times,
    }


def peak_memory(
    name: str, rows: int, iterations: int, path: str | None = None, **settings: Any
) -> dict[str, Any]:
    """Peak memory beyond the data of a fit with its own initialisation, after a tiny first fit.

    With a path the data are memory-mapped, and pages of the file are no part of the anonymous peak.
    """
    n_components = data.SETS[name].components
    X = data.load(name, rows) if path is None else np.load(path, mmap_mode="r")
    plain(2, 1).fit(np.array(X[:1000]))
    model = BayesianGaussianMixture(
        n_components=n_components, max_iter=iterations, tol=0.0, random_state=0, **settings
    )
    start = time.perf_counter()
    with resident.Peak() as peak:
        model.fit(X)
    return peak.result() | {"wall_seconds": round(time.perf_counter() - start, 2)}


def families(case: str, rows: int, maps: int) -> dict[str, Any]:
    """Seconds a map of a mixture over a table."""
    found = bench_families.maps_of(case, maps, rows)
    return stopwatch.summary(found) | {"instruction_set": instruction_set()}


def families_floor(case: str, rows: int, repeats: int) -> dict[str, Any]:
    """Seconds of the kernel's own work of that shape: products and softmax, or fetching levels."""
    floor = (
        bench_families.gather_seconds if case == "categorical" else bench_families.kernel_seconds
    )
    return stopwatch.summary([floor(rows) for _ in range(repeats)])


def compiled() -> dict[str, Any]:
    """Wall seconds that a new process spends on loading a user's compiled functions."""
    return compiled_functions.measure()

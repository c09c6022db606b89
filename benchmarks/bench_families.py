"""Mixtures over tables: what a map costs, beside the kernel's own work of the same shape."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

ROWS, COLUMNS, COMPONENTS = 1_000_000, 20, 20


def table(case: str, n: int = ROWS) -> tuple[Any, Any, int]:
    """Return (rows, families, components) of a case; groups overlap, so that no sum is short.

    "holes" before a family: a tenth of all values is missing. "own" before it: a user's family of
    the same likelihood, whose features are compiled by numba.
    """
    rng = np.random.default_rng(0)
    if case.startswith("holes "):
        rows, families, k = table(case.removeprefix("holes "), n)
        return np.where(rng.random(rows.shape) < 0.1, np.nan, rows), families, k
    if case.startswith("own "):
        from benchmarks.own_family import FAMILIES

        rows, family, k = table(case.removeprefix("own "), n)
        return rows, FAMILIES[family](), k
    z = rng.integers(0, 5, n)
    if case == "bernoulli":
        rate = rng.uniform(0.2, 0.8, size=(5, COLUMNS))
        return (rng.random((n, COLUMNS)) < rate[z]).astype(float), case, COMPONENTS
    if case == "poisson":
        rate = rng.uniform(1.0, 4.0, size=(5, COLUMNS))
        return rng.poisson(rate[z]).astype(float), case, COMPONENTS
    if case == "gaussian_diag":
        return rng.normal(0.5 * z[:, None], 1.0, size=(n, COLUMNS)), case, COMPONENTS
    if case == "categorical":
        return (rng.integers(0, 10, size=(n, COLUMNS)) + z[:, None]) % 10, case, COMPONENTS
    import pandas as pd

    columns = {f"g{j}": rng.normal(0.3 * (z + j) % 2, 1.0) for j in range(10)}
    columns |= {f"p{j}": rng.poisson(1.0 + 0.3 * ((z + j) % 4)) for j in range(5)}
    columns |= {f"c{j}": (rng.integers(0, 10, n) + z * (j % 2)) % 10 for j in range(5)}
    frame = pd.DataFrame(columns)
    if case.startswith("gaps"):
        # 50 patterns over the correlated columns
        patterns = rng.random((50, 10)) < 0.15
        lost = patterns[rng.integers(0, 50, n)]
        for j in range(10):
            frame[f"g{j}"] = frame[f"g{j}"].mask(lost[:, j])
    families = {
        "gaussian": [f"g{j}" for j in range(10)],
        "poisson": [f"p{j}" for j in range(5)],
        "categorical": [f"c{j}" for j in range(5)],
    }
    if case.endswith("gaussian"):
        return frame[families["gaussian"]], "gaussian", 30
    return frame, families, 30


def seconds_a_map(case: str, maps: int = 4, n: int = ROWS) -> float:
    """CPU seconds of the fastest of some maps at one thread, starts and checks left out."""
    return min(maps_of(case, maps, n))


def maps_of(case: str, maps: int = 4, n: int = ROWS) -> list[float]:
    """CPU seconds of each map at one thread."""
    from vivace import BayesianMixture

    rows, families, k = table(case, n)
    return timed_maps(BayesianMixture(n_components=k, families=families), rows, maps)


def timed_maps(model: Any, rows: Any, maps: int) -> list[float]:
    """CPU seconds of so many plain maps of a fit at one thread, behind its start and first map."""
    times: list[float] = []
    model.set_params(random_state=0, n_jobs=1, tol=0.0, acceleration=None, max_iter=maps + 1)
    model.set_params(init_params="random_from_data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, callbacks=lambda progress: times.append(time.process_time()))
    return [float(t) for t in np.diff(times)]


def memory_mb(case: str = "mixed", n: int = ROWS) -> float:
    """MB (10^6 bytes) of a fit at its peak beyond the data; a first one loads the libraries."""
    from benchmarks.resident import Peak
    from vivace import BayesianMixture

    rows, families, k = table(case, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = BayesianMixture(
            n_components=k, families=families, random_state=0, n_jobs=1, max_iter=3
        )
        model.fit(rows[: n // 100])
        with Peak() as peak:
            model.fit(rows)
    return float(peak.result()["anonymous_mb"])


def kernel_seconds(n: int = ROWS, columns: int = COLUMNS, k: int = COMPONENTS) -> float:
    """CPU seconds of the two products and the softmax alone, on given columns."""
    from vivace import _core

    rng = np.random.default_rng(0)
    x, eta = rng.normal(size=(n, columns)), 0.1 * rng.normal(size=(k, 1 + columns))
    zeros, ones = np.zeros(columns), np.ones(columns)
    suff, entropy = np.empty((k, 1 + columns)), np.empty(k)
    best = np.inf
    for _ in range(3):
        began = time.process_time()
        for i in range(0, n, 32_768):
            _core.mixture_step(x[i : i + 32_768], None, zeros, ones, eta, "linear", "linear",
                               "soft", False, suff, entropy)  # fmt: skip
        best = min(best, time.process_time() - began)
    return best


def gather_seconds(n: int = ROWS, columns: int = COLUMNS, k: int = COMPONENTS) -> float:
    """CPU seconds to fetch K numbers for every level of every row, twice: scores and sums."""
    from vivace import _core

    rng = np.random.default_rng(0)
    levels, rows = 10, 8192
    table, scores = rng.normal(size=(columns * levels, _padded(k))), np.zeros((rows, _padded(k)))
    start = np.arange(0, rows * columns + 1, columns, dtype=np.int64)
    index = rng.integers(0, levels, size=(rows, columns)) + levels * np.arange(columns)
    flat = index.astype(np.int32).ravel()
    best = np.inf
    for _ in range(3):
        began = time.process_time()
        for _ in range(2 * n // rows):
            _core.gather_scores(start, flat, None, table, scores)
        best = min(best, time.process_time() - began)
    return best


def _padded(k: int) -> int:
    from vivace import _core

    return int(-(-k // _core.PAD) * _core.PAD)


class Families:
    """CPU seconds of a map of a million rows at one thread."""

    params = (
        [
            *("bernoulli", "poisson", "categorical", "gaussian_diag"),
            *("holes bernoulli", "holes poisson", "holes categorical", "holes gaussian_diag"),
            *("own poisson", "own gaussian_diag"),
            *("mixed", "gaussian", "gaps gaussian"),
        ],
    )
    param_names = ("case",)
    timeout = 600

    def track_map(self, case: str) -> float:
        return seconds_a_map(case)

    track_map.unit = "seconds"  # type: ignore[attr-defined]

    def track_memory(self, case: str) -> float:
        return memory_mb(case)

    track_memory.unit = "MB"  # type: ignore[attr-defined]

    def track_kernel(self, case: str) -> float:
        return kernel_seconds()

    track_kernel.unit = "seconds"  # type: ignore[attr-defined]

    def track_gather(self, case: str) -> float:
        return gather_seconds()

    track_gather.unit = "seconds"  # type: ignore[attr-defined]


if __name__ == "__main__":
    print(f"products and softmax alone: {kernel_seconds():.3f}")
    print(f"gathering alone: {gather_seconds():.3f}")
    for name in Families.params[0]:
        seconds, megabytes = seconds_a_map(name), memory_mb(name)
        print(f"{name}: {seconds:.3f} s a map, {megabytes:.0f} MB beyond the data", flush=True)

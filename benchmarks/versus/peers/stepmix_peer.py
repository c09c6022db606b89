"""stepmix: latent classes by expectation maximisation, in NumPy."""

from __future__ import annotations

from typing import Any

from stepmix.stepmix import StepMix

from benchmarks import bench_families
from benchmarks.versus import stopwatch


def families(case: str, rows: int, short: int, long: int, pairs: int) -> dict[str, Any]:
    """Seconds of one EM iteration; its start and its coding of categories cancel."""
    X, name, n_components = bench_families.table(case, rows)

    def work(length: int) -> None:
        StepMix(
            n_components,
            measurement=str(name),
            max_iter=length,
            n_init=1,
            abs_tol=0.0,
            random_state=0,
            progress_bar=0,
        ).fit(X)

    return stopwatch.by_difference(work, short, long, pairs)

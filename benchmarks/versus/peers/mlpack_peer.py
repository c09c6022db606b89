"""mlpack: expectation maximisation in C++ (Armadillo)."""

from __future__ import annotations

from typing import Any

import mlpack

from benchmarks import data
from benchmarks.versus import stopwatch


def iteration(name: str, rows: int, short: int, long: int, pairs: int) -> dict[str, Any]:
    """Seconds of one EM iteration; its own k-means start is part of both lengths."""
    X, n_components = data.load(name, rows), data.SETS[name].components

    def work(length: int) -> None:
        mlpack.gmm_train(
            gaussians=n_components,
            input_=X,
            max_iterations=length,
            kmeans_max_iterations=1,
            tolerance=1e-300,
            seed=1,
        )

    return stopwatch.by_difference(work, short, long, pairs)

"""NumPy's two bare matrix products of the local step's shapes: what a BLAS would take."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from benchmarks import data

# Rows of a product: tried in turn, the fastest counts, so that the comparison is NumPy's best.
BLOCKS = (1024, 4096, 16_384, 65_536)


def full_features(n_columns: int) -> int:
    """Return the number of features of a full Gaussian: 1, x, and the products x_i x_j."""
    return 1 + n_columns + n_columns * (n_columns + 1) // 2


def products(name: str, rows: int, repeats: int, dtype: str = "float64") -> dict[str, Any]:
    """Seconds of (N x F) @ (F x K) and (K x N) @ (N x F), block by block over one buffer."""
    recipe = data.SETS[name]
    n_features, n_components = full_features(recipe.columns), recipe.components
    rng = np.random.default_rng(0)
    eta = rng.standard_normal((n_features, n_components)).astype(dtype)
    medians = {}
    for block in BLOCKS:
        features = rng.standard_normal((block, n_features)).astype(dtype)
        scores = np.empty((block, n_components), dtype)
        statistics_of_block = np.empty((n_components, n_features), dtype)
        samples = []
        for _ in range(repeats):
            start = time.process_time()
            for _ in range(max(1, round(rows / block))):
                np.dot(features, eta, out=scores)
                np.dot(scores.T, features, out=statistics_of_block)
            done = max(1, round(rows / block)) * block
            samples.append((time.process_time() - start) * rows / done)
        medians[block] = statistics.median(samples)
    best = min(medians, key=medians.__getitem__)
    flops = 4.0 * rows * n_features * n_components
    fields = ("internal_api", "version", "architecture")
    blas = [" ".join(str(pool.get(field)) for field in fields) for pool in threadpool_info()]
    return {
        "seconds": medians[best],
        "rows_a_product": best,
        "gflops": round(flops / medians[best] / 1e9, 2),
        "all_sizes": {str(block): round(value, 5) for block, value in medians.items()},
        "blas": blas,
    }

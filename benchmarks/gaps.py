"""What gaps cost a Gaussian mixture, by type of covariance.

    python -m benchmarks.gaps

prints CPU seconds a map at one thread (the median of several) of 200,000 complete rows with
`missing="error"`, and times that for the same rows with `missing="marginalize"`, complete and
with a tenth of their values missing (100 patterns of gaps). A few minutes.
"""

from __future__ import annotations

import statistics
import sys

import numpy as np

from benchmarks.bench_families import timed_maps
from vivace import BayesianGaussianMixture

ROWS, COLUMNS, COMPONENTS, PATTERNS, MAPS = 200_000, 20, 20, 100, 5
TYPES = ("diag", "spherical", "tied_diag", "tied_spherical", "full", "tied")


def seconds_a_map(rows: np.ndarray, covariance_type: str, missing: str) -> float:
    """Median CPU seconds of a map; the start and its first map are left out."""
    model = BayesianGaussianMixture(
        n_components=COMPONENTS, covariance_type=covariance_type, missing=missing
    )
    return statistics.median(timed_maps(model, rows, MAPS))


def main(n: int = ROWS) -> None:
    """Print a table in Markdown."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, COLUMNS)) + 0.5 * rng.integers(0, 5, (n, 1))
    patterns = rng.random((PATTERNS, COLUMNS)) < 0.1
    holes = np.where(patterns[rng.integers(0, PATTERNS, n)], np.nan, rows)
    print("| covariance | a map | marginalize, complete | marginalize, gaps |")
    print("|---|---|---|---|")
    for name in TYPES:
        base = seconds_a_map(rows, name, "error")
        cells = [seconds_a_map(data, name, "marginalize") / base for data in (rows, holes)]
        print(f"| {name} | {base:.3f} s |", " | ".join(f"{x:.2f}x" for x in cells), "|", flush=True)


if __name__ == "__main__":
    main(ROWS // 20 if "--quick" in sys.argv[1:] else ROWS)

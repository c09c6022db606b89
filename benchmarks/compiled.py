"""What a new process spends on a user's compiled functions when numba's cache on disk is warm.

    python -m benchmarks.compiled

prints wall seconds: the import of numba, the first call of a compiled function less a later one
(that is, loading it), and the first fit of a process less its second.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import warnings
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
#: Processes that are timed, after one that fills the cache.
PROCESSES = 5


def child() -> None:
    """Print the seconds of this process."""
    import numpy as np

    from vivace import BayesianMixture

    rows = np.random.default_rng(0).poisson(3.0, size=(2000, 5)).astype(float)

    def fit(family: object) -> float:
        began = perf_counter()
        model = BayesianMixture(
            n_components=3, families=family, n_jobs=1, max_iter=5, random_state=0
        )
        model.fit(rows)
        return perf_counter() - began

    warnings.simplefilter("ignore")
    fit("poisson")  # everything but numba is loaded
    began = perf_counter()
    import numba  # noqa: F401

    imported = perf_counter() - began
    from benchmarks import own_family

    x, out = rows[:10], np.empty((10, 5, 2))
    calls = []
    for _ in range(2):
        began = perf_counter()
        own_family.squares(x, out)
        calls.append(perf_counter() - began)
    fits = [fit(own_family.OwnPoisson()) for _ in range(2)]
    found = {
        "import numba": imported,
        "load a function": calls[0] - calls[1],
        "first fit less second": fits[0] - fits[1],
    }
    print(json.dumps(found))


def measure() -> dict[str, float]:
    """Medians over processes, seconds."""
    command = [sys.executable, "-m", "benchmarks.compiled", "--child"]
    found = []
    for _ in range(PROCESSES + 1):
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        found.append(json.loads(done.stdout))
    return {name: statistics.median(one[name] for one in found[1:]) for name in found[0]}


if __name__ == "__main__":
    if "--child" in sys.argv:
        child()
    else:
        for name, seconds in measure().items():
            print(f"{name}: {seconds:.3f} s")

"""How far the stop rule leaves a fit from its limit, and what a smaller tolerance costs.

Sets a and b at full size, three starts each: iterations to convergence at several `tol`, and the
nats (in total) that are missing to the same fit at the smallest. Run as
`python -m benchmarks.tolerance` (some minutes).
"""

from __future__ import annotations

import sys

from benchmarks import data
from vivace import BayesianGaussianMixture

TOLERANCES = (1e-6, 1e-7, 1e-8, 1e-9, 1e-11)
SEEDS = (0, 1, 2)
MAX_ITER = 5000


def main(share: float = 1.0) -> None:
    """Print a table in Markdown; `share` is the part of the rows that is used."""
    print("| set | seed |", " | ".join(f"tol={tol:g}" for tol in TOLERANCES), "|")
    print("|---" * (2 + len(TOLERANCES)) + "|")
    for name in ("a", "b"):
        rows, k = data.rows_of(name, share), data.SETS[name].components
        X = data.load(name, rows)
        for seed in SEEDS:
            resp = data.one_hot(data.kmeans_labels(name, rows, seed), k)
            fits = [
                BayesianGaussianMixture(
                    n_components=k, tol=tol, max_iter=MAX_ITER, random_state=0
                ).fit(X, resp_init=resp)
                for tol in TOLERANCES
            ]
            limit = fits[-1].lower_bound_
            cells = [f"{fit.n_iter_} (-{limit - fit.lower_bound_:.2g})" for fit in fits]
            print(f"| {name} | {seed} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main(0.02 if "--quick" in sys.argv[1:] else 1.0)

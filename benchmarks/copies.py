"""How many iterations ten and a hundred copies of the rows need, beside one copy.

Random small problems with overlapping and surplus components, all from the same starting
responsibilities. `tol` is per row, so copies would need the same number if the prior weighed the
same; it weighs less, so they may keep components that one copy empties, and then fit another
model. Run as `python -m benchmarks.copies` (two minutes).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from vivace import BayesianGaussianMixture

COPIES = (10, 100)
PROBLEMS = 100
MAX_ITER = 20_000


@dataclass(frozen=True)
class Counts:
    """Iterations to convergence and components in use: of one copy, of ten, of a hundred."""

    iterations: tuple[int, ...]
    components: tuple[int, ...]

    @property
    def alike(self) -> bool:
        """Whether copies keep as many components as one copy does."""
        return len(set(self.components)) == 1

    @property
    def within(self) -> bool:
        """Whether copies need at most twice the iterations of one copy plus five."""
        return max(self.iterations[1:]) <= 2 * self.iterations[0] + 5


def problem(seed: int) -> Counts:
    """Fit a random mixture of 2 to 5 Gaussians with as many components, or up to three more."""
    rng = np.random.default_rng(seed)
    rows, columns, true = (int(rng.integers(*bounds)) for bounds in ((200, 2000), (2, 6), (2, 6)))
    k = true + max(0, int(rng.integers(-4, 4)))
    centres = rng.uniform(0.5, 4.0) * rng.normal(size=(true, columns))
    X = centres[rng.integers(true, size=rows)] + rng.normal(size=(rows, columns))
    if seed % 2:
        resp = rng.dirichlet(np.ones(k), rows)
    else:
        nearest = X[rng.choice(rows, k, replace=False)]
        resp = np.eye(k)[np.linalg.norm(X[:, None] - nearest, axis=2).argmin(axis=1)]
    mixture = BayesianGaussianMixture(n_components=k, max_iter=MAX_ITER, random_state=0)
    fits = []
    for copies in (1, *COPIES):
        mixture.fit(np.tile(X, (copies, 1)), resp_init=np.tile(resp, (copies, 1)))
        fits.append((mixture.n_iter_, mixture.n_effective_components_))
    iterations, components = zip(*fits, strict=True)
    return Counts(iterations, components)


def main(problems: int = PROBLEMS) -> None:
    """Print a table in Markdown."""
    found = [problem(seed) for seed in range(problems)]
    print("| copies keep | problems | within 2x + 5 | iterations, median of 1, 10, 100 copies |")
    print("|---|---|---|---|")
    for name, alike in (("the same number of components", True), ("more components", False)):
        some = [counts for counts in found if counts.alike is alike]
        if some:
            medians = np.median([counts.iterations for counts in some], axis=0)
            within = sum(counts.within for counts in some)
            text = ", ".join(f"{median:g}" for median in medians)
            print(f"| {name} | {len(some)} | {within} | {text} |")


if __name__ == "__main__":
    main(6 if "--quick" in sys.argv[1:] else PROBLEMS)

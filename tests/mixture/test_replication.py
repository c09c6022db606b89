"""tol is per unit of weight: copies of the data need about as many iterations.

That holds where one copy is enough to tell the components apart. Where the prior decides (surplus
or overlapping components), copies weaken it and the fit climbs towards another optimum.
"""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture

TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]


def data(n=400, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [4.0, 4.0]])
    return rng.normal(size=(n, 2)) + centres[rng.integers(0, 4, n)]


@pytest.mark.parametrize("acceleration", ["squarem", None])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_copies_need_at_most_twice_the_iterations(covariance_type, acceleration):
    X = data()
    start = np.eye(4)[np.linalg.norm(X[:, None] - X[:4], axis=2).argmin(axis=1)]
    model = BayesianGaussianMixture(
        n_components=4, covariance_type=covariance_type, acceleration=acceleration, max_iter=5000
    )
    once = model.fit(X, resp_init=start).n_iter_
    for copies in (10, 100):
        n_iter = model.fit(np.tile(X, (copies, 1)), resp_init=np.tile(start, (copies, 1))).n_iter_
        assert n_iter <= 2 * once + 5, f"{copies} copies: {n_iter}, one: {once}"

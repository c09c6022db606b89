"""pypmc: variational Bayes for a full-covariance mixture, in Cython."""

from __future__ import annotations

from typing import Any

import numpy as np
from pypmc.mix_adapt.variational import GaussianInference

from benchmarks import data
from benchmarks.versus import stopwatch


def iteration(name: str, rows: int, iterations: int) -> dict[str, Any]:
    """Seconds of one update (M step and E step)."""
    X, n_components = data.load(name, rows), data.SETS[name].components
    freedom = float(X.shape[1])
    model = GaussianInference(
        X,
        n_components,
        m=data.starting_means(X, n_components),
        alpha0=1.0 / n_components,
        beta0=1.0,
        nu0=freedom,
        nu=np.full(n_components, freedom + 10.0),
        W0=np.linalg.inv(np.cov(X.T)),
    )
    return stopwatch.repeat(model.update, iterations)

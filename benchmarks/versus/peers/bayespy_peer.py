"""BayesPy: variational message passing in NumPy; the same model and prior as vivace's."""

from __future__ import annotations

from typing import Any

import numpy as np
from bayespy import nodes
from bayespy.inference import VB

from benchmarks import bench_families
from benchmarks.versus import stopwatch


def families(case: str, rows: int, iterations: int) -> dict[str, Any]:
    """Seconds of one round of updates of a mixture with Dirichlet weights.

    Its arrays are rows x columns x components: `rows` must be few.
    """
    X, _, k = bench_families.table(case, rows)
    n, d = X.shape
    weights = nodes.Dirichlet(np.full(k, 1.0 / k))
    labels = nodes.Categorical(weights, plates=(n, 1))
    if case == "bernoulli":
        inner: Any = nodes.Beta([1.0, 1.0], plates=(d, k))
        values = nodes.Mixture(labels, nodes.Bernoulli, inner)
    elif case == "poisson":
        inner = nodes.Gamma(1.0, 1.0 / X.mean(), plates=(d, k))
        values = nodes.Mixture(labels, nodes.Poisson, inner)
    else:
        inner = nodes.Dirichlet(np.ones(int(X.max()) + 1), plates=(d, k))
        values = nodes.Mixture(labels, nodes.Categorical, inner)
    inner.initialize_from_random()
    values.observe(X.astype(int))
    engine = VB(values, labels, inner, weights)
    return stopwatch.repeat(lambda: engine.update(repeat=1, verbose=False), iterations)

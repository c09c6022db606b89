"""pomegranate: expectation maximisation on torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pomegranate import distributions
from pomegranate.distributions import Normal
from pomegranate.gmm import GeneralMixtureModel

from benchmarks import bench_families, data
from benchmarks.versus import stopwatch


def iteration(name: str, rows: int, iterations: int, dtype: str) -> dict[str, Any]:
    """Seconds of one EM iteration on the processor."""
    torch.set_num_threads(1)
    kind = getattr(torch, dtype)
    X, n_components = data.load(name, rows), data.SETS[name].components
    means = torch.tensor(data.starting_means(X, n_components), dtype=kind)
    rows_of_data = torch.tensor(X, dtype=kind)
    covariance = torch.cov(rows_of_data.T)
    components = [Normal(mean.clone(), covariance.clone()) for mean in means]
    model = GeneralMixtureModel(components, check_data=False)

    def step() -> None:
        model.summarize(rows_of_data)
        model.from_summaries()

    return stopwatch.repeat(step, iterations)


def families(case: str, rows: int, iterations: int) -> dict[str, Any]:
    """Seconds of one EM iteration of independent columns, in float32 as is its way."""
    torch.set_num_threads(1)
    X, _, k = bench_families.table(case, rows)
    kind = {"bernoulli": "Bernoulli", "poisson": "Poisson", "categorical": "Categorical"}[case]
    rng = np.random.default_rng(0)
    if case == "categorical":
        start = rng.dirichlet(np.full(int(X.max()) + 1, 5.0), size=(k, X.shape[1]))
        rows_of_data = torch.tensor(X, dtype=torch.int64)
    else:
        start = X.mean(axis=0) * rng.uniform(0.8, 1.2, size=(k, X.shape[1]))
        rows_of_data = torch.tensor(X, dtype=torch.float32)
    made = getattr(distributions, kind)
    components = [made(torch.tensor(one, dtype=torch.float32)) for one in start]
    model = GeneralMixtureModel(components, check_data=False)

    def step() -> None:
        model.summarize(rows_of_data)
        model.from_summaries()

    return stopwatch.repeat(step, iterations)

"""pomegranate: expectation maximisation on torch."""

from __future__ import annotations

from typing import Any

import torch
from pomegranate.distributions import Normal
from pomegranate.gmm import GeneralMixtureModel

from benchmarks import data
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

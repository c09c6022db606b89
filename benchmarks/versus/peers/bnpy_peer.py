"""bnpy: variational Bayes of mixtures in NumPy; of discrete columns it has Bernoulli."""

from __future__ import annotations

import importlib
import tempfile
from typing import Any

import numpy as np

from benchmarks import bench_families
from benchmarks.versus import stopwatch

SETTINGS = {
    "nTask": 1,
    "initname": "randexamples",
    "printEvery": 1000,
    "saveEvery": 1000,
    "convergeThr": 0.0,
    "doMemoryCheck": 0,
}


def families(case: str, rows: int, short: int, long: int, pairs: int) -> dict[str, Any]:
    """Seconds of one lap with a Dirichlet process, which is vivace's default too."""
    for alias, meant in (("float", float), ("int", int), ("bool", bool), ("object", object)):
        if alias not in vars(np):
            setattr(np, alias, meant)  # gone since NumPy 1.24; bnpy 0.1.7 still uses them
    bnpy = importlib.import_module("bnpy")
    X, _, k = bench_families.table(case, rows)
    data = bnpy.data.XData(X)

    def work(length: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            more = SETTINGS | {"K": k, "nLap": length, "output_path": folder}
            bnpy.run(data, "DPMixtureModel", "Bern", "VB", **more)

    return stopwatch.by_difference(work, short, long, pairs)

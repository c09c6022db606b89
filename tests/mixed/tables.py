"""A table of every kind of column, drawn from three groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

FAMILIES = {
    "gaussian": ["x", "y"],
    "gaussian_diag": ["w"],
    "poisson": ["visits"],
    "bernoulli": ["member"],
    "exponential": ["wait"],
    "categorical": ["country"],
}


def draw(n=600, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 3, n)
    country = np.array(["de", "fr", "it"], dtype=object)[(z + (rng.random(n) < 0.2)) % 3]
    table = pd.DataFrame(
        {
            "x": rng.normal(z * 4.0, 1.0),
            "y": rng.normal(-z * 2.0, 1.0),
            "w": rng.normal(100.0 * z, 30.0),
            "visits": rng.poisson(1.0 + 4.0 * z).astype(float),
            "member": (rng.random(n) < 0.2 + 0.3 * z).astype(float),
            "wait": rng.exponential(1.0 + z),
            "country": country,
        }
    )
    for name in table.columns if gaps else ():
        table[name] = table[name].where(rng.random(n) >= gaps)
    return table, z

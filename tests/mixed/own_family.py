"""A family in a module of the user's own: geometric counts, in NumPy and with numba."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.special import betaln, digamma

from vivace.families import FeatureFamily


class Geometric(FeatureFamily):
    """Failures before a success, p ~ Beta(a, b)."""

    def __init__(self, a=1.0, b=1.0):
        self.a, self.b = a, b

    def prior(self, summary):
        d = len(summary.mean)
        return {"a": np.full(d, self.a), "b": np.full(d, self.b)}

    def features(self, x, out):
        out[:, :, 0] = x

    def update(self, prior, counts, sums):
        return {"a": prior["a"] + counts, "b": prior["b"] + sums[:, :, 0]}

    def expected_natural(self, q):
        total = digamma(q["a"] + q["b"])
        return np.stack([digamma(q["a"]) - total, digamma(q["b"]) - total], axis=2)

    def log_normaliser(self, prior, q):
        return float((betaln(q["a"], q["b"]) - betaln(prior["a"], prior["b"])).sum())

    def log_predictive(self, q, x):
        a, b = q["a"].T, q["b"].T
        return betaln(a + 1.0, b + x[:, :, None]) - betaln(a, b)


@njit(nogil=True, cache=True)
def copy_counts(x, out):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j, 0] = x[i, j]


class CompiledGeometric(Geometric):
    """The same with a compiled loop."""

    def features(self, x, out):
        copy_counts(x, out)


class Incomplete(FeatureFamily):
    """Lacks nearly everything."""

    def prior(self, summary):
        return {"a": np.ones(len(summary.mean))}


class Broken(Geometric):
    """Returns NaN."""

    def expected_natural(self, q):
        return np.full_like(super().expected_natural(q), np.nan)

"""Truth values: independent Bernoulli columns with Beta priors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln, digamma

from vivace.families.base import (
    Array,
    ColumnError,
    Estimate,
    FeatureFamily,
    ImpossibleStatisticsError,
    Prior,
    Summary,
)


class Bernoulli(FeatureFamily):
    """Columns of 0 and 1, independent given the component; p_kd ~ Beta(a, b).

    Update: a + s_kd, b + N_kd - s_kd. Predictive: the posterior mean of p. Source: Bishop, PRML,
    2.1.1 and 10.2.

    Parameters
    ----------
    a, b : float, default=1.0
        Prior counts of ones and zeros; 1 is uniform, 0.5 Jeffreys' prior.
    """

    name = "bernoulli"
    identity = True
    flags = True
    strided = True

    def __init__(self, a: float = 1.0, b: float = 1.0) -> None:
        self.a = a
        self.b = b

    def check(self, low: Array, high: Array, whole: NDArray[np.bool_]) -> None:
        """0 and 1 only."""
        bad = (low < 0.0) | (high > 1.0) | ~whole
        if bad.any():
            j = int(bad.argmax())
            raise ColumnError(
                j,
                "of a bernoulli part must hold 0, 1 or truth values; its values lie between "
                f"{low[j]:g} and {high[j]:g}. Give it to another family",
            )

    def prior(self, summary: Summary) -> dict[str, Array]:
        """One a and b a column."""
        if not (0.0 < self.a < np.inf and 0.0 < self.b < np.inf):
            raise ValueError(f"bernoulli: a and b must be positive; got {self.a!r}, {self.b!r}")
        return {"a": np.full(len(summary.mean), self.a), "b": np.full(len(summary.mean), self.b)}

    def features(self, x: Array, out: Array) -> None:
        """Write x itself."""
        out[:, :, 0] = x

    def update(self, prior: Prior, counts: Array, sums: Array) -> dict[str, Array]:
        """Count ones and zeros."""
        ones = sums[:, :, 0]
        a, b = prior["a"] + ones, prior["b"] + counts - ones
        if not (a.min() > 0.0 and b.min() > 0.0):
            raise ImpossibleStatisticsError("a count of ones or zeros is negative")
        return {"a": a, "b": b}

    def expected_natural(self, posterior: Any) -> Array:
        """E ln(1 - p), and E ln p - E ln(1 - p) for x."""
        a, b = posterior["a"], posterior["b"]
        zero = digamma(b) - digamma(a + b)
        return np.stack([zero, digamma(a) - digamma(b)], axis=2)

    def log_normaliser(self, prior: Prior, posterior: Any) -> float:
        """Sum of ln B(a, b) - ln B(a0, b0)."""
        difference = betaln(posterior["a"], posterior["b"]) - betaln(prior["a"], prior["b"])
        return float(difference.sum())

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """X ln E p + (1 - x) ln E(1 - p)."""
        total = np.log(posterior["a"] + posterior["b"])
        one, zero = np.log(posterior["a"]) - total, np.log(posterior["b"]) - total
        return np.asarray(zero.T + x[:, :, None] * (one - zero).T)

    def sparse_log_predictive(self, posterior: Any, rows: Any) -> Array:
        """The same for compressed rows, (n, K)."""
        from scipy.sparse import csr_array

        total = np.log(posterior["a"] + posterior["b"])
        one, zero = np.log(posterior["a"]) - total, np.log(posterior["b"]) - total
        shape = (len(rows.start) - 1, rows.n_columns)
        x = csr_array((rows.values, rows.columns, rows.start), shape=shape)
        return np.asarray(zero.sum(axis=1) + x @ (one - zero).T)

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """0 or 1."""
        p = posterior["a"] / (posterior["a"] + posterior["b"])
        return np.asarray(rng.random((len(labels), p.shape[1])) < p[labels], dtype=np.float64)

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """P and p (1 - p) with the posterior mean p."""
        p = posterior["a"] / (posterior["a"] + posterior["b"])
        return p, p * (1.0 - p)

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """One probability a column."""
        return n_columns

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """The probability of 1."""
        a, b, tail = posterior["a"], posterior["b"], 0.5 * (1.0 - level)
        low, high = betaincinv(a, b, tail), betaincinv(a, b, 1.0 - tail)
        mean = a / (a + b)
        return [
            Estimate(j, "probability", mean[:, j], low[:, j], high[:, j]) for j in range(a.shape[1])
        ]

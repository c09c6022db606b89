"""Counts of one vocabulary: multinomial rows with a Dirichlet prior."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from vivace.families.base import (
    Array,
    ColumnError,
    Estimate,
    FeatureFamily,
    ImpossibleStatisticsError,
    Prior,
    Summary,
)
from vivace.special import lgamma


class Multinomial(FeatureFamily):
    """Rows of counts over V columns, multinomial given the row's total; p_k ~ Dirichlet.

    A row is complete or wholly missing. Update: concentration + s_kv. Predictive: Polya
    (Dirichlet-multinomial). Source: Bishop, PRML, 2.2.1.

    Parameters
    ----------
    concentration : float, default=1.0
        Prior count of each column.
    """

    name = "multinomial"
    joint = True
    identity = True
    strided = True

    def __init__(self, concentration: float = 1.0) -> None:
        self.concentration = concentration

    def feature_count(self, n_columns: int) -> int:
        """Each column's count."""
        return n_columns

    def check(self, low: Array, high: Array, whole: NDArray[np.bool_]) -> None:
        """Counts are whole and not negative."""
        bad = (low < 0.0) | ~whole
        if bad.any():
            j = int(bad.argmax())
            what = f"values down to {low[j]:g}" if low[j] < 0.0 else "fractions"
            raise ColumnError(j, f"of a multinomial part must hold counts; got {what}")

    def prior(self, summary: Summary) -> dict[str, Array]:
        """One number a column."""
        if not 0.0 < self.concentration < np.inf:
            raise ValueError(
                f"multinomial: concentration must be positive; got {self.concentration!r}"
            )
        total = max(1.0, round(float(np.nansum(summary.mean))))
        return {
            "concentration": np.full(len(summary.mean), float(self.concentration)),
            "total": np.array([float(total)]),
        }

    def features(self, x: Array, out: Array) -> None:
        """Write the counts."""
        out[:, 0, :] = x

    def base_measure(self, x: Array) -> Array:
        """Logarithm of the multinomial coefficient."""
        return np.asarray(gammaln(x.sum(axis=1) + 1.0) - lgamma(x + 1.0).sum(axis=1))[:, None]

    def sparse_base_measure(self, rows: Any) -> Array:
        """The same for compressed rows, (n,)."""
        x = np.asarray(rows.values, dtype=np.float64)
        totals, logs = _row_sums(rows.start, x), _row_sums(rows.start, gammaln(x + 1.0))
        return np.asarray(gammaln(totals + 1.0) - logs)

    def update(self, prior: Prior, counts: Array, sums: Array) -> dict[str, Array]:
        """Add counts."""
        found = prior["concentration"] + sums[:, 0, :]
        if not found.min() > 0.0:
            raise ImpossibleStatisticsError("a count is negative")
        return {"counts": found, "total": prior["total"]}

    def expected_natural(self, posterior: Any) -> Array:
        """E ln p for every column."""
        counts = posterior["counts"]
        found = digamma(counts) - digamma(counts.sum(axis=1))[:, None]
        return np.concatenate([np.zeros((len(counts), 1)), found], axis=1)[:, None, :]

    def log_normaliser(self, prior: Prior, posterior: Any) -> float:
        """Difference of the Dirichlet distributions' log normalisers."""
        before, after = prior["concentration"], posterior["counts"]
        total = gammaln(after).sum() - gammaln(after.sum(axis=1)).sum()
        return float(total - len(after) * (gammaln(before).sum() - gammaln(before.sum())))

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Polya."""
        counts = posterior["counts"]
        total, n = counts.sum(axis=1), x.sum(axis=1)[:, None]
        found = self.base_measure(x) + gammaln(total) - gammaln(total + n)
        for k, own in enumerate(counts):
            found[:, k] += (lgamma(own + x) - lgamma(own)).sum(axis=1)
        return np.asarray(found[:, None, :])

    def sparse_log_predictive(self, posterior: Any, rows: Any) -> Array:
        """The same for compressed rows, (n, K)."""
        counts = posterior["counts"].T
        x = np.asarray(rows.values, dtype=np.float64)[:, None]
        own = counts[rows.columns]
        change = _row_sums(rows.start, lgamma(own + x) - lgamma(own))
        total, n = counts.sum(axis=0), _row_sums(rows.start, x[:, 0])[:, None]
        base = self.sparse_base_measure(rows)[:, None]
        return np.asarray(base + gammaln(total) - gammaln(total + n) + change)

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Probabilities, then counts; the total is the mean total of the data."""
        total = int(posterior["total"][0])
        p = np.array([rng.dirichlet(posterior["counts"][k]) for k in labels])
        return rng.multinomial(total, p).astype(np.float64).reshape(len(labels), -1)

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Mean and variance of the counts at the mean total of the data."""
        counts, n = posterior["counts"], posterior["total"][0]
        total = counts.sum(axis=1, keepdims=True)
        p = counts / total
        return n * p, n * p * (1.0 - p) * (n + total) / (1.0 + total)

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """Probabilities sum to one."""
        return n_columns - 1

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """The probability of every column."""
        from scipy.special import betaincinv

        counts, tail = posterior["counts"], 0.5 * (1.0 - level)
        rest = np.maximum(counts.sum(axis=1, keepdims=True) - counts, 1e-300)
        low, high = betaincinv(counts, rest, tail), betaincinv(counts, rest, 1.0 - tail)
        p = counts / (counts + rest)
        return [
            Estimate(j, "probability", p[:, j], low[:, j], high[:, j])
            for j in range(counts.shape[1])
        ]


def _row_sums(start: NDArray[np.int64], values: Array) -> Array:
    cumulated = np.zeros((len(values) + 1, *values.shape[1:]))
    np.cumsum(values, axis=0, out=cumulated[1:])
    return np.asarray(cumulated[start[1:]] - cumulated[start[:-1]])

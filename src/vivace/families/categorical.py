"""Categories: independent categorical columns with Dirichlet priors."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, digamma, gammaln

from vivace import _core
from vivace.families.base import (
    Array,
    Estimate,
    GatherFamily,
    ImpossibleStatisticsError,
    Prior,
    Summary,
)


class Categorical(GatherFamily):
    """Columns of levels, independent given the component; probabilities ~ Dirichlet.

    A row gathers, for each of its levels, K contiguous numbers: cost does not depend on the number
    of levels. Update: concentration + s_kv. Predictive: the posterior mean of the probabilities.
    Source: Bishop, PRML, 2.2.1 and 10.2.

    Parameters
    ----------
    concentration : float, default=1.0
        Prior count of each level; 1 is uniform, 0.5 Jeffreys' prior.
    unknown : {'missing', 'error'}, default='missing'
        What becomes of a level that fit has not seen, in later rows: it is taken for missing, with
        a warning, or an error is raised.
    """

    name = "categorical"
    levels = True

    def __init__(self, concentration: float = 1.0, unknown: str = "missing") -> None:
        self.concentration = concentration
        self.unknown = unknown

    def prior(self, summary: Summary) -> dict[str, Array]:
        """`start` (d + 1,): where each column's levels begin among those of all columns."""
        if not 0.0 < self.concentration < np.inf:
            raise ValueError(
                f"categorical: concentration must be positive; got {self.concentration!r}"
            )
        if self.unknown not in ("missing", "error"):
            raise ValueError(
                f"categorical: unknown must be 'missing' or 'error'; got {self.unknown!r}"
            )
        return {
            "start": np.append(0.0, np.cumsum(summary.n_levels)),
            "concentration": np.array([float(self.concentration)]),
        }

    def fields(self, prior: Prior, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """Counts of levels, (V, K)."""
        return {"sums": ((int(prior["start"][-1]), n_components), 1)}

    def update(
        self, prior: Prior, counts: Array, statistics: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Count levels."""
        found = prior["concentration"] + statistics["sums"]
        if not found.min() > 0.0:
            raise ImpossibleStatisticsError("a count of a level is negative")
        return {"counts": found.T, "start": prior["start"]}

    def _log_expected(self, posterior: Any) -> Array:
        """E ln p of every level, (V, K)."""
        counts, edges = posterior["counts"], _edges(posterior)
        totals = np.add.reduceat(counts, edges[:-1], axis=1)
        found = digamma(counts) - np.repeat(digamma(totals), np.diff(edges), axis=1)
        return np.asarray(found.T)

    def prepare(self, prior: Prior, posterior: Any) -> tuple[Array, NDArray[np.int32]]:
        """A table with a last row of zeros, which gaps go to; and the edges of its columns."""
        values = self._log_expected(posterior)
        levels, k = values.shape
        table = np.zeros((levels + 1, -(-k // _core.PAD) * _core.PAD))
        table[:levels, :k] = values
        return table, _edges(posterior).astype(np.int32)

    def expected_log_likelihood(self, x: NDArray[Any], prepared: Any, out: Array) -> None:
        """Gather."""
        start, index = _entries(x, prepared)
        _core.gather_scores(start, index, None, prepared[0], out)

    def accumulate(
        self, x: NDArray[Any], resp: Array, prepared: Any, statistics: Mapping[str, Array]
    ) -> None:
        """Scatter."""
        start, index = _entries(x, prepared)
        sums = np.zeros_like(prepared[0])
        _core.gather_sums(start, index, None, resp, sums)
        own = statistics["sums"]
        own += sums[:-1, : own.shape[1]]

    def bound(
        self, prior: Prior, posterior: Any, counts: Array, statistics: Mapping[str, Array]
    ) -> float:
        """Difference of log normalisers, and what the statistics are off from the posterior's."""
        l0, after, edges = prior["concentration"][0], posterior["counts"], _edges(posterior)
        sizes, k = np.diff(edges), len(after)
        totals = np.add.reduceat(after, edges[:-1], axis=1)
        bound = gammaln(after).sum() - gammaln(totals).sum()
        bound -= k * (edges[-1] * gammaln(l0) - gammaln(sizes * l0).sum())
        slack = statistics["sums"] - (after.T - l0)
        return float(bound + (slack * self._log_expected(posterior)).sum())

    # -- predictions --------------------------------------------------------------------------

    def _probabilities(self, posterior: Any) -> Array:
        counts, edges = posterior["counts"], _edges(posterior)
        totals = np.add.reduceat(counts, edges[:-1], axis=1)
        return np.asarray(counts / np.repeat(totals, np.diff(edges), axis=1))

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Logarithms of the posterior mean probabilities."""
        table = np.log(self._probabilities(posterior)).T
        index = np.where(x < 0, 0, x) + _edges(posterior)[:-1]
        return np.asarray(table[index])

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Codes of levels."""
        p, edges = self._probabilities(posterior), _edges(posterior)
        out = np.empty((len(labels), len(edges) - 1))
        for j in range(out.shape[1]):
            cumulated = np.cumsum(p[:, edges[j] : edges[j + 1]], axis=1)[labels]
            drawn = (rng.random(len(labels))[:, None] > cumulated).sum(axis=1)
            out[:, j] = np.minimum(drawn, edges[j + 1] - edges[j] - 1)
        return out

    def probabilities(self, posterior: Any) -> list[Array]:
        """Posterior mean probabilities of the levels of each column, (K, levels) each."""
        p, edges = self._probabilities(posterior), _edges(posterior)
        return [p[:, a:b] for a, b in pairwise(edges)]

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """Probabilities of each column's levels sum to one."""
        return int(prior["start"][-1]) - n_columns

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """The probability of every level; the name is its code."""
        p, counts, edges = self._probabilities(posterior), posterior["counts"], _edges(posterior)
        totals = np.repeat(np.add.reduceat(counts, edges[:-1], axis=1), np.diff(edges), axis=1)
        rest = np.maximum(totals - counts, 1e-300)
        tail = 0.5 * (1.0 - level)
        low, high = betaincinv(counts, rest, tail), betaincinv(counts, rest, 1.0 - tail)
        return [
            Estimate(j, int(v - edges[j]), p[:, v], low[:, v], high[:, v])
            for j in range(len(edges) - 1)
            for v in range(edges[j], edges[j + 1])
        ]

    def embed(self, x: NDArray[Any], summary: Summary) -> Array:
        """One column a level, up to `EMBEDDED` of them, scaled to a total variance of one."""
        blocks = []
        for j in range(x.shape[1]):
            codes = np.arange(min(int(summary.n_levels[j]), EMBEDDED))
            hot = (x[:, j : j + 1] == codes).astype(np.float64)
            hot -= hot.mean(axis=0)
            spread = np.sqrt((hot**2).mean(axis=0).sum())
            blocks.append(hot / (spread if spread > 0.0 else 1.0))
        return np.hstack(blocks)


#: Levels of a column that starts tell apart.
EMBEDDED = 32


def _edges(posterior: Any) -> NDArray[np.int64]:
    return np.asarray(posterior["start"]).astype(np.int64)


def _entries(x: NDArray[Any], prepared: Any) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Compressed rows: one entry a column, gaps in the table's last row."""
    table, edges = prepared
    index = np.add(x, edges[:-1], dtype=np.int32)
    if x.min(initial=0) < 0:
        index[x < 0] = len(table) - 1
    start = np.arange(0, index.size + 1, x.shape[1], dtype=np.int64)
    return start, index.ravel()

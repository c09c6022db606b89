"""Weight models: finite Dirichlet, Dirichlet process and Pitman-Yor process.

Each turns the counts N_k = sum_n w_n r_nk into the optimal q of the mixture weights and answers
what a mixture asks of it: E[ln pi_k], the term of the bound, E[pi_k]. All are conjugate, so the
term of the bound is a difference of log normalisers (complete, with every constant).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln, digamma, gammaln

Array = NDArray[np.float64]

#: Draws behind an interval of stick-breaking weights: the standard error of the ends of a 95 %
#: interval is then about 3 % of the posterior's standard deviation.
INTERVAL_DRAWS = 10_000


class WeightModel(Protocol):
    """What a mixture asks of the distribution of its weights; `counts` is always (K,)."""

    def expected_log(self, counts: Array) -> Array:
        """E[ln pi_k] under q, (K,)."""

    def term(self, counts: Array) -> float:
        """The weights' part of the bound, ln Z(q) - ln Z(prior), in nats."""

    def log_mean(self, counts: Array) -> Array:
        """Logarithms of E[pi_1], ..., E[pi_K] and of the mass beyond K, (K + 1,)."""

    def mean(self, counts: Array) -> Array:
        """E[pi_k], (K,); sums to one minus `leftover`."""

    def leftover(self, counts: Array) -> float:
        """Expected mass of all components beyond the first K."""

    def concentration(self, counts: Array) -> Array | tuple[Array, Array]:
        """Parameters of q in scikit-learn's form: (K,), or a pair of (K,) for sticks."""

    def sample(self, counts: Array, rng: np.random.Generator, n: int) -> Array:
        """Draws of (pi_1, ..., pi_K) from q, (n, K)."""

    def interval(self, counts: Array, level: float, rng: np.random.Generator) -> Array:
        """Equal-tailed credible intervals of the normalised weights, (2, K): low, high."""


@dataclass(frozen=True)
class Dirichlet:
    """Symmetric Dirichlet(alpha0, ..., alpha0) on K weights.

    Source: Bishop, *PRML* (2006), equations 10.39, 10.57, 10.58, 10.66.

    Parameters
    ----------
    alpha0 : float
        Prior count of each component; positive.
    """

    alpha0: float

    def __post_init__(self) -> None:
        _positive("alpha0", self.alpha0)

    def expected_log(self, counts: Array) -> Array:
        """psi(a_k) - psi(sum a) with a_k = alpha0 + N_k, (K,)."""
        a = self.alpha0 + counts
        return np.asarray(digamma(a) - digamma(a.sum()))

    def term(self, counts: Array) -> float:
        """Difference of the log normalisers of Dir(a) and of the prior, in nats."""
        k, a0, a = len(counts), self.alpha0, self.alpha0 + counts
        return float((gammaln(a) - gammaln(a0)).sum() + gammaln(k * a0) - gammaln(a.sum()))

    def log_mean(self, counts: Array) -> Array:
        """Logarithms of E[pi_k], then minus infinity: nothing is left over, (K + 1,)."""
        a = self.alpha0 + counts
        return np.append(np.log(a) - np.log(a.sum()), -np.inf)

    def mean(self, counts: Array) -> Array:
        """a_k / sum a, (K,)."""
        a = self.alpha0 + counts
        return np.asarray(a / a.sum())

    def leftover(self, counts: Array) -> float:
        """Zero: the model has K components."""
        return 0.0

    def concentration(self, counts: Array) -> Array:
        """a_k, (K,)."""
        return self.alpha0 + counts

    def sample(self, counts: Array, rng: np.random.Generator, n: int) -> Array:
        """Draws from Dir(a), (n, K)."""
        return rng.dirichlet(self.alpha0 + counts, size=n)

    def interval(self, counts: Array, level: float, rng: np.random.Generator) -> Array:
        """Quantiles of the Beta(a_k, sum a - a_k) marginals, (2, K); `rng` is not used."""
        a = self.alpha0 + counts
        rest = a.sum() - a
        if len(a) == 1:
            return np.ones((2, 1))
        tail = (1.0 - level) / 2.0
        return np.stack([betaincinv(a, rest, tail), betaincinv(a, rest, 1.0 - tail)])


@dataclass(frozen=True)
class PitmanYor:
    """Stick-breaking weights v_k ~ Beta(1 - discount, gamma + k discount), K random sticks.

    The components beyond K carry no responsibility but keep their mass, so the bound is one for
    the infinite model. Discount 0 is the Dirichlet process.

    Sources: Blei & Jordan, *Variational inference for Dirichlet process mixtures* (2006), with K
    random sticks (no v_K = 1); Pitman & Yor (1997) for the prior pairs.

    Parameters
    ----------
    gamma : float
        Larger than -discount.
    discount : float
        In [0, 1).
    """

    gamma: float
    discount: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.discount < 1.0:
            raise ValueError(f"discount must lie in [0, 1); got {self.discount!r}")
        if not (np.isfinite(self.gamma) and self.gamma > -self.discount):
            raise ValueError(
                f"gamma must be finite and larger than -discount = {-self.discount!r}; "
                f"got {self.gamma!r}"
            )

    def sticks(self, counts: Array) -> tuple[Array, Array, Array, Array]:
        """Parameters (a, b) of q(v_k) and (a0, b0) of its prior, each (K,)."""
        k = np.arange(1.0, len(counts) + 1.0)
        a0 = np.full(len(counts), 1.0 - self.discount)
        b0 = self.gamma + k * self.discount
        later = np.append(np.cumsum(counts[:0:-1])[::-1], 0.0)  # sum of the counts after k
        return a0 + counts, b0 + later, a0, b0

    def expected_log(self, counts: Array) -> Array:
        """E[ln v_k] + sum_{j<k} E[ln(1 - v_j)], (K,)."""
        a, b, _, _ = self.sticks(counts)
        total = digamma(a + b)
        passed = np.cumsum(digamma(b) - total)
        return np.asarray(digamma(a) - total + np.append(0.0, passed[:-1]))

    def term(self, counts: Array) -> float:
        """Sum over the sticks of ln B(a, b) - ln B(a0, b0), in nats."""
        a, b, a0, b0 = self.sticks(counts)
        return float((betaln(a, b) - betaln(a0, b0)).sum())

    def log_mean(self, counts: Array) -> Array:
        """Logarithms of E[pi_k] and of the leftover mass, (K + 1,)."""
        a, b, _, _ = self.sticks(counts)
        total = np.log(a + b)
        passed = np.append(0.0, np.cumsum(np.log(b) - total))
        return np.asarray(passed + np.append(np.log(a) - total, 0.0))

    def mean(self, counts: Array) -> Array:
        """E[v_k] prod_{j<k} E[1 - v_j], (K,)."""
        return np.exp(self.log_mean(counts)[:-1])

    def leftover(self, counts: Array) -> float:
        """prod_k E[1 - v_k]."""
        return float(np.exp(self.log_mean(counts)[-1]))

    def concentration(self, counts: Array) -> tuple[Array, Array]:
        """The pair (a, b) of q(v), each (K,)."""
        return self.sticks(counts)[:2]

    def sample(self, counts: Array, rng: np.random.Generator, n: int) -> Array:
        """Draws of the first K weights, (n, K); rows sum to less than one."""
        a, b, _, _ = self.sticks(counts)
        v = rng.beta(a, b, size=(n, len(counts)))
        passed = np.cumprod(1.0 - v, axis=1)
        v[:, 1:] *= passed[:, :-1]
        return v

    def interval(self, counts: Array, level: float, rng: np.random.Generator) -> Array:
        """Quantiles of `INTERVAL_DRAWS` draws, each normalised to sum to one, (2, K)."""
        draws = self.sample(counts, rng, INTERVAL_DRAWS)
        draws /= draws.sum(axis=1, keepdims=True)
        tail = (1.0 - level) / 2.0
        return np.quantile(draws, [tail, 1.0 - tail], axis=0)


class DirichletProcess(PitmanYor):
    """Dirichlet process: Pitman-Yor with discount 0, v_k ~ Beta(1, gamma).

    Parameters
    ----------
    gamma : float
        Positive.
    """

    def __init__(self, gamma: float) -> None:
        _positive("gamma", gamma)
        super().__init__(gamma, 0.0)


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} must be positive and finite; got {value!r}")

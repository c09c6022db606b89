"""Families with a Gamma prior on a rate: Poisson counts and durations of known shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammainccinv, gammaincinv, gammaln

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

#: What an all-zero column counts as having: half a count in all its rows.
LEAST_COUNT = 0.5


def _gamma(shape: Array, rate: Array) -> dict[str, Array]:
    if not (shape.min() > 0.0 and rate.min() > 0.0):
        raise ImpossibleStatisticsError("the shape or rate of a Gamma posterior is not positive")
    return {"shape": shape, "rate": rate}


def _log_z(shape: Array, rate: Array) -> Array:
    """Logarithm of the normaliser of Gamma(shape, rate)."""
    return np.asarray(gammaln(shape) - shape * np.log(rate))


def _intervals(posterior: Any, level: float) -> list[Estimate]:
    shape, rate, tail = posterior["shape"], posterior["rate"], 0.5 * (1.0 - level)
    low, high = gammaincinv(shape, tail) / rate, gammainccinv(shape, tail) / rate
    mean = shape / rate
    return [Estimate(j, "rate", mean[:, j], low[:, j], high[:, j]) for j in range(mean.shape[1])]


class _Rate(FeatureFamily):
    """The rate lambda_kd ~ Gamma(shape, rate) of each column and component."""

    strided = True
    shape: float
    rate: Any

    def _prior(self, default_rate: Array) -> dict[str, Array]:
        d = len(default_rate)
        rate = default_rate if self.rate is None else np.broadcast_to(self.rate, (d,))
        rate = np.array(rate, dtype=np.float64)
        if not (0.0 < self.shape < np.inf and (rate > 0.0).all() and np.isfinite(rate).all()):
            raise ValueError(
                f"{self.name}: shape and rate must be positive and finite; got {self.shape!r} and "
                f"{self.rate!r}"
            )
        return {"shape": np.full(d, float(self.shape)), "rate": rate}

    def log_normaliser(self, prior: Prior, posterior: Any) -> float:
        """Difference of the Gamma distributions' log normalisers."""
        after = _log_z(posterior["shape"], posterior["rate"])
        return float((after - _log_z(prior["shape"], prior["rate"])).sum())

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """One rate a column; an exposure has none."""
        return self.units(n_columns)

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """The rate."""
        return _intervals(posterior, level)


class Poisson(_Rate):
    """Columns of counts, independent given the component; rates lambda_kd ~ Gamma(shape, rate).

    Update: shape + s_kd, rate + N_kd (with an exposure e_n: rate + sum_n w_n r_nk e_n).
    Predictive: negative binomial.

    Parameters
    ----------
    shape : float, default=1.0
        Prior count.
    rate : float or array-like of shape (n_columns,), default=None
        Prior exposure; by default shape over the column's mean, so that the prior mean rate is the
        column's (an all-zero column counts as half a count in all).
    exposure : str, default=None
        Column that says for how long, or among how many, was counted; positive. Rates are per unit
        of it. A gap in it is an error.
    """

    name = "poisson"
    extra = ("exposure",)

    def __init__(
        self, shape: float = 1.0, rate: Any = None, exposure: str | int | None = None
    ) -> None:
        self.shape = shape
        self.rate = rate
        self.exposure = exposure

    @property
    def identity(self) -> bool:  # type: ignore[override]
        """Sparse rows have no exposure."""
        return self.exposure is None

    def units(self, n_columns: int) -> int:
        """The exposure is no unit."""
        return n_columns - (self.exposure is not None)

    def feature_count(self, n_columns: int) -> int:
        """Count, and exposure."""
        return 1 if self.exposure is None else 2

    def observed(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Counts may be missing, the exposure may not."""
        if self.exposure is not None and np.isnan(x[:, -1]).any():
            raise ValueError("poisson: the exposure has a gap; fill it, or leave such rows out")
        return np.asarray(~np.isnan(x[:, : self.units(x.shape[1])]))

    def check(self, low: Array, high: Array, whole: NDArray[np.bool_]) -> None:
        """Counts are whole and not negative, exposures positive."""
        d = self.units(len(low))
        bad = (low[:d] < 0.0) | ~whole[:d]
        if bad.any():
            j = int(bad.argmax())
            what = f"values down to {low[j]:g}" if low[j] < 0.0 else "fractions"
            raise ColumnError(
                j,
                f"of a poisson part must hold counts 0, 1, 2, ...; got {what}. Give it to another "
                "family",
            )
        if self.exposure is not None and not low[-1] > 0.0:
            raise ValueError(f"poisson: the exposure must be positive; got {low[-1]:g}")

    def prior(self, summary: Summary) -> dict[str, Array]:
        """The prior mean rate is the column's."""
        d = self.units(len(summary.mean))
        weight = np.maximum(summary.weight[:d], np.finfo(np.float64).tiny)
        mean = np.maximum(summary.mean[:d], LEAST_COUNT / weight)
        exposure = 1.0 if self.exposure is None else float(summary.mean[-1])
        found = self._prior(self.shape * exposure / mean)
        found["exposure"] = np.full(d, exposure)
        return found

    def features(self, x: Array, out: Array) -> None:
        """Counts; beside each the exposure."""
        d = out.shape[1]
        out[:, :, 0] = x[:, :d]
        if self.exposure is not None:
            out[:, :, 1] = x[:, d:]

    def base_measure(self, x: Array) -> Array:
        """X ln e - ln x!."""
        d = self.units(x.shape[1])
        found = -lgamma(x[:, :d] + 1.0)
        if self.exposure is not None:
            found += x[:, :d] * np.log(x[:, d:])
        return np.asarray(found)

    def update(self, prior: Prior, counts: Array, sums: Array) -> dict[str, Array]:
        """Add counts and exposures."""
        exposure = counts if self.exposure is None else sums[:, :, 1]
        found = _gamma(prior["shape"] + sums[:, :, 0], prior["rate"] + exposure)
        return {**found, "exposure": np.broadcast_to(prior["exposure"], counts.shape)}

    def expected_natural(self, posterior: Any) -> Array:
        """E ln lambda for x, -E lambda for the exposure."""
        log_rate = digamma(posterior["shape"]) - np.log(posterior["rate"])
        mean = posterior["shape"] / posterior["rate"]
        if self.exposure is None:
            return np.stack([-mean, log_rate], axis=2)
        return np.stack([np.zeros_like(mean), log_rate, -mean], axis=2)

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Negative binomial."""
        d = posterior["shape"].shape[1]
        exposure = 1.0 if self.exposure is None else x[:, d:, None]
        return _negative_binomial(posterior, x[:, :d, None], exposure, self.exposure is not None)

    def sparse_log_predictive(self, posterior: Any, rows: Any) -> Array:
        """The same for compressed rows, (n, K): that of zeros, and what each entry changes."""
        shape, rate = posterior["shape"].T, posterior["rate"].T  # (V, K)
        zero = (shape * (np.log(rate) - np.log1p(rate))).sum(axis=0)
        a, x = shape[rows.columns], np.asarray(rows.values, dtype=np.float64)[:, None]
        change = lgamma(a + x) - lgamma(a) - lgamma(x + 1.0) - x * np.log1p(rate[rows.columns])
        cumulated = np.zeros((len(x) + 1, shape.shape[1]))
        np.cumsum(change, axis=0, out=cumulated[1:])
        return np.asarray(zero + cumulated[rows.start[1:]] - cumulated[rows.start[:-1]])

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """A rate, then a count; at the mean exposure of the data."""
        rate = rng.gamma(posterior["shape"][labels]) / posterior["rate"][labels]
        found: Array = rng.poisson(rate * posterior["exposure"][labels]).astype(np.float64)
        if self.exposure is None:
            return found
        return np.asarray(np.hstack([found, posterior["exposure"][labels, :1]]))

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Mean and variance of the count at the mean exposure of the data."""
        mean = posterior["shape"] / posterior["rate"] * posterior["exposure"]
        variance = mean * (1.0 + posterior["exposure"] / posterior["rate"])
        if self.exposure is None:
            return mean, variance
        last = posterior["exposure"][:, :1]
        return np.hstack([mean, last]), np.hstack([variance, np.zeros_like(last)])


def _negative_binomial(posterior: Any, x: Array, exposure: Any, exposed: bool) -> Array:
    """Logarithm of p(x) with x (n, d, 1) and exposure (n, 1, 1) or 1."""
    shape, rate = posterior["shape"].T, posterior["rate"].T
    found = lgamma(x + shape) - lgamma(shape) - lgamma(x + 1.0)
    found += shape * (np.log(rate) - np.log(rate + exposure)) - x * np.log(rate + exposure)
    if exposed:
        found += x * np.log(exposure)
    return np.asarray(found)


class Gamma(_Rate):
    """Positive columns, Gamma with a known shape s; rates lambda_kd ~ Gamma(shape, rate).

    s = 1 is the exponential distribution. Update: shape + s N_kd, rate + sum_n w_n r_nk x.
    Predictive: beta prime, scaled by the posterior's rate.

    Parameters
    ----------
    known_shape : float, default=1.0
        s.
    shape : float, default=1.0
        Prior shape of the rate.
    rate : float or array-like of shape (n_columns,), default=None
        By default shape times the column's mean over s: the prior mean rate is s over the mean.
    """

    name = "gamma"

    def __init__(self, known_shape: float = 1.0, shape: float = 1.0, rate: Any = None) -> None:
        self.known_shape = known_shape
        self.shape = shape
        self.rate = rate

    def check(self, low: Array, high: Array, whole: NDArray[np.bool_]) -> None:
        """Positive; zero is possible for the exponential only."""
        bad = (low < 0.0) | ((low == 0.0) & (self.known_shape != 1.0))
        if bad.any():
            j = int(bad.argmax())
            raise ColumnError(
                j,
                f"of a {self.name} part must be positive; got {low[j]:g}. Give it to another "
                "family",
            )

    def prior(self, summary: Summary) -> dict[str, Array]:
        """The prior mean rate is the column's."""
        if not 0.0 < self.known_shape < np.inf:
            raise ValueError(f"gamma: known_shape must be positive; got {self.known_shape!r}")
        mean = np.where(summary.mean > 0.0, summary.mean, 1.0)
        return self._prior(self.shape * mean / self.known_shape)

    def features(self, x: Array, out: Array) -> None:
        """Write x itself."""
        out[:, :, 0] = x

    def base_measure(self, x: Array) -> Array | None:
        """(s - 1) ln x - ln Gamma(s)."""
        if self.known_shape == 1.0:
            return None
        return np.asarray((self.known_shape - 1.0) * np.log(x) - gammaln(self.known_shape))

    def update(self, prior: Prior, counts: Array, sums: Array) -> dict[str, Array]:
        """Add s N and the sum of x."""
        return _gamma(prior["shape"] + self.known_shape * counts, prior["rate"] + sums[:, :, 0])

    def expected_natural(self, posterior: Any) -> Array:
        """S E ln lambda, and -E lambda for x."""
        log_rate = digamma(posterior["shape"]) - np.log(posterior["rate"])
        mean = posterior["shape"] / posterior["rate"]
        return np.stack([self.known_shape * log_rate, -mean], axis=2)

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Beta prime: Gamma(a + s) / (Gamma(a) Gamma(s)) b^a x^(s - 1) / (b + x)^(a + s)."""
        a, b, s = posterior["shape"].T, posterior["rate"].T, self.known_shape
        x = x[:, :, None]
        constant = gammaln(a + s) - gammaln(a) - gammaln(s) + a * np.log(b)
        found = constant - (a + s) * np.log(b + x)
        return np.asarray(found if s == 1.0 else found + (s - 1.0) * np.log(x))

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """A rate, then a value."""
        rate = rng.gamma(posterior["shape"][labels]) / posterior["rate"][labels]
        return np.asarray(rng.gamma(self.known_shape, size=rate.shape) / rate)

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Mean and variance; infinite where the posterior's shape is at most 1 and 2."""
        a, b, s = posterior["shape"], posterior["rate"], self.known_shape
        mean = np.where(a > 1.0, s * b / np.maximum(a - 1.0, 1e-300), np.inf)
        spread = s * (s + a - 1.0) * b**2 / np.maximum((a - 1.0) ** 2 * (a - 2.0), 1e-300)
        return mean, np.where(a > 2.0, spread, np.inf)


class Exponential(Gamma):
    """Positive columns, exponential with rates lambda_kd ~ Gamma(shape, rate).

    Parameters
    ----------
    shape, rate
        As for `Gamma`.
    """

    name = "exponential"

    def __init__(self, shape: float = 1.0, rate: Any = None) -> None:
        super().__init__(1.0, shape, rate)

    def parameters(self) -> dict[str, Any]:
        """`known_shape` is no parameter."""
        return {"shape": self.shape, "rate": self.rate}

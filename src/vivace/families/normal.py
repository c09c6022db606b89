"""Independent Gaussian columns: each with a mean and a precision of its own (Normal-Gamma)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammainccinv, gammaln, stdtrit

from vivace.families.base import (
    Array,
    Estimate,
    FeatureFamily,
    ImpossibleStatisticsError,
    Prior,
    Summary,
)

LOG_2PI = np.log(2.0 * np.pi)

#: A sum of squares below the prior's by this share of the second moment is rounding.
ROUNDING = 1e-9

#: Counts of columns with gaps are differences: exact to this share of all counts at least.
COUNT_ROUNDING = 1e-13


def deviations(summary: Summary) -> Array:
    """Standard deviations of the columns, 1 for a constant one: the scale of z."""
    return np.sqrt(np.where(summary.variance > 0.0, summary.variance, 1.0))


def update_cells(
    mean: Array, mean_precision: Array, counts: Array, sums: Array
) -> tuple[Array, Array, Array]:
    """Update of the mean in every cell: a component and a column (PRML 2.3.6).

    Parameters
    ----------
    mean, mean_precision : (d,) or (1,)
        Prior.
    counts : (K, d)
    sums : (K, d, 2)
        Of z and its square.

    Returns
    -------
    mean_precision, means : (K, d)
    scatter : (K, d)
        Sums of squares about the cells' own means, and what the prior mean adds.

    Raises
    ------
    ImpossibleStatisticsError
        If no data can have these statistics.
    """
    beta = mean_precision + counts
    if not beta.min() > 0.0:
        raise ImpossibleStatisticsError("a count is negative")
    held = counts > 0.0
    own = np.where(held, sums[:, :, 0], mean) / np.where(held, counts, 1.0)
    share = counts / beta
    within = np.where(held, sums[:, :, 1] - counts * own**2, 0.0)
    noise = ROUNDING * (sums[:, :, 1] + counts) + COUNT_ROUNDING * counts.sum() * own**2
    if (within < -noise).any():
        raise ImpossibleStatisticsError("a sum of squares about a mean is negative")
    scatter = np.maximum(within, 0.0) + mean_precision * share * (own - mean) ** 2
    return beta, mean + share * (own - mean), scatter


class Normal(FeatureFamily):
    """Real columns, independent given the component, each Gaussian.

    mean | precision ~ N(mean, 1 / (mean_precision precision)), precision ~ Gamma(dof / 2, rate
    dof v / 2) with v the prior variance. Counts are those of each column, so that gaps are exact.
    Predictive: Student-t. Source: Bishop, PRML, 2.3.6; Murphy (2007), section 3.

    Parameters
    ----------
    mean : float or array-like, default=None
        Prior mean; the column's if None.
    mean_precision : float, default=1.0
        Number of rows that the prior mean weighs.
    degrees_of_freedom : float, default=2.0
        Number of rows that the prior variance weighs.
    variance : float or array-like, default=None
        Prior variance; the column's if None.
    reg_covar : float, default=1e-6
        Added to the prior variance, relative to the column's variance.
    """

    name = "gaussian_diag"
    n_features = 2
    keeps_nan = True
    standardised = True
    strided = True

    def __init__(
        self,
        mean: ArrayLike | None = None,
        mean_precision: float = 1.0,
        degrees_of_freedom: float = 2.0,
        variance: ArrayLike | None = None,
        reg_covar: float = 1e-6,
    ) -> None:
        self.mean = mean
        self.mean_precision = mean_precision
        self.degrees_of_freedom = degrees_of_freedom
        self.variance = variance
        self.reg_covar = reg_covar

    def prior(self, summary: Summary) -> dict[str, Array]:
        """In z: mean 0 and variance 1 unless given."""
        d, scale = len(summary.mean), deviations(summary)
        mean = np.zeros(d)
        if self.mean is not None:
            mean = (np.broadcast_to(np.asarray(self.mean, float), (d,)) - summary.mean) / scale
        variance = np.ones(d)
        if self.variance is not None:
            variance = np.broadcast_to(np.asarray(self.variance, float), (d,)) / scale**2
        variance = variance + self.reg_covar
        for name, value in (
            ("mean_precision", self.mean_precision),
            ("degrees_of_freedom", self.degrees_of_freedom),
            ("variance", variance.min()),
        ):
            if not 0.0 < value < np.inf:
                raise ValueError(f"gaussian_diag: {name} must be positive and finite; got {value}")
        return {
            "mean": mean,
            "mean_precision": np.full(d, float(self.mean_precision)),
            "dof": np.full(d, float(self.degrees_of_freedom)),
            "scale": self.degrees_of_freedom * variance,
        }

    def features(self, x: Array, out: Array) -> None:
        """Z and its square."""
        out[:, :, 0] = x
        np.multiply(x, x, out=out[:, :, 1])

    def feature_scale(self, summary: Summary, n_columns: int) -> Array:
        """One: z has unit variance."""
        return np.ones((n_columns, 2))

    def update(self, prior: Prior, counts: Array, sums: Array) -> dict[str, Array]:
        """PRML 2.3.6, column by column; sums of squares about the components' own means."""
        beta, means, scatter = update_cells(prior["mean"], prior["mean_precision"], counts, sums)
        dof, scale = prior["dof"] + counts, prior["scale"] + scatter
        if not (dof.min() > 0.0 and scale.min() > 0.0):
            raise ImpossibleStatisticsError("a count is negative")
        return {"mean": means, "mean_precision": beta, "dof": dof, "scale": scale}

    def expected_natural(self, posterior: Any) -> Array:
        """Constant, E[precision mean] and -E[precision] / 2."""
        precision = posterior["dof"] / posterior["scale"]
        mean = posterior["mean"]
        log_precision = digamma(0.5 * posterior["dof"]) - np.log(0.5 * posterior["scale"])
        constant = 0.5 * (
            log_precision - LOG_2PI - 1.0 / posterior["mean_precision"] - precision * mean**2
        )
        return np.stack([constant, precision * mean, -0.5 * precision], axis=2)

    def log_normaliser(self, prior: Prior, posterior: Any) -> float:
        """Normal-Gamma, column by column, with -N/2 ln 2 pi as the base measure."""
        counts = posterior["mean_precision"] - prior["mean_precision"]
        total = -0.5 * LOG_2PI * counts.sum()
        for sign, p in ((1.0, posterior), (-1.0, prior)):
            half = 0.5 * p["dof"]
            z = gammaln(half) - half * np.log(0.5 * p["scale"]) - 0.5 * np.log(p["mean_precision"])
            total += sign * np.broadcast_to(z, counts.shape).sum()
        return float(total)

    def _student(self, posterior: Any) -> tuple[Array, Array, Array]:
        """Degrees of freedom, place and squared scale of the predictive, (K, d) each."""
        spread = 1.0 + 1.0 / posterior["mean_precision"]
        return posterior["dof"], posterior["mean"], posterior["scale"] * spread / posterior["dof"]

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Student-t."""
        dof, mean, square = (a.T for a in self._student(posterior))
        b = 0.5 * (dof + 1.0)
        constant = gammaln(b) - gammaln(0.5 * dof) - 0.5 * np.log(np.pi * dof * square)
        t = (x[:, :, None] - mean) ** 2
        return np.asarray(constant - b * np.log1p(t / (dof * square)))

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Student-t."""
        dof, mean, square = (a[labels] for a in self._student(posterior))
        return np.asarray(mean + np.sqrt(square) * rng.standard_t(dof))

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Those of the Student-t; the variance is infinite up to 2 degrees of freedom."""
        dof, mean, square = self._student(posterior)
        variance = square * dof / np.maximum(dof - 2.0, 1e-300)
        return mean, np.where(dof > 2.0, variance, np.inf)

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """Mean and variance of each column."""
        return 2 * n_columns

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """Mean, and standard deviation (its median)."""
        dof, mean, scale = posterior["dof"], posterior["mean"], posterior["scale"]
        tail = 0.5 * (1.0 - level)
        half = -stdtrit(dof, tail) * np.sqrt(scale / (posterior["mean_precision"] * dof))
        deviation = [
            np.sqrt(0.5 * scale / gammainccinv(0.5 * dof, p)) for p in (0.5, tail, 1.0 - tail)
        ]
        found = []
        for j in range(mean.shape[1]):
            ends = mean[:, j] - half[:, j], mean[:, j] + half[:, j]
            found.append(Estimate(j, "mean", mean[:, j], *ends, "place"))
            middle, low, high = (value[:, j] for value in deviation)
            found.append(Estimate(j, "standard deviation", middle, low, high, "spread"))
        return found

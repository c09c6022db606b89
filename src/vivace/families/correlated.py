"""Correlated Gaussian columns: one mean vector and one full covariance a component."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from vivace.families.base import Array, Estimate, Family, Prior, Summary
from vivace.families.gaussian import GaussianFamily, GaussianPosterior, GaussianPrior
from vivace.families.gaussian.intervals import mean_intervals, variance_intervals
from vivace.families.normal import deviations


class Correlated(Family):
    """Real columns with a mean and a full covariance a component: what such families share.

    Prior: Normal-Wishart. Predictive: a multivariate Student-t, given by `_student`.

    Parameters
    ----------
    mean, mean_precision, degrees_of_freedom, covariance, reg_covar
        See `Gaussian`.
    """

    joint = True
    gaps_inside = True
    standardised = True

    def __init__(
        self,
        mean: ArrayLike | None = None,
        mean_precision: float = 1.0,
        degrees_of_freedom: float | None = None,
        covariance: ArrayLike | None = None,
        reg_covar: float = 1e-6,
    ) -> None:
        self.mean = mean
        self.mean_precision = mean_precision
        self.degrees_of_freedom = degrees_of_freedom
        self.covariance = covariance
        self.reg_covar = reg_covar

    def units(self, n_columns: int) -> int:
        """Each column can be missing on its own."""
        return n_columns

    def observed(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values are there."""
        return np.asarray(~np.isnan(x))

    def prior(self, summary: Summary) -> dict[str, Array]:
        """In z."""
        d, scale = len(summary.mean), deviations(summary)
        mean = np.zeros(d)
        if self.mean is not None:
            mean = (_shaped("mean", self.mean, (d,)) - summary.mean) / scale
        if self.covariance is not None:
            given = _shaped("covariance", self.covariance, (d, d)) / np.outer(scale, scale)
        else:
            assert summary.scatter is not None
            weight = summary.weight.max()
            given = summary.scatter(summary.mean, 1.0 / scale) / max(weight - 1.0, 0.5 * weight)
            np.fill_diagonal(given, 1.0)
        dof = float(d) if self.degrees_of_freedom is None else float(self.degrees_of_freedom)
        found = {
            "mean": mean,
            "mean_precision": np.array([float(self.mean_precision)]),
            "dof": np.array([dof]),
            "scale": given + self.reg_covar * np.eye(d),
        }
        self.bind(found)  # raises where it is none
        return found

    def bind(self, prior: Prior) -> GaussianFamily:
        """The family of the Gaussian mixture with this prior."""
        beta, dof = float(prior["mean_precision"][0]), float(prior["dof"][0])
        return GaussianFamily(GaussianPrior("full", prior["mean"], beta, dof, prior["scale"]))

    # -- predictions, in z --------------------------------------------------------------------

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """Means and a symmetric matrix."""
        return n_columns + n_columns * (n_columns + 1) // 2

    def _student(self, posterior: Any) -> tuple[Array, Array, Array]:
        """Degrees of freedom (K,), places (K, d) and scale matrices (K, d, d)."""
        raise NotImplementedError

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Marginal Student-t of each column, (n, d, K): the columns of a row are not independent.

        `log_predictive_rows` has the joint density.
        """
        dof, means, matrices = self._student(posterior)
        square = np.diagonal(matrices, axis1=1, axis2=2)
        b = 0.5 * (dof + 1.0)
        constant = (gammaln(b) - gammaln(0.5 * dof))[None] - 0.5 * np.log(np.pi * dof * square.T)
        t = (x[:, :, None] - means.T) ** 2 / (dof * square.T)
        return np.asarray(constant - b * np.log1p(t))

    def log_predictive_rows(self, posterior: Any, x: Array, columns: NDArray[np.intp]) -> Array:
        """Log densities of the given columns of rows x (n, d), jointly, (n, K)."""
        dof, means, matrices = self._student(posterior)
        d = len(columns)
        out = np.empty((len(x), len(dof)))
        for k in range(len(dof)):
            lower = np.linalg.cholesky(matrices[k][np.ix_(columns, columns)])
            y = np.linalg.solve(lower, (x[:, columns] - means[k, columns]).T)
            b = 0.5 * (dof[k] + d)
            out[:, k] = gammaln(b) - gammaln(0.5 * dof[k]) - 0.5 * d * np.log(np.pi * dof[k])
            out[:, k] -= np.log(np.diagonal(lower)).sum()
            out[:, k] -= b * np.log1p((y**2).sum(axis=0) / dof[k])
        return out

    def given(
        self,
        posterior: Any,
        k: int,
        x: Array,
        columns: NDArray[np.intp],
        gone: NDArray[np.intp],
    ) -> tuple[float, Array, Array]:
        """Student-t of the columns `gone` of rows x in component k, given the others.

        Degrees of freedom, places (n, u) and scale matrices (n, u, u). Source: Roth, On the
        multivariate t distribution (2012), section 5.
        """
        dof, means, matrices = self._student(posterior)
        s, m = matrices[k], means[k]
        inner = s[np.ix_(gone, gone)]
        if not len(columns):
            return float(dof[k]), np.tile(m[gone], (len(x), 1)), np.tile(inner, (len(x), 1, 1))
        cross = s[np.ix_(gone, columns)]
        gain = np.linalg.solve(s[np.ix_(columns, columns)], cross.T).T
        e = x[:, columns] - m[columns]
        q = (e * np.linalg.solve(s[np.ix_(columns, columns)], e.T).T).sum(axis=1)
        factor = (dof[k] + q) / (dof[k] + len(columns))
        rest = inner - gain @ cross.T
        return float(dof[k]) + len(columns), m[gone] + e @ gain.T, factor[:, None, None] * rest

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Multivariate Student-t."""
        dof, means, matrices = self._student(posterior)
        z = rng.standard_normal((len(labels), means.shape[1]))
        z /= np.sqrt(rng.chisquare(dof[labels]) / dof[labels])[:, None]
        for k in np.unique(labels):
            rows = labels == k
            z[rows] = z[rows] @ np.linalg.cholesky(matrices[k]).T
        return np.asarray(means[labels] + z)

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Those of the Student-t; the variance is infinite up to 2 degrees of freedom."""
        dof, means, matrices = self._student(posterior)
        square = np.diagonal(matrices, axis1=1, axis2=2)
        factor = np.where(dof > 2.0, dof / np.maximum(dof - 2.0, 1e-300), np.inf)
        return means, square * factor[:, None]


class Gaussian(Correlated):
    """Real columns, jointly Gaussian given the component, with a full covariance.

    The kernel makes the features of these columns itself. Several groups of columns, independent
    of one another given the component, cost what one of all their columns costs. Source: Bishop,
    PRML, 10.2.

    Parameters
    ----------
    mean : array-like of shape (n_columns,), default=None
        Prior mean; that of the data if None.
    mean_precision : float, default=1.0
        Number of rows that the prior mean weighs.
    degrees_of_freedom : float, default=None
        Number of rows that the prior covariance weighs; n_columns if None.
    covariance : array-like of shape (n_columns, n_columns), default=None
        Prior scale: the inverse of the Wishart's, as scikit-learn's covariance_prior; the
        covariance of the data if None.
    reg_covar : float, default=1e-6
        Added to its diagonal, relative to each column's variance.
    """

    name = "gaussian"

    def _student(self, posterior: GaussianPosterior) -> tuple[Array, Array, Array]:
        """Degrees of freedom (K,), places (K, d) and scale matrices (K, d, d)."""
        dof = posterior.dof + 1.0 - posterior.means.shape[1]
        spread = (1.0 + 1.0 / posterior.mean_precision) / dof
        return dof, posterior.means, posterior.precisions.factor.scale * spread[:, None, None]

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """Means, and standard deviations (expected)."""
        low, high = mean_intervals(posterior, level)
        below, above = np.sqrt(variance_intervals(posterior, level))
        deviation = posterior.standard_deviations
        found = []
        for j in range(posterior.means.shape[1]):
            mean = posterior.means[:, j]
            found.append(Estimate(j, "mean", mean, low[:, j], high[:, j], "place"))
            ends = below[:, j], above[:, j]
            found.append(Estimate(j, "standard deviation", deviation[:, j], *ends, "spread"))
        return found


def _shaped(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    found = np.asarray(value, dtype=np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, of shape {shape}; got {found.shape}")
    return found

"""Robust real columns: multivariate Student-t components as scale mixtures of Gaussians."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import digamma, gammaln

from vivace.families.base import (
    Array,
    Estimate,
    GatherFamily,
    ImpossibleStatisticsError,
    Prior,
    Summary,
)
from vivace.families.correlated import Gaussian
from vivace.families.gaussian.full import Full
from vivace.families.gaussian.predictive import quadratic_form
from vivace.families.gaussian.structure import Factor
from vivace.families.kinds import features
from vivace.special import log

LOG_2PI, LOG_PI = np.log(2.0 * np.pi), np.log(np.pi)

#: Degrees of freedom are sought between these: beyond 1,000 a t is a Gaussian to three digits.
LEAST_DOF, MOST_DOF = 0.2, 1000.0
#: Before any row has been seen.
STARTING_DOF = 10.0


class StudentPosterior(NamedTuple):
    """q of means and precisions, the statistics that made it, and the degrees of freedom v."""

    means: Array
    mean_precision: Array
    wishart_dof: Array
    factor: Factor
    suff: Array
    rows: Array
    v: float


class _Prepared(NamedTuple):
    eta: Array  # of the expected squared distances
    constant: Array
    v: float


class StudentT(GatherFamily):
    """Real columns, jointly Student-t given the component; heavy tails keep outliers at bay.

    x | u ~ N(mean, (u precision)^-1), u ~ Gamma(v / 2, v / 2), with a Normal-Wishart prior on
    mean and precision and q(u) for every row and component. The degrees of freedom v are shared by
    all components and found by a root of the bound's derivative. A row is complete or wholly
    missing. Predictive: no closed form; the t at the posterior means (plug-in). Source: Svensen
    and Bishop, Neurocomputing 64 (2005).

    Parameters
    ----------
    mean, mean_precision, degrees_of_freedom, covariance, reg_covar
        Prior of mean and scale matrix, as for `Gaussian`.
    dof : float, default=None
        Known v; learned if None.
    """

    name = "student_t"
    joint = True
    standardised = True

    def __init__(
        self,
        mean: ArrayLike | None = None,
        mean_precision: float = 1.0,
        degrees_of_freedom: float | None = None,
        covariance: ArrayLike | None = None,
        reg_covar: float = 1e-6,
        dof: float | None = None,
    ) -> None:
        self.mean = mean
        self.mean_precision = mean_precision
        self.degrees_of_freedom = degrees_of_freedom
        self.covariance = covariance
        self.reg_covar = reg_covar
        self.dof = dof

    def prior(self, summary: Summary) -> dict[str, Array]:
        """In z."""
        if self.dof is not None and not 0.0 < self.dof < np.inf:
            raise ValueError(f"student_t: dof must be positive; got {self.dof!r}")
        return Gaussian(
            self.mean,
            self.mean_precision,
            self.degrees_of_freedom,
            self.covariance,
            self.reg_covar,
        ).prior(summary)

    def fields(self, prior: Prior, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """Sums of r u features, r, r E ln u and r times the entropy of q(u)."""
        d, k = len(prior["mean"]), n_components
        found: dict[str, tuple[tuple[int, ...], int]] = {}
        found["suff"] = ((k, 1 + d + d * (d + 1) // 2), 0)
        for name in ("rows", "log_scale", "latent"):
            found[name] = ((k,), 0)
        return found

    def update(
        self, prior: Prior, counts: Array, statistics: Mapping[str, Array]
    ) -> StudentPosterior:
        """As for Gaussian components with rows of weight r u; then v."""
        suff, rows = np.array(statistics["suff"]), np.array(statistics["rows"])
        m0, b0 = prior["mean"], float(prior["mean_precision"][0])
        d = len(m0)
        structure, mass = Full(d), suff[:, 0]
        if not (mass.min() >= 0.0 and rows.min() >= 0.0):
            raise ImpossibleStatisticsError("a count is negative")
        held = mass > 0.0
        own = np.where(held[:, None], suff[:, 1 : 1 + d], m0) / np.where(held, mass, 1.0)[:, None]
        beta = b0 + mass
        means = m0 + (mass / beta)[:, None] * (own - m0)
        scatter = suff[:, 1 + d :] - mass[:, None] * structure.outer(own)
        scatter = scatter + (b0 * mass / beta)[:, None] * structure.outer(own - m0)
        factor = structure.factor(prior["scale"] + structure.scale(scatter))
        dof = float(prior["dof"][0]) + rows
        return StudentPosterior(means, beta, dof, factor, suff, rows, self._root(statistics))

    def _root(self, statistics: Mapping[str, Array]) -> float:
        """V with 1 + ln(v/2) - psi(v/2) + mean of (E ln u - E u) = 0."""
        if self.dof is not None:
            return float(self.dof)
        n = statistics["rows"].sum()
        if not n > 0.0:
            return STARTING_DOF
        mean = (statistics["log_scale"].sum() - statistics["suff"][:, 0].sum()) / n

        def slope(log_v: float) -> float:
            half = 0.5 * np.exp(log_v)
            return float(1.0 + np.log(half) - digamma(half) + mean)

        low, high = np.log(LEAST_DOF), np.log(MOST_DOF)
        if slope(high) >= 0.0:
            return MOST_DOF
        if slope(low) <= 0.0:
            return LEAST_DOF
        return float(np.exp(brentq(slope, low, high, xtol=1e-13)))

    # -- expectations -------------------------------------------------------------------------

    def _distance(self, q: StudentPosterior) -> Array:
        """Natural parameters of D / beta + nu (z - m)^T W (z - m), (K, F)."""
        d = q.means.shape[1]
        structure = Full(d)
        matrix = structure.weighted(q.wishart_dof, q.factor.inverse)
        return quadratic_form(structure, matrix, q.means, d / q.mean_precision)

    def prepare(self, prior: Prior, posterior: StudentPosterior) -> _Prepared:
        """Distances, and what does not depend on the row."""
        q, d = posterior, posterior.means.shape[1]
        half = 0.5 * q.v
        constant = 0.5 * Full(d).expected_log_det(q.wishart_dof, q.factor.log_det)
        constant = constant - 0.5 * d * LOG_2PI + half * np.log(half) - gammaln(half)
        return _Prepared(self._distance(q), constant + gammaln(half + 0.5 * d), q.v)

    def _rows(self, x: NDArray[Any]) -> tuple[NDArray[np.bool_], Array]:
        """Which rows are there, and their features one after the other, (F, n)."""
        there = self.observed(x)[:, 0]
        z = np.ascontiguousarray(np.where(there[:, None], x, 0.0).T)
        d, n = z.shape
        rows = np.empty((1 + d + d * (d + 1) // 2, n))
        rows[0], rows[1 : 1 + d] = 1.0, z
        at = 1 + d
        for i in range(d):
            np.multiply(z[i:], z[i], out=rows[at : at + d - i])
            at += d - i
        return there, rows

    def expected_log_likelihood(self, x: NDArray[Any], prepared: _Prepared, out: Array) -> None:
        """Add E ln p with q(u) at its best."""
        there, rows = self._rows(x)
        d, k = x.shape[1], len(prepared.eta)
        rate = 0.5 * (prepared.v + np.maximum(prepared.eta @ rows, 0.0))
        found = prepared.constant[:, None] - 0.5 * (prepared.v + d) * log(rate)
        out[:, :k] += np.where(there, found, 0.0).T

    def accumulate(
        self, x: NDArray[Any], resp: Array, prepared: _Prepared, statistics: Mapping[str, Array]
    ) -> None:
        """Sums with q(u) = Gamma((v + D) / 2, (v + Q) / 2)."""
        there, rows = self._rows(x)
        r = np.where(there, resp[:, : len(prepared.eta)].T, 0.0)
        shape = 0.5 * (prepared.v + x.shape[1])
        rate = 0.5 * (prepared.v + np.maximum(prepared.eta @ rows, 0.0))
        suff, counts = statistics["suff"], r.sum(axis=1)
        suff += (r * (shape / rate)) @ rows.T
        logs = (r * log(rate)).sum(axis=1)
        for name, value in (
            ("rows", counts),
            ("log_scale", digamma(shape) * counts - logs),
            ("latent", (shape + gammaln(shape) + (1.0 - shape) * digamma(shape)) * counts - logs),
        ):
            field = statistics[name]
            field += value

    def bound(
        self,
        prior: Prior,
        posterior: StudentPosterior,
        counts: Array,
        statistics: Mapping[str, Array],
    ) -> float:
        """-KL of means and precisions, and E ln p(x, u) - E ln q(u)."""
        q, d = posterior, posterior.means.shape[1]
        structure, half = Full(d), 0.5 * posterior.v
        scale0 = structure.factor(prior["scale"][None])
        log_z0 = structure.log_normaliser(prior["dof"], scale0.log_det)[0]
        total = (structure.log_normaliser(q.wishart_dof, q.factor.log_det) - log_z0).sum()
        total += 0.5 * d * np.log(prior["mean_precision"][0] / q.mean_precision).sum()
        log_det = structure.expected_log_det(q.wishart_dof, q.factor.log_det)
        total += 0.5 * ((statistics["rows"] - q.rows) * log_det).sum()
        total -= 0.5 * ((statistics["suff"] - q.suff) * self._distance(q)).sum()
        n, log_u = statistics["rows"].sum(), statistics["log_scale"].sum()
        total += n * (half * np.log(half) - gammaln(half) - 0.5 * d * LOG_2PI)
        total += (half - 1.0 + 0.5 * d) * log_u - half * statistics["suff"][:, 0].sum()
        return float(total + statistics["latent"].sum())

    # -- predictions (at the posterior means) -------------------------------------------------

    def log_predictive(self, posterior: StudentPosterior, x: NDArray[Any]) -> Array:
        """Plug-in t, (n, 1, K)."""
        q, d = posterior, posterior.means.shape[1]
        structure = Full(d)
        matrix = structure.weighted(q.wishart_dof, q.factor.inverse)
        eta = quadratic_form(structure, matrix, q.means)
        distance = np.maximum(features(np.nan_to_num(x), "full") @ eta.T, 0.0)
        log_det = d * np.log(q.wishart_dof) - q.factor.log_det
        b = 0.5 * (q.v + d)
        constant = gammaln(b) - gammaln(0.5 * q.v) - 0.5 * d * (np.log(q.v) + LOG_PI)
        found = constant + 0.5 * log_det - b * np.log1p(distance / q.v)
        return np.asarray(found[:, None, :])

    def draw(
        self, posterior: StudentPosterior, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """Plug-in t."""
        q = posterior
        z = rng.standard_normal((len(labels), q.means.shape[1]))
        z /= np.sqrt(rng.chisquare(q.v, len(labels)) / q.v)[:, None]
        for k in np.unique(labels):
            lower = np.linalg.cholesky(q.factor.scale[k] / q.wishart_dof[k])
            z[labels == k] = z[labels == k] @ lower.T
        return np.asarray(q.means[labels] + z)

    def _deviations(self, q: StudentPosterior) -> Array:
        return np.sqrt(np.diagonal(q.factor.scale, axis1=1, axis2=2) / q.wishart_dof[:, None])

    def moments(self, posterior: StudentPosterior) -> tuple[Array, Array]:
        """Of the plug-in t; the variance is infinite up to v = 2."""
        v = posterior.v
        factor = v / (v - 2.0) if v > 2.0 else np.inf
        return posterior.means, self._deviations(posterior) ** 2 * factor

    def describe(self, posterior: StudentPosterior, level: float) -> list[Estimate]:
        """Means with the interval of their Student marginals, and scales (no interval)."""
        from scipy.special import stdtrit

        q, d = posterior, posterior.means.shape[1]
        e = (q.wishart_dof + 1.0 - d)[:, None]
        squares = np.diagonal(q.factor.scale, axis1=1, axis2=2)
        half = -stdtrit(e, 0.5 * (1.0 - level)) * np.sqrt(squares / (q.mean_precision[:, None] * e))
        scales, found = self._deviations(q), []
        for j in range(d):
            mean, own = q.means[:, j], scales[:, j]
            ends = mean - half[:, j], mean + half[:, j]
            found.append(Estimate(j, "mean", mean, *ends, "place"))
            found.append(Estimate(j, "scale", own, own, own, "spread"))
        return found

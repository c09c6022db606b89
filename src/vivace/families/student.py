"""Robust real columns: multivariate Student-t components as scale mixtures of Gaussians."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from vivace.families.correlated import Correlated
from vivace.families.gaussian.full import Full
from vivace.families.gaussian.missing import Missing, PatternCache, completed, find_runs, missing
from vivace.families.gaussian.predictive import quadratic_form
from vivace.families.gaussian.structure import Factor
from vivace.special import log

LOG_2PI = np.log(2.0 * np.pi)

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


class _Pattern(NamedTuple):
    """What rows with one pattern of gaps need.

    `missing` is None where nothing is.
    """

    eta: Array  # of the expected squared distances of what is there, (K, F)
    constant: Array
    shape: float  # of q(u)
    entropy: Array  # of what is missing, given u = 1
    missing: Missing | None


class _Prepared:
    """Patterns of one posterior, made when rows ask for them."""

    def __init__(self, posterior: StudentPosterior) -> None:
        self.v = posterior.v
        self._q = posterior
        #: The entry of columns that are there, (d,).
        self.pattern = PatternCache(self._make, *posterior.means.shape).get

    def _make(self, there: NDArray[np.bool_]) -> _Pattern:
        q, half, d = self._q, 0.5 * self.v, len(there)
        structure, held = Full(d), int(there.sum())
        matrix = structure.weighted(q.wishart_dof, q.factor.inverse)
        constant = 0.5 * structure.expected_log_det(q.wishart_dof, q.factor.log_det)
        constant = constant - 0.5 * held * LOG_2PI + half * np.log(half) - gammaln(half)
        constant = constant + gammaln(half + 0.5 * held)
        if held == d:
            eta = quadratic_form(structure, matrix, q.means, d / q.mean_precision)
            return _Pattern(eta, constant, half + 0.5 * d, np.zeros(len(eta)), None)
        found = missing(matrix, q.means, there)
        eta = quadratic_form(structure, found.form, q.means, d / q.mean_precision)
        entropy = 0.5 * ((d - held) * (LOG_2PI + 1.0) - found.log_det)
        return _Pattern(eta, constant - 0.5 * found.log_det, half + 0.5 * held, entropy, found)


class StudentT(Correlated, GatherFamily):
    """Real columns, jointly Student-t given the component; heavy tails keep outliers at bay.

    x | u ~ N(mean, (u precision)^-1), u ~ Gamma(v / 2, v / 2), with a Normal-Wishart prior on
    mean and precision and q(u) for every row and component. The degrees of freedom v are shared by
    all components and found by a root of the bound's derivative. Gaps are filled by
    q(x_u, u), which makes a complete bound. Predictive: no closed form; the t at the posterior
    means (plug-in). Source: Svensen and Bishop, Neurocomputing 64 (2005).

    Parameters
    ----------
    mean, mean_precision, degrees_of_freedom, covariance, reg_covar
        Prior of mean and scale matrix, as for `Gaussian`.
    dof : float, default=None
        Known v; learned if None.
    """

    name = "student_t"

    def __init__(
        self,
        mean: ArrayLike | None = None,
        mean_precision: float = 1.0,
        degrees_of_freedom: float | None = None,
        covariance: ArrayLike | None = None,
        reg_covar: float = 1e-6,
        dof: float | None = None,
    ) -> None:
        super().__init__(mean, mean_precision, degrees_of_freedom, covariance, reg_covar)
        self.dof = dof

    def prior(self, summary: Summary) -> dict[str, Array]:
        """In z."""
        if self.dof is not None and not 0.0 < self.dof < np.inf:
            raise ValueError(f"student_t: dof must be positive; got {self.dof!r}")
        return super().prior(summary)

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
        """Patterns of gaps, made when they are met."""
        return _Prepared(posterior)

    def _groups(
        self, x: NDArray[Any], prepared: _Prepared
    ) -> Iterator[tuple[NDArray[np.intp] | slice, _Pattern, Array, Array]]:
        """(rows, pattern, features (F, n), rate of q(u) (K, n)) of the rows with a value."""
        runs = find_runs(self.observed(x))
        for p, there in enumerate(runs.there):
            if not there.any():
                continue
            rows: NDArray[np.intp] | slice = runs.order[runs.edges[p] : runs.edges[p + 1]]
            if len(runs.there) == 1:
                rows = slice(None)
            pattern = prepared.pattern(there)
            found = _features(np.where(there, x[rows], 0.0))
            distance = np.maximum(pattern.eta @ found, 0.0)
            yield rows, pattern, found, 0.5 * (prepared.v + distance)

    def expected_log_likelihood(self, x: NDArray[Any], prepared: _Prepared, out: Array) -> None:
        """Add E ln p with q(u), and q of what is missing, at their best."""
        for rows, pattern, _, rate in self._groups(x, prepared):
            found = pattern.constant[:, None] - pattern.shape * log(rate)
            out[rows, : len(found)] += found.T

    def accumulate(
        self, x: NDArray[Any], resp: Array, prepared: _Prepared, statistics: Mapping[str, Array]
    ) -> None:
        """Sums with q(u) = Gamma((v + D_o) / 2, (v + Q_o) / 2), D_o the number of values there."""
        for rows, pattern, found, rate in self._groups(x, prepared):
            shape, r = pattern.shape, np.ascontiguousarray(resp[rows, : len(rate)].T)
            counts, logs = r.sum(axis=1), (r * log(rate)).sum(axis=1)
            own, log_scale = (r * (shape / rate)) @ found.T, digamma(shape) * counts - logs
            latent = (shape + gammaln(shape) + (1.0 - shape) * digamma(shape)) * counts - logs
            if pattern.missing is not None:
                # the covariance of what is missing is that of u = 1, over u
                own = completed(pattern.missing, own, counts)
                lost = x.shape[1] - 2.0 * (shape - 0.5 * prepared.v)
                latent += counts * pattern.entropy - 0.5 * lost * log_scale
            for name, value in (
                ("suff", own),
                ("rows", counts),
                ("log_scale", log_scale),
                ("latent", latent),
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

    def _student(self, posterior: StudentPosterior) -> tuple[Array, Array, Array]:
        """The t at the posterior means."""
        q = posterior
        return (
            np.full(len(q.means), q.v),
            q.means,
            q.factor.scale / q.wishart_dof[:, None, None],
        )

    def _deviations(self, q: StudentPosterior) -> Array:
        return np.sqrt(np.diagonal(q.factor.scale, axis1=1, axis2=2) / q.wishart_dof[:, None])

    def n_shared_parameters(self) -> int:
        """The degrees of freedom, where they are learned."""
        return int(self.dof is None)

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


def _features(z: Array) -> Array:
    """1, z, z_i z_j of rows z (n, d), one after the other: (F, n)."""
    z = np.ascontiguousarray(z.T)
    d, n = z.shape
    rows = np.empty((1 + d + d * (d + 1) // 2, n))
    rows[0], rows[1 : 1 + d] = 1.0, z
    at = 1 + d
    for i in range(d):
        np.multiply(z[i:], z[i], out=rows[at : at + d - i])
        at += d - i
    return rows

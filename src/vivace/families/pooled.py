"""Independent Gaussian columns with gaps whose precisions may be shared: pools of cells.

A cell is a component and a column, with a mean of its own and the weight N_kd of the rows that
hold its column. Columns are independent given their parameters, so that leaving out what is
missing is exact. Cells of a pool have one precision, and what they say about it adds up:

    diag            pools of one cell
    spherical       the columns of a component
    tied_diag       the components of a column
    tied_spherical  all cells

Source: Bishop, PRML, 2.3.6 (Normal-Gamma) cell by cell, the Gamma's statistics summed over the
pool.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from vivace.families.base import Array, FeatureFamily, Prior
from vivace.families.gaussian import GaussianComponents, GaussianPrior
from vivace.families.gaussian.posterior import Precisions
from vivace.families.gaussian.prior import is_tied, structure_of
from vivace.families.normal import LOG_2PI, update_cells


class PooledNormal(FeatureFamily):
    """Real columns, each Gaussian given the component, with precisions as a covariance type says.

    dof and scale mean what they mean for complete rows (`GaussianPrior`): with counts N_kd and
    scatters A_kd of the cells, dof = dof_0 + N and scale = scale_0 + A, summed over tied components
    and averaged over the columns of spherical types.

    Parameters
    ----------
    covariance_type : {'diag', 'spherical', 'tied_diag', 'tied_spherical'}
    """

    name = "gaussian_pooled"
    n_features = 2  # z and its square, which the kernel makes
    standardised = True

    def __init__(self, covariance_type: str) -> None:
        self.covariance_type = covariance_type
        self.tied = is_tied(covariance_type)
        self.spherical = covariance_type.endswith("spherical")

    def arrays(self, prior: GaussianPrior) -> dict[str, Array]:
        """The prior as parts keep it; dof and scale (1, D) or (1, 1)."""
        return {
            "mean": prior.mean,
            "mean_precision": np.array([prior.mean_precision]),
            "dof": np.array([[prior.dof]]),
            "scale": np.reshape(prior.scale, (1, -1)),
        }

    def update(self, prior: Prior, counts: Array, sums: Array) -> GaussianComponents:
        """Means cell by cell, precisions pool by pool; counts (K, D) and sums (K, D, 2)."""
        structure = structure_of(self.covariance_type, counts.shape[1])
        beta, means, scatter = update_cells(prior["mean"], prior["mean_precision"], counts, sums)
        dof = prior["dof"] + self._pooled(counts)
        scale = prior["scale"] + self._pooled(scatter)
        if self.spherical:
            dof, scale = dof[:, 0], scale[:, 0]
        return GaussianComponents(
            covariance_type=self.covariance_type,
            structure=structure,
            mean_precision=beta,
            means=means,
            precisions=Precisions(np.broadcast_to(dof, scale.shape), structure.factor(scale)),
        )

    def _pooled(self, cells: Array) -> Array:
        """Sum over components (tied), mean over columns (spherical): one entry a pool."""
        if self.tied:
            cells = cells.sum(axis=0, keepdims=True)
        return np.asarray(cells.mean(axis=1, keepdims=True) if self.spherical else cells)

    def _pools(self, posterior: GaussianComponents) -> tuple[Array, Array, int]:
        """Dof and scale, (K or 1, D or 1), and how many columns a pool has."""
        dof, scale = posterior.precisions.dof, posterior.precisions.factor.scale
        if self.spherical:
            return dof[:, None], scale[:, None], posterior.means.shape[1]
        return dof, scale, 1

    def expected_natural(self, posterior: GaussianComponents) -> Array:
        """Constant, E[precision mean] and -E[precision] / 2."""
        dof, scale, width = self._pools(posterior)
        means = posterior.means
        precision = np.broadcast_to(dof / scale, means.shape)
        log_precision = digamma(0.5 * width * dof) - np.log(0.5 * width * scale)
        constant = 0.5 * (
            log_precision - LOG_2PI - 1.0 / posterior.mean_precision - precision * means**2
        )
        return np.stack([constant, precision * means, -0.5 * precision], axis=2)

    def log_normaliser(self, prior: Prior, posterior: GaussianComponents) -> float:
        """Gaussians cell by cell and Gammas pool by pool, with -N/2 ln 2 pi as the base measure."""
        dof, scale, width = self._pools(posterior)
        beta, beta0 = posterior.mean_precision, prior["mean_precision"]
        total = -0.5 * (LOG_2PI * (beta - beta0) + np.log(beta / beta0)).sum()
        for sign, nu, s in ((1.0, dof, scale), (-1.0, prior["dof"], prior["scale"])):
            a, c = 0.5 * width * nu, 0.5 * width * s
            total += sign * np.broadcast_to(gammaln(a) - a * np.log(c), scale.shape).sum()
        return float(total)

    # -- predictions: Student-t; the columns of a row share one chi-square in spherical types -----

    def _student(self, posterior: GaussianComponents) -> tuple[Array, Array]:
        """Degrees of freedom (K, D), (K, 1) for spherical, and squared scales (K, D)."""
        dof, scale, width = self._pools(posterior)
        k = len(posterior.means)
        square = scale / dof * (1.0 + 1.0 / posterior.mean_precision)
        return np.broadcast_to(width * dof, (k, dof.shape[1])), square

    def log_predictive_rows(self, posterior: GaussianComponents, x: Array) -> Array:
        """Log densities of whole rows, (n, K), NaN left out."""
        dof, square = self._student(posterior)
        there = ~np.isnan(x)
        out = np.zeros((len(x), len(square)))
        quadratic = np.zeros_like(out) if self.spherical else out
        b = 0.5 * (dof + 1.0)
        constant = gammaln(b) - gammaln(0.5 * dof) - 0.5 * np.log(np.pi * dof * square)
        for d in range(x.shape[1]):  # one column at a time: nothing of size n x D x K
            t = (x[:, d, None] - posterior.means[:, d]) ** 2 / square[:, d]
            own = t if self.spherical else constant[:, d] - b[:, d] * np.log1p(t / dof[:, d])
            quadratic += np.where(there[:, d, None], own, 0.0)
        if not self.spherical:
            return out
        present = np.arange(x.shape[1] + 1.0)[:, None]
        half = 0.5 * (dof[:, 0] + present)
        start = gammaln(half) - gammaln(0.5 * dof[:, 0]) - 0.5 * present * np.log(np.pi * dof[:, 0])
        number = there.sum(axis=1)
        out = start[number] - 0.5 * there @ np.log(square).T
        return np.asarray(out - half[number] * np.log1p(quadratic / dof[:, 0]))

    def given(self, posterior: GaussianComponents, x: Array) -> tuple[Array, Array]:
        """Degrees of freedom and squared scales of what is missing given what is there.

        (1, D, K) each where columns are independent; for spherical types (n, 1, K) and (n, D, K):
        the columns that are there say something about the precision that all share. Places are the
        means in any case. Source: Roth, On the multivariate t distribution (2012), section 5.
        """
        dof, square = self._student(posterior)
        if not self.spherical:
            return dof.T[None], square.T[None]
        there = ~np.isnan(x)
        quadratic = np.zeros((len(x), len(square)))
        for d in range(x.shape[1]):
            t = (x[:, d, None] - posterior.means[:, d]) ** 2 / square[:, d]
            quadratic += np.where(there[:, d, None], t, 0.0)
        more = dof[:, 0] + there.sum(axis=1)[:, None]
        factor = (dof[:, 0] + quadratic) / more
        return more[:, None, :], factor[:, None, :] * square.T

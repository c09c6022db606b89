"""Gaussian components: conjugate updates, natural parameters and the family's part of the bound."""

from __future__ import annotations

import numpy as np

from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.families.gaussian.posterior import GaussianPosterior, Precisions
from vivace.families.gaussian.predictive import Predictive, predictive_terms, quadratic_form
from vivace.families.gaussian.prior import GaussianPrior, covariance_shape, structure_of
from vivace.families.kinds import Kind, n_features

LOG_2PI = np.log(2.0 * np.pi)

#: Counts below this share of all counts are rounding: the component is taken to be empty. Sums of
#: 1e8 weights in float64 are exact to about 1e-12.
EMPTY = 1e-12

#: A scatter more negative than this share of the second moment is impossible; less is rounding
#: (float32 products leave 6e-8 of the second moment).
ROUNDING = 1e-6


class GaussianFamily:
    """Gaussian components with a conjugate prior, in z.

    Sources: Bishop, PRML 10.60 to 10.67 (full); Gamma precisions for the other types; means and
    covariances may be known constants, whose prior and posterior terms leave the bound.

    Parameters
    ----------
    prior : GaussianPrior
        Covariance type and hyper-parameters.
    fixed_means : (K, D), optional
        Known means.
    fixed_covariances : array or float, optional
        Known covariances in the shape of covariances_.
    """

    def __init__(
        self,
        prior: GaussianPrior,
        fixed_means: Array | None = None,
        fixed_covariances: Array | float | None = None,
    ) -> None:
        d = len(prior.mean)
        self.prior = prior
        self.structure = structure_of(prior.covariance_type, d)
        kind = self.structure.kind
        self.shared_kind: Kind | None = kind if prior.tied else None
        self.score_kind: Kind = "linear" if prior.tied else kind
        self.stat_kind: Kind = self.score_kind
        self.n_features = n_features(self.stat_kind, d)
        self.n_shared = n_features(self.shared_kind, d) if self.shared_kind else 0
        self.fixed_means = _fixed_means(fixed_means, d)
        self._known = self._known_precisions(fixed_covariances)
        scale = np.asarray(prior.scale)[None]
        self._prior_precisions = Precisions(np.array([prior.dof]), self.structure.factor(scale))

    def _known_precisions(self, covariances: Array | float | None) -> Precisions | None:
        if covariances is None:
            return None
        stack = np.array(covariances, dtype=np.float64)
        stack = stack[None] if self.prior.tied else np.atleast_1d(stack)
        shape = covariance_shape(self.prior.covariance_type, len(stack), self.structure.d)
        if (stack.shape[1:] if self.prior.tied else stack.shape) != shape:
            raise ValueError(
                f"fixed_covariances must have the shape of covariances_, {shape}; "
                f"got {np.shape(covariances)}"
            )
        try:
            factor = self.structure.factor(stack)
        except ImpossibleStatisticsError as error:
            raise ValueError(f"fixed_covariances must be positive definite: {error}") from None
        return Precisions(np.full(len(stack), np.inf), factor)

    # -- posterior ----------------------------------------------------------------------------

    def update(self, suff: Array, shared: Array | None = None) -> GaussianPosterior:
        """Posterior of all components from their statistics (PRML 10.60 to 10.63).

        Parameters
        ----------
        suff : (K, n_features)
            sum_n w_n r_nk features(z_n).
        shared : (n_shared,), optional
            sum_n w_n features(z_n) of the shared kind; needed by tied types.

        Raises
        ------
        ImpossibleStatisticsError
            Negative counts, or a scale that is not positive definite, beyond rounding.
        """
        suff = self._cleaned(suff)
        if self.prior.tied:
            if shared is None:
                raise ValueError("tied covariances need the shared statistics")
            shared = np.array(shared, dtype=np.float64)
        prior, structure, d = self.prior, self.structure, self.structure.d
        counts, first = suff[:, 0], suff[:, 1 : 1 + d]
        held = counts > 0.0
        origin = prior.mean if self.fixed_means is None else self.fixed_means
        own = np.where(held[:, None], first, origin) / np.where(held, counts, 1.0)[:, None]
        if self.fixed_means is None:
            mean_precision = prior.mean_precision + counts
            share = counts / mean_precision
            means = prior.mean + share[:, None] * (own - prior.mean)
            pull = prior.mean_precision * share
        else:
            mean_precision, means, pull = np.full(len(counts), np.inf), self.fixed_means, counts
        # Scatter about the components' own means, then about the prior's: both symmetric, so
        # nothing cancels but the distance of the components from the origin.
        centred = counts[:, None] * structure.outer(own)
        pulled = pull[:, None] * structure.outer(own - origin)
        if shared is None:
            within = suff[:, 1 + d :] - centred
        else:
            within = shared[None, 1 + d :] - centred.sum(axis=0)
            pulled = pulled.sum(axis=0, keepdims=True)
        scatter = within + pulled
        if self._known is not None:
            if len(self._known.dof) not in (1, len(counts)):
                raise ValueError(
                    f"fixed_covariances hold {len(self._known.dof)} components, the statistics "
                    f"{len(counts)}"
                )
            precisions = self._known
        else:
            scale0 = self._prior_precisions.factor.scale
            weight = counts if shared is None else shared[:1]
            try:
                factor = structure.factor(scale0 + structure.scale(scatter))
            except ImpossibleStatisticsError:
                change = self._repair(within, suff, shared)
                scatter = scatter + change
                factor = structure.factor(scale0 + structure.scale(scatter))
            precisions = Precisions(prior.dof + weight, factor)
        return GaussianPosterior(
            covariance_type=prior.covariance_type,
            structure=structure,
            mean_precision=mean_precision,
            means=means,
            precisions=precisions,
            suff=suff,
            shared=shared,
            scatter=scatter,
        )

    def _cleaned(self, suff: Array) -> Array:
        """A copy in which empty components hold exactly nothing."""
        suff = np.array(suff, dtype=np.float64)
        if not np.isfinite(suff).all():
            raise ImpossibleStatisticsError("statistics are not finite")
        counts = suff[:, 0]
        rounding = EMPTY * np.abs(counts).sum()
        if (counts < -rounding).any():
            raise ImpossibleStatisticsError(
                f"component {counts.argmin()} has count {counts.min():.3g}"
            )
        suff[counts <= rounding] = 0.0
        return suff

    def _repair(self, within: Array, suff: Array, shared: Array | None) -> Array:
        """Undo rounding in scatters that made a scale indefinite.

        Writes the change into the statistics as well, so that the bound stays exact.
        """
        structure, d = self.structure, self.structure.d
        moments = (suff if shared is None else shared[None])[:, 1 + d :]
        change, size = structure.clip(within)
        if (size > ROUNDING * np.maximum(structure.trace(moments), 0.0)).any():
            raise ImpossibleStatisticsError("a scatter is not positive semi-definite")
        moments += change  # a view
        return change

    # -- expectations -------------------------------------------------------------------------

    def expected_natural(self, posterior: GaussianPosterior) -> tuple[Array, Array]:
        """(eta (K, F), eta_shared (G,) or empty): E[ln p(z | k)] in features (PRML 10.64)."""
        structure, precisions, d = self.structure, posterior.precisions, self.structure.d
        log_det = (
            -precisions.factor.log_det
            if precisions.known
            else structure.expected_log_det(precisions.dof, precisions.factor.log_det)
        )
        own = d / posterior.mean_precision
        common = d * LOG_2PI - log_det
        matrix = precisions.expected(structure)
        if not self.prior.tied:
            return -0.5 * quadratic_form(structure, matrix, posterior.means, own + common), (
                np.empty(0)
            )
        linear = structure.times(matrix, posterior.means)
        constant = own + (linear * posterior.means).sum(axis=1)
        eta = np.concatenate([-0.5 * constant[:, None], linear], axis=1)
        quadratic = structure.coefficients(matrix)[0]
        return eta, -0.5 * np.concatenate([common, np.zeros(d), quadratic])

    def log_normaliser(self, posterior: GaussianPosterior) -> float:
        """Sum over components of ln Z(posterior) - ln Z(prior) and the base measure, in nats."""
        structure, precisions, d = self.structure, posterior.precisions, self.structure.d
        counts = posterior.counts if posterior.shared is None else posterior.shared[:1]
        total = -0.5 * d * LOG_2PI * counts.sum()
        if self.fixed_means is None:
            ratio = posterior.mean_precision / self.prior.mean_precision
            total -= 0.5 * d * np.log(ratio).sum()
        factor = precisions.factor
        if precisions.known:
            total -= 0.5 * (counts * factor.log_det).sum()
            total -= 0.5 * (structure.coefficients(factor.inverse) * posterior.scatter).sum()
        else:
            prior = self._prior_precisions
            log_z = structure.log_normaliser(precisions.dof, factor.log_det)
            total += (log_z - structure.log_normaliser(prior.dof, prior.factor.log_det)).sum()
        return float(total)

    def predictive(self, posterior: GaussianPosterior) -> Predictive:
        """Densities of a new row: of each component, and of one that has seen no data.

        Constants given for the K components are theirs alone: the fresh one has the prior's mean
        and precision (tied types: the covariance that all components share, known or not).
        """
        fresh = posterior.precisions if self.prior.tied else self._prior_precisions
        b0, m0 = np.array([self.prior.mean_precision]), self.prior.mean[None]
        return Predictive(
            predictive_terms(
                self.structure, posterior.precisions, posterior.mean_precision, posterior.means
            ),
            predictive_terms(self.structure, fresh, b0, m0),
        )


def _fixed_means(means: Array | None, d: int) -> Array | None:
    if means is None:
        return None
    means = np.array(means, dtype=np.float64)
    if means.ndim != 2 or means.shape[1] != d or not np.isfinite(means).all():
        raise ValueError(f"fixed_means must be finite and of shape (K, {d}); got {means.shape}")
    return means

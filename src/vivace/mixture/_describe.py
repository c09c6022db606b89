"""What can be asked of a fitted mixture without data: draws, intervals, a smaller model, a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from vivace.engine import Fit, Statistics, single_threaded_blas
from vivace.mixture._attributes import in_use
from vivace.mixture._parameters import MATRIX_TYPES, SPHERICAL_TYPES
from vivace.mixture._prune import merge_by_bound, merge_into, parameters_of_kept
from vivace.mixture._record import from_record, to_record
from vivace.mixture._state import Fitted, model_of, shape_of_fit
from vivace.mixture._validation import check_n_samples
from vivace.models.incomplete import IncompleteModel

if TYPE_CHECKING:
    from vivace.mixture._intervals import CredibleIntervals


class SavedMixin:
    """Storing a fitted mixture."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file that runs no code when it is loaded.

        `vivace.load` reads it; the model comes back bit for bit. The file holds parameters, prior
        and statistics, never the data.

        Parameters
        ----------
        path : str or path-like
            Destination; an existing file is replaced only when all is written.
        """
        from vivace.io import save_model

        check_is_fitted(self)
        save_model(self, path)


class DescribeMixin(SavedMixin):
    """Methods of a fitted Gaussian mixture that need no data."""

    _fitted: Fitted

    def sample(self, n_samples: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draw rows from the mixture with the posterior's mean parameters.

        The components are drawn by `weights_` (the mass beyond the K components takes no part) and
        rows from normal distributions with `means_` and `covariances_`, all in float64. These are
        plug-in draws: those of the posterior predictive density have heavier tails.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows, in the order of their components.
        y : ndarray of shape (n_samples,)
            Component of each row.
        """
        check_is_fitted(self)
        check_n_samples(n_samples)
        model, posterior = self._fitted.model, self._fitted.fit.posterior
        gaussian = posterior.gaussian
        rng = check_random_state(self.random_state)  # type: ignore[attr-defined]
        mean = model.weight_model.mean(posterior.counts)
        drawn = rng.multinomial(n_samples, mean / mean.sum())
        labels = np.repeat(np.arange(len(mean)), drawn)
        z = rng.standard_normal((n_samples, gaussian.means.shape[1]))
        covariances, kind = np.asarray(gaussian.covariances), gaussian.covariance_type
        if kind in MATRIX_TYPES:
            factors = np.linalg.cholesky(covariances)
            for k in np.flatnonzero(drawn):
                rows = labels == k
                z[rows] = z[rows] @ (factors if kind == "tied" else factors[k]).T
        else:
            spread = np.sqrt(covariances)
            if not kind.startswith("tied"):
                spread = spread[labels]
            z *= spread[:, np.newaxis] if kind in SPHERICAL_TYPES and spread.ndim else spread
        return model.scaling.from_z(gaussian.means[labels] + z), labels

    def credible_interval(self, level: float = 0.95) -> CredibleIntervals:
        """Equal-tailed credible intervals of weights, means and variances.

        The posterior is an approximation (mean field): its intervals tend to be too narrow.
        Means have Student-t marginals and variances inverse-Gamma ones; Dirichlet weights have
        Beta marginals, stick-breaking weights have no closed form and are drawn 10,000 times from
        a fixed seed.

        Parameters
        ----------
        level : float, default=0.95
            Posterior mass inside, between 0 and 1.

        Returns
        -------
        intervals : CredibleIntervals
            Fields `weights` (2, n_components), `means` (2, n_components, n_features) and
            `variances` (2, ...), the diagonals of `covariances_`; the first axis is
            (lower, upper). float64, in the data's units. Known parameters have intervals of
            length zero.
        """
        from vivace.mixture._intervals import check_level, credible_intervals

        check_is_fitted(self)
        check_level(level)
        return credible_intervals(self._fitted.model, self._fitted.fit.posterior, float(level))

    def prune(self) -> Self:
        """Return a smaller mixture without the components that hold nothing.

        Components with no more than half a row (see `n_effective_components_`) are dropped; the
        fractions of rows that they hold go to the component that explains them best, and the
        posterior is made again from the statistics. No data are needed.

        Returns
        -------
        pruned : estimator
            Fitted, with n_components = n_effective_components_ (at least 1) and the same prior for
            each component. `lower_bound_` is the bound of the smaller model on the same data: its
            entropy is a lower estimate (exact where the dropped components held nothing at all),
            so that the true bound is never below it. Trace, `n_iter_` and `converged_` are those
            of the fit.
        """
        check_is_fitted(self)
        fitted = self._fitted
        fit = fitted.fit
        counts = fit.posterior.counts
        kept = in_use(counts, fitted.row_weight)
        kept[counts.argmax()] = True
        old = self.get_params(deep=False)  # type: ignore[attr-defined]
        parameters = parameters_of_kept(old, kept, fitted.prior.weight_concentration)
        pruned: Any = clone(self).set_params(**parameters)
        for name in ("n_features_in_", "feature_names_in_", "_about"):
            if hasattr(self, name):
                setattr(pruned, name, getattr(self, name))
        model: Any = model_of(parameters, fitted.prior, fitted.model.scaling, fitted.model.single)

        def bound(statistics: Statistics) -> float:
            return float(model.elbo(model.global_step(statistics, None), statistics))

        with single_threaded_blas():
            if isinstance(model, IncompleteModel):
                statistics = merge_by_bound(fit.statistics, kept, bound)
            else:
                statistics = merge_into(fit.statistics, fit.posterior.eta, kept)
            posterior: Any = model.global_step(statistics, None)
            elbo = float(model.elbo(posterior, statistics))
        shape = shape_of_fit(parameters, len(fitted.prior.mean))
        state = Fit(
            posterior, statistics, elbo, list(fit.trace), fit.n_iter, fit.converged, step=fit.step
        )
        pruned._set_fitted(
            Fitted(model, fitted.prior, state, fitted.row_weight, shape, seen=fitted.seen)
        )
        result: Self = pruned
        return result

    def _to_record(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        check_is_fitted(self)
        return to_record(self)

    @classmethod
    def _from_record(
        cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]], trusted: tuple[str, ...] = ()
    ) -> Self:
        # No family of a user's own can be in it, whatever is trusted.
        estimator: Self = from_record(cls, meta, arrays)
        return estimator

"""What can be asked of a mixture over a table: draws, intervals, a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from vivace.engine import Fit, Statistics, single_threaded_blas
from vivace.mixture._assign import report
from vivace.mixture._attributes import in_use
from vivace.mixture._describe import SavedMixin
from vivace.mixture._parts import make_table_model
from vivace.mixture._prune import merge_by_bound
from vivace.mixture._state import Fitted
from vivace.mixture._table_fit import shape_of_table
from vivace.mixture._validation import check_n_samples

if TYPE_CHECKING:
    from vivace.mixture._table_intervals import TableCredibleIntervals


class TableDescribeMixin(SavedMixin):
    """Methods of a fitted mixture over a table that need no data."""

    _fitted: Fitted

    def _report(self, fitted: Fitted, names: list[str] | None) -> dict[str, list[Any]]:
        return report(fitted.prior.assignments, names)

    def sample(self, n_samples: int = 1) -> tuple[Any, NDArray[np.int64]]:
        """Draw rows from the posterior predictive distribution.

        The components are drawn by `weights_` (the mass beyond the K components takes no part).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            Rows, in the order of their components: numbers, or a pandas DataFrame where columns
            have names or levels.
        y : ndarray of shape (n_samples,)
            Component of each row.
        """
        check_is_fitted(self)
        check_n_samples(n_samples)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)  # type: ignore[attr-defined]
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(n_samples, self.weights_)  # type: ignore[attr-defined]
        labels = np.repeat(np.arange(len(drawn)), drawn)
        return self._frame(self._draw(labels, rng)), labels

    def credible_interval(self, level: float = 0.95) -> TableCredibleIntervals:
        """Equal-tailed credible intervals of weights and of every column's parameters.

        The posterior is an approximation (mean field): its intervals tend to be too narrow.
        Probabilities have Beta marginals, rates Gamma ones, means Student-t, variances
        inverse-Gamma; stick-breaking weights have no closed form and are drawn 10,000 times from a
        fixed seed. `profiles` tabulates the same for the components in use.

        Parameters
        ----------
        level : float, default=0.95
            Posterior mass inside, between 0 and 1.

        Returns
        -------
        intervals : TableCredibleIntervals
            Fields `weights` (2, n_components) and `parameters`, by column and parameter arrays of
            shape (2, n_components), as in ``intervals.parameters["visits"]["rate"]``; the first
            axis is (lower, upper).
        """
        from vivace.mixture._intervals import check_level
        from vivace.mixture._table_intervals import table_intervals

        check_is_fitted(self)
        check_level(level)
        names = getattr(self, "feature_names_in_", None)
        return table_intervals(self._fitted, float(level), names)

    def prune(self) -> Self:
        """Return a smaller mixture without the components that hold nothing.

        Components with no more than half a row (see `n_effective_components_`) are dropped; the
        fractions of rows that they hold go to the component where the bound is then highest, and
        the posterior is made again from the statistics. No data are needed.

        Returns
        -------
        pruned : estimator
            Fitted, with n_components = n_effective_components_ (at least 1) and the same prior for
            each component. Its `lower_bound_` is never above the true one: the entropy of merged
            fractions is a lower estimate.
        """
        check_is_fitted(self)
        fitted = self._fitted
        fit, prior = fitted.fit, fitted.prior
        kept = in_use(fit.posterior.counts, fitted.row_weight)
        kept[fit.posterior.counts.argmax()] = True
        pruned: Any = clone(self).set_params(
            n_components=int(np.count_nonzero(kept)),
            weight_concentration_prior=prior.weight_concentration,
        )
        for name in ("n_features_in_", "feature_names_in_", "_about"):
            if hasattr(self, name):
                setattr(pruned, name, getattr(self, name))
        parameters = pruned.get_params(deep=False)
        model = make_table_model(parameters, prior)
        model.entries_per_row = fitted.model.entries_per_row

        def bound(statistics: Statistics) -> float:
            return model.elbo(model.global_step(statistics, None), statistics)

        with single_threaded_blas():
            statistics = merge_by_bound(fit.statistics, kept, bound)
            posterior = model.global_step(statistics, None)
            elbo = model.elbo(posterior, statistics)
        state = Fit(
            posterior, statistics, elbo, list(fit.trace), fit.n_iter, fit.converged, step=fit.step
        )
        shape = shape_of_table(parameters, prior.assignments)
        pruned._set_fitted(Fitted(model, prior, state, fitted.row_weight, shape, seen=fitted.seen))
        result: Self = pruned
        return result

    def _draw(self, labels: NDArray[np.intp], rng: np.random.Generator) -> list[NDArray[Any]]:
        """One array a column of X, from the predictive of the components `labels`."""
        model, posterior = self._fitted.model, self._fitted.fit.posterior
        columns: list[Any] = [None] * self.n_features_in_  # type: ignore[attr-defined]
        for part, own, one in zip(
            model.parts, posterior.parts, self._fitted.prior.assignments, strict=True
        ):
            found = part.draw(own, labels, rng)
            for i, j in enumerate(one.columns):
                columns[j] = self._restored(found[:, i], one, i)
        return columns

    def _restored(self, values: NDArray[Any], one: Any, i: int) -> NDArray[Any]:
        """Codes as levels."""
        if not one.family.levels:
            return values
        levels = np.array(one.levels[i])
        return np.asarray(levels[values.astype(np.int64)])

    def _frame(self, columns: list[NDArray[Any]]) -> Any:
        """A DataFrame where columns have names or are not all numbers, else an array."""
        names = getattr(self, "feature_names_in_", None)
        if names is None and all(column.dtype.kind in "fiub" for column in columns):
            return np.column_stack([column.astype(np.float64) for column in columns])
        try:
            import pandas as pd
        except ImportError:
            out = np.empty((len(columns[0]), len(columns)), dtype=object)
            for j, column in enumerate(columns):
                out[:, j] = column
            return out
        labels = range(len(columns)) if names is None else names
        return pd.DataFrame(dict(zip(labels, columns, strict=True)))

    def _to_record(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        from vivace.mixture._table_record import to_record

        check_is_fitted(self)
        return to_record(self)

    @classmethod
    def _from_record(
        cls,
        meta: dict[str, Any],
        arrays: dict[str, NDArray[Any]],
        trusted: tuple[str, ...] = (),
    ) -> Self:
        from vivace.mixture._table_record import from_record

        estimator: Self = from_record(cls, meta, arrays, trusted)
        return estimator

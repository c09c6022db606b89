"""What mixtures share as estimators: fit, fit_predict, partial_fit, and how they keep a fit."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, DensityMixin, _fit_context
from sklearn.utils.metadata_routing import UNUSED

from vivace.engine import ThreadExecutor, as_checkpoint, open_job
from vivace.estimators.about import Stopwatch
from vivace.estimators.callbacks import CallbackSupportMixin, check_callbacks
from vivace.estimators.jobs import identity_of
from vivace.mixture._fitting import Setup, fit_rows, warn_of_convergence
from vivace.mixture._predict import RowsMixin
from vivace.mixture._state import Fitted, make_executor

# Attributes of a fit that held rows out.
_HELD_OUT = {"validation_trace_", "best_iter_"}


class MixtureBase(
    CallbackSupportMixin,  # type: ignore[misc]
    DensityMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Fits, and keeps what was fitted. An estimator gives the methods that raise here."""

    _labels = RowsMixin._labels
    _fitted: Fitted
    # A list of functions is no metadata that other estimators could route.
    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "callbacks": UNUSED,
        "checkpoint": UNUSED,
    }

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        resp_init: Any = None,
        callbacks: Any = None,
        checkpoint: Any = None,
    ) -> Self:
        """Fit the mixture, `n_init` times, and keep the best fit.

        That is the one with the highest bound or, with `validation_fraction`, the best score.

        Ctrl-C stops within a block's work: the best state so far becomes the fitted one, with
        `converged_` False, and KeyboardInterrupt goes on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows: at least two, and as many as components. Memory maps and any memory order are
            read block by block. Or files, which may be larger than memory: a name, a pattern of
            names, a folder or a list of `pathlib.Path` (Parquet, Arrow, Feather, text), a
            pyarrow.dataset, a function that makes blocks of rows, or what `vivace.io.open_table`
            (mixed columns: `vivace.io.open_frame`) returns.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights count rows: 2 is the row twice, 0 the row left out. They are not normalised.
        resp_init : array-like of shape (n_samples, n_components), default=None
            Starting responsibilities; rows sum to 1. Goes before `means_init` and `init_params`.
        callbacks : callable or list of callables, default=None
            Each is called after every iteration with a Progress (n_iter, elbo, accepted, elapsed,
            max_iter, held_out) and may return True to stop. scikit-learn's own go to
            `set_callbacks`.
        checkpoint : vivace.Checkpoint, str or path-like, default=None
            Where the state of the fit is stored, so that it can be killed and go on. A folder is
            short for ``Checkpoint(folder, resume=True)``.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError, TypeError
            Data, weights or parameters that cannot be used; the message says what and the remedy.

        Warns
        -----
        ConvergenceWarning
            The best initialisation did not converge in `max_iter` iterations.
        """
        self._fit(X, y, sample_weight, resp_init, callbacks, checkpoint)
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit_predict(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        resp_init: Any = None,
        callbacks: Any = None,
    ) -> NDArray[np.int64]:
        """Fit, then label the same rows: `fit(X).predict(X)`.

        Parameters
        ----------
        X, y, sample_weight, resp_init, callbacks
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Component with the largest responsibility for each row.
        """
        return self._labels(self._fit(X, y, sample_weight, resp_init, callbacks))

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Take in one batch of rows by a stochastic step.

        The first call fixes coordinates and default priors from its batch, which must have more
        rows than columns and as many as components; give `mean_prior` and `covariance_prior`
        (recommended), and nothing depends on how the rows are cut. Step t = 0, 1, ... weighs
        (t + learning_offset) ** -learning_decay, each batch scaled to `total_samples`, or to the
        rows seen so far. After `fit` it goes on from there, with t at the number of such batches
        in the fitted rows; `fit` after it starts afresh. `lower_bound_` is then an estimate: the
        bound of the running statistics.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the batch.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.

        Returns
        -------
        self : object
            The estimator.
        """
        watch = Stopwatch()
        self._set_fitted(self._take_in(X, sample_weight))
        seen = {"n_columns": self.n_features_in_, "weight": float(self._fitted.seen)}
        self._about = watch.about_more(getattr(self, "_about", None), **seen)
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        resp_init: Any,
        callbacks: Any,
        checkpoint: Any = None,
    ) -> Any:
        watching, checkpoint = check_callbacks(callbacks), as_checkpoint(checkpoint)
        watch = Stopwatch(checkpoint)
        with open_job(checkpoint, lambda: identity_of(self, resp_init=resp_init)) as job:
            rows = self._rows_of_fit(X, sample_weight)
            with make_executor(self.n_jobs, rows.n_rows) as executor:
                outcome = fit_rows(self, rows, y, resp_init, watching, executor, self._state, job)
        self._set_fitted(outcome.fitted)
        fitted_rows = outcome.rows
        weight = float(fitted_rows.total_weight)
        held_out = rows.n_rows - fitted_rows.n_rows
        more = {"n_held_out": held_out} if held_out else {}
        self._about = watch.about(
            fitted_rows.source,
            fitted_rows.n_rows,
            "rows",
            n_columns=self.n_features_in_,
            weight=weight,
            **more,
        )
        if outcome.interrupted is not None:
            raise outcome.interrupted
        outcome.observers.finish()
        if not (self.converged_ or outcome.stopped or self.max_iter == 0):
            warn_of_convergence(outcome.fitted, self.get_params(deep=False), fitted_rows)
        return rows

    def _rows_of_fit(self, X: Any, sample_weight: Any) -> Any:
        """Checked rows, enough of them; learns the columns."""
        raise NotImplementedError

    def _setup(self, rows: Any, resp_init: Any, executor: ThreadExecutor) -> Setup:
        """Prior and model."""
        raise NotImplementedError

    def _take_in(self, X: Any, sample_weight: Any) -> Fitted:
        """The state after one more batch."""
        raise NotImplementedError

    def _state(self, fitted: Fitted) -> dict[str, Any]:
        """Attributes of an estimator in this state."""
        fit = fitted.fit
        trace = np.array(fit.trace, dtype=np.float64)
        return {
            "lower_bound_": float(fit.elbo),
            "lower_bounds_": trace,
            "elbo_trace_": trace,
            "n_iter_": int(fit.n_iter),
            "converged_": bool(fit.converged),
            "_fitted": fitted,
            **({} if fitted.validation is None else fitted.validation.attributes()),
        }

    def _set_fitted(self, fitted: Fitted) -> None:
        kept = {name: value for name, value in vars(self).items() if name not in _HELD_OUT}
        # In one step: an interrupt finds the old fit or the new one.
        self.__dict__ = kept | self._state(fitted)

    def _score_held_out(self, fitted: Fitted, rows: Any) -> float:
        """Mean log predictive density of checked rows in a state of the fit."""
        probe = copy(self)
        probe._fitted = fitted
        return float(np.average(probe._log_density(rows), weights=rows.weights))

    def _check_held_out(self, rows: Any, positions: NDArray[np.int64], held: Any) -> None:
        """Check the values of `held`, the rows at some positions."""

    def _log_density(self, rows: Any) -> NDArray[np.float64]:
        """Log predictive density of each row."""
        raise NotImplementedError

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`."""
        return int(self._fitted.model.n_components)

    def __sklearn_tags__(self) -> Any:
        return super().__sklearn_tags__()

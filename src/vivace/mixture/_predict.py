"""What a fitted mixture says about rows, computed block by block in parallel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from vivace import _core
from vivace.engine import Block, Layout
from vivace.mixture._criteria import CriteriaMixin
from vivace.mixture._state import Fitted, make_executor
from vivace.mixture._validation import (
    Rows,
    check_range,
    check_rows,
    extremes_of_values,
    raise_not_finite,
    raise_too_far,
)
from vivace.models import predict
from vivace.models.incomplete import IncompleteModel
from vivace.models.mixed_predict import table_density

# Farther rows (in standard deviations of the fitted data) have squares that overflow in scores.
FARTHEST_ROW = 1e100
# Beyond this many standard deviations float32 scores are off by some 1e-3 nats and more: such rows
# are worked on in float64.
FARTHEST_SINGLE = 64.0


class RowsMixin(CriteriaMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin):  # type: ignore[misc]
    """Methods of any fitted mixture that take rows.

    scikit-learn wraps `transform` for `set_output` in the class that defines it, hence the bases.
    An estimator gives `_check`, `_each_block`, `_log_density` and `_n_parameters`.
    """

    _fitted: Fitted
    n_jobs: int | None

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Component with the largest responsibility for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            From 0 to n_components - 1; the lowest of equals.
        """
        return self._labels(self._check(X))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Responsibilities: the probability of each component for each row.

        Under the variational posterior, exp(E[ln weight] + E[ln density]) normalised over the
        n_components components, as in a local step of the fit: the mass beyond the components
        (`leftover_weight_`) takes no part.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        resp : ndarray of shape (n_samples, n_components)
            float32 for float32 rows; each row sums to 1.
        """
        rows = self._check(X)
        model = self._model_for(rows)
        out = np.empty((rows.n_rows, model.n_components), dtype=rows.dtype)
        prepared = model.prepare(self._fitted.fit.posterior)

        def write(block: Block, single: bool) -> None:
            exact = prepared if single else replace(prepared, single=False)
            predict.proba(model, exact, block, out[block.start : block.stop])

        self._each_block(rows, write)
        return out

    def transform(self, X: Any) -> NDArray[Any]:
        """Responsibilities, as `predict_proba` gives them, with names for `set_output`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        resp : ndarray of shape (n_samples, n_components)
            Columns are named after the class and numbered (`get_feature_names_out`).
        """
        return self.predict_proba(X)

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Log posterior predictive density of each row, in nats.

        The parameters are integrated out: a mixture of Student-t densities (of products of them
        for diagonal covariances), weighted by the posterior mean weights; the mass beyond the
        components goes to the density of a component that has seen no data. It integrates to 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            float64, per unit of volume in the data's units.
        """
        return self._log_density(self._check(X))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean of `score_samples`, weighted if asked for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        log_density : float
            Nats per unit of weight.
        """
        rows = self._check(X, sample_weight)
        return float(np.average(self._log_density(rows), weights=rows.weights))

    def _check(self, X: Any, sample_weight: Any = None) -> Any:
        """Checked rows."""
        raise NotImplementedError

    def _model_for(self, rows: Any) -> Any:
        """The fitted model, in a form that takes these rows."""
        return self._fitted.model

    def _each_block(self, rows: Any, function: Callable[[Block, bool], Any]) -> None:
        """Call `function` for each block of rows, in parallel."""
        raise NotImplementedError

    def _log_density(self, rows: Any) -> NDArray[np.float64]:
        """Log predictive density of each row."""
        raise NotImplementedError

    def _labels(self, rows: Any) -> NDArray[np.int64]:
        out = np.empty(rows.n_rows, dtype=np.int64)
        model = self._model_for(rows)
        prepared = model.prepare(self._fitted.fit.posterior)

        def write(block: Block, single: bool) -> None:
            exact = prepared if single else replace(prepared, single=False)
            out[block.start : block.stop] = predict.labels(model, exact, block)

        self._each_block(rows, write)
        return out


class PredictMixin(RowsMixin):
    """Methods of a fitted Gaussian mixture that take rows."""

    def _n_parameters(self) -> int:
        """Free parameters of the components in use."""
        gaussian = self._fitted.fit.posterior.gaussian
        k: int = self.n_effective_components_
        d = gaussian.means.shape[1]
        one = {"full": d * (d + 1) // 2, "diag": d, "spherical": 1}[gaussian.structure.kind]
        tied = gaussian.covariance_type.startswith("tied")
        free = max(k - 1, 0)
        if not gaussian.precisions.known:
            free += one if tied else k * one
        if not np.isinf(gaussian.mean_precision).any():
            free += k * d
        return free

    def _check(self, X: Any, sample_weight: Any = None) -> Rows:
        check_is_fitted(self)
        return check_rows(self, X, sample_weight, reset=False)

    def _log_density(self, rows: Rows) -> NDArray[np.float64]:
        out = np.empty(rows.n_rows)
        model = self._fitted.model
        if isinstance(model, IncompleteModel):
            table = table_density(model, self._fitted.fit.posterior)

            def fill(block: Block, _: bool) -> None:
                out[block.start : block.stop] = model.score_samples(table, block)

            self._each_block(rows, fill)
            return out
        density = predict.density(model, self._fitted.fit.posterior)

        def write(block: Block, single: bool) -> None:
            predict.score_samples(model, density, block, out[block.start : block.stop])

        self._each_block(rows, write)
        return out

    def _each_block(self, rows: Rows, function: Callable[[Block, bool], Any]) -> None:
        """Call `function` for each block of rows, in parallel, after a check of its values.

        Its second argument says whether the rows are near enough for float32 arithmetic.
        """
        model = self._fitted.model
        centre, inv_scale = model.scaling.centre, model.scaling.inv_scale
        layout = Layout(rows.n_rows, None, model.block_rows())

        def task(edges: tuple[int, int]) -> None:
            block = rows.source.read(*edges)
            if isinstance(model, IncompleteModel):
                check_range(self, *extremes_of_values(block.data))
                function(block, True)
                return
            sums = np.empty((4, len(centre)))
            bad = _core.column_sums(block.data, None, centre, sums)
            if bad >= 0:
                raise_not_finite(self, rows, block.start + bad)
            low, high = sums[2], sums[3]
            distance = float((np.maximum(centre - low, high - centre) * inv_scale).max())
            if distance > FARTHEST_ROW:
                check_range(self, low, high)
                raise_too_far(self, distance)
            function(block, model.single and distance < FARTHEST_SINGLE)

        with make_executor(self.n_jobs, rows.n_rows) as executor:
            executor.map(task, layout.blocks(layout.batches[0]))

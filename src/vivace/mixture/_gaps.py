"""Missing values in the Gaussian mixture: moments of columns with gaps, and filling them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.utils import check_random_state

from vivace.engine import Block, Layout, ThreadExecutor
from vivace.mixture._attributes import in_use
from vivace.mixture._moments import FAR, Moments, denominator, moment_blocks
from vivace.mixture._state import Fitted, make_executor
from vivace.mixture._validation import Rows, check_range, extremes_of_values
from vivace.models.mixed_predict import log_joint

Array = NDArray[np.float64]

#: Rows of a block of fillings, whose temporaries are n x d x K numbers.
FILL_NUMBERS = 1 << 21


def moments_with_gaps(estimator: Any, rows: Rows, executor: ThreadExecutor) -> Moments:
    """Column moments of the values that are there; rows without any get weight zero.

    Raises
    ------
    ValueError
        A column holds no value, or one whose square overflows.
    """
    shift = _first_values(rows)
    _drop_empty(rows)
    found = _column_sums(rows, executor, shift)
    if not (found.weight > 0.0).all():
        raise ValueError(
            f"column {int((found.weight > 0.0).argmin())} of X holds no value at all; leave it out"
        )
    check_range(estimator, found.low, found.high)
    mean, varies = shift + found.sums / found.weight, found.low < found.high
    if (varies & (found.sums**2 / found.weight > FAR**2 * found.about_mean)).any():
        found = _column_sums(rows, executor, mean)
    divisor = np.array([denominator(float(w)) for w in found.weight])
    variance = np.where(varies, found.about_mean / divisor, 0.0)
    return Moments(rows.total_weight, mean, variance, found.low, found.high)


def distance_with_gaps(
    estimator: Any, rows: Rows, executor: ThreadExecutor, centre: Array
) -> Array:
    """How far the columns' means lie from `centre`; rows without any value get weight zero.

    Raises
    ------
    ValueError
        No row holds anything, or a value's square overflows.
    """
    _drop_empty(rows)
    found = _column_sums(rows, executor, centre)
    check_range(estimator, found.low, found.high)
    return np.asarray(found.sums / np.where(found.weight > 0.0, found.weight, 1.0))


def _first_values(rows: Rows) -> Array:
    """Return a value of each column, 0 where it has none: sums of squares about it stay exact."""
    shift = np.full(rows.X.shape[1], np.nan)
    for edges in moment_blocks(rows):
        block = rows.source.read(*edges).data
        first = np.isfinite(block).argmax(axis=0)
        shift = np.where(np.isnan(shift), block[first, np.arange(len(shift))], shift)
        if np.isfinite(shift).all():
            break
    return np.where(np.isfinite(shift), shift, 0.0)


class _Sums(NamedTuple):
    """Sums over the values of each column, less a shift, and their extremes."""

    weight: Array
    sums: Array
    squares: Array
    low: Array
    high: Array

    @property
    def about_mean(self) -> Array:
        """Sums of squares about the means."""
        return np.maximum(self.squares - self.sums**2 / self.weight, 0.0)


def _column_sums(rows: Rows, executor: ThreadExecutor, shift: Array) -> _Sums:
    def one(edges: tuple[int, int]) -> tuple[Array, Array, Array, Array, Array]:
        block = rows.source.read(*edges)
        there = ~np.isnan(block.data)
        w = np.ones(len(there)) if block.weights is None else block.weights
        t = np.where(there, block.data.astype(np.float64) - shift, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = w @ there, w @ t, w @ (t * t)
        return (*sums, *extremes_of_values(block.data))

    found = [np.array(item) for item in zip(*executor.map(one, moment_blocks(rows)), strict=True)]
    weight, sums, squares = (item.sum(axis=0) for item in found[:3])
    return _Sums(weight, sums, squares, found[3].min(axis=0), found[4].max(axis=0))


def scatter_with_gaps(
    rows: Rows, executor: ThreadExecutor, centre: Array, inv_scale: Array
) -> Array:
    """sum_n w_n z_n z_n^T with gaps at z = 0."""

    def one(edges: tuple[int, int]) -> Array:
        block = rows.source.read(*edges)
        z = np.nan_to_num((block.data - centre) * inv_scale, nan=0.0)
        wz = z if block.weights is None else z * block.weights[:, None]
        return np.asarray(wz.T @ z)

    return np.asarray(np.sum(executor.map(one, moment_blocks(rows)), axis=0))


def _drop_empty(rows: Rows) -> None:
    """Give rows in which everything is missing weight zero."""
    empty = np.concatenate(
        [np.isnan(rows.source.read(*edges).data).all(axis=1) for edges in moment_blocks(rows)]
    )
    if empty.all():
        raise ValueError("X holds no value at all: every row is NaN throughout; leave it out")
    if empty.any():
        weights = np.ones(rows.n_rows) if rows.weights is None else rows.weights.copy()
        weights[empty] = 0.0
        rows.set_weights(weights)


class GapsMixin:
    """Filling gaps of rows by a Gaussian mixture with missing='marginalize'."""

    _fitted: Fitted
    n_jobs: int | None
    random_state: Any

    def impute(self, X: Any, return_std: bool = False) -> Any:
        """Fill gaps with the mean of the posterior predictive given the row's other values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows with NaN for what is missing; `missing` must be 'marginalize'.
        return_std : bool, default=False
            Also return standard deviations, zero where nothing was missing.

        Returns
        -------
        filled : ndarray of shape (n_samples, n_features)
            float64.
        std : ndarray of shape (n_samples, n_features)
            If `return_std`.
        """
        rows = self._rows_with_gaps(X)
        filled, spread = np.empty(rows.X.shape), np.zeros(rows.X.shape)
        posterior, model = self._fitted.fit.posterior, self._fitted.model

        def work(block: Block) -> None:
            x = np.asarray(block.data, dtype=np.float64)
            at = slice(block.start, block.stop)
            filled[at] = x
            lost = np.isnan(x)
            some = np.flatnonzero(lost.any(axis=1))
            if not len(some):
                return
            r = self._shares(block, x[some])
            mean, variance = model.conditional(posterior, x[some])
            held = (r > 0.0)[:, None, :]
            mean, variance = np.where(held, mean, 0.0), np.where(held, variance, 0.0)
            centre = np.einsum("nk,ndk->nd", r, mean)
            second = np.einsum("nk,ndk->nd", r, variance + mean**2)
            filled[at][some] = np.where(lost[some], centre, x[some])
            std = np.sqrt(np.maximum(second - centre**2, 0.0))
            spread[at][some] = np.where(lost[some], std, 0.0)

        self._each(rows, work)
        return (filled, spread) if return_std else filled

    def sample_missing(self, X: Any, random_state: Any = None) -> Array:
        """Fill gaps by draws from the posterior predictive (multiple imputation).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows with NaN for what is missing; `missing` must be 'marginalize'.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws; the estimator's if None.

        Returns
        -------
        filled : ndarray of shape (n_samples, n_features)
            float64.
        """
        rows = self._rows_with_gaps(X)
        given = self.random_state if random_state is None else random_state
        seed = int(check_random_state(given).randint(np.iinfo(np.int32).max))
        filled = np.empty(rows.X.shape)
        posterior, model = self._fitted.fit.posterior, self._fitted.model

        def work(block: Block) -> None:
            x = np.asarray(block.data, dtype=np.float64)
            at = slice(block.start, block.stop)
            filled[at] = x
            some = np.flatnonzero(np.isnan(x).any(axis=1))
            if not len(some):
                return
            rng = np.random.default_rng([seed, block.start])
            cumulated = np.cumsum(self._shares(block, x[some]), axis=1)
            labels = (rng.random(len(some))[:, None] > cumulated).sum(axis=1)
            labels = np.minimum(labels, cumulated.shape[1] - 1)
            drawn = model.parts[0].draw_given(posterior.gaussian, x[some], labels, rng)
            filled[at][some] = np.where(np.isnan(x[some]), drawn, x[some])

        self._each(rows, work)
        return filled

    def _rows_with_gaps(self, X: Any) -> Rows:
        rows: Rows = self._check(X)  # type: ignore[attr-defined]
        if not hasattr(self._fitted.model, "conditional"):
            raise ValueError(
                "the mixture was fitted with missing='error', which knows no gaps. Fit with "
                "missing='marginalize'"
            )
        return rows

    def _shares(self, block: Block, x: Array) -> Array:
        """p(component in use | what is there), (n, K)."""
        fitted = self._fitted
        posterior, model = fitted.fit.posterior, fitted.model
        scores = log_joint(model, posterior.parts, Block((x,), None, 0, len(x)))
        scores = scores + model.weight_model.log_mean(posterior.counts)[:-1]
        used = in_use(posterior.counts, fitted.row_weight)
        used[posterior.counts.argmax()] = True
        scores[:, ~used] = -np.inf
        return np.asarray(np.exp(log_softmax(scores, axis=1)))

    def _each(self, rows: Rows, work: Any) -> None:
        size = FILL_NUMBERS // (self._fitted.model.n_components * rows.X.shape[1])
        layout = Layout(rows.n_rows, None, int(np.clip(size, 64, 8192)))
        with make_executor(self.n_jobs, rows.n_rows) as executor:
            executor.map(
                lambda edges: work(rows.source.read(*edges)), layout.blocks(layout.batches[0])
            )

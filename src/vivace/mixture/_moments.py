"""First and second moments of the columns, summed block by block with the checks of the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import Block, Layout, Statistics, ThreadExecutor
from vivace.mixture._validation import Rows, check_range, raise_not_finite
from vivace.models.scaling import Scaling

Array = NDArray[np.float64]

# One block of these passes reads about 4 MB, so that a thread works on it for a millisecond or so.
_BLOCK_BYTES = 4 << 20
# Sums are made about the first row. Where a column's mean lies this many standard deviations from
# it, they are made again about the mean: else more than 4 digits of the variance would be lost.
FAR = 100.0
# A float32 column is too coarse when one step of its numbers exceeds this part of its standard
# deviation: the variance is then blurred by step^2 / 12, about one part in ten thousand, and the
# rounding of the subtraction adds as much again in every component that is narrower.
COARSEST_STEP = 0.03
# A constant float32 column may be a rounded one; below this magnitude its steps are under 0.008.
LARGEST_CONSTANT = 65536.0
# A batch whose mean lies this many scales from the centre of fixed coordinates: squares about the
# centre keep 16 - 2 x 6 = 4 digits of its variance.
FARTHEST_BATCH = 1e6


@dataclass(frozen=True)
class Moments:
    """Weighted moments of the columns.

    Attributes
    ----------
    weight : float
        Sum of the weights.
    mean : ndarray of shape (n_features,)
        Weighted means, in the data's units.
    variance : ndarray of shape (n_features,)
        Weighted sums of squares about the mean over `denominator`; 0 exactly for a constant column.
    low, high : ndarray of shape (n_features,)
        Extremes, rows of weight zero included.
    """

    weight: float
    mean: Array
    variance: Array
    low: Array
    high: Array

    @property
    def denominator(self) -> float:
        """What sums of squares are divided by."""
        return denominator(self.weight)

    @property
    def fingerprint(self) -> tuple[bytes, ...]:
        """Equal for equal data; used to recognise the data of the previous fit."""
        return (
            np.float64(self.weight).tobytes(),
            self.mean.tobytes(),
            self.variance.tobytes(),
            self.low.tobytes(),
            self.high.tobytes(),
        )


def denominator(weight: float) -> float:
    """Weights count rows: W - 1 as for W rows, but never less than W / 2.

    The second form takes over below W = 2 (both are 1 there), so that weights that sum to 1 or less
    still give a positive variance: at most twice the population's.
    """
    return max(weight - 1.0, 0.5 * weight)


def column_moments(estimator: Any, rows: Rows, executor: ThreadExecutor) -> Moments:
    """Sum the columns' moments and check that every value can be worked with.

    Raises
    ------
    ValueError
        A value is not finite or has a square that overflows, a column's spread is so small that
        its square underflows, or a float32 column is too coarse for its spread.
    """
    if estimator.missing == "marginalize":
        from vivace.mixture._gaps import moments_with_gaps

        moments = moments_with_gaps(estimator, rows, executor)
    else:
        moments = _moments_of_complete(estimator, rows, executor)
    _check_spread(estimator, moments, rows.n_weighted == rows.n_rows)
    if rows.dtype == np.float32:
        _check_float32(moments)
    return moments


def _moments_of_complete(estimator: Any, rows: Rows, executor: ThreadExecutor) -> Moments:
    weight = rows.total_weight
    first = 0 if rows.weights is None else int(np.argmax(rows.weights > 0))
    shift = np.array(rows.X[first], dtype=np.float64)
    if not np.isfinite(shift).all():
        raise_not_finite(estimator, rows, first)
    check_range(estimator, shift, shift)
    sums, squares, low, high = _sums(estimator, rows, executor, shift)
    mean = shift + sums / weight
    about_mean = np.maximum(squares - sums**2 / weight, 0.0)
    constant = squares == 0.0  # about the first row the squares of a constant column are exact
    far = sums**2 / weight > FAR**2 * about_mean
    if np.any(far & ~constant):
        sums, squares, low, high = _sums(estimator, rows, executor, mean)
        about_mean = np.maximum(squares - sums**2 / weight, 0.0)
        about_mean[constant] = 0.0
    return Moments(weight, mean, about_mean / denominator(weight), low, high)


def check_batch(estimator: Any, rows: Rows, executor: ThreadExecutor, scaling: Scaling) -> None:
    """Check a batch against coordinates that are fixed already.

    Raises
    ------
    ValueError
        A value is not finite or cannot be squared, the batch lies so far from the centre that
        sums of squares about it would lose the digits of its covariance, or its float32 numbers
        are too coarse for the scale.
    """
    if estimator.missing == "marginalize":
        from vivace.mixture._gaps import distance_with_gaps

        distance = distance_with_gaps(estimator, rows, executor, scaling.centre)
    else:
        distance = _sums(estimator, rows, executor, scaling.centre)[0] / rows.total_weight
    lost = np.abs(distance) > FARTHEST_BATCH * scaling.scale
    if lost.any():
        k = int(np.argmax(lost))
        centre, scale = scaling.centre[k], scaling.scale[k]
        raise ValueError(
            f"Column {k} of this batch has mean {centre + distance[k]:g}, more than "
            f"{FARTHEST_BATCH:g} times the scale {scale:.3g} away from {centre:g}, where the first "
            "batch or the priors put the data: its covariance would be lost to rounding. Give "
            "mean_prior and covariance_prior of the data's location and scale."
        )
    if rows.dtype == np.float32:
        mean = scaling.centre + distance
        _check_float32(Moments(rows.total_weight, mean, scaling.scale**2, mean, mean))


def _sums(
    estimator: Any, rows: Rows, executor: ThreadExecutor, shift: Array
) -> tuple[Array, Array, Array, Array]:
    """Return sum w (x - shift), sum w (x - shift)^2, min and max of the columns."""
    n_features = rows.X.shape[1]

    def one(block: tuple[int, int]) -> tuple[Statistics, tuple[Array, int]]:
        data = rows.source.read(*block)
        out = np.empty((4, n_features))
        bad = _core.column_sums(data.data, data.weights, shift, out)
        return Statistics({"sums": out[:2].copy()}, {"sums": None}), (out[2:], bad + data.start)

    total, extremes = executor.map_reduce(one, moment_blocks(rows))
    for (_, bad), (start, _) in zip(extremes, moment_blocks(rows), strict=True):
        if bad >= start:
            raise_not_finite(estimator, rows, bad)
    low = np.min([extreme[0] for extreme, _ in extremes], axis=0)
    high = np.max([extreme[1] for extreme, _ in extremes], axis=0)
    check_range(estimator, low, high)
    if not np.isfinite(total["sums"]).all():
        raise ValueError(
            "Weights times squares of X overflow. Divide X, or sample_weight, by a constant."
        )
    return total["sums"][0], total["sums"][1], low, high


def moment_blocks(rows: Rows) -> list[tuple[int, int]]:
    """Blocks of a pass that only sums; their size comes from the shapes alone."""
    wanted = _BLOCK_BYTES // (8 * rows.X.shape[1])
    layout = Layout(rows.n_rows, None, max(1024, wanted - wanted % 1024))
    return layout.blocks(layout.batches[0])


def _check_spread(estimator: Any, moments: Moments, all_count: bool) -> None:
    """Refuse a spread whose square is lost: it would pass for a constant column."""
    lost = (moments.variance < np.finfo(np.float64).tiny) & (moments.low < moments.high)
    if not all_count:  # the extremes are those of rows of weight zero, perhaps
        lost &= moments.variance > 0.0
    if lost.any():
        column = int(np.argmax(lost))
        span = moments.high[column] - moments.low[column]
        raise ValueError(
            f"Input X varies in column {column} by {span:.3g} only; {type(estimator).__name__} "
            "works with squares, which underflow. Multiply the column by a constant."
        )


def _check_float32(moments: Moments) -> None:
    """Refuse float32 columns whose numbers are too far apart for their spread."""
    step = np.spacing(np.abs(moments.mean).astype(np.float32)).astype(np.float64)
    constant = moments.variance == 0.0
    coarse = np.where(
        constant,
        np.abs(moments.mean) > LARGEST_CONSTANT,
        step > COARSEST_STEP * np.sqrt(moments.variance),
    )
    if not coarse.any():
        return
    column = int(np.argmax(coarse))
    what = (
        "is constant, or was rounded until it was"
        if constant[column]
        else f"has a standard deviation of {np.sqrt(moments.variance[column]):.3g}"
    )
    raise ValueError(
        f"Column {column} of X is float32 and too coarse: near its mean {moments.mean[column]:.6g} "
        f"float32 numbers are {step[column]:.3g} apart, and the column {what}. Pass the data as "
        "float64, or subtract the column's offset in float64 before turning it into float32."
    )


def scatter(rows: Rows, executor: ThreadExecutor, centre: Array, inv_scale: Array) -> Array:
    """sum_n w_n z_n z_n^T with z = (x - centre) * inv_scale, (n_features, n_features)."""
    d = len(centre)
    eta = np.zeros((1, 1 + d))
    n_full = 1 + d + d * (d + 1) // 2
    upper = np.triu_indices(d)

    def one(block: tuple[int, int]) -> tuple[Statistics, None]:
        data: Block = rows.source.read(*block)
        suff, entropy = np.empty((1, n_full)), np.empty(1)
        resp = np.ones((len(data.data), 1))
        _core.mixture_step(
            data.data, data.weights, centre, inv_scale, eta, "linear", "full", "given", False,
            suff, entropy, resp=resp,
        )  # fmt: skip
        return Statistics({"quadratic": suff[0, 1 + d :]}, {"quadratic": None}), None

    total, _ = executor.map_reduce(one, moment_blocks(rows))
    matrix = np.zeros((d, d))
    matrix[upper] = total["quadratic"]
    return np.asarray(matrix + np.triu(matrix, 1).T)

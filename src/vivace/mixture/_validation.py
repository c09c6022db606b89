"""Checks of what users hand in: rows, weights, starting values. No temporary as large as the data.

Rows are checked for shape and type here; that they are finite is found block by block while the
column moments are summed (`_moments`) or while predicting (`_predict`), by the same pass.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, validate_data

from vivace.engine import ArraySource, Source
from vivace.estimators.checks import check_weights, is_float32_frame, text_entry
from vivace.estimators.parameters import checking_parameters
from vivace.io.stream import ArrayTable, TableStream
from vivace.mixture._streams import StreamSource, check_stream, from_files

# Larger values have squares whose sums leave the range of float64 (1e308) at 1e8 rows.
LARGEST_VALUE = 1e150
# Rows of responsibilities may miss 1 by this much: float32 rows of a thousand components do.
RESP_TOLERANCE = 1e-5


@dataclass
class Rows:
    """Checked input.

    Attributes
    ----------
    X : ndarray or TableStream of shape (n_rows, n_features)
        float64, float32 or whole numbers, in any memory order; not copied if it came so.
    weights : ndarray of shape (n_rows,) or None
        float64; None where every row weighs 1.
    source : Source
        Reads blocks of the two.
    """

    X: Any
    weights: NDArray[np.float64] | None
    source: Source

    def set_weights(self, weights: NDArray[np.float64]) -> None:
        """Weigh the rows anew."""
        streamed = isinstance(self.X, TableStream)
        source = StreamSource(self.X, weights) if streamed else ArraySource(self.X, weights)
        self.weights, self.source = weights, source

    def without(self, held: NDArray[np.int64]) -> Rows:
        """Return all rows but those at some positions, which rise; nothing is copied."""
        table = self.X if isinstance(self.X, TableStream) else ArrayTable(self.X)
        rest = table.without(held)
        weights = None if self.weights is None else np.delete(self.weights, held)
        return Rows(rest, weights, StreamSource(rest, weights))

    def only(self, chosen: NDArray[np.int64]) -> Rows:
        """Return the rows at some positions, in memory."""
        X = np.asarray(self.X[chosen])
        weights = None if self.weights is None else self.weights[chosen]
        return Rows(X, weights, ArraySource(X, weights))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 if the rows came so, else float64."""
        return np.dtype(np.float32 if self.X.dtype == np.float32 else np.float64)

    @property
    def n_rows(self) -> int:
        """Rows, those of weight zero included."""
        return int(self.X.shape[0])

    @property
    def n_weighted(self) -> int:
        """Rows of positive weight."""
        return self.n_rows if self.weights is None else int(np.count_nonzero(self.weights))

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return float(self.n_rows) if self.weights is None else float(self.weights.sum())


def check_rows(estimator: Any, X: Any, sample_weight: Any = None, *, reset: bool) -> Rows:
    """Check rows and weights; `reset` learns the number and names of the columns.

    Raises
    ------
    TypeError, ValueError
        Not two-dimensional, empty, sparse, not numeric, other columns than in fit, or weights of
        another length, negative, not finite or all zero.
    """
    known = None if reset else getattr(estimator, "feature_names_in_", None)
    X = from_files(X, known)
    if isinstance(X, TableStream):
        stream, weights = check_stream(estimator, X, sample_weight, reset)
        return Rows(X, weights, stream)
    # Whole numbers are turned into float64 block by block, when they are read.
    whole = isinstance(X, np.ndarray) and X.dtype.kind in "iub"
    dtype: Any = None if whole else [np.float64, np.float32]
    if is_float32_frame(X):
        dtype = np.float32
    given = X
    try:
        X = validate_data(estimator, X, reset=reset, dtype=dtype, ensure_all_finite=False)
    except ValueError as error:
        where = text_entry(given) if "could not convert" in str(error) else None
        if where is None:
            raise
        raise ValueError(f"{error}: {where}") from error
    weights = check_weights(sample_weight, X.shape[0])
    return Rows(X, weights, ArraySource(X, weights))


def check_enough_rows(estimator: Any, rows: Rows, n_components: int) -> None:
    """Refuse fewer rows of positive weight than components, or a single one."""
    found, name = rows.n_weighted, type(estimator).__name__
    absent = "" if found == rows.n_rows else f" ({rows.n_rows - found} of weight zero left out)"
    if found < 2:
        raise ValueError(
            f"Found array with {found} sample(s) (shape={rows.X.shape}){absent} while a minimum of "
            f"2 is required by {name}: priors are taken from the spread of the data. partial_fit "
            "accepts a single row once the priors are known."
        )
    if found < n_components:
        raise ValueError(
            f"Expected n_samples >= n_components but got n_components = {n_components}, "
            f"n_samples = {found}{absent}. Lower n_components."
        )


def raise_not_finite(estimator: Any, rows: Rows, row: int) -> None:
    """Raise for the first row that holds NaN or an infinity."""
    values = np.asarray(rows.X[row])
    name = type(estimator).__name__
    if np.isnan(values).any():
        column = int(np.argmax(np.isnan(values)))
        raise ValueError(
            f"Input X contains NaN.\n{name} does not accept missing values: the first is in row "
            f"{row}, column {_label(rows, column)}. Leave such rows out, or take them as missing "
            "at random with missing='marginalize'."
        )
    column = int(np.argmax(~np.isfinite(values)))
    raise ValueError(
        f"Input X contains infinity or a value too large for {rows.X.dtype!r}: the first is in "
        f"row {row}, column {_label(rows, column)}. Leave such rows out, or clip them."
    )


def _label(rows: Rows, column: int) -> str:
    """Number of a column, and its name in a file, where columns of text may have been left out."""
    named = isinstance(rows.X, TableStream) and rows.X.named
    return f"{column} ({rows.X.columns[column]!r})" if named else str(column)


def check_range(estimator: Any, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """Refuse values whose squares overflow; `low` and `high` are column extremes."""
    largest = np.maximum(-low, high)
    if largest.max() > LARGEST_VALUE:
        column = int(largest.argmax())
        raise ValueError(
            f"Input X holds values up to {largest[column]:.3g} in column {column}; "
            f"{type(estimator).__name__} works with squares, which overflow beyond "
            f"{LARGEST_VALUE:g}. Divide the column by a constant, or leave such rows out."
        )


def extremes_of_values(x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest value of each column, NaN left out; infinite the other way for none."""
    low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    low, high = low.astype(np.float64), high.astype(np.float64)
    return np.where(np.isnan(low), np.inf, low), np.where(np.isnan(high), -np.inf, high)


def raise_too_far(estimator: Any, distance: float) -> None:
    """Raise for rows whose squared distance overflows."""
    raise ValueError(
        f"Input X holds values {distance:.3g} standard deviations away from the data that "
        f"{type(estimator).__name__} was fitted to; their squares overflow. Leave such rows out, "
        "or check their units."
    )


@checking_parameters()
def check_values(
    value: Any, name: str, shape: tuple[int, ...], what: str, *, minimum: float | None = None
) -> NDArray[np.float64]:
    """Finite float64 array of a known shape, a copy; `what` explains the shape in errors."""
    if shape and np.ndim(value):
        array = check_array(
            value, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name=name, copy=True
        )
    else:  # check_array refuses numbers, in words of its own
        array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} ({what}), got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array}.")
    if minimum is not None and not (array > minimum).all():
        raise ValueError(f"{name} must be greater than {minimum:g} everywhere, got {array.min()}.")
    return np.array(array)


def check_resp(resp: Any, n_rows: int, n_components: int) -> NDArray[Any]:
    """Starting responsibilities: (n_rows, n_components), not negative, rows that sum to 1."""
    resp = check_array(
        resp, dtype=[np.float64, np.float32], input_name="resp_init", ensure_min_samples=0
    )
    if resp.shape != (n_rows, n_components):
        raise ValueError(
            f"resp_init must have shape ({n_rows}, {n_components}) (rows of X, n_components), "
            f"got {resp.shape}."
        )
    if resp.min() < 0:
        raise ValueError(f"resp_init must not be negative, got {resp.min()}.")
    sums = resp.sum(axis=1, dtype=np.float64)
    row = int(np.abs(sums - 1.0).argmax())
    if abs(sums[row] - 1.0) > RESP_TOLERANCE:
        raise ValueError(
            f"resp_init must have rows that sum to 1, but row {row} sums to {sums[row]:.6g}. "
            "Divide each row by its sum."
        )
    return np.asarray(resp)


def check_n_samples(n_samples: int) -> None:
    """Raise unless there is at least one sample to draw."""
    if operator.index(n_samples) < 1:
        raise ValueError(
            f"Invalid value for 'n_samples': {n_samples!r}. The sampling requires at least one "
            "sample."
        )

"""Rows that are mostly zeros."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vivace.engine.data import Block


class CsrRows(NamedTuple):
    """Compressed rows: row i holds ``values[start[i]:start[i + 1]]`` in the columns beside them.

    Attributes
    ----------
    start : array (n + 1,) of int64
        Offsets, from 0.
    columns : array (nonzeros,) of int32
        Rising within a row.
    values : array (nonzeros,) of float32 or float64
        None of them zero.
    n_columns : int
        Number of columns.
    """

    start: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[Any]
    n_columns: int


class CsrSource:
    """Rows of a matrix in canonical compressed rows; a block's data are `CsrRows`.

    Parameters
    ----------
    start, columns, values : array
        As in `CsrRows`, for the whole matrix; not copied where the types are right.
    n_columns : int
        Number of columns.
    sample_weight : array (N,), optional
        Weights of the rows.
    """

    def __init__(
        self,
        start: npt.NDArray[Any],
        columns: npt.NDArray[Any],
        values: npt.NDArray[Any],
        n_columns: int,
        sample_weight: npt.NDArray[np.float64] | None = None,
    ) -> None:
        if n_columns >= 2**31:
            raise ValueError(f"n_columns: expected less than 2^31, got {n_columns}")
        self._start = np.ascontiguousarray(start, dtype=np.int64)
        self._columns = np.ascontiguousarray(columns, dtype=np.int32)
        self._values = np.ascontiguousarray(values)
        self._n_columns = int(n_columns)
        self._weights = sample_weight
        if self._start[-1] != len(self._columns) or len(self._columns) != len(self._values):
            raise ValueError(
                "start must end at the number of columns and of values; got "
                f"{self._start[-1]}, {len(self._columns)} and {len(self._values)}"
            )
        if sample_weight is not None and sample_weight.shape != (self.n_rows,):
            raise ValueError(
                f"sample_weight: expected shape ({self.n_rows},), got {sample_weight.shape}"
            )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self._start) - 1

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return self._n_columns

    @property
    def n_nonzeros(self) -> int:
        """Number of stored values."""
        return len(self._columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._values.dtype

    @property
    def total_weight(self) -> float:
        """Weighted sum of all values: for counts of words, the number of tokens."""
        if self._weights is None:
            return float(self._values.sum(dtype=np.float64))
        sums = np.add.reduceat(np.append(self._values, 0).astype(np.float64), self._start[:-1])
        sums[np.diff(self._start) == 0] = 0.0
        return float(sums @ self._weights)

    def read(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop` (exclusive); columns and values are views."""
        first, last = int(self._start[start]), int(self._start[stop])
        offsets = self._start[start : stop + 1]
        rows = CsrRows(
            offsets - first if first else offsets,  # of all rows there is one set
            self._columns[first:last],
            self._values[first:last],
            self._n_columns,
        )
        weights = None if self._weights is None else self._weights[start:stop]
        return Block(rows, weights, start, stop)

"""Where rows come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt


class Block(NamedTuple):
    """The rows of one kernel call.

    Attributes
    ----------
    data : array (stop - start, D), or CsrRows
        C-contiguous, aligned, float32 or float64, possibly read-only; from a `CsrSource` the
        compressed rows. A model reads the blocks of the sources that it is made for.
    weights : array (stop - start,) of float64, or None
        Weights of the rows; None means one each.
    start, stop : int
        The rows' positions in the source.
    """

    data: Any
    weights: npt.NDArray[np.float64] | None
    start: int
    stop: int


class Source(Protocol):
    """Rows that can be read a block at a time, from several threads at once."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    def total_weight(self) -> float:
        """Sum of the rows' weights."""

    def read(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop` (exclusive)."""


class ArraySource:
    """Rows of a two-dimensional array, weighted or not.

    Any layout serves: memory-mapped, strided, Fortran-ordered, read-only, unaligned or of
    foreign byte order. Rows that are C-contiguous already are passed on as a view, others are
    copied a block at a time, so that memory beyond the array stays bounded.

    Parameters
    ----------
    X : array-like (N, D)
        Real numbers; anything but an array is copied. float32 stays float32; everything else
        is read as float64.
    sample_weight : array (N,), optional
        Weights of the rows.
    """

    def __init__(self, X: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> None:
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X: expected a two-dimensional array, got shape {X.shape}")
        if X.dtype.kind not in "fiub":
            raise ValueError(f"X: expected real numbers, got dtype {X.dtype}")
        self._X: npt.NDArray[Any] = X
        self._check: Callable[[], None] | None = None
        if X.base is not None:  # it may be mapped from a file
            from vivace.io.unchanged import check_mapped

            self._check = check_mapped(X)
        single = X.dtype.newbyteorder("=") == np.float32
        self._dtype = np.dtype(np.float32 if single else np.float64)
        self._weights: npt.NDArray[np.float64] | None = None
        self._total_weight = float(len(X))
        if sample_weight is not None:
            weights = np.require(sample_weight, np.float64, ["C", "A", "E"])
            if weights.shape != (len(X),):
                raise ValueError(
                    f"sample_weight: expected shape ({len(X)},), one weight a row of X, got "
                    f"{weights.shape}"
                )
            self._weights = weights
            self._total_weight = float(weights.sum())

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self._X)

    @property
    def total_weight(self) -> float:
        """Sum of the rows' weights; their number without weights."""
        return self._total_weight

    def check(self) -> None:
        """Notice that the file has changed which the rows are mapped from, read-only."""
        if self._check is not None:
            self._check()

    def read(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop` (exclusive)."""
        data = np.require(self._X[start:stop], self._dtype, ["C", "A", "E"])
        weights = None if self._weights is None else self._weights[start:stop]
        return Block(data, weights, start, stop)

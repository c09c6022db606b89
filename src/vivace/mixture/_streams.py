"""Rows that are read from files while a mixture is fitted or applied."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block
from vivace.estimators.checks import check_weights
from vivace.io.npy_table import is_npy
from vivace.io.open_table import STREAMED, is_streamed, open_table
from vivace.io.stream import TableStream
from vivace.io.text_table import is_text_table

# Batches in an order of their own read whole pieces: beyond so many times the rows it is told.
_WASTE = 4


class StreamSource:
    """Blocks of a `TableStream`, weighted or not.

    Parameters
    ----------
    table : TableStream
        The rows.
    weights : array (N,) or None
        Weights of the rows.
    """

    def __init__(self, table: TableStream, weights: NDArray[np.float64] | None) -> None:
        self._table, self._weights = table, weights

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self._table)

    @property
    def total_weight(self) -> float:
        """Sum of the rows' weights; their number without weights."""
        return float(self.n_rows if self._weights is None else self._weights.sum())

    @property
    def fingerprint(self) -> str | None:
        """Digest of the rows, where reading them made one."""
        return self._table.fingerprint

    def expect(self, start: int, stop: int) -> None:
        """Say which rows are read next."""
        self._table.expect(start, stop)

    def check(self) -> None:
        """Notice that a file has changed."""
        self._table.check()

    def read(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop` (exclusive)."""
        weights = None if self._weights is None else self._weights[start:stop]
        return Block(self._table[start:stop], weights, start, stop)


def from_files(X: Any, columns: Any) -> Any:
    """Open what names a file: a stream where it can be read in pieces, else the table itself.

    `columns` are the names of the columns that a fitted model knows, or None.
    """
    if isinstance(X, TableStream) or not is_streamed(X):
        refuse_iterators(X)
        return X
    if isinstance(X, (str, os.PathLike)):
        path = os.fspath(X)
        in_place = os.path.isfile(path) and not path.lower().endswith(STREAMED)
        if in_place and not (is_text_table(path) or is_npy(path)):
            from vivace.io import read_table

            return read_table(path, columns).values
    table = open_table(X, columns)
    if table.left_out:
        warnings.warn(
            f"{table.name}: columns with values that are not numbers are left out: "
            f"{', '.join(table.left_out)}. Remedy: choose columns with vivace.io.open_table(data, "
            "columns), which says what is wrong with them; BayesianMixture takes text, too",
            UserWarning,
            stacklevel=5,
        )
    return table


def refuse_iterators(X: Any) -> None:
    """Refuse rows that can be read once only: generators, Arrow's readers and scanners.

    Raises
    ------
    TypeError
        X is one of these.
    """
    if hasattr(X, "__next__") or hasattr(X, "scan_batches"):
        raise TypeError(
            f"X: expected rows that can be read more than once, got a {type(X).__name__}. Remedy: "
            "a function without arguments that makes it anew (make, not make()), or "
            "vivace.io.open_table(dataset, columns)"
        )


def check_stream(
    estimator: Any, table: TableStream, sample_weight: Any, reset: bool
) -> tuple[StreamSource, NDArray[np.float64] | None]:
    """Check columns and weights; `reset` learns the number and names of the columns.

    Raises
    ------
    ValueError
        Other columns than in fit, or weights that do not fit.
    """
    names = np.array(table.columns, dtype=object)
    n_columns = len(names)
    if reset:
        estimator.n_features_in_ = n_columns
        vars(estimator).pop("feature_names_in_", None)
        if table.named:
            estimator.feature_names_in_ = names
    else:
        known = getattr(estimator, "feature_names_in_", None)
        if known is not None and table.named and list(known) != table.columns:
            raise ValueError(
                f"{table.name}: expected the columns that the model was fitted to, "
                f"{', '.join(map(str, known[:20]))}; got {', '.join(table.columns[:20])}. Remedy: "
                "choose them, in this order"
            )
        if n_columns != estimator.n_features_in_:
            raise ValueError(
                f"X has {n_columns} features, but {type(estimator).__name__} is expecting "
                f"{estimator.n_features_in_} features as input"
            )
    weights = check_weights(sample_weight, len(table))
    return StreamSource(table, weights), weights


def warn_of_waste(table: Any, batch_rows: int | None) -> None:
    """Say so where batches are small parts of what is read at once."""
    if not isinstance(table, TableStream) or batch_rows is None:
        return
    if table.piece_rows > _WASTE * batch_rows and not table.fits:
        warnings.warn(
            f"{table.name}: pieces of {table.piece_rows:,} rows are read for batches of "
            f"{batch_rows:,} rows, and not all fit into memory. Remedy: vivace convert to .npy, a "
            "larger batch_size, or more memory",
            UserWarning,
            stacklevel=6,
        )

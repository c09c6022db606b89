"""What is missing of a correlated row: its Gaussian given what is there, for one pattern of gaps.

With o the columns that are there, u those that are not, and P the expected precision,

    x_u | x_o ~ N(m_u - P_uu^-1 P_uo (x_o - m_o), P_uu^-1),

and (x_o - m_o)^T (P_oo - P_ou P_uu^-1 P_uo) (x_o - m_o) is what remains of the quadratic form.
Source: Bishop, PRML, 2.3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.gaussian.full import Full

#: Bytes of entries of patterns that are kept. There may be as many patterns as rows: what is made
#: later is made again for every block that asks.
KEPT_BYTES = 1 << 26

Entry = TypeVar("Entry")


class PatternCache(Generic[Entry]):
    """Entries of patterns of gaps, made when rows ask for them.

    Parameters
    ----------
    make : callable
        Makes the entry of columns that are there, (d,) of bool.
    k, d : int
        An entry holds some 4 k d^2 numbers.
    """

    def __init__(self, make: Callable[[NDArray[np.bool_]], Entry], k: int, d: int) -> None:
        self._make = make
        self._most = KEPT_BYTES // (32 * k * d * d)
        # Threads may make the same entry twice: both are equal to the last bit.
        self._made: dict[bytes, Entry] = {}

    def get(self, there: NDArray[np.bool_]) -> Entry:
        """Return the entry of columns that are there, (d,)."""
        key = there.tobytes()
        found = self._made.get(key)
        if found is None:
            found = self._make(there)
            if len(self._made) < self._most:
                self._made[key] = found
        return found


class Missing(NamedTuple):
    """One pattern of gaps, for every component; matrices that all share are stacks of one.

    Attributes
    ----------
    form : (K, d, d)
        Of the quadratic form of the columns that are there; zero elsewhere.
    gain : (K, d, d), offset : (K, d)
        Completed rows are gain x + offset, x with zeros for gaps.
    covariance : (K, d, d)
        Of what is filled in.
    log_det : (K,)
        Logarithm of the determinant of P_uu.
    """

    form: Array
    gain: Array
    offset: Array
    covariance: Array
    log_det: Array


class Runs(NamedTuple):
    """The rows of a block, pattern by pattern.

    Attributes
    ----------
    order : (n,)
        Rows sorted by pattern.
    edges : (P + 1,)
        Where each pattern begins among them.
    there : (P, d) of bool
        Columns that are there.
    """

    order: NDArray[np.intp]
    edges: NDArray[np.intp]
    there: NDArray[np.bool_]


def find_runs(there: NDArray[np.bool_]) -> Runs:
    """Sort rows by their pattern."""
    n, d = there.shape
    if there.all():
        return Runs(np.arange(n), np.array([0, n]), np.ones((1, d), dtype=bool))
    packed = np.packbits(there, axis=1)
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    order = np.argsort(inverse, kind="stable")
    edges = np.searchsorted(inverse[order], np.arange(len(first) + 1))
    return Runs(order, edges, there[first])


def missing(precisions: Array, means: Array, there: NDArray[np.bool_]) -> Missing:
    """Make the entry of a pattern `there` (d,) from P (K or 1, d, d) and m (K, d)."""
    p, m, gone = precisions, means, ~there
    lost = np.outer(gone, gone)
    # The block of what is missing, with ones for the rest: one inverse for any pattern.
    block = np.where(lost, p, 0.0) + np.diag(there.astype(np.float64))
    covariance = np.where(lost, np.linalg.inv(block), 0.0)
    log_det = np.linalg.slogdet(block)[1]
    back = covariance @ np.where(np.outer(gone, there), p, 0.0)
    gain = np.diag(there.astype(np.float64)) - back
    offset = np.where(gone, m, 0.0) + (back @ m[:, :, None])[:, :, 0]
    form = np.where(np.outer(there, there), p, 0.0)
    form = form - np.where(np.outer(there, gone), p, 0.0) @ back
    return Missing(form, gain, offset, covariance, log_det)


def completed(found: Missing, sums: Array, rows: Array) -> Array:
    """Sums (K, F) of the features of completed rows.

    Parameters
    ----------
    found : Missing
    sums : (K, F)
        Weighted sums of the features 1, x, x_i x_j of rows whose gaps hold zero.
    rows : (K,)
        Weights with which the covariances count.
    """
    d = found.offset.shape[1]
    full, counts = Full(d), sums[:, 0]
    shift = counts[:, None] * found.offset
    moved = (found.gain @ sums[:, 1 : 1 + d, None])[:, :, 0]
    cross = (moved + 0.5 * shift)[:, :, None] * found.offset[:, None, :]
    second = found.gain @ full.scale(sums[:, 1 + d :]) @ found.gain.transpose(0, 2, 1)
    second += cross
    second += cross.transpose(0, 2, 1)
    second += rows[:, None, None] * found.covariance
    return np.concatenate([counts[:, None], moved + shift, full.pack(second)], axis=1)

"""Gaps in correlated Gaussian columns: mean field over what is missing, one entry a pattern.

With o the columns that are there and u those that are not, q(x_u | k) is Gaussian,

    N(m_u - P_uu^-1 P_uo (x_o - m_o), P_uu^-1),    P = E[precision] = nu W,

so that the expected log density is a quadratic form in x_o alone, and the expected statistics of
completed rows follow from those of rows whose gaps hold zero: rows of one pattern take one call of
the kernel. The entropy of q belongs to the bound. Rows in which all columns are missing say
nothing. Source: Bishop, PRML, 10.1 (mean field), with the conditionals of 2.3.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array
from vivace.families.gaussian.missing import (
    Missing,
    PatternCache,
    Runs,
    completed,
    find_runs,
    missing,
)

__all__ = ["GapTables", "Pattern", "Runs", "find_runs"]

LOG_2PI = np.log(2.0 * np.pi)


class Pattern(NamedTuple):
    """What a pattern of gaps needs, for every component.

    Attributes
    ----------
    eta : (K, F)
        Natural parameters of the observed columns; zeros where nothing is observed.
    missing : Missing
        How rows are completed.
    entropy : (K,) or (1,)
        Of q, in nats.
    """

    eta: Array
    missing: Missing
    entropy: Array


class GapTables:
    """Patterns of one posterior, made when rows ask for them.

    Parameters
    ----------
    precisions : (K, d, d) or (1, d, d)
        E[precision]; one where components share it.
    means : (K, d)
    constant : (K,)
        E ln |precision| - d / beta: what every row's log density holds twice.
    """

    def __init__(self, precisions: Array, means: Array, constant: Array) -> None:
        self._precisions = precisions
        self._means = means
        self._constant = constant
        self._upper = np.triu_indices(means.shape[1])
        #: The entry of columns that are there, (d,).
        self.pattern = PatternCache(self._make, *means.shape).get

    @classmethod
    def neutral(cls, k: int, d: int) -> GapTables:
        """For rows that come with responsibilities: gaps are filled by standard normals."""
        return cls(np.eye(d)[None], np.zeros((k, d)), np.zeros(k))

    def _make(self, there: NDArray[np.bool_]) -> Pattern:
        found = missing(self._precisions, self._means, there)
        entropy = 0.5 * ((~there).sum() * (LOG_2PI + 1.0) - found.log_det)
        return Pattern(self._eta(found.form, there, found.log_det), found, entropy)

    def _eta(self, form: Array, there: NDArray[np.bool_], log_det: Array) -> Array:
        """Quadratic form of the observed columns and its constant, in the kernel's features."""
        (k, d), (i, j) = self._means.shape, self._upper
        if not there.any():
            return np.zeros((k, 1 + d + len(i)))
        linear = (form @ self._means[:, :, None])[:, :, 0]
        constant = 0.5 * (self._constant - there.sum() * LOG_2PI - log_det)
        constant = constant - 0.5 * (linear * self._means).sum(axis=1)
        quadratic = -0.5 * form[:, i, j] * np.where(i == j, 1.0, 2.0)
        quadratic = np.broadcast_to(quadratic, (k, len(i)))
        return np.concatenate([constant[:, None], linear, quadratic], axis=1)

    def complete(self, there: NDArray[np.bool_], suff: Array) -> tuple[Array, Array]:
        """Statistics of completed rows (K, F) and their entropy (K,).

        Parameters
        ----------
        there : (d,)
        suff : (K, F)
            Of rows of this pattern whose gaps hold zero.
        """
        entropy = np.zeros(len(suff))
        if not there.any():
            return np.zeros_like(suff), entropy
        if there.all():
            return suff, entropy
        pattern = self.pattern(there)
        return completed(pattern.missing, suff, suff[:, 0]), suff[:, 0] * pattern.entropy

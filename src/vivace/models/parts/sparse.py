"""Feature families on rows that are mostly zeros: only the stored entries are touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import CsrRows
from vivace.families.base import Array, FeatureFamily
from vivace.models.parts.base import Fields, Part, padded
from vivace.models.parts.feature import expected_natural


class SparsePart(Part):
    """An `identity` family on compressed rows.

    Statistics: `sums` (V, K), column by column, so that an entry meets K contiguous numbers.
    """

    gathers = True

    def __init__(
        self,
        family: FeatureFamily,
        prior: Mapping[str, Array],
        n_columns: int,
        n_components: int,
        feature_scale: Array | None = None,
    ) -> None:
        super().__init__(family, prior, n_columns)
        self.n_components = n_components
        self.feature_scale = feature_scale

    def fields(self, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """One field."""
        return {"sums": ((self.n_columns, n_components), 1)}

    def scale(self, name: str) -> float | Array:
        """Sizes of the columns' values."""
        return 1.0 if self.feature_scale is None else self.feature_scale.reshape(-1, 1)

    def _natural(self, posterior: Any) -> tuple[Array, Array]:
        """Constants (K,) and one coefficient a column (V, K)."""
        found = expected_natural(self, posterior)
        # by column (K, V, 2), or joint (K, 1, 1 + V)
        return found[:, :, 0].sum(axis=1), found[:, :, 1:].reshape(len(found), -1).T

    def update(self, counts: Array, statistics: Fields) -> Any:
        """As with dense rows."""
        k, units = len(counts), self.family.units(self.n_columns)
        own = np.ascontiguousarray(statistics["sums"].T).reshape(k, units, -1)
        return self.family.update(self.prior, np.repeat(counts[:, None], units, axis=1), own)

    def bound(
        self, posterior: Any, made: tuple[Array, Fields], counts: Array, statistics: Fields
    ) -> float:
        """As with dense rows."""
        constant, eta = self._natural(posterior)
        slack = ((counts - made[0]) * constant).sum()
        slack += ((statistics["sums"] - made[1]["sums"]) * eta).sum()
        own = self.finite("log_normaliser", self.family.log_normaliser(self.prior, posterior))
        return float(own + slack)

    def base(self, x: CsrRows) -> Array | None:
        """Sum over the stored entries; other entries have none."""
        if self.family.joint:
            found = self.family.sparse_base_measure(x)
            return None if found is None else np.asarray(found)
        found = self.family.base_measure(np.asarray(x.values, dtype=np.float64)[:, None])
        if found is None:
            return None
        cumulated = np.append(0.0, np.cumsum(found[:, 0]))
        return np.asarray(cumulated[x.start[1:]] - cumulated[x.start[:-1]])

    def prepare(self, posterior: Any) -> tuple[Array, Array]:
        """Constants and coefficients, padded."""
        constant, eta = self._natural(posterior)
        k = len(constant)
        wide, table = np.zeros(padded(k)), np.zeros((self.n_columns, padded(k)))
        wide[:k], table[:, :k] = constant, eta
        return wide, table

    def add_scores(self, x: CsrRows, prepared: tuple[Array, Array], out: Array) -> None:
        """Constants, then entry by entry."""
        out += prepared[0]
        _core.gather_scores(x.start, x.columns, _doubles(x.values), prepared[1], out)

    def accumulate(self, x: CsrRows, resp: Array, prepared: Any) -> dict[str, Array]:
        """Entry by entry."""
        sums = np.zeros((self.n_columns, resp.shape[1]))
        _core.gather_sums(x.start, x.columns, _doubles(x.values), resp, sums)
        return {"sums": np.ascontiguousarray(sums[:, : self.n_components])}

    def observed(self, x: CsrRows) -> NDArray[np.bool_]:
        """Stored or zero: all is there."""
        return np.ones((len(x.start) - 1, self.family.units(self.n_columns)), dtype=bool)

    def log_predictive(self, posterior: Any, x: CsrRows) -> Array:
        """Logarithm of p(x_n | k), (n, 1, K): of the whole row."""
        return np.asarray(self.family.sparse_log_predictive(posterior, x))[:, None, :]


def _doubles(values: NDArray[Any]) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)

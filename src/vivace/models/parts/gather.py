"""Gather families: they meet the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array, GatherFamily
from vivace.models.parts.base import Fields, Part
from vivace.models.scaling import Scaling


class GatherPart(Part):
    """A gather family on its columns; statistics are the family's fields.

    Parameters
    ----------
    family, prior, n_columns
        As in `Part`.
    n_components : int
        K.
    sizes : dict, optional
        Typical sizes of the entries of each field.
    scaling : Scaling, optional
        From the units of the data to the coordinates of the family.
    """

    gathers = True

    def __init__(
        self,
        family: GatherFamily,
        prior: Mapping[str, Array],
        n_columns: int,
        n_components: int,
        sizes: Mapping[str, float | Array] | None = None,
        scaling: Scaling | None = None,
    ) -> None:
        super().__init__(family, prior, n_columns)
        self.n_components = n_components
        self.sizes = dict(sizes or {})
        self.scaling = scaling

    def fields(self, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """The family's."""
        return dict(self.family.fields(self.prior, n_components))

    def scale(self, name: str) -> float | Array:
        """As the family says."""
        return self.sizes.get(name, 1.0)

    def update(self, counts: Array, statistics: Fields) -> Any:
        """The family's."""
        return self.family.update(self.prior, counts, statistics)

    def bound(
        self, posterior: Any, made: tuple[Array, Fields], counts: Array, statistics: Fields
    ) -> float:
        """The family's; the Jacobian of the coordinates is in the base measure."""
        return float(
            self.finite("bound", self.family.bound(self.prior, posterior, counts, statistics))
        )

    def base(self, x: NDArray[Any]) -> Array | None:
        """The Jacobian of the coordinates of what is there."""
        if self.scaling is None:
            return None
        there = self.observed(x).astype(np.float64)
        logs = np.log(self.scaling.scale)
        if there.shape[1] != len(logs):  # joint: all or nothing
            logs = np.array([logs.sum()])
        return np.asarray(-(there @ logs))

    def prepare(self, posterior: Any) -> Any:
        """The family's."""
        return self.family.prepare(self.prior, posterior)

    def add_scores(self, x: NDArray[Any], prepared: Any, out: Array) -> None:
        """The family's."""
        self.family.expected_log_likelihood(self._z(x), prepared, out)

    def accumulate(self, x: NDArray[Any], resp: Array, prepared: Any) -> dict[str, Array]:
        """A fresh record, filled by the family."""
        fields = self.fields(self.n_components)
        record = {name: np.zeros(shape) for name, (shape, _) in fields.items()}
        self.family.accumulate(self._z(x), resp, prepared, record)
        for values in record.values():
            self.finite("accumulate", values.ravel())
        return record

    def _z(self, x: NDArray[Any]) -> NDArray[Any]:
        return x if self.scaling is None else self.scaling.to_z(x)

    # -- predictions --------------------------------------------------------------------------

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """In the units of the data."""
        found = self.family.log_predictive(posterior, self._z(x))
        if self.scaling is not None:
            found = found - self.scaling.log_jacobian / found.shape[1]
        return np.asarray(np.where(self.observed(x)[:, :, None], found, 0.0))

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """In the units of the data."""
        z = super().draw(posterior, labels, rng)
        return z if self.scaling is None else self.scaling.from_z(z)

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """In the units of the data."""
        mean, variance = super().moments(posterior)
        if self.scaling is None:
            return mean, variance
        return self.scaling.from_z(mean), variance * self.scaling.scale**2

"""Feature families: columns of features side by side, NaN where a unit is missing.

The kernel takes what is missing for zero, takes the unit's constant off the scores, and sums the
responsibilities of the rows that lack the unit, so that gaps cost what there is of them. The counts
N_ku of the rows in which the unit is there follow. Dropping what is missing is exact for units that
are independent given the component.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import Array, FeatureFamily
from vivace.models.parts.base import Fields, Part
from vivace.models.scaling import Scaling


class FeaturePart(Part):
    """A feature family on its columns.

    Statistics: `sums` (K, U m + G), features unit by unit, then the counts of the G units with
    gaps.

    Parameters
    ----------
    family, prior, n_columns
        As in `Part`.
    gaps : (U,) of bool
        Units that may be missing; a gap in another is an error.
    scaling : Scaling, optional
        From the units of the data to the coordinates of the family.
    feature_scale : (U, m), optional
        Typical sizes of the features.
    """

    def __init__(
        self,
        family: FeatureFamily,
        prior: Mapping[str, Array],
        n_columns: int,
        gaps: NDArray[np.bool_] | None = None,
        scaling: Scaling | None = None,
        feature_scale: Array | None = None,
    ) -> None:
        super().__init__(family, prior, n_columns)
        self.n_units = family.units(n_columns)
        self.n_features = family.feature_count(n_columns)
        self.gaps = np.zeros(self.n_units, bool) if gaps is None else np.asarray(gaps, dtype=bool)
        self.scaling = scaling
        self.feature_scale = (
            np.ones((self.n_units, self.n_features)) if feature_scale is None else feature_scale
        )
        self.width = self.n_units * self.n_features

    def fields(self, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """One field."""
        return {"sums": ((n_components, self.width + int(self.gaps.sum())), 0)}

    def scale(self, name: str) -> Array:
        """Sizes of the features; 1 for counts."""
        return np.append(self.feature_scale.ravel(), np.ones(int(self.gaps.sum())))

    @property
    def gap_columns(self) -> NDArray[np.intp]:
        """Of the features, one column for each unit that may be missing: NaN where it is."""
        return np.flatnonzero(self.gaps) * self.n_features

    @property
    def plain(self) -> bool:
        """For families whose only feature is the value."""
        return self.family.identity and not self.family.joint and self.scaling is None

    def fill(self, x: NDArray[Any], out: Array, check: bool = False) -> None:
        """Write features, NaN for gaps; `check` that a family of one's own gave no others."""
        if self.plain:
            out[:] = x
            return
        # Splitting an axis makes a view, whatever the strides.
        place = out.reshape(len(x), self.n_units, self.n_features)
        own = place if self.family.strided or place.flags.c_contiguous else np.empty(place.shape)
        if self.family.keeps_nan:
            z, there = (x if self.scaling is None else self.scaling.to_z(x)), None
        else:
            z, there = self._complete(x)
        self.family.features(z, own)
        if check:
            self.finite("features", own, self.observed(x) if self.gaps.any() else None)
        if own is not place:
            place[:] = own
        if there is not None and not there.all():
            np.copyto(place, np.nan, where=~there[:, :, None])

    def sums(self, features: Array, there: Array) -> dict[str, Array]:
        """Sums of the features, then the counts (K, G) of the rows that have each unit."""
        return {"sums": np.hstack([features, there])}

    def scores(self, posterior: Any) -> tuple[Array, Array, Array]:
        """Constants (K,), coefficients (K, width), and what each gap adds (G, K)."""
        constant, eta = self.natural(posterior)
        own, lost = eta[:, : self.width], eta[:, self.width :]
        return constant + lost.sum(axis=1), own, -lost.T

    def natural(self, posterior: Any) -> tuple[Array, Array]:
        """The constants of units with gaps belong to their indicators."""
        found = expected_natural(self, posterior)
        constants = found[:, :, 0]
        own = found[:, :, 1:].reshape(len(found), -1)
        return constants[:, ~self.gaps].sum(axis=1), np.hstack([own, constants[:, self.gaps]])

    def update(self, counts: Array, statistics: Fields) -> Any:
        """Counts unit by unit, then the family's own update."""
        sums = statistics["sums"]
        by_unit = np.repeat(counts[:, None], self.n_units, axis=1)
        by_unit[:, self.gaps] = sums[:, self.width :]
        own = sums[:, : self.width].reshape(len(counts), self.n_units, self.n_features)
        return self.family.update(self.prior, by_unit, own)

    def bound(
        self, posterior: Any, made: tuple[Array, Fields], counts: Array, statistics: Fields
    ) -> float:
        """Logarithm of Z(posterior) - ln Z(prior) + <S - S_made, expected natural parameters>."""
        constant, eta = self.natural(posterior)
        slack = ((counts - made[0]) * constant).sum()
        slack += ((statistics["sums"] - made[1]["sums"]) * eta).sum()
        own = self.finite("log_normaliser", self.family.log_normaliser(self.prior, posterior))
        return float(own + slack)

    def base(self, x: NDArray[Any]) -> Array | None:
        """Sum over the units that are there, with the Jacobian of the coordinates."""
        z, there = self._complete(x)
        found = self.family.base_measure(z)
        if found is not None:
            self.finite("base_measure", found, there)
        if self.scaling is None:
            if found is None:
                return None
            return np.asarray((found if there is None else found * there).sum(axis=1))
        total = (
            -np.log(self.scaling.scale)[None]
            if found is None
            else found - np.log(self.scaling.scale)
        )
        total = np.broadcast_to(total, (len(x), self.n_units))
        return np.asarray((total if there is None else total * there).sum(axis=1))

    def _complete(self, x: NDArray[Any]) -> tuple[Array, NDArray[np.bool_] | None]:
        """Rows in the family's coordinates with gaps filled, and which units are there."""
        there = None
        if self.gaps.any():
            there = self.observed(x)
            x = np.where(np.isnan(x), FILLER, x)
        return (x if self.scaling is None else self.scaling.to_z(x)), there

    # -- predictions --------------------------------------------------------------------------

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """In the units of the data."""
        there = self.observed(x)
        x = np.where(np.isnan(x), FILLER, x)
        if self.scaling is None:
            found = self.family.log_predictive(posterior, x)
        else:
            found = self.family.log_predictive(posterior, self.scaling.to_z(x))
            found = found - np.log(self.scaling.scale)[:, None]
        return np.asarray(np.where(there[:, :, None], found, 0.0))

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


def expected_natural(part: Part, posterior: Any) -> Array:
    """Return those of the family, (K, U, 1 + m), all finite."""
    found = part.family.expected_natural(posterior)
    if isinstance(posterior, Mapping) and not np.isfinite(found).all():
        for values in posterior.values():  # what cannot be finite any more
            if np.isnan(values).any():
                part.finite("update", values)
    return part.finite("expected_natural", found)


#: What stands in for a gap while features are made: a value that every family so far can have.
FILLER = 1.0

"""Standardised coordinates z = (x - centre) / scale, and the way back to the units of the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """One centre and one scale for each column; fixed when the prior is made.

    Parameters
    ----------
    centre : (D,)
        In the units of the data.
    scale : (D,)
        Positive; all equal for spherical covariances.
    """

    centre: Array
    scale: Array

    def __post_init__(self) -> None:
        centre, scale = (np.array(a, dtype=np.float64) for a in (self.centre, self.scale))
        if centre.ndim != 1 or scale.shape != centre.shape:
            raise ValueError(
                "centre and scale must be vectors of one length; got shapes "
                f"{centre.shape} and {scale.shape}"
            )
        if not (np.isfinite(centre).all() and np.isfinite(scale).all() and (scale > 0.0).all()):
            raise ValueError(f"centre must be finite, scale positive; got {centre!r}, {scale!r}")
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "scale", scale)

    @classmethod
    def of_columns(cls, mean: ArrayLike, variance: ArrayLike, *, common: bool = False) -> Scaling:
        """Centre at the mean, scale by the standard deviation.

        Parameters
        ----------
        mean, variance : (D,)
            Of the columns.
        common : bool
            One scale for all columns, the root of the mean variance (spherical covariances).

        A column without variance gets scale 1.
        """
        spread = np.array(variance, dtype=np.float64)
        if common:
            spread[:] = spread.mean()
        return cls(np.asarray(mean), np.sqrt(np.where(spread > 0.0, spread, 1.0)))

    @cached_property
    def inv_scale(self) -> Array:
        """1 / scale, as the kernels want it."""
        return np.asarray(1.0 / self.scale)

    @cached_property
    def log_jacobian(self) -> float:
        """sum_d ln scale_d: a log density in z minus this is one in the units of the data."""
        return float(np.log(self.scale).sum())

    def to_z(self, points: ArrayLike) -> Array:
        """Points (..., D) in the units of the data -> z."""
        return np.asarray((np.asarray(points, dtype=np.float64) - self.centre) * self.inv_scale)

    def from_z(self, points: Array) -> Array:
        """Points (..., D) in z -> the units of the data."""
        return np.asarray(self.centre + self.scale * points)

    def covariances_to_z(self, covariances: ArrayLike, covariance_type: str) -> Array:
        """Covariances in the shape of covariances_ (or of one, as in a prior) -> z."""
        return np.asarray(
            np.asarray(covariances, dtype=np.float64) / self._squares(covariance_type)
        )

    def covariances_from_z(self, covariances: ArrayLike, covariance_type: str) -> Array:
        """Inverse of `covariances_to_z`; for variances (..., D) say covariance_type="diag"."""
        return np.asarray(
            np.asarray(covariances, dtype=np.float64) * self._squares(covariance_type)
        )

    def _squares(self, covariance_type: str) -> Any:
        if covariance_type in ("full", "tied"):
            return np.multiply.outer(self.scale, self.scale)
        if covariance_type.endswith("diag"):
            return self.scale**2
        if (self.scale != self.scale[0]).any():
            raise ValueError(f"spherical covariances need one common scale; got {self.scale!r}")
        return self.scale[0] ** 2

"""The conjugate prior of a Gaussian component, in scikit-learn's names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.families.gaussian.diag import Diag, Spherical
from vivace.families.gaussian.full import Full
from vivace.families.gaussian.structure import Structure

STRUCTURES: dict[str, type[Structure]] = {"full": Full, "diag": Diag, "spherical": Spherical}
COVARIANCE_TYPES = ("full", "tied", "diag", "spherical", "tied_diag", "tied_spherical")


def is_tied(covariance_type: str) -> bool:
    """Whether all components share one covariance."""
    return covariance_type.startswith("tied")


def structure_of(covariance_type: str, d: int) -> Structure:
    """The structure of one covariance: full, diag or spherical."""
    name = "full" if covariance_type == "tied" else covariance_type.removeprefix("tied_")
    return STRUCTURES[name](d)


def covariance_shape(covariance_type: str, k: int, d: int) -> tuple[int, ...]:
    """Shape of covariances_ for K components."""
    name = "full" if covariance_type == "tied" else covariance_type.removeprefix("tied_")
    one = {"full": (d, d), "diag": (d,), "spherical": ()}[name]
    return one if is_tied(covariance_type) else (k, *one)


@dataclass(frozen=True)
class GaussianPrior:
    """mean | precision ~ N(mean, (mean_precision precision)^-1), precision ~ Wishart or Gamma.

    full, tied: precision ~ W(dof, scale^-1). diag: precision_d ~ Gamma(dof/2, rate scale_d/2).
    spherical: precision ~ Gamma(D dof/2, rate D scale/2). Coordinates are z.

    Parameters
    ----------
    covariance_type : str
        One of `COVARIANCE_TYPES`.
    mean : (D,)
        Prior mean.
    mean_precision : float
        Prior count behind the mean, beta_0; positive.
    dof : float
        nu_0; larger than D - 1 for full and tied, else positive.
    scale : (D, D), (D,) or float
        For full and tied, diag and tied_diag, spherical and tied_spherical; positive definite.

    Raises
    ------
    ValueError
        Naming the parameter that is out of range.
    """

    covariance_type: str
    mean: Array
    mean_precision: float
    dof: float
    scale: Array | float

    def __post_init__(self) -> None:
        if self.covariance_type not in COVARIANCE_TYPES:
            raise ValueError(
                f"covariance_type must be one of {COVARIANCE_TYPES}; got {self.covariance_type!r}"
            )
        mean = np.array(self.mean, dtype=np.float64)
        if mean.ndim != 1 or not len(mean) or not np.isfinite(mean).all():
            raise ValueError(f"mean must be a finite vector; got shape {mean.shape}: {mean!r}")
        if not 0.0 < self.mean_precision < np.inf:
            raise ValueError(f"mean_precision must be positive; got {self.mean_precision!r}")
        least = len(mean) - 1.0 if self.structure_name == "full" else 0.0
        if not least < self.dof < np.inf:
            raise ValueError(f"dof must be larger than {least:g}; got {self.dof!r}")
        scale = np.array(self.scale, dtype=np.float64)
        shape = covariance_shape(self.covariance_type, 1, len(mean))
        shape = shape if self.tied else shape[1:]
        if scale.shape != shape:
            raise ValueError(f"scale must have shape {shape}; got {scale.shape}")
        try:
            structure_of(self.covariance_type, len(mean)).factor(scale[None])
        except ImpossibleStatisticsError:
            raise ValueError(
                "scale must be positive definite; add a ridge (reg_covar) or drop constant and "
                f"duplicated columns; got {scale!r}"
            ) from None
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scale", scale if scale.ndim else float(scale))

    @property
    def tied(self) -> bool:
        """Whether all components share one covariance."""
        return is_tied(self.covariance_type)

    @property
    def structure_name(self) -> str:
        """The shape of one covariance: full, diag or spherical."""
        return (
            "full"
            if self.covariance_type == "tied"
            else (self.covariance_type.removeprefix("tied_"))
        )

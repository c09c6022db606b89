"""Gaussian components with full, diagonal or spherical covariances, tied or not."""

from vivace.families.gaussian.family import GaussianFamily
from vivace.families.gaussian.posterior import GaussianComponents, GaussianPosterior
from vivace.families.gaussian.predictive import (
    GaussianTerms,
    Predictive,
    StudentDiagTerms,
    StudentTerms,
)
from vivace.families.gaussian.prior import COVARIANCE_TYPES, GaussianPrior

__all__ = [
    "COVARIANCE_TYPES",
    "GaussianComponents",
    "GaussianFamily",
    "GaussianPosterior",
    "GaussianPrior",
    "GaussianTerms",
    "Predictive",
    "StudentDiagTerms",
    "StudentTerms",
]

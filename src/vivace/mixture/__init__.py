"""Mixture models with scikit-learn's manners: parameters, validation, fitted attributes."""

from __future__ import annotations

from vivace.mixture._estimator import BayesianGaussianMixture
from vivace.mixture._shorthands import (
    BayesianBernoulliMixture,
    BayesianCategoricalMixture,
    BayesianMultinomialMixture,
    BayesianPoissonMixture,
    BayesianStudentTMixture,
)
from vivace.mixture._table_estimator import BayesianMixture

__all__ = [
    "BayesianBernoulliMixture",
    "BayesianCategoricalMixture",
    "BayesianGaussianMixture",
    "BayesianMixture",
    "BayesianMultinomialMixture",
    "BayesianPoissonMixture",
    "BayesianStudentTMixture",
]

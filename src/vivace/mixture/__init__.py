"""Mixture models with scikit-learn's manners: parameters, validation, fitted attributes."""

from __future__ import annotations

from vivace.mixture._estimator import BayesianGaussianMixture

__all__ = ["BayesianGaussianMixture"]

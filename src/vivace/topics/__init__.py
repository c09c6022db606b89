"""Topic models with scikit-learn's manners: parameters, validation, fitted attributes."""

from __future__ import annotations

from vivace.topics._estimator import LatentDirichletAllocation

__all__ = ["LatentDirichletAllocation"]

"""A family of a user's own, for the model file that holds one; it must stay as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betaln, digamma

from vivace.families import FeatureFamily


class Failures(FeatureFamily):
    """Failures before a success: geometric counts, p ~ Beta(a, b)."""

    name = "failures"

    def __init__(self, a: float = 1.0, b: float = 1.0) -> None:
        self.a, self.b = a, b

    def prior(self, summary: Any) -> dict[str, Any]:
        """Of each column."""
        d = len(summary.mean)
        return {"a": np.full(d, self.a), "b": np.full(d, self.b)}

    def features(self, x: Any, out: Any) -> None:
        """The counts."""
        out[:, :, 0] = x

    def update(self, prior: Any, counts: Any, sums: Any) -> dict[str, Any]:
        """Successes and failures."""
        return {"a": prior["a"] + counts, "b": prior["b"] + sums[:, :, 0]}

    def expected_natural(self, q: Any) -> Any:
        """E ln p and E ln (1 - p)."""
        total = digamma(q["a"] + q["b"])
        return np.stack([digamma(q["a"]) - total, digamma(q["b"]) - total], axis=2)

    def log_normaliser(self, prior: Any, q: Any) -> float:
        """Of Beta distributions."""
        return float((betaln(q["a"], q["b"]) - betaln(prior["a"], prior["b"])).sum())

    def log_predictive(self, q: Any, x: Any) -> Any:
        """Beta-geometric."""
        a, b = q["a"].T, q["b"].T
        return betaln(a + 1.0, b + x[:, :, None]) - betaln(a, b)

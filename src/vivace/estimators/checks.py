"""Checks of arguments that every estimator takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array


def check_weights(sample_weight: Any, n_rows: int, row: str = "row") -> NDArray[np.float64] | None:
    """Weights as float64, or None for all ones; `row` is what messages call a row."""
    if sample_weight is None:
        return None
    weights = check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must hold one weight a {row}, shape ({n_rows},), got {weights.shape}."
        )
    if weights.min() < 0:
        first = int(np.argmax(weights < 0))
        raise ValueError(
            f"sample_weight must not be negative, got {weights[first]} for {row} {first}. "
            f"Weights count {row}s: leave one out with weight 0."
        )
    if not weights.max() > 0:
        raise ValueError("sample_weight must contain at least one non-zero weight, all are zero.")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        raise ValueError(
            "sample_weight has a sum that overflows. Divide the weights by a constant."
        )
    return np.ascontiguousarray(weights)

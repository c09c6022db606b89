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
        sample_weight,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite=False,
        input_name="sample_weight",
    )
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must hold one weight a {row}, shape ({n_rows},), got {weights.shape}."
        )
    if not np.isfinite(weights).all():
        first = int(np.argmax(~np.isfinite(weights)))
        what = "NaN" if np.isnan(weights[first]) else "infinity"
        raise ValueError(
            f"Input sample_weight contains {what}: the first is for {row} {first}. Weights count "
            f"{row}s: leave one out with weight 0."
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


def is_float32_frame(X: Any) -> bool:
    """Whether all columns of an Arrow or polars table are float32.

    scikit-learn makes them float64, since these tables have no type of their own.
    """
    library = type(X).__module__.partition(".")[0]
    found: Any = ()
    if library == "pyarrow":
        found = getattr(getattr(X, "schema", None), "types", ())
    elif library == "polars":
        found = getattr(X, "dtypes", ())
    return {str(one).lower() for one in found} in ({"float"}, {"float32"})


def text_entry(X: Any) -> str | None:
    """Return where a table has its first entry that is no number, as a message.

    For the error after a failed conversion: columns are tried one by one.
    """
    names = getattr(X, "columns", None)
    array = np.asarray(X, dtype=object)
    if array.ndim != 2:
        return None
    for j in range(array.shape[1]):
        try:
            array[:, j].astype(np.float64)
        except (TypeError, ValueError):
            name = f"column {j}" if names is None else f"column {names[j]!r}"
            row = next(i for i, value in enumerate(array[:, j]) if not is_number(value))
            return (
                f"{name}, row {row}: expected a number, got {str(array[row, j])[:50]!r}. Leave the "
                "column out, or turn it into numbers first."
            )
    return None


def is_number(value: Any) -> bool:
    """Whether a value is a number or text that reads as one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True

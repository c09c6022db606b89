"""Features of a standardised row that the mixture kernels make (docs/architecture.md)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Feature kinds that the kernels know, in the order of docs/architecture.md.
Kind = Literal["linear", "spherical", "diag", "full"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def n_features(kind: Kind, d: int) -> int:
    """Number of features of a row with `d` columns."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}; got {kind!r}")
    extra = {"linear": 0, "spherical": 1, "diag": d, "full": d * (d + 1) // 2}
    return 1 + d + extra[kind]


def features(z: Array, kind: Kind) -> Array:
    """Feature rows (N, F) of a few points z (N, D); the kernels do this for data."""
    columns = [np.ones((len(z), 1)), z]
    if kind == "spherical":
        columns.append((z**2).sum(axis=1, keepdims=True))
    elif kind == "diag":
        columns.append(z**2)
    elif kind == "full":
        i, j = np.triu_indices(z.shape[1])
        columns.append(z[:, i] * z[:, j])
    return np.concatenate(columns, axis=1)

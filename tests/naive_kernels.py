"""Slow, obvious references of small kernels of `vivace._core`."""

from __future__ import annotations

import numpy as np


def gather_scores_reference(start, index, values, table, scores):
    """What `_core.gather_scores` computes."""
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            scores[i] += (1.0 if values is None else values[e]) * table[index[e]]


def gather_sums_reference(start, index, values, resp, sums):
    """What `_core.gather_sums` computes."""
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            sums[index[e]] += (1.0 if values is None else values[e]) * resp[i]


def column_sums_reference(X, weights, shift, out):
    """What `_core.column_sums` computes; returns the first row that is not finite, or -1."""
    X = np.asarray(X, dtype=np.float64)
    w = np.ones(len(X)) if weights is None else np.asarray(weights)
    out[0], out[1] = w @ (X - shift), w @ (X - shift) ** 2
    out[2], out[3] = X.min(axis=0), X.max(axis=0)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    return int(bad[0]) if len(bad) else -1


def levels_reference(sizes, values, numbers, resp):
    """Scores (n, K) and sums (V, K) of rows whose columns have these values, one at a time."""
    starts = np.append(0, np.cumsum(sizes))
    scores, sums = np.zeros(resp.shape), np.zeros(numbers.shape)
    for i, row in enumerate(values):
        for c, value in enumerate(row):
            scores[i] += numbers[starts[c] + value]
            sums[starts[c] + value] += resp[i]
    return scores, sums

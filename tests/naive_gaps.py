"""Slow references for Gaussian rows with gaps and diagonal precisions, value by value.

A cell is a component and a column; `pool` tells which cells share a precision. Posterior and bound
are sums over the values that are there of expectations, minus Kullback-Leibler divergences.
"""

from __future__ import annotations

import naive
import numpy as np
from scipy.special import digamma


def pool(prior, k, d):
    """The pool of a cell."""
    return (None if prior.tied else k, None if prior.shape == "spherical" else d)


def update(X, r, prior):
    """Cells (beta, mean) and pools [a, c] of Gamma(a, rate c), by walking over the values."""
    n, columns = X.shape
    scale = np.broadcast_to(np.asarray(prior.scale, float), (columns,))
    width = columns if prior.shape == "spherical" else 1
    cells, pools = {}, {}
    for k in range(r.shape[1]):
        for d in range(columns):
            there = [i for i in range(n) if not np.isnan(X[i, d])]
            count = sum(r[i, k] for i in there)
            beta = prior.mean_precision + count
            mean = prior.mean_precision * prior.mean[d] + sum(r[i, k] * X[i, d] for i in there)
            mean /= beta
            squares = sum(r[i, k] * (X[i, d] - mean) ** 2 for i in there)
            squares += prior.mean_precision * (mean - prior.mean[d]) ** 2
            start = [0.5 * width * prior.dof, 0.5 * width * scale[d]]
            found = pools.setdefault(pool(prior, k, d), start)
            found[0] += 0.5 * count
            found[1] += 0.5 * squares
            cells[k, d] = beta, mean
    return cells, pools


def expected_log_likelihood(X, posterior, prior, n_components):
    """E ln p(x_n | k) of what is there, (N, K)."""
    cells, pools = posterior
    out = np.zeros((len(X), n_components))
    for n, k in np.ndindex(out.shape):
        for d in np.flatnonzero(~np.isnan(X[n])):
            (beta, mean), (a, c) = cells[k, d], pools[pool(prior, k, d)]
            distance = 1.0 / beta + a / c * (X[n, d] - mean) ** 2
            out[n, k] += 0.5 * (digamma(a) - np.log(c) - np.log(2 * np.pi) - distance)
    return out


def kl(posterior, prior, columns):
    """KL(q || p) of means and precisions."""
    cells, pools = posterior
    scale = np.broadcast_to(np.asarray(prior.scale, float), (columns,))
    width = columns if prior.shape == "spherical" else 1
    total = 0.0
    for (k, d), (beta, mean) in cells.items():
        a, c = pools[pool(prior, k, d)]
        b0 = prior.mean_precision
        total += 0.5 * (b0 / beta - 1.0 - np.log(b0 / beta))
        total += 0.5 * b0 * a / c * (mean - prior.mean[d]) ** 2
    for (_, d), (a, c) in pools.items():
        c0 = 0.5 * width * scale[0 if d is None else d]
        total += naive.kl_gamma(a, c, 0.5 * width * prior.dof, c0)
    return total


def elbo(X, r, prior, weights, w, made_from):
    """Bound of responsibilities r and the posterior that `made_from` made."""
    posterior = update(X, w[:, None] * made_from, prior)
    counts = (w[:, None] * made_from).sum(axis=0)
    log_joint = expected_log_likelihood(X, posterior, prior, r.shape[1])
    log_joint = log_joint + weights.expected_log(counts)
    entropy = -np.where(r > 0.0, r * np.log(np.where(r > 0.0, r, 1.0)), 0.0).sum(axis=1)
    rows = (r * log_joint).sum(axis=1) + entropy
    return w @ rows - kl(posterior, prior, X.shape[1]) - weights.kl(counts)

"""Slow, obvious references of the families: evidence by the chain of predictives, ELBO by loops.

Sources: the formulas of the conjugate families in Bishop, PRML (2006), chapters 2 and 10. A
reference knows one column (or one row, where columns depend on one another) of one component.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import digamma, gammaln, logsumexp


@dataclass
class BetaBernoulli:
    a: float
    b: float

    def posterior(self, x, r):
        return self.a + r @ x, self.b + r @ (1 - x)

    def log_expected(self, q, x):
        a, b = q
        return x * (digamma(a) - digamma(a + b)) + (1 - x) * (digamma(b) - digamma(a + b))

    def kl(self, q):
        return kl_dirichlet(np.array(q), np.array([self.a, self.b]))

    def predictive(self, q, x):
        return np.log((q[0] if x else q[1]) / (q[0] + q[1]))


@dataclass
class GammaPoisson:
    a: float
    b: float

    def posterior(self, x, r):
        return self.a + r @ x, self.b + r.sum()

    def log_expected(self, q, x):
        a, b = q
        return x * (digamma(a) - np.log(b)) - a / b - gammaln(x + 1.0)

    def kl(self, q):
        return kl_gamma(*q, self.a, self.b)

    def predictive(self, q, x):
        return stats.nbinom(q[0], q[1] / (q[1] + 1.0)).logpmf(x)


@dataclass
class GammaGamma:
    s: float
    a: float
    b: float

    def posterior(self, x, r):
        return self.a + self.s * r.sum(), self.b + r @ x

    def log_expected(self, q, x):
        a, b = q
        base = (self.s - 1) * np.log(x) - gammaln(self.s)
        return self.s * (digamma(a) - np.log(b)) - x * a / b + base

    def kl(self, q):
        return kl_gamma(*q, self.a, self.b)

    def predictive(self, q, x):
        return stats.betaprime(self.s, q[0], scale=q[1]).logpdf(x)


@dataclass
class NormalGamma:
    m: float
    beta: float
    dof: float
    scale: float

    def posterior(self, x, r):
        beta = self.beta + r.sum()
        m = (self.beta * self.m + r @ x) / beta
        scale = self.scale + r @ x**2 + self.beta * self.m**2 - beta * m**2
        return m, beta, self.dof + r.sum(), scale

    def log_expected(self, q, x):
        m, beta, dof, scale = q
        log_precision = digamma(dof / 2) - np.log(scale / 2)
        return 0.5 * (log_precision - np.log(2 * np.pi) - 1 / beta - dof / scale * (x - m) ** 2)

    def kl(self, q):
        m, beta, dof, scale = q
        mean = 0.5 * (self.beta / beta - 1 - np.log(self.beta / beta))
        mean += 0.5 * self.beta * dof / scale * (m - self.m) ** 2
        return mean + kl_gamma(dof / 2, scale / 2, self.dof / 2, self.scale / 2)

    def predictive(self, q, x):
        m, beta, dof, scale = q
        return stats.t(dof, m, np.sqrt(scale * (beta + 1) / (dof * beta))).logpdf(x)


@dataclass
class DirichletCategorical:
    concentration: np.ndarray

    def posterior(self, x, r):
        return self.concentration + np.array([r @ (x == v) for v in range(len(self.concentration))])

    def log_expected(self, q, x):
        return (digamma(q) - digamma(q.sum()))[np.asarray(x, dtype=int)]

    def kl(self, q):
        return kl_dirichlet(q, self.concentration)

    def predictive(self, q, x):
        return np.log(q[int(x)] / q.sum())


@dataclass
class DirichletMultinomial:
    """`x` are rows of counts."""

    concentration: np.ndarray

    def posterior(self, x, r):
        return self.concentration + r @ x

    def log_expected(self, q, x):
        x = np.asarray(x)
        base = gammaln(x.sum(axis=-1) + 1) - gammaln(x + 1).sum(axis=-1)
        return x @ (digamma(q) - digamma(q.sum())) + base

    def kl(self, q):
        return kl_dirichlet(q, self.concentration)

    def predictive(self, q, x):
        return stats.dirichlet_multinomial(q, int(np.sum(x))).logpmf(x)


def kl_gamma(a, b, a0, b0):
    return (
        (a - a0) * digamma(a) - gammaln(a) + gammaln(a0) + a0 * (np.log(b) - np.log(b0))
        + a * (b0 - b) / b
    )  # fmt: skip


def kl_dirichlet(q, p):
    own = gammaln(q.sum()) - gammaln(q).sum() - gammaln(p.sum()) + gammaln(p).sum()
    return own + (q - p) @ (digamma(q) - digamma(q.sum()))


def columns(x, references):
    """(reference, values) of every unit: a column, or all of them for one joint reference."""
    if isinstance(references[0], DirichletMultinomial):
        return [(references[0], x)]
    return [(reference, x[:, j]) for j, reference in enumerate(references)]


def gone(values):
    return np.isnan(values) if values.ndim == 1 else np.isnan(values).all(axis=1)


def elbo(parts, r, weights, w=None):
    """Bound of responsibilities r (n, K); parts are (x, references), weights a naive.Weights."""
    n, k = r.shape
    w = np.ones(n) if w is None else w
    counts = w @ r
    total = counts @ weights.expected_log(counts) - weights.kl(counts)
    for j in range(k):
        total += slog_weighted(r[:, j], w)
        for x, references in parts:
            for reference, values in columns(x, references):
                there = ~gone(values)
                wr, seen = (w * r[:, j])[there], values[there]
                q = reference.posterior(seen, wr)
                total += wr @ reference.log_expected(q, seen) - reference.kl(q)
    return float(total)


def slog_weighted(r, w):
    return float(-(w * r * np.log(np.where(r > 0, r, 1.0))).sum())


def step(parts, r, weights, w=None):
    """Responsibilities from those before."""
    n, k = r.shape
    w = np.ones(n) if w is None else w
    scores = np.tile(weights.expected_log(w @ r), (n, 1))
    for j in range(k):
        for x, references in parts:
            for reference, values in columns(x, references):
                there = ~gone(values)
                q = reference.posterior(values[there], (w * r[:, j])[there])
                scores[there, j] += reference.log_expected(q, values[there])
    return np.exp(scores - logsumexp(scores, axis=1, keepdims=True))


def log_marginal(parts, labels, k):
    """ln p(x | labels): the chain of predictives, row after row."""
    total = 0.0
    for j in range(k):
        mine = np.flatnonzero(np.asarray(labels) == j)
        for x, references in parts:
            for reference, values in columns(x, references):
                seen = values[mine][~gone(values[mine])]
                for i in range(len(seen)):
                    q = reference.posterior(seen[:i], np.ones(i))
                    total += reference.predictive(q, seen[i])
    return float(total)


def log_evidence(parts, n, k, log_labels):
    """ln p(x) by enumeration of all labels; log_labels(counts) is ln p(labels)."""
    return float(
        logsumexp(
            [
                log_marginal(parts, labels, k) + log_labels(np.bincount(labels, minlength=k))
                for labels in itertools.product(range(k), repeat=n)
            ]
        )
    )

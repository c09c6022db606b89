"""Slow, obvious references, written from the formulas: loops, full matrices, data units.

Nothing here shares code or tricks with the package. Posteriors are those of Bishop, *Pattern
Recognition and Machine Learning* (PRML), section 10.2; bounds are sums of expectations minus
Kullback-Leibler divergences, not differences of log normalisers; every covariance type is worked
as D x D matrices; nothing is centred or scaled. References of the compiled kernels come last.

Names: X rows (N, D), r responsibilities (N, K), w row weights (N,), N_k counts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import betaln, digamma, gammaln, logsumexp, multigammaln

# ---------------------------------------------------------------- weight models


@dataclass
class Weights:
    """Dirichlet (concentration alpha0) or K random sticks (DP, Pitman-Yor)."""

    kind: str  # "dirichlet" | "sticks"
    concentration: float
    discount: float = 0.0

    def pairs(self, counts):
        """Beta parameters of each stick: [(a, b, prior a, prior b)]."""
        out, a0 = [], 1.0 - self.discount
        for k in range(len(counts)):
            b0 = self.concentration + (k + 1) * self.discount
            out.append((a0 + counts[k], b0 + sum(counts[k + 1 :]), a0, b0))
        return out

    def expected_log(self, counts):
        if self.kind == "dirichlet":
            a = [self.concentration + c for c in counts]
            return np.array([digamma(x) - digamma(sum(a)) for x in a])
        out, rest = [], 0.0
        for a, b, _, _ in self.pairs(counts):
            out.append(rest + digamma(a) - digamma(a + b))
            rest += digamma(b) - digamma(a + b)
        return np.array(out)

    def kl(self, counts):
        """KL(q(pi) || p(pi))."""
        if self.kind == "dirichlet":
            a0, k = self.concentration, len(counts)
            a = np.array([a0 + c for c in counts])
            log_b = gammaln(a).sum() - gammaln(a.sum())
            log_b0 = k * gammaln(a0) - gammaln(k * a0)
            return log_b0 - log_b + ((a - a0) * (digamma(a) - digamma(a.sum()))).sum()
        total = 0.0
        for a, b, a0, b0 in self.pairs(counts):
            total += betaln(a0, b0) - betaln(a, b)
            total += (a - a0) * digamma(a) + (b - b0) * digamma(b)
            total += (a0 + b0 - a - b) * digamma(a + b)
        return total

    def mean(self, counts):
        """E[pi_k] for k = 1..K, then the mass of everything beyond K."""
        if self.kind == "dirichlet":
            a = np.array([self.concentration + c for c in counts])
            return np.append(a / a.sum(), 0.0)
        out, left = [], 1.0
        for a, b, _, _ in self.pairs(counts):
            out.append(left * a / (a + b))
            left *= b / (a + b)
        return np.array([*out, left])

    def log_probability_of_labels(self, counts):
        """ln p(z), the weights integrated out; `counts` are whole numbers."""
        if self.kind == "dirichlet":
            a0, k = self.concentration, len(counts)
            top = sum(gammaln(a0 + c) - gammaln(a0) for c in counts)
            return top + gammaln(k * a0) - gammaln(k * a0 + sum(counts))
        return sum(betaln(a, b) - betaln(a0, b0) for a, b, a0, b0 in self.pairs(counts))


# ---------------------------------------------------------------- Gaussian components


@dataclass
class Prior:
    """Prior in scikit-learn's names; `scale` is covariance_prior_ (= W0^-1), in its shape."""

    covariance_type: str
    mean: np.ndarray
    mean_precision: float
    dof: float
    scale: object
    fixed_means: np.ndarray | None = None
    fixed_covariances: object = None

    @property
    def tied(self):
        return self.covariance_type.startswith("tied")

    @property
    def shape(self):
        """Full, diag or spherical."""
        name = self.covariance_type
        return "full" if name == "tied" else name.removeprefix("tied_")


@dataclass
class Posterior:
    """Of K components; the matrices are (K, D, D), repeated for tied types."""

    beta: np.ndarray
    means: np.ndarray
    dof: np.ndarray
    scale: np.ndarray

    def component(self, k):
        return self.beta[k], self.means[k], self.dof[k], self.scale[k]


def matrices(values, covariance_type, k, d):
    """Covariances in scikit-learn's shape -> (K, D, D)."""
    out = np.zeros((k, d, d))
    for j in range(k):
        v = np.asarray(values if covariance_type.startswith("tied") else values[j], dtype=float)
        out[j] = v if v.ndim == 2 else (np.diag(v) if v.ndim == 1 else v * np.eye(d))
    return out


def prior_matrix(prior):
    """W0^-1 as a D x D matrix."""
    return matrices(prior.scale, "tied", 1, len(prior.mean))[0]


def project(a, shape):
    """The part of a D x D scatter that a covariance of this shape can see."""
    d = len(a)
    if shape == "full":
        return a
    return np.diag(np.diag(a)) if shape == "diag" else np.trace(a) / d * np.eye(d)


def update(X, r, prior):
    """q of the components from weighted responsibilities (PRML 10.60 to 10.63)."""
    n, d = X.shape
    k = r.shape[1]
    beta, means, scatter = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
    for j in range(k):
        count = sum(r[i, j] for i in range(n))
        if prior.fixed_means is not None:
            beta[j], means[j] = np.inf, prior.fixed_means[j]
            for i in range(n):
                scatter[j] += r[i, j] * np.outer(X[i] - means[j], X[i] - means[j])
            continue
        beta[j] = prior.mean_precision + count
        xbar = sum(r[i, j] * X[i] for i in range(n)) / count if count > 0 else prior.mean
        means[j] = (prior.mean_precision * prior.mean + count * xbar) / beta[j]
        for i in range(n):
            scatter[j] += r[i, j] * np.outer(X[i] - xbar, X[i] - xbar)
        pull = prior.mean_precision * count / beta[j]
        scatter[j] += pull * np.outer(xbar - prior.mean, xbar - prior.mean)
    if prior.fixed_covariances is not None:
        fixed = matrices(prior.fixed_covariances, prior.covariance_type, k, d)
        return Posterior(beta, means, np.full(k, np.inf), fixed)
    counts = r.sum(axis=0)
    if prior.tied:
        scatter, counts = np.repeat(scatter.sum(0)[None], k, 0), np.full(k, counts.sum())
    scale = np.array([prior_matrix(prior) + project(a, prior.shape) for a in scatter])
    return Posterior(beta, means, prior.dof + counts, scale)


def expected_precision(post, k):
    """E[precision matrix of component k]."""
    _, _, dof, scale = post.component(k)
    return np.linalg.inv(scale) if np.isinf(dof) else dof * np.linalg.inv(scale)


def expected_log_det(dof, scale, shape):
    """E ln |precision| (PRML 10.65; Gamma forms for the other shapes)."""
    d = len(scale)
    logdet = np.linalg.slogdet(scale)[1]
    if np.isinf(dof):
        return -logdet
    if shape == "full":
        return sum(digamma((dof + 1 - i) / 2) for i in range(1, d + 1)) + d * np.log(2) - logdet
    if shape == "diag":
        return d * (digamma(dof / 2) + np.log(2)) - logdet
    return d * (digamma(d * dof / 2) - np.log(d * scale[0, 0] / 2))


def expected_log_likelihood(X, post, prior):
    """E ln p(x_n | component k), (N, K) (PRML 10.64)."""
    n, d = X.shape
    out = np.zeros((n, len(post.beta)))
    for k in range(out.shape[1]):
        beta, mean, dof, scale = post.component(k)
        precision = expected_precision(post, k)
        log_det = expected_log_det(dof, scale, prior.shape)
        for i in range(n):
            quad = d / beta + (X[i] - mean) @ precision @ (X[i] - mean)
            out[i, k] = 0.5 * (log_det - d * np.log(2 * np.pi) - quad)
    return out


def kl_gamma(a, c, a0, c0):
    """KL of Gamma(shape a, rate c) from Gamma(a0, c0)."""
    gap = (a - a0) * digamma(a) - gammaln(a) + gammaln(a0)
    return gap + a0 * (np.log(c) - np.log(c0)) + a * (c0 - c) / c


def kl_precision(dof, scale, prior):
    d, nu0, s0 = len(scale), prior.dof, prior_matrix(prior)
    if np.isinf(dof):
        return 0.0
    if prior.shape == "diag":
        return sum(kl_gamma(dof / 2, scale[i, i] / 2, nu0 / 2, s0[i, i] / 2) for i in range(d))
    if prior.shape == "spherical":
        return kl_gamma(d * dof / 2, d * scale[0, 0] / 2, d * nu0 / 2, d * s0[0, 0] / 2)

    def log_b(nu, winv):  # PRML B.79
        half = nu / 2 * np.linalg.slogdet(winv)[1] - nu * d / 2 * np.log(2)
        return half - multigammaln(nu / 2, d)

    gap = log_b(dof, scale) - log_b(nu0, s0)
    gap += (dof - nu0) / 2 * expected_log_det(dof, scale, "full")
    return gap - dof * d / 2 + dof / 2 * np.trace(s0 @ np.linalg.inv(scale))


def kl_components(post, prior):
    """KL of all component parameters from their prior."""
    total, d = 0.0, len(prior.mean)
    for k in range(len(post.beta)):
        beta, mean, dof, scale = post.component(k)
        if prior.fixed_means is None:
            b0, gap = prior.mean_precision, mean - prior.mean
            total += 0.5 * d * (b0 / beta - 1 + np.log(beta / b0))
            total += 0.5 * b0 * gap @ expected_precision(post, k) @ gap
        if not prior.tied or k == 0:
            total += kl_precision(dof, scale, prior)
    return total


def row_entropy(r):
    """-sum_k r ln r of each row."""
    return np.array([-sum(p * np.log(p) for p in row if p > 0) for row in r])


def elbo(X, r, prior, weights, w=None, made_from=None):
    """The bound for responsibilities r and the posterior made from `made_from` (default r)."""
    w = np.ones(len(X)) if w is None else w
    wr = w[:, None] * r
    wq = wr if made_from is None else w[:, None] * made_from
    post, counts = update(X, wq, prior), wq.sum(axis=0)
    scores = expected_log_likelihood(X, post, prior) + weights.expected_log(counts)
    total = (wr * scores).sum() + (w * row_entropy(r)).sum()
    return total - kl_components(post, prior) - weights.kl(counts)


def step(X, r, prior, weights, w=None):
    """One map: posterior from r, then new responsibilities."""
    wr = r if w is None else w[:, None] * r
    scores = expected_log_likelihood(X, update(X, wr, prior), prior)
    scores = scores + weights.expected_log(wr.sum(axis=0))
    return np.exp(scores - logsumexp(scores, axis=1, keepdims=True))


def fit(X, r, prior, weights, n_iter, w=None):
    """Coordinate ascent: the bound after each map, and the last responsibilities."""
    trace = []
    for _ in range(n_iter):
        r = step(X, r, prior, weights, w)
        trace.append(elbo(X, r, prior, weights, w))
    return np.array(trace), r


# ---------------------------------------------------------------- predictive, evidence


def log_predictive_component(x, beta, mean, dof, scale, shape):
    """ln p(x | component) with its parameters integrated out (PRML 10.81)."""
    d, spread = len(mean), 1 + 1 / beta
    if np.isinf(dof):
        return stats.multivariate_normal.logpdf(x, mean, scale * spread)
    if shape == "full":
        df = dof + 1 - d
        return stats.multivariate_t.logpdf(x, mean, scale * spread / df, df)
    if shape == "diag":
        sd = np.sqrt(np.diag(scale) * spread / dof)
        return stats.t.logpdf(x, dof, mean, sd).sum(axis=-1)
    return stats.multivariate_t.logpdf(x, mean, scale * spread / dof, d * dof)


def log_predictive(X, post, prior, weights, counts):
    """ln p(x_new | data); the mass beyond K goes to a component that has seen nothing."""
    mean_weights, columns = weights.mean(counts), []
    for k in range(len(post.beta)):
        columns.append(log_predictive_component(X, *post.component(k), prior.shape))
    dof, scale = prior.dof, prior_matrix(prior)
    if prior.tied:
        dof, scale = post.dof[0], post.scale[0]
    fresh = log_predictive_component(X, prior.mean_precision, prior.mean, dof, scale, prior.shape)
    columns = np.column_stack([*(np.atleast_1d(c) for c in columns), np.atleast_1d(fresh)])
    return logsumexp(columns, b=mean_weights, axis=1)


def log_marginal(X, labels, prior, k):
    """ln p(X | labels) as a chain of predictive densities, row by row."""
    total = 0.0
    r = np.eye(k)[labels]
    for i in range(len(X)):
        post = update(X[:i], r[:i], prior)
        total += log_predictive_component(X[i], *post.component(labels[i]), prior.shape)
    return total


def log_evidence(X, k, prior, weights):
    """ln p(X) by enumeration of the K^N labellings (for sticks: labels up to K only)."""
    terms = []
    for labels in itertools.product(range(k), repeat=len(X)):
        prior_term = weights.log_probability_of_labels(np.bincount(labels, minlength=k))
        terms.append(prior_term + log_marginal(X, list(labels), prior, k))
    return logsumexp(terms)


# ---------------------------------------------------------------- the kernels of vivace._core


def standardise(X, centre, inv_scale):
    return (np.asarray(X, dtype=np.float64) - centre) * inv_scale


def features(z, kind, quadratic=None):
    """Rows of features: 1, z, then the quadratic part of the kind, of the first columns."""
    columns = [np.ones(len(z)), *z.T]
    z = z[:, :quadratic]
    if kind == "spherical":
        columns.append((z**2).sum(axis=1))
    elif kind == "diag":
        columns.extend((z**2).T)
    elif kind == "full":
        d = z.shape[1]
        columns.extend(z[:, i] * z[:, j] for i in range(d) for j in range(i, d))
    return np.column_stack(columns)


def mixture_step_reference(
    X, weights, centre, inv_scale, eta, score_kind, stat_kind, mode, single,
    suff, entropy, resp=None, labels=None, lse=None, quadratic=None, added=None, weighted=None,
):  # fmt: skip
    """What `_core.mixture_step` computes (always in float64)."""
    z = standardise(X, centre, inv_scale)
    if mode == "given":
        r = np.asarray(resp, dtype=np.float64)
    else:
        scores = features(z, score_kind, quadratic) @ eta.T
        if added is not None:
            scores += added[:, : len(eta)]
        total = logsumexp(scores, axis=1)
        r = np.exp(scores - total[:, None])
        best = scores.argmax(axis=1)
        if mode == "hard":
            r = np.eye(len(eta))[best]
        if labels is not None:
            labels[:] = best
        if resp is not None:
            resp[:] = r
        if lse is not None:
            lse[:] = total
    if mode == "score":
        return
    wr = r if weights is None else np.asarray(weights)[:, None] * r
    if weighted is not None:
        weighted[:] = 0.0
        weighted[:, : len(eta)] = wr
    suff[:] = wr.T @ features(z, stat_kind, quadratic)
    entropy[:] = -(wr * np.log(np.where(r > 0, r, 1.0))).sum(axis=0)


def mixture_student_reference(X, centre, inv_scale, eta_q, score_kind, a, b, out, resp=None):
    """What `_core.mixture_student` computes."""
    q = np.maximum(features(standardise(X, centre, inv_scale), score_kind) @ eta_q.T, 0.0)
    terms = a - b * np.log1p(q)
    out[:] = logsumexp(terms, axis=1)
    if resp is not None:
        resp[:] = np.exp(terms - out[:, None])


def mixture_student_diag_reference(X, centre, inv_scale, means, inv_scale2, a, b, out, resp=None):
    """What `_core.mixture_student_diag` computes."""
    z = standardise(X, centre, inv_scale)
    terms = a - (b * np.log1p(inv_scale2 * (z[:, None, :] - means) ** 2)).sum(axis=2)
    out[:] = logsumexp(terms, axis=1)
    if resp is not None:
        resp[:] = np.exp(terms - out[:, None])

"""Latent Dirichlet allocation, slow and obvious: what the kernels and the model are tested against.

Written from the formulas of Blei, Ng and Jordan (2003) and Hoffman, Blei and Bach (2010), on dense
counts (documents x words), in float64 and in logarithms. Topics are K x V here.
"""

import numpy as np
from scipy.special import digamma, gammaln, logsumexp


def expected_log(parameters):
    """E ln of Dirichlet vectors along the last axis."""
    return digamma(parameters) - digamma(parameters.sum(axis=-1, keepdims=True))


def document_step(counts, topics, alpha, gamma, max_sweeps, tolerance):
    """gamma (in: start) -> final gamma, phi (words x K), number of sweeps, for one document."""
    log_beta = expected_log(topics).T
    gamma = gamma.copy()
    sweep = 0
    while sweep < max_sweeps:
        sweep += 1
        phi = responsibilities(gamma, log_beta)
        new = alpha + counts @ phi
        change = np.abs(new - gamma).mean()
        gamma = new
        if change < tolerance:
            break
    return gamma, responsibilities(gamma, log_beta), sweep


def responsibilities(gamma, log_beta):
    scores = digamma(gamma) + log_beta
    return np.exp(scores - logsumexp(scores, axis=1, keepdims=True))


def dirichlet_terms(prior, parameters):
    """E ln p - E ln q of a Dirichlet vector."""
    prior = np.broadcast_to(prior, parameters.shape)
    total = ((prior - parameters) * expected_log(parameters)).sum()
    total += gammaln(parameters).sum() - gammaln(parameters.sum())
    return total + gammaln(prior.sum()) - gammaln(prior).sum()


def document_bound(counts, topics, alpha, gamma):
    """Terms of the bound of one document, with the best phi for this gamma."""
    seen = counts > 0
    scores = expected_log(gamma)[:, None] + expected_log(topics)[:, seen]
    return counts[seen] @ logsumexp(scores, axis=0) + dirichlet_terms(alpha, gamma)


def topic_bound(topics, prior):
    return sum(dirichlet_terms(prior, topic) for topic in topics)


def bound(counts, topics, alpha, prior, gammas):
    documents = sum(
        document_bound(x, topics, alpha, g) for x, g in zip(counts, gammas, strict=True)
    )
    return documents + topic_bound(topics, prior)


def evidence_of_one_topic(counts, prior):
    """ln p(X) for K = 1, up to the multinomial coefficients that the bound leaves out too."""
    total = counts.sum(axis=0)
    parameters = prior + total
    return (
        gammaln(parameters).sum()
        - gammaln(parameters.sum())
        + gammaln(prior * len(total))
        - len(total) * gammaln(prior)
    )

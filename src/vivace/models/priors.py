"""Learning the Dirichlet priors of topic models: each step raises the bound, or leaves it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

Doubles = NDArray[np.float64]

#: Range of a learned prior: a topic that no document uses is drawn towards zero for ever, and
#: documents that are all alike towards infinity.
LEAST, MOST = 1e-4, 1e3

#: A Newton step shrinks a number to no less than this share, so that it stays positive.
SHRINK = 0.2

#: Steps of one call, enough from anywhere in the range; usually three are made.
NEWTON_STEPS = 50


def document_prior(alpha: Doubles, documents: float, log_theta: Doubles) -> Doubles:
    """Return the alpha that maximises the bound for given documents.

    Newton's method in linear time (Minka 2000; Huang 2005) on the concave
    ``D (ln Gamma(sum alpha) - sum ln Gamma(alpha)) + sum alpha log_theta``, with steps halved until
    they do not lower it.

    Parameters
    ----------
    alpha : (K,)
        Where to start.
    documents : float
        Weighted number of documents, D.
    log_theta : (K,)
        Weighted sum of E ln theta over documents.
    """
    if len(alpha) == 1 or not documents > 0.0:  # nothing depends on the alpha of one topic
        return alpha
    mean = log_theta / documents

    def value(a: Doubles) -> float:
        return float(gammaln(a.sum()) - gammaln(a).sum() + a @ mean)

    alpha = np.clip(alpha, LEAST, MOST)
    here = value(alpha)
    for _ in range(NEWTON_STEPS):
        gradient = digamma(alpha.sum()) - digamma(alpha) + mean
        curvature = -polygamma(1, alpha)
        common = (gradient / curvature).sum()
        common /= 1.0 / polygamma(1, alpha.sum()) + (1.0 / curvature).sum()
        step = (gradient - common) / curvature
        share = 1.0
        while share > 1e-10:
            trial = np.clip(np.maximum(alpha - share * step, SHRINK * alpha), LEAST, MOST)
            there = value(trial)
            if there >= here:
                break
            share *= 0.5
        else:
            break
        moved = float(np.abs(trial - alpha).max() / alpha.max())
        alpha, here = trial, there
        if moved < 1e-9:
            break
    return alpha


def word_prior(eta: float, psi_sum: float, totals: Doubles, n_words: int) -> float:
    """Return an eta at which the evidence of given expected counts is no lower.

    The fixed point of Minka (2000) for a symmetric Dirichlet-multinomial, a step of which never
    lowers the evidence.

    Parameters
    ----------
    eta : float
        Where to start.
    psi_sum : float
        Sum of digamma(lambda) over words and topics, at this eta.
    totals : (K,)
        Sums of lambda, at this eta.
    n_words : int
        V.
    """
    above = psi_sum - n_words * len(totals) * digamma(eta)
    below = n_words * (digamma(totals).sum() - len(totals) * digamma(n_words * eta))
    if not (above > 0.0 and below > 0.0):
        return eta
    return float(np.clip(eta * above / below, LEAST, MOST))

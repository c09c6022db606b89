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


def fold_in(counts, mean, alpha, max_sweeps, tolerance):
    """One document at fixed topics by collapsed inference: prior plus expected counts.

    mean: expected probabilities of words, K x V. Entry after entry, each without one of its own
    tokens (Asuncion et al. 2009).
    """
    words = np.flatnonzero(counts)
    shares = np.full((len(words), len(alpha)), 1.0 / len(alpha))
    for _ in range(max_sweeps):
        before = counts[words] @ shares
        for i, w in enumerate(words):
            others = counts[words] @ shares - min(counts[w], 1.0) * shares[i]
            weights = mean[:, w] * (others + alpha)
            shares[i] = weights / weights.sum()
        if np.abs(counts[words] @ shares - before).mean() < tolerance:
            break
    return alpha + counts[words] @ shares


def half(share):
    """A share as float32 fits keep it: half precision, times 2^15."""
    return np.float16(share * 2.0**15).astype(np.float64) / 2.0**15


def single(share):
    """A share as float64 fits keep it."""
    return np.float32(share).astype(np.float64)


def lean(keep, kept=12):
    """Shares of which the largest are kept, those above a level, and take over the rest.

    The level is 1 / (kept + 1), halved (ten times at most) while no more than `kept` are above it.
    """

    def pack(shares):
        level = 1.0 / (kept + 1)
        if (shares > level).any():
            for _ in range(10):
                if (shares > level / 2).sum() > kept:
                    break
                level /= 2
            shares = np.where(shares > level, shares, 0.0)
        elif len(shares) > kept:
            shares = np.where(shares >= np.sort(shares)[-kept], shares, 0.0)
        return keep(shares / shares.sum())

    return pack


def collapsed_pass(
    counts,
    batches,
    table,
    gammas,
    alpha,
    *,
    keep,
    truncated=False,
    least=0.0,
    sweeps=1,
    fresh=False,
    weights=None,
):
    """One pass of collapsed variational Bayes, order zero (Asuncion et al. 2009).

    counts: documents x words; batches: lists of documents; table: words x topics, prior + expected
    counts, changed in place after each batch; gammas: a words x topics array for each document, of
    which the rows of its words count, changed in place. The table may have been moved on from what
    the gammas sum to: less an entry's own share it counts as `least` at least. Returns the log
    likelihood of the tokens, each predicted from all others.
    """
    totals = table.sum(axis=0)
    likelihood = 0.0
    weights = np.ones(len(counts)) if weights is None else weights
    for batch in batches:
        change = np.zeros_like(table)
        for d in batch:
            words = np.flatnonzero(counts[d])
            gamma = np.zeros_like(gammas[d]) if fresh else gammas[d]
            old = gamma.copy()
            held = alpha + counts[d] @ gamma
            for sweep in range(sweeps):
                for w in words:
                    count = counts[d, w]
                    y = min(count, 1.0)
                    x = y * min(weights[d], 1.0)
                    shares = np.maximum(table[w] - x * old[w], least) * (held - y * gamma[w])
                    shares /= totals - x * old[w]
                    if sweep == sweeps - 1:
                        chance = shares.sum() / (counts[d].sum() - y + alpha.sum())
                        likelihood += weights[d] * count * np.log(chance)
                    shares /= shares.sum()
                    kept = keep(shares)
                    # Rounding does not count for the rest of the visit, what is left out does.
                    held += count * ((kept if truncated else shares) - gamma[w])
                    gamma[w] = kept
            change += weights[d] * counts[d][:, None] * (gamma - old)
            gammas[d] = gamma
        table += change
        totals += change.sum(axis=0)
    return likelihood


def topic_of_token(word, mine, counts, alpha, prior):
    """Probabilities of a token's topic (K,), not normalised: p(topic, word | all other tokens).

    `mine` (K,) are the topics of the document's other tokens, `counts` (V, K) the words' counts
    without the token; collapsed Gibbs sampling, Griffiths and Steyvers (2004).
    """
    words = (counts[word] + prior) / (counts.sum(axis=0) + len(counts) * prior)
    return words * (mine + alpha) / (mine.sum() + alpha.sum())


def random_start(counts, n_topics, seed, centre, width):
    """Random parameters of documents that follow from their words and counts, one by one."""
    mask = 2**64 - 1

    def scramble(x):
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    gamma = np.empty((len(counts), n_topics))
    for d, row in enumerate(counts):
        document = 0
        for w in np.flatnonzero(row):
            bits = int(np.float32(row[w]).view(np.uint32))
            document += scramble((scramble((int(w) + seed) & mask) + bits) & mask)
        for k in range(n_topics):
            bits = scramble((document + (k + 1) * 0x9E3779B97F4A7C15) & mask) >> 11
            gamma[d, k] = centre + width * (bits * 2.0**-52 - 1.0)
    return gamma


def seed_groups(counts, n_groups, alike, first, draws):
    """Groups of documents that are alike, around first ones drawn to be unlike each other."""
    rarity = np.log1p(len(counts) / np.maximum((counts > 0).sum(axis=0), 1))
    rows = np.log1p(counts) * rarity
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    groups, nearest = [], np.zeros(len(counts))
    while True:
        cosine = rows @ rows[first]
        cosine[first] = 2.0
        order = np.argsort(-cosine, kind="stable")[:alike]
        groups.append([int(d) for d in order if cosine[d] > 0.0])
        nearest = np.maximum(nearest, cosine)
        weights = np.maximum(1.0 - nearest, 0.0)
        if len(groups) == n_groups or not weights.any():
            return groups
        wanted = draws[len(groups) - 1] * weights.sum()
        first = int(np.searchsorted(np.cumsum(weights), wanted))

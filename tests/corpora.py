"""Small corpora with known topics."""

import numpy as np
from scipy import sparse


def planted(n_documents=200, n_words=60, n_topics=5, length=40, sharp=0.1, seed=0):
    """Counts (dense float64; document 3 is empty) and the topics they were drawn from."""
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, sharp), n_topics)
    shares = rng.dirichlet(np.full(n_topics, 0.3), n_documents)
    lengths = rng.integers(1, 2 * length, n_documents)
    counts = np.array(
        [rng.multinomial(n, t @ topics) for n, t in zip(lengths, shares, strict=True)]
    )
    counts[3] = 0
    return counts.astype(float), topics


def planted_csr(**settings):
    return sparse.csr_array(planted(**settings)[0])

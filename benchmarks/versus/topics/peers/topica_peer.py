"""topica: LDA (sparse Gibbs sampling, CVB0) and OnlineLDA; by whole fits, as it cannot be watched.

Its fits begin with a set-up of their own, which is counted: it is part of each call of `fit`.
"""

from __future__ import annotations

from typing import Any

import topica

from benchmarks.versus.corpora import Corpus
from benchmarks.versus.topics.peers.texts import in_order, texts
from benchmarks.versus.topics.record import Watch

GROWTH = 2.0


def _documents(corpus: Corpus) -> Any:
    return topica.Corpus.from_documents(list(texts(corpus)))


def sampler(corpus: Corpus, watch: Watch, n_components: int, seed: int, **more: Any) -> None:
    """LDA with one of its samplers; the last state alone, as averages would take more sweeps."""
    documents = _documents(corpus)

    def topics(sweeps: int) -> Any:
        model = topica.LDA(n_components, seed=seed, **more)
        model.fit(documents, iters=sweeps, num_samples=1, sample_interval=1, keep_theta_draws=False)
        return lambda: in_order(model.topic_word, model.vocabulary, corpus)

    watch.whole_fits(topics, GROWTH, least=5, step=5)


def online(corpus: Corpus, watch: Watch, n_components: int, seed: int, **more: Any) -> None:
    """OnlineLDA, stochastic variational Bayes."""
    documents = _documents(corpus)

    def topics(passes: int) -> Any:
        model = topica.OnlineLDA(n_components, seed=seed, **more)
        model.fit(documents, iters=passes)
        return lambda: in_order(model.topic_word, model.vocabulary, corpus)

    watch.whole_fits(topics, GROWTH)

"""lda: collapsed Gibbs sampling in Cython."""

from __future__ import annotations

import logging
from typing import Any

import lda

from benchmarks.versus.corpora import Corpus
from benchmarks.versus.topics.record import Watch

FOREVER = 1_000_000


class Watched(lda.LDA):
    """Calls `looks` after each sweep; the work is the library's own."""

    looks: Any = None

    def _sample_topics(self, rands):
        super()._sample_topics(rands)
        self.looks()


def fit(corpus: Corpus, watch: Watch, n_components: int, seed: int, **more: Any) -> None:
    """Gibbs sampling, looked at after each sweep; its own likelihood is left out."""
    logging.getLogger("lda").setLevel(logging.ERROR)
    model = Watched(n_components, n_iter=FOREVER, random_state=seed, refresh=FOREVER, **more)
    sweeps = 0

    def looks() -> None:
        nonlocal sweeps
        sweeps += 1
        watch(lambda: model.nzw_ + model.eta, sweeps)

    model.looks = looks
    watch.start()
    model.fit(corpus.train.astype("int64"))

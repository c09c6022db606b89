"""No topics at all: the level that every curve starts from, and a check of the judge."""

from __future__ import annotations

import numpy as np

from benchmarks.versus.corpora import Corpus
from benchmarks.versus.topics.record import Watch

SMOOTHING = 0.01


def fit(corpus: Corpus, watch: Watch, n_components: int, seed: int) -> None:
    """The training documents' frequencies of words as the only topic."""

    def count(passes: int) -> object:
        return lambda: np.asarray(corpus.train.sum(axis=0), np.float64) + SMOOTHING

    watch.seconds = 0.0
    watch.whole_fits(count, 1.0)

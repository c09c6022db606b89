"""tomotopy: LDAModel, collapsed Gibbs sampling."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tomotopy

from benchmarks import resident
from benchmarks.versus import corpora, stopwatch
from benchmarks.versus.topics.peers.texts import in_order, texts
from benchmarks.versus.topics.record import Watch


def _model(corpus: corpora.Corpus, n_components: int, seed: int, **more: Any) -> Any:
    model = tomotopy.LDAModel(k=n_components, seed=seed, **more)
    for words in texts(corpus):
        model.add_doc(words)
    return model


def fit(
    corpus: corpora.Corpus,
    watch: Watch,
    n_components: int,
    seed: int,
    workers: int = 2,
    sweeps: int = 2,
    **more: Any,
) -> None:
    """Gibbs sampling, looked at after every few sweeps."""
    model = _model(corpus, n_components, seed, **more)

    def topics() -> Any:
        found = np.array([model.get_topic_word_dist(k) for k in range(n_components)])
        return in_order(found, list(model.used_vocabs), corpus)

    watch.start()
    done = 0
    while True:
        model.train(sweeps, workers=workers, show_progress=False)
        done += sweeps
        watch(topics, done)


def passes(
    corpus: str, share: float, n_components: int, iterations: int, workers: int
) -> dict[str, Any]:
    """Seconds of a sweep: CPU time of one worker, wall of more."""
    documents = corpora.load(corpus, share=share)
    model = _model(documents, n_components, 0)
    clock: Callable[[], float] = time.process_time if workers == 1 else time.perf_counter
    samples = []
    model.train(2, workers=workers, show_progress=False)
    for _ in range(iterations):
        start = clock()
        model.train(1, workers=workers, show_progress=False)
        samples.append(clock() - start)
    train = documents.train
    sizes = {"nonzeros": int(train.nnz), "tokens": int(train.sum())}
    return stopwatch.summary(samples) | sizes


def peak_memory(corpus: str, share: float, n_components: int, iterations: int) -> dict[str, Any]:
    """Peak memory of sampling beyond the documents, which the library holds."""
    documents = corpora.load(corpus, share=share)
    model = _model(documents, n_components, 0)
    with resident.Peak() as peak:
        model.train(iterations, workers=2, show_progress=False)
    return peak.result() | {"table_mb": documents.train.shape[1] * n_components * 4 / 1e6}

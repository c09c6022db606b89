"""vivace.LatentDirichletAllocation."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import resident
from benchmarks.versus import cores, corpora, stopwatch
from benchmarks.versus.topics.record import Watch, accepts
from benchmarks.versus.topics.transforming import bound_of, given_topics
from vivace import LatentDirichletAllocation

FOREVER = 1_000_000

#: Fits of one thread and of several, in turns.
TURNS = 4


class Passes:
    """scikit-learn's protocol of callbacks: a look after each pass."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.passes = 0

    def setup(self, estimator: Any, context: Any) -> None:
        """Nothing to prepare."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing to clean up."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing to do before a pass."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> None:
        """Look at the topics as they are; a fit that ends by itself ends the curve."""
        if fitted_estimator is not None and context.parent is not None:
            self.passes += 1
            self.watch(lambda: fitted_estimator.components_, self.passes)


def _model(n_components: int, max_iter: int, **settings: Any) -> LatentDirichletAllocation:
    accepts(LatentDirichletAllocation, **settings)
    settings = {"random_state": 0} | settings
    return LatentDirichletAllocation(n_components, max_iter=max_iter, **settings)


def fit(
    corpus: corpora.Corpus,
    watch: Watch,
    n_components: int,
    seed: int,
    dtype: str = "float32",
    **more: Any,
) -> None:
    """Any learning method and inference, looked at after each pass."""
    settings = {"n_jobs": 2, "random_state": seed} | more
    X = corpus.train.astype(dtype)
    _model(2, 1, **settings).fit(X[:50])
    model = _model(n_components, FOREVER, **settings)
    model.set_callbacks(Passes(watch))
    watch.start()
    model.fit(X)


def passes(
    corpus: str,
    share: float,
    n_components: int,
    iterations: int,
    n_jobs: int,
    dtype: str = "float32",
    **settings: Any,
) -> dict[str, Any]:
    """Seconds of each pass of a fit but the first two: CPU time of one thread, wall of more.

    With more, fits of one thread and of all take turns, as the machine is faster at some times
    than at others; and how far the cores were from each other after each pass, in ns.
    """
    train = corpora.load(corpus, share=share).train
    X, apart = train.astype(dtype), []

    def fit(n_threads: int) -> list[float]:
        clock = time.process_time if n_threads == 1 else time.perf_counter
        begun, ended = [clock()], []

        def look(_: object) -> None:
            ended.append(clock())
            if n_threads > 1:
                apart.append(round(cores.between()))
            begun.append(clock())

        model = _model(n_components, iterations + 2, n_jobs=n_threads, **settings)
        model.fit(X, callbacks=[look])
        return list((np.array(ended) - begun[:-1])[2:])

    if n_jobs == 1:
        return stopwatch.summary(fit(1)) | _sizes(train)
    one, all_threads = [], []
    for _ in range(TURNS):
        one += fit(1)
        all_threads += fit(n_jobs)
    found = stopwatch.summary(all_threads) | _sizes(train)
    one_thread = stopwatch.summary(one, "one_thread_seconds")["one_thread_seconds"]
    return found | {"one_thread_seconds": one_thread, "between_cores_ns": apart}


def _sizes(train: Any) -> dict[str, Any]:
    return {
        "documents": train.shape[0],
        "nonzeros": int(train.nnz),
        "tokens": int(train.sum()),
    }


def transform(
    corpus: str,
    share: float,
    n_components: int,
    repeats: int,
    dtype: str = "float32",
    **settings: Any,
) -> dict[str, Any]:
    """Seconds of transform of the test documents at the common topics, and the bound reached."""
    documents = corpora.load(corpus)
    components = given_topics(documents, share, n_components)
    X = documents.test.astype(dtype)
    # topics_init and no pass: the topics are those that were given.
    model = _model(n_components, 0, n_jobs=1, topics_init=components, **settings).fit(X)
    timed = stopwatch.repeat(lambda: model.transform(X), repeats)
    gamma = model.transform(X, normalize=False)
    bound = bound_of(components, 1.0 / n_components, X, gamma)
    return timed | {"bound": bound / float(X.sum())} | _sizes(X)


def peak_memory(
    corpus: str, share: float, n_components: int, iterations: int, dtype: str, **settings: Any
) -> dict[str, Any]:
    """Peak memory of a fit beyond the data, after a tiny first fit."""
    X = corpora.load(corpus, share=share).train.astype(dtype)
    _model(2, 1, **settings).fit(X[:200])
    model = _model(n_components, iterations, **settings)
    with resident.Peak() as peak:
        model.fit(X)
    return peak.result() | {"table_mb": X.shape[1] * n_components * X.dtype.itemsize / 1e6}

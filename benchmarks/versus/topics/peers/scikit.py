"""scikit-learn: LatentDirichletAllocation."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np
from sklearn.decomposition import LatentDirichletAllocation

from benchmarks import resident
from benchmarks.versus import corpora, stopwatch
from benchmarks.versus.topics.record import Watch
from benchmarks.versus.topics.transforming import bound_of, given_topics

FOREVER = 1_000_000


class Watched(LatentDirichletAllocation):
    """Calls `looks` after each step; the work is scikit-learn's own."""

    looks: Any = None

    def _em_step(self, X, total_samples, batch_update, parallel=None):
        super()._em_step(X, total_samples, batch_update, parallel)
        self.looks(self, X.shape[0])


def fit(
    corpus: corpora.Corpus,
    watch: Watch,
    n_components: int,
    seed: int,
    dtype: str = "float64",
    **more: Any,
) -> None:
    """Either learning method, looked at after each batch (online) or pass (batch)."""
    X = corpus.train.astype(dtype)
    model = Watched(n_components, max_iter=FOREVER, random_state=seed, **more)
    seen = 0

    def looks(model: Watched, documents: int) -> None:
        nonlocal seen
        seen += documents
        watch(lambda: model.components_, seen / X.shape[0])

    model.looks = looks
    watch.start()
    model.fit(X)


def passes(
    corpus: str,
    share: float,
    n_components: int,
    iterations: int,
    dtype: str = "float64",
    **settings: Any,
) -> dict[str, Any]:
    """CPU seconds of each pass but the first."""
    train = corpora.load(corpus, share=share).train
    marks = []

    def looks(model: Watched, documents: int) -> None:
        marks.append(time.process_time())
        if len(marks) > iterations:
            raise stopwatch.EnoughIterations  # saves the last pass of fit

    model = Watched(n_components, max_iter=FOREVER, random_state=0, n_jobs=1, **settings)
    model.looks = looks
    with contextlib.suppress(stopwatch.EnoughIterations):
        model.fit(train.astype(dtype))
    sizes = {"nonzeros": int(train.nnz), "tokens": int(train.sum())}
    return stopwatch.summary(np.diff(marks)) | sizes | {"documents": train.shape[0]}


def transform(
    corpus: str, share: float, n_components: int, repeats: int, dtype: str = "float64"
) -> dict[str, Any]:
    """Seconds of transform of the test documents at the common topics, and the bound reached."""
    documents = corpora.load(corpus)
    components = given_topics(documents, share, n_components).astype(dtype)
    X = documents.test.astype(dtype)
    model = LatentDirichletAllocation(n_components, random_state=0, n_jobs=1)
    model.partial_fit(X[:10])  # sets what transform needs, but for the topics
    model.components_ = np.ascontiguousarray(components)
    model.exp_dirichlet_component_ = _exp_expectation(components).astype(dtype)
    timed = stopwatch.repeat(lambda: model.transform(X), repeats)
    bound = bound_of(components, 1.0 / n_components, X, model._unnormalized_transform(X))
    sizes = {"documents": X.shape[0], "tokens": int(X.sum())}
    return timed | {"bound": bound / float(X.sum())} | sizes


def _exp_expectation(components: Any) -> Any:
    from scipy.special import digamma

    return np.exp(digamma(components) - digamma(components.sum(axis=1, keepdims=True)))


def peak_memory(
    corpus: str, share: float, n_components: int, iterations: int, dtype: str, **settings: Any
) -> dict[str, Any]:
    """Peak memory of a fit beyond the data, after a tiny first fit."""
    X = corpora.load(corpus, share=share).train.astype(dtype)
    LatentDirichletAllocation(2, max_iter=1).fit(X[:200])
    model = LatentDirichletAllocation(n_components, max_iter=iterations, random_state=0, **settings)
    with resident.Peak() as peak:
        model.fit(X)
    return peak.result() | {"table_mb": X.shape[1] * n_components * X.dtype.itemsize / 1e6}

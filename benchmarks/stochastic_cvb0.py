"""What stochastic collapsed inference (SCVB0) reaches beside vivace's fits, one thread each.

    python -m benchmarks.stochastic_cvb0 --corpus deb --seconds 20 --folder DIR

SCVB0 (Foulds, Boyles, DuBois, Smyth and Welling 2013) keeps no responsibilities: a document of a
batch goes through some sweeps that move its own expected counts alone and one more that is added
up; the table of topics is blended with what the batch came to, scaled to the corpus. Rates fall as
scale / (delay + step) ** power. Here it is compiled by numba and starts as in the paper (at random)
or from the topics that one pass of inference="cvb0" makes. Held-out nats a token after so
many seconds of processor time, judged as in `versus/topics/completion.py`.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.topic_settings import corpus_parser, load_corpus
from benchmarks.versus import corpora
from benchmarks.versus.stopwatch import EnoughIterations
from benchmarks.versus.table import Table
from benchmarks.versus.topics.completion import Judge
from benchmarks.versus.topics.peers import ours
from benchmarks.versus.topics.record import Watch
from vivace import LatentDirichletAllocation

Array = NDArray[Any]
CVB0 = {"inference": "cvb0", "doc_topic_prior": 0.01, "topic_word_prior": 0.03}
OURS = {
    "cvb0": CVB0,
    "gibbs": CVB0 | {"inference": "gibbs", "doc_topic_prior": "auto"},
    "vb, online": {"learning_method": "online", "doc_topic_prior": 0.05, "topic_word_prior": 0.1},
}
ALPHA, ETA = 0.01, 0.03
SECONDS = (1, 2, 5, 10, 20, 40, 60)


class Rate(NamedTuple):
    """A step size that falls."""

    scale: float
    delay: float
    power: float


class Settings(NamedTuple):
    """Of SCVB0; those of the paper."""

    start: str = "random"
    batch: int = 500  # documents
    sweeps: int = 2  # over a document before the one that counts
    topics: Rate = Rate(10, 1000, 0.9)
    document: Rate = Rate(1, 10, 0.9)


# The paper's, and the best of some that were tried from either start.
TRIED = {
    "SCVB0, the paper's settings": Settings(),
    "SCVB0, faster rates": Settings(sweeps=1, topics=Rate(1, 10, 0.7)),
    "SCVB0, the paper's, from documents": Settings("documents"),
    "SCVB0, slow rates, from documents": Settings("documents", sweeps=1, topics=Rate(1, 100, 0.7)),
}


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nnan", "ninf", "nsz"})  # type: ignore[untyped-decorator]
def _batch(
    start: Array, words: Array, counts: Array, documents: Array,
    table: Array, factor: float, inverse: Array, alpha: float, eta: float,
    sweeps: int, rate: Rate, found: Array, place: Array, distinct: Array,
) -> tuple[int, float]:  # fmt: skip
    """Sum a batch's responsibilities into `found`, a row for each of its `distinct` words."""
    n_topics, n_words, tokens = table.shape[1], 0, 0.0
    held, share = np.empty(n_topics, table.dtype), np.empty(n_topics, table.dtype)
    for d in documents:
        size = counts[start[d] : start[d + 1]].sum()
        tokens += size
        held[:] = size / np.float32(n_topics) + alpha
        step = 0
        for sweep in range(sweeps + 1):
            for e in range(start[d], start[d + 1]):
                w, count = words[e], counts[e]
                total = np.float32(0)
                for k in range(n_topics):
                    share[k] = (table[w, k] * factor + eta) * held[k] * inverse[k]
                    total += share[k]
                step += 1
                left = np.float32(
                    (1 - rate.scale / (rate.delay + step) ** rate.power) ** count
                )  # of what was held, after `count` steps with the same responsibilities
                given, prior = (np.float32(1) - left) * size / total, alpha * (np.float32(1) - left)
                for k in range(n_topics):
                    held[k] = left * held[k] + prior + given * share[k]
                if sweep < sweeps:
                    continue
                at = place[w]
                if at < 0:
                    at = place[w] = n_words
                    distinct[at], n_words = w, n_words + 1
                    found[at] = 0
                given = count / total
                for k in range(n_topics):
                    found[at, k] += given * share[k]
    return n_words, tokens


def scvb0(corpus: corpora.Corpus, watch: Watch, n_topics: int, settings: Settings) -> None:
    """Go through batches until `watch` ends it."""
    X, rng = corpus.train.tocsr(), np.random.default_rng(0)
    counts, n_words = X.data.astype(np.float32), X.shape[1]
    start, words = X.indptr.astype(np.int64), X.indices.astype(np.int32)
    place, distinct = np.full(n_words, -1), np.empty(n_words, np.int64)
    found = np.empty((n_words, n_topics), np.float32)
    alpha, eta = np.float32(ALPHA), np.float32(ETA)
    tokens = float(counts.sum())
    if settings.start == "documents":
        first = LatentDirichletAllocation(n_topics, max_iter=1, n_jobs=1, random_state=0, **CVB0)
        table = (first.fit(X.astype(np.float32)).components_.T - ETA).astype(np.float32)
    else:
        table = rng.gamma(1.0, 1.0, (n_words, n_topics)).astype(np.float32)
        table *= np.float32(tokens / table.sum())
    sums, factor, step = table.sum(axis=0, dtype=np.float64), 1.0, 0
    while True:
        order = rng.permutation(X.shape[0])
        for first_document in range(0, len(order), settings.batch):
            documents = order[first_document : first_document + settings.batch]
            inverse = (1 / (sums + n_words * ETA)).astype(np.float32)
            n_distinct, seen = _batch(
                start, words, counts, documents, table, np.float32(factor), inverse, alpha, eta,
                settings.sweeps, settings.document, found, place, distinct,
            )  # fmt: skip
            step += 1
            rate = settings.topics.scale / (settings.topics.delay + step) ** settings.topics.power
            met, amount = distinct[:n_distinct], rate * tokens / max(seen, 1.0)
            factor *= 1 - rate  # of the whole table; words of the batch alone are changed
            table[met] += np.float32(amount / factor) * found[:n_distinct]
            sums = (1 - rate) * sums + amount * found[:n_distinct].sum(axis=0, dtype=np.float64)
            place[met] = -1
            if factor < 1e-10:
                table *= np.float32(factor)
                factor = 1.0
            passes = step * settings.batch / len(order)
            watch(partial(_topics, table, np.float32(factor), eta), passes)


def _topics(table: Array, factor: float, eta: float) -> Array:
    return (table * factor + eta).T


def compile_for(corpus: corpora.Corpus) -> None:
    """Compile the kernel, off every clock."""
    few = corpora.Corpus(corpus.name, corpus.train[:100], corpus.test, corpus.vocabulary)
    watch = Watch(0.0, time.process_time)
    watch.start()
    with contextlib.suppress(EnoughIterations):
        scvb0(few, watch, 2, Settings())


def curves(corpus: corpora.Corpus, n_topics: int, seconds: float) -> Table:
    """Each fit's quality after so many seconds."""
    judge = Judge(corpus.test, threads=2)
    marks = [mark for mark in SECONDS if mark <= seconds]
    table = Table(
        f"SCVB0 beside vivace's fits: {corpus.name}, K = {n_topics}, one thread",
        ("fit", *(f"{mark} s" for mark in marks), "passes"),
    )
    for name in (*TRIED, *OURS):
        watch = Watch(seconds, time.process_time)
        with contextlib.suppress(EnoughIterations):
            if name in TRIED:
                watch.start()
                scvb0(corpus, watch, n_topics, TRIED[name])
            else:
                ours.fit(corpus, watch, n_topics, 0, n_jobs=1, **OURS[name])
        scores = [(look.seconds, judge.score(look.topics)[0]) for look in watch.looks]
        cells = []
        for mark in marks:
            before = [score for when, score in scores if when <= mark]
            cells.append(f"{before[-1]:.3f}" if before else "-")
        table.rows.append((name, *cells, f"{watch.looks[-1].passes:.0f}"))
    return table


def main() -> None:
    parser = corpus_parser("stochastic_cvb0", __doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    corpus = load_corpus(options)
    compile_for(corpus)
    print(curves(corpus, options.topics, options.seconds).markdown(), flush=True)


if __name__ == "__main__":
    main()

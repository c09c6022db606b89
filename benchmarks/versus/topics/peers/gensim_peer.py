"""gensim: LdaModel and LdaMulticore."""

from __future__ import annotations

import multiprocessing
from typing import Any

from gensim.models import LdaModel, LdaMulticore

from benchmarks import resident
from benchmarks.versus import corpora
from benchmarks.versus.corpora import Corpus
from benchmarks.versus.topics.record import Watch

FOREVER = 1_000_000


def _watched(parent: type, watch: Watch, documents: int) -> type:
    """Return the class with a look after each step of the topics."""

    class Watched(parent):
        def do_mstep(self, rho, other, extra_pass=False):
            super().do_mstep(rho, other, extra_pass)
            watch(self.get_topics, self.num_updates / documents)

    return Watched


def _bags(corpus: Corpus) -> list[list[tuple[int, int]]]:
    rows = corpus.train.tocsr()
    return [
        list(zip(rows.indices[a:b].tolist(), rows.data[a:b].tolist(), strict=True))
        for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    ]


def _fit(
    parent: type, corpus: Corpus, watch: Watch, n_components: int, seed: int, **more: Any
) -> None:
    documents = _bags(corpus)
    words = dict(enumerate(corpus.vocabulary))
    # Its own perplexity, from time to time, is left out: nobody reads it here.
    settings = {"eval_every": None, "passes": FOREVER} | more
    model = _watched(parent, watch, len(documents))
    watch.start()
    model(documents, num_topics=n_components, id2word=words, random_state=seed, **settings)


def single(corpus: Corpus, watch: Watch, n_components: int, seed: int, **more: Any) -> None:
    """LdaModel."""
    _fit(LdaModel, corpus, watch, n_components, seed, **more)


def multicore(corpus: Corpus, watch: Watch, n_components: int, seed: int, **more: Any) -> None:
    """LdaMulticore; its processes go on with what is queued while topics are copied."""
    try:
        _fit(LdaMulticore, corpus, watch, n_components, seed, **{"workers": 2} | more)
    finally:
        for worker in multiprocessing.active_children():
            worker.terminate()


def peak_memory(corpus: str, share: float, n_components: int, iterations: int) -> dict[str, Any]:
    """Peak memory of LdaModel beyond the documents."""
    documents = corpora.load(corpus, share=share)
    bags, words = _bags(documents), dict(enumerate(documents.vocabulary))
    settings = {"num_topics": n_components, "id2word": words, "eval_every": None}
    settings |= {"iterations": 2}  # they take time and no memory
    with resident.Peak() as peak:
        LdaModel(bags, passes=iterations, random_state=0, **settings)
    return peak.result() | {"table_mb": len(words) * n_components * 4 / 1e6}

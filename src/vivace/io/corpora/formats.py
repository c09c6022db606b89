"""Which reader a file needs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vivace.io.corpora.corpus import Corpus, CorpusError, StrPath, Words, as_words
from vivace.io.corpora.npz import NpzReader, write_npz
from vivace.io.corpora.pairs import PairsReader
from vivace.io.corpora.reader import CorpusReader
from vivace.io.corpora.text import TextReader
from vivace.io.corpora.tokenizer import Tokenizer
from vivace.io.corpora.triples import TriplesReader
from vivace.io.corpora.vocabulary import read_vocabulary
from vivace.io.table import TABLES

if TYPE_CHECKING:
    from vivace.io.corpora.stream import CorpusStream

# Names of formats, and what file names of them end in (before .gz).
ENDINGS = {
    "npz": (".npz",),
    "mtx": (".mtx",),
    "docword": (".docword",),
    "lda-c": (".ldac", ".lda-c"),
    "svmlight": (".svmlight", ".libsvm", ".svm"),
    "jsonl": (".jsonl", ".ndjson"),
    "text": (".txt",),
}
FORMATS = tuple(ENDINGS)
TEXT_FORMATS = ("text", "jsonl")


def open_corpus(
    path: StrPath,
    format: str | None = None,
    *,
    vocabulary: StrPath | Iterable[str] | None = None,
    tokenizer: Tokenizer | None = None,
    text_field: str = "text",
    zero_based: bool = False,
    n_words: int | None = None,
    dtype: Any = np.float64,
) -> CorpusReader:
    """Prepare to read a file of documents, a block at a time or as a whole.

    Parameters
    ----------
    path : str or path-like
        The file; text formats may be compressed by gzip. "-" is standard input (with `format`).
    format : {'npz', 'mtx', 'docword', 'lda-c', 'svmlight', 'text', 'jsonl'}, optional
        By default told by the name: .npz; .mtx; .docword, or docword in front of .txt (UCI); .ldac;
        .svmlight, .libsvm or .svm; .txt; .jsonl or .ndjson; each but .npz perhaps with .gz.
    vocabulary : str, path-like or iterable of str, optional
        The words in the order of the columns, or a file of them, one a line. Of text, only these
        words are counted; by default its vocabulary is learnt. For docword.X.txt a file vocab.X.txt
        beside it is read by default.
    tokenizer : Tokenizer, optional
        How text becomes words; `Tokenizer()` by default.
    text_field : str, default='text'
        Field of the text in .jsonl.
    zero_based : bool, default=False
        Whether svmlight files count words from 0 (scikit-learn's dump_svmlight_file does).
    n_words : int, optional
        Size of the vocabulary of svmlight and LDA-C files; by default the largest number decides.
    dtype : dtype, default=float64
        Type of the counts, float32 or float64.

    Returns
    -------
    reader : CorpusReader

    Raises
    ------
    CorpusError
        The name does not tell the format, an argument does not fit it, or the vocabulary file
        cannot be used.
    OSError
        The file does not exist or cannot be opened.
    """
    format = format_of(path) if format is None else format
    if format not in ENDINGS:
        raise CorpusError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    if os.fspath(path) != "-":
        if not stat.S_ISFIFO(os.stat(path).st_mode):  # a pipe can be opened only once
            with open(path, "rb"):
                pass
    elif format == "npz":
        raise CorpusError("standard input cannot hold .npz. Remedy: name a file")
    words = _words(path, format, vocabulary)
    is_text = format in TEXT_FORMATS
    for name, given, fits in (
        ("tokenizer", tokenizer is not None, is_text),
        ("zero_based", zero_based, format == "svmlight"),
        ("n_words", n_words is not None, format in ("svmlight", "lda-c")),
    ):
        if given and not fits:
            raise CorpusError(f"{name}: does not fit files of the format {format}")
    if n_words is not None and words is not None and len(words) != n_words:
        raise CorpusError(f"vocabulary: expected {n_words} words, got {len(words)}")
    if format == "npz":
        return NpzReader(path, words, dtype)
    if format in ("docword", "mtx"):
        return TriplesReader(path, words, dtype, format)
    if is_text:
        field = text_field if format == "jsonl" else None
        return TextReader(path, words, dtype, tokenizer or Tokenizer(), field)
    base = 1 if format == "svmlight" and not zero_based else 0
    return PairsReader(path, words, dtype, format, base, n_words)


def read_corpus(path: StrPath, format: str | None = None, **settings: Any) -> Corpus:
    """Read a file of documents into memory.

    Parameters
    ----------
    path, format, **settings
        As for `open_corpus`.

    Returns
    -------
    corpus : Corpus
        Counts, vocabulary and tokenizer.

    Raises
    ------
    CorpusError
        The file cannot be understood; the message names file and line.
    OSError
        The file does not exist or cannot be opened.
    """
    return open_corpus(path, format, **settings).read()


def write_corpus(path: StrPath, corpus: Corpus | CorpusStream) -> None:
    """Write documents as compressed rows, with vocabulary and tokenizer, into an .npz archive.

    `path` is replaced only when all is written. scipy.sparse.load_npz reads the counts.

    Parameters
    ----------
    path : str or path-like
        A name that ends in .npz.
    corpus : Corpus or CorpusStream
        What to write; of a stream a run of documents at a time.

    Raises
    ------
    CorpusError
        The name ends otherwise.
    OSError
        The file cannot be written.
    """
    if not os.fspath(path).lower().endswith(".npz"):
        raise CorpusError(f"{os.fspath(path)}: expected a name that ends in .npz")
    write_npz(path, corpus)


def format_of(path: StrPath) -> str:
    """Return the format that a file's name tells.

    Raises
    ------
    CorpusError
        It tells none.
    """
    name = Path(path).name.lower()
    if name.startswith("docword.") and not name.endswith(".npz"):
        return "docword"
    for format, endings in ENDINGS.items():
        if name.removesuffix(".gz").endswith(endings) and not name.endswith(".npz.gz"):
            return format
    if name.endswith(TABLES):
        raise CorpusError(
            f"{os.fspath(path)}: expected documents, got the name of a table. Remedy: vivace fit "
            "mixture (BayesianMixture) takes it; counts of words become documents by "
            "scipy.sparse.save_npz(path, scipy.sparse.csr_array(counts)), and lines of text by the "
            "ending .txt"
        )
    remedy = f"Remedy: name the format (format=, --format): {', '.join(FORMATS)}"
    if os.fspath(path) == "-":
        raise CorpusError(f"standard input has no ending that tells the format. {remedy}")
    known = ", ".join(ending for endings in ENDINGS.values() for ending in endings)
    raise CorpusError(
        f"{os.fspath(path)}: the name does not tell the format of the documents; expected an "
        f"ending such as {known}. {remedy}"
    )


def _words(path: StrPath, format: str, vocabulary: StrPath | Iterable[str] | None) -> Words | None:
    if vocabulary is None and format == "docword":
        beside = vocabulary_beside(path)
        return None if beside is None else read_vocabulary(beside)
    if vocabulary is None:
        return None
    if isinstance(vocabulary, (str, os.PathLike)):
        return read_vocabulary(vocabulary)
    return as_words(vocabulary)


def vocabulary_beside(path: StrPath) -> Path | None:
    """Return vocab.X.txt beside docword.X.txt (or docword.X.txt.gz), if there is one."""
    whole = Path(path)
    if not whole.name.startswith("docword."):
        return None
    name = "vocab." + whole.name.removeprefix("docword.").removesuffix(".gz")
    beside = whole.with_name(name)
    return beside if beside.is_file() else None

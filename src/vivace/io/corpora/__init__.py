"""Documents as counts of words: readers of files, a tokeniser, and the corpus they make."""

from __future__ import annotations

from vivace.io.corpora.corpus import Corpus, CorpusError
from vivace.io.corpora.formats import FORMATS, format_of, open_corpus, read_corpus, write_corpus
from vivace.io.corpora.reader import CorpusReader
from vivace.io.corpora.stream import CorpusStream, open_documents
from vivace.io.corpora.text import corpus_of_texts
from vivace.io.corpora.tokenizer import Tokenizer
from vivace.io.corpora.vocabulary import read_vocabulary, write_vocabulary

__all__ = [
    "FORMATS",
    "Corpus",
    "CorpusError",
    "CorpusReader",
    "CorpusStream",
    "Tokenizer",
    "corpus_of_texts",
    "format_of",
    "open_corpus",
    "open_documents",
    "read_corpus",
    "read_vocabulary",
    "write_corpus",
    "write_vocabulary",
]

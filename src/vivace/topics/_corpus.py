"""Documents with words: a corpus or texts in the place of counts, and what a fit remembers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from vivace.estimators.record import Arrays
from vivace.io.corpora import Corpus, CorpusStream, Tokenizer, corpus_of_texts
from vivace.io.corpora.formats import TEXT_FORMATS, format_of
from vivace.io.corpora.stream import expanded
from vivace.io.corpora.vocabulary import pack_words, unpack_words
from vivace.topics._corpus_streams import is_stream, open_stream

_KEPT = ("vocabulary_", "tokenizer_")


def counts_of(estimator: Any, X: Any, *, reset: bool, dtype: Any = None) -> Any:
    """Return the counts of a corpus or of texts; anything else as it is.

    Files are opened as a stream, with the words and the tokenizer that a fitted estimator knows.
    `reset` notes vocabulary and tokenizer in the estimator, or that there are none.

    Raises
    ------
    ValueError
        Texts where the estimator knows no tokenizer, or another vocabulary than in fit.
    """
    if isinstance(X, (list, tuple)) and X and all(isinstance(text, str) for text in X):
        X = _texts(estimator, X, reset)
    if reset:
        for name in _KEPT:
            vars(estimator).pop(name, None)
    if is_stream(X):
        X = _stream(estimator, X, reset, dtype)
    if not isinstance(X, (Corpus, CorpusStream)):
        return X
    if reset:
        if X.vocabulary is not None:
            estimator.vocabulary_ = X.vocabulary
        if X.tokenizer is not None:
            estimator.tokenizer_ = X.tokenizer
    known = vars(estimator).get("vocabulary_")
    if known is not None and X.vocabulary is not None and not np.array_equal(known, X.vocabulary):
        raise ValueError(
            f"X has another vocabulary ({X.n_words} words) than the documents that this "
            f"{type(estimator).__name__} was fitted to ({len(known)} words). Pass "
            "X.aligned_to(estimator.vocabulary_), which matches columns by word."
        )
    return X if isinstance(X, CorpusStream) else X.counts


def vocabulary_record(estimator: Any) -> tuple[dict[str, Any], Arrays]:
    """Return what a model file keeps of vocabulary and tokenizer."""
    found = vars(estimator)
    tokenizer = found.get("tokenizer_")
    meta = {"tokenizer": None if tokenizer is None else tokenizer.settings()}
    words = found.get("vocabulary_")
    return meta, {} if words is None else {"vocabulary": pack_words(words)}


def restore_vocabulary(estimator: Any, meta: dict[str, Any], arrays: Arrays, n_words: int) -> None:
    """Reverse `vocabulary_record`; files of older versions have neither.

    Raises
    ------
    ValueError
        Another number of words, or no settings of a tokenizer.
    """
    if "vocabulary" in arrays:
        estimator.vocabulary_ = unpack_words(arrays["vocabulary"], n_words)
    if meta.get("tokenizer") is not None:
        estimator.tokenizer_ = Tokenizer.from_settings(meta["tokenizer"])


def _stream(estimator: Any, X: Any, reset: bool, dtype: Any) -> CorpusStream:
    settings: dict[str, Any] = {} if dtype is None else {"dtype": dtype}
    if not reset and not isinstance(X, CorpusStream) and not callable(X):
        settings |= settings_for(estimator, X)
    stream = open_stream(X, **settings)
    if reset:
        estimator.n_features_in_ = stream.n_words
        vars(estimator).pop("feature_names_in_", None)
        if stream.columns is not None:
            estimator.feature_names_in_ = np.array(stream.columns, dtype=object)
    elif stream.n_words != estimator.n_features_in_:
        raise ValueError(
            f"X has {stream.n_words} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    if not reset and dtype is not None and stream.dtype != dtype:
        raise ValueError(
            f"X holds {stream.dtype} counts, but the topics are {np.dtype(dtype)}. Open the "
            f"documents with dtype={np.dtype(dtype).name!r}."
        )
    return stream


def settings_for(estimator: Any, documents: Any) -> dict[str, Any]:
    """What a fitted estimator knows that the readers of a file want to be told."""
    formats = {format_of(path) for path in expanded(documents)}
    words = getattr(estimator, "vocabulary_", None)
    if formats & set(TEXT_FORMATS):
        tokenizer = getattr(estimator, "tokenizer_", None)
        if tokenizer is None or words is None:
            raise ValueError(
                f"X is text, but this {type(estimator).__name__} was fitted to counts and does not "
                "know how text becomes words. Fit it to text, or pass counts."
            )
        return {"vocabulary": words, "tokenizer": tokenizer}
    if formats <= {"svmlight", "lda-c"}:
        return {"n_words": int(estimator.n_features_in_)}
    return {}


def _texts(estimator: Any, texts: Any, reset: bool) -> Corpus:
    name = type(estimator).__name__
    if reset:
        raise ValueError(
            f"X holds texts, {name} is fitted to counts. Pass vivace.io.corpus_of_texts(X), which "
            "counts words."
        )
    tokenizer = getattr(estimator, "tokenizer_", None)
    words = getattr(estimator, "vocabulary_", None)
    if tokenizer is None or words is None:
        raise ValueError(
            f"X holds texts, but this {name} was fitted to counts and does not know how text "
            "becomes words. Pass counts, or fit to a vivace.io.Corpus that was made from text."
        )
    corpus = corpus_of_texts(texts, words, tokenizer)
    empty = np.diff(corpus.counts.indptr) == 0
    unknown = sum(bool(texts[i].strip()) for i in np.flatnonzero(empty))
    if unknown:
        warnings.warn(
            f"{unknown} of {len(texts)} texts hold no word that this {name} knows; what is said of "
            "them is its prior. Fit it to more documents, or leave such texts out.",
            UserWarning,
            stacklevel=2,
        )
    return corpus

"""Documents with words: a corpus or texts in the place of counts, and what a fit remembers."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace.estimators.record import Arrays
from vivace.io.corpora import Corpus, Tokenizer, corpus_of_texts
from vivace.io.corpora.vocabulary import pack_words, unpack_words

_KEPT = ("vocabulary_", "tokenizer_")


def counts_of(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Return the counts of a corpus or of texts; anything else as it is.

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
    if not isinstance(X, Corpus):
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
    return X.counts


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
    return corpus_of_texts(texts, words, tokenizer)

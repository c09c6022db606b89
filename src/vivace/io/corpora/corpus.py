"""Documents as counts of words, and what went wrong where they cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.io.corpora.tokenizer import Tokenizer

StrPath = str | os.PathLike[str]
Words = NDArray[np.object_]


class CorpusError(ValueError):
    """Documents cannot be read or written; the message names file, line and remedy."""


def problem(path: StrPath, line: int | None, what: str) -> CorpusError:
    """Return the error for a line (from 1) of a file, or for the whole file."""
    where = "standard input" if os.fspath(path) == "-" else os.fspath(path)
    return CorpusError(f"{where}{'' if line is None else f', line {line}'}: {what}")


@dataclass(frozen=True, eq=False)
class Corpus:
    """Counts of words in documents.

    Attributes
    ----------
    counts : csr_array of shape (n_documents, n_words)
        Canonical: words in order, each once, no zeros.
    vocabulary : ndarray of shape (n_words,), or None
        The words, as objects of type str.
    tokenizer : Tokenizer or None
        How text became words, where the documents were text.

    Raises
    ------
    CorpusError
        Another number of words in the vocabulary, or one that occurs twice.
    """

    counts: csr_array
    vocabulary: Words | None = None
    tokenizer: Tokenizer | None = None

    def __post_init__(self) -> None:
        if self.vocabulary is not None:
            words = as_words(self.vocabulary)
            if len(words) != self.n_words:
                raise CorpusError(
                    f"vocabulary: expected a word for each of {self.n_words} columns of the "
                    f"counts, got {len(words)}"
                )
            object.__setattr__(self, "vocabulary", words)

    @property
    def n_documents(self) -> int:
        """Number of documents, empty ones included."""
        return int(self.counts.shape[0])

    @property
    def n_words(self) -> int:
        """Size of the vocabulary."""
        return int(self.counts.shape[1])

    @property
    def n_tokens(self) -> float:
        """Sum of all counts."""
        return float(self.counts.data.sum(dtype=np.float64))

    def aligned_to(self, vocabulary: Iterable[str]) -> Corpus:
        """Return the same documents with the columns of another vocabulary.

        Words that the other vocabulary lacks are left out; those that this one lacks have no
        counts.

        Parameters
        ----------
        vocabulary : iterable of str
            The words wanted, such as `vocabulary_` of a fitted estimator.

        Returns
        -------
        corpus : Corpus

        Raises
        ------
        CorpusError
            This corpus has no vocabulary, or not a single word of the other.
        """
        wanted = as_words(vocabulary)
        if self.vocabulary is None:
            raise CorpusError(
                "the columns of these counts have no names, so they cannot be matched with those "
                "of a vocabulary. Remedy: read the documents with their vocabulary"
            )
        if np.array_equal(wanted, self.vocabulary):
            return self
        place = {word: i for i, word in enumerate(wanted)}
        new = np.array([place.get(word, -1) for word in self.vocabulary], dtype=np.int64)
        if self.n_words and (new < 0).all():
            raise CorpusError(
                "not a single word is in both vocabularies; the documents have words such as "
                f"{_some(self.vocabulary)}, wanted are words such as {_some(wanted)}"
            )
        counts = with_columns(self.counts, new, len(wanted))
        return Corpus(counts, wanted, self.tokenizer)


def as_words(words: Iterable[Any]) -> Words:
    """Return words as an array of str.

    Raises
    ------
    CorpusError
        One is no text, or occurs twice.
    """
    found = [word if type(word) is str else _plain(word) for word in words]
    if len(set(found)) < len(found):
        seen: set[str] = set()
        twice = next(word for word in found if word in seen or seen.add(word))  # type: ignore[func-returns-value]
        raise CorpusError(f"vocabulary: expected each word once, got {twice!r} twice")
    result = np.empty(len(found), dtype=object)
    result[:] = found
    return result


def with_columns(counts: csr_array, new: NDArray[np.int64], n_words: int) -> csr_array:
    """Give each column the number `new` of it; those with a negative number are left out."""
    columns = new[counts.indices]
    kept = columns >= 0
    before = np.concatenate([[0], np.cumsum(kept)])
    start = before[counts.indptr]
    return canonical(start, columns[kept], counts.data[kept], (counts.shape[0], n_words))


def canonical(
    start: NDArray[Any], columns: NDArray[Any], values: NDArray[Any], shape: tuple[int, int]
) -> csr_array:
    """Make compressed rows with words in order, each once, and no zeros; the arrays are kept."""
    if len(columns) < 1 << 31 and columns.dtype == np.int32:
        start = np.asarray(start, dtype=np.int32)  # of two types, the columns would be copied
    counts = csr_array((values, columns, start), shape=shape)
    if not counts.has_canonical_format:
        counts.sum_duplicates()
    if not counts.data.all():
        counts.eliminate_zeros()
    return counts


def _plain(word: Any) -> str:
    if not isinstance(word, str):
        raise CorpusError(f"vocabulary: expected words as text, got {word!r}")
    return str(word)


def _some(words: Sequence[str] | Words) -> str:
    return ", ".join(repr(str(word)[:30]) for word in words[:3])

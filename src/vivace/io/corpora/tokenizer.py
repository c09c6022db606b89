"""From text to words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# scikit-learn's: runs of two or more letters, digits and underscores.
PATTERN = r"(?u)\b\w\w+\b"
_MOST_PATTERN = 10_000  # characters; keeps what a model file may hold within reason


@dataclass(frozen=True)
class Tokenizer:
    """How text becomes words.

    A word is what the pattern finds in the lower-cased text and what is no stop word. Which words
    make a vocabulary is decided by the number of documents that they occur in.

    Parameters
    ----------
    pattern : str
        Regular expression of a word; with a group, the word is what the group holds.
    lowercase : bool
        Whether text is lower-cased first.
    stop_words : iterable of str, 'english' or None
        Words to leave out; 'english' is scikit-learn's list.
    min_df, max_df : int or float
        Least and most documents that a word of a new vocabulary occurs in: a number of documents if
        an integer, a share of them if a float.

    Raises
    ------
    ValueError
        A setting that cannot be used.
    """

    pattern: str = PATTERN
    lowercase: bool = True
    stop_words: tuple[str, ...] = ()
    min_df: int | float = 1
    max_df: int | float = 1.0

    def __post_init__(self) -> None:
        if type(self.pattern) is not str or len(self.pattern) > _MOST_PATTERN:
            raise ValueError(f"token pattern: expected text, got {str(self.pattern)[:80]!r}")
        try:
            groups = re.compile(self.pattern).groups
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(
                f"token pattern: expected a regular expression, got {self.pattern!r} ({error})"
            ) from error
        if groups > 1:
            raise ValueError(
                f"token pattern: expected at most one group, got {groups}. Remedy: write (?:...) "
                "for groups that do not stand for the word"
            )
        if type(self.lowercase) is not bool:
            raise ValueError(f"lowercase: expected True or False, got {self.lowercase!r}")
        for name in ("min_df", "max_df"):
            _check_df(name, getattr(self, name))
        object.__setattr__(self, "stop_words", _stop_words(self.stop_words))

    def finder(self) -> Callable[[str], list[str]]:
        """Return the function that finds the words of a text, stop words among them."""
        find = re.compile(self.pattern).findall
        if not self.lowercase:
            return find
        return lambda text: find(text.lower())

    def tokens(self, text: str) -> list[str]:
        """Return the words of a text, in order."""
        unwanted = frozenset(self.stop_words)
        return [word for word in self.finder()(text) if word not in unwanted]

    def keeps(self, frequency: NDArray[np.int64], n_documents: int) -> NDArray[np.bool_]:
        """Which words make a vocabulary.

        Parameters
        ----------
        frequency : ndarray of shape (n_words,)
            Documents that each word occurs in.
        n_documents : int
            Number of documents, empty ones included.
        """
        least = self.min_df if isinstance(self.min_df, int) else self.min_df * n_documents
        most = self.max_df if isinstance(self.max_df, int) else self.max_df * n_documents
        return np.asarray((frequency >= least) & (frequency <= most))

    def settings(self) -> dict[str, Any]:
        """Return the settings in JSON's types."""
        return {**asdict(self), "stop_words": list(self.stop_words)}

    @classmethod
    def from_settings(cls, settings: Any) -> Tokenizer:
        """Reverse `settings`.

        Raises
        ------
        ValueError
            Not the settings of a tokenizer.
        """
        names = {"pattern", "lowercase", "stop_words", "min_df", "max_df"}
        if not isinstance(settings, Mapping) or set(settings) != names:
            raise ValueError(f"expected the settings {', '.join(sorted(names))} of a tokenizer")
        return cls(**settings)


def _check_df(name: str, value: Any) -> None:
    share = isinstance(value, float) and 0.0 <= value <= 1.0
    number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    if not (share or number):
        raise ValueError(
            f"{name}: expected a number of documents (an integer) or a share of them (a float from "
            f"0.0 to 1.0), got {value!r}"
        )


def _stop_words(words: Iterable[str] | str | None) -> tuple[str, ...]:
    if words is None:
        return ()
    if isinstance(words, str):
        if words != "english":
            raise ValueError(f"stop words: expected 'english' or a list of words, got {words!r}")
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        words = ENGLISH_STOP_WORDS
    found = list(words)
    for word in found:
        if not isinstance(word, str):
            raise ValueError(f"stop words: expected text, got {word!r}")
    return tuple(sorted({str(word) for word in found}))

"""Files of words, one a line; and words as bytes, for archives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.io.atomic import replacing
from vivace.io.corpora.corpus import CorpusError, StrPath, Words, as_words
from vivace.io.corpora.lines import Lines


def read_vocabulary(path: StrPath) -> Words:
    """Read a file of words: UTF-8, one a line, in the order of the columns.

    Parameters
    ----------
    path : str or path-like
        A text file, compressed by gzip or not.

    Returns
    -------
    words : ndarray of str
        Blanks around words are dropped, as are empty lines at the end.

    Raises
    ------
    CorpusError
        No words, an empty line between words, a word that occurs twice, or no UTF-8.
    OSError
        The file does not exist or cannot be opened.
    """
    with Lines(path) as lines:
        text = b"".join(lines.chunks()).removeprefix(b"\xef\xbb\xbf")
        words: list[str] = []
        first: dict[str, int] = {}
        found = text.rstrip().split(b"\n") if text.strip() else []
        for number, line in enumerate(found, 1):
            try:
                word = line.decode("utf-8").strip()
            except UnicodeDecodeError as error:
                raise lines.error(f"expected UTF-8 ({error})", number) from error
            if not word:
                raise lines.error("expected a word, got an empty line", number)
            if word in first:
                raise lines.error(
                    f"expected each word once, got {word[:50]!r} again (first in line "
                    f"{first[word]})",
                    number,
                )
            first[word] = number
            words.append(word)
        if not words:
            raise lines.error("expected one word a line, got none", 1)
    return as_words(words)


def write_vocabulary(path: StrPath, words: Iterable[str]) -> None:
    """Write words to a file, one a line, UTF-8; `path` is replaced only when all is written.

    Raises
    ------
    CorpusError
        A word that `read_vocabulary` would read differently, or that occurs twice.
    OSError
        The file cannot be written.
    """
    found = as_words(words)
    for word in found:
        if not word or word != word.strip() or "\n" in word:
            raise CorpusError(
                f"vocabulary: expected words without blanks around, on one line, got {word!r}"
            )
    with replacing(path) as file:
        file.write("".join(f"{word}\n" for word in found).encode("utf-8"))


def pack_words(words: Words) -> NDArray[np.uint8]:
    """Return words as the bytes of a JSON array."""
    return np.frombuffer(json.dumps(words.tolist()).encode("ascii"), dtype=np.uint8)


def unpack_words(packed: Any, n_words: int) -> Words:
    """Reverse `pack_words`.

    Raises
    ------
    ValueError
        Not made by it, or not of `n_words` words.
    """
    if not isinstance(packed, np.ndarray) or packed.dtype != np.uint8 or packed.ndim != 1:
        raise ValueError("a vocabulary must be stored as bytes")
    try:
        words = json.loads(packed.tobytes())
    except RecursionError as error:
        raise ValueError("a vocabulary must be a JSON array") from error
    if not isinstance(words, list) or len(words) != n_words:
        raise ValueError(f"a vocabulary must hold {n_words} words")
    return as_words(words)

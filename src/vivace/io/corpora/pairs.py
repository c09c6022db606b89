"""LDA-C and svmlight: a line for each document, with pairs of word and count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vivace import _core
from vivace.io.corpora.corpus import CorpusError, StrPath, Words
from vivace.io.corpora.lines import Lines
from vivace.io.corpora.reader import MOST, CorpusReader, Growing, Piece

_SHORTEST_PAIR = 4  # bytes: " 0:1"
_SHORTEST_LINE = 2  # bytes: "0\n"


class PairsReader(CorpusReader):
    """Reads lines of word:count.

    Parameters
    ----------
    path, vocabulary, dtype
        As for every reader.
    form : {'lda-c', 'svmlight'}
        What stands in front of the pairs: their number, or a label, which is passed over.
    base : int
        Number of the first word, 0 or 1.
    n_words : int or None
        Size of the vocabulary, where it is known.
    """

    def __init__(
        self,
        path: StrPath,
        vocabulary: Words | None,
        dtype: Any,
        form: str,
        base: int,
        n_words: int | None,
    ) -> None:
        super().__init__(path, vocabulary, dtype)
        if n_words is not None:
            self.n_words = n_words
        self._form, self._base = form, base

    def _pieces(self) -> Iterator[Piece]:
        limit = MOST if self.n_words is None else self.n_words
        whole = self._form == "lda-c"
        with Lines(self.path) as lines:
            line = 0
            rows, places, counts = Growing(np.int64), Growing(np.int32), Growing(self.dtype)
            for text in lines.chunks():
                start = rows.room(len(text) // _SHORTEST_LINE + 2)
                start[0] = 0
                most = len(text) // _SHORTEST_PAIR + 1
                columns, values = places.room(most), counts.room(most)
                done, n_lines, n_rows, n, fault = _core.parse_pairs(
                    text, limit, self._base, self._form, whole, start[1:], columns, values
                )
                if fault:
                    limits = (0, limit, self._base)
                    wanted = (
                        "the number of words and as many word:count"
                        if whole
                        else "a label and word:count"
                    )
                    raise at_fault(lines, line + n_lines + 1, text, done, fault, limits, wanted)
                line += n_lines
                yield Piece(start[: n_rows + 1], columns[:n], values[:n])


def at_fault(
    lines: Lines,
    line: int,
    text: bytes,
    at: int,
    fault: str,
    limits: tuple[int, int, int],
    wanted: str,
) -> CorpusError:
    """Return the error for the line that begins `at` bytes into `text`.

    `limits` are the numbers of documents and words, and the number that both are counted from.
    """
    end = min(text.find(b"\n", at), at + 60)
    shown = repr(text[at:end].decode("utf-8", "replace").strip("\r"))
    n_documents, n_words, base = limits
    last = base - 1
    what = {
        "number": f"expected {wanted} with blanks between, got {shown}",
        "extra": f"expected {wanted} and nothing else, got {shown}",
        "row": f"expected a document from {base} to {n_documents + last}, got {shown}",
        "column": f"expected words from {base} to {n_words + last}, got {shown}",
        "value": f"expected counts that are finite and not negative, got {shown}",
        "whole": f"expected whole numbers for counts, got {shown}",
        "length": f"expected as many pairs as the first number says, got {shown}",
    }[fault]
    remedy = ""
    if fault == "column":
        remedy = " Remedy: the vocabulary that belongs to this file"
        if wanted.startswith("a label"):
            remedy += ", or zero_based (--zero-based) if words are counted from 0"
    return lines.error(what + remedy.replace(" Remedy", ". Remedy", 1), line)

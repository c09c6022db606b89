"""The memory without which documents cannot be read."""

from __future__ import annotations

from vivace.io.corpora.corpus import CorpusError
from vivace.io.table import in_words

#: Memory that reading and the documents at work take beside what is kept.
WORKING = 64 << 20
# Beside kept counts: eight bytes a document each for its place and its length.
_BYTES_OF_A_DOCUMENT = 16


def least_memory(n_documents: int) -> int:
    """Return the bytes without which so many documents cannot be read."""
    return WORKING + _BYTES_OF_A_DOCUMENT * n_documents


def check_room(name: str, memory: int, n_documents: int, which: str = "") -> None:
    """Refuse to read documents with too little memory; `which` goes before their number.

    Raises
    ------
    CorpusError
        It says what would do.
    """
    least = least_memory(n_documents)
    if memory < least:
        raise CorpusError(
            f"{name}: {which}{n_documents:,} documents need at least {in_words(least)} of "
            f"memory, got {in_words(memory)}. Remedy: more memory (--memory)"
        )

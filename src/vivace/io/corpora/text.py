"""Raw text: a document a line, or a field of a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace.io.corpora.corpus import (
    Corpus,
    CorpusError,
    StrPath,
    Words,
    as_words,
    problem,
    with_columns,
)
from vivace.io.corpora.lines import Lines
from vivace.io.corpora.reader import CorpusReader, Piece, joined
from vivace.io.corpora.tokenizer import Tokenizer

_CHUNK = 1 << 20  # bytes; larger than for numbers, as every piece costs a look at all words
_TEXTS = 4096  # documents that are counted at a time
_NOT_A_WORD, _STOP_WORD = -1, -2


class TextReader(CorpusReader):
    """Reads and tokenises text.

    Without a vocabulary `scan` and `blocks` make a pass over the file to learn it; `read` makes
    one pass in all.

    Parameters
    ----------
    path, vocabulary, dtype
        As for every reader.
    tokenizer : Tokenizer
        How text becomes words.
    field : str or None
        Where the text is in each object of a file of JSON objects, one a line; None for a file of
        plain text.
    """

    tokenizer: Tokenizer

    def __init__(
        self,
        path: StrPath,
        vocabulary: Words | None,
        dtype: Any,
        tokenizer: Tokenizer,
        field: str | None,
    ) -> None:
        super().__init__(path, vocabulary, dtype)
        self.tokenizer = tokenizer
        self._field = field
        #: Tokens of the last pass that the vocabulary does not have, stop words aside.
        self.n_unknown = 0

    def scan(self) -> None:
        """Count the documents and, where there is no vocabulary, learn it."""
        if self.vocabulary is not None:
            return super().scan()
        learner = Learner(self.tokenizer, self.dtype)
        for _ in learner.pieces(self.texts()):
            pass
        self.vocabulary = learner.vocabulary(self._nothing_left)[0]
        self.n_documents, self.n_words = learner.n_documents, len(self.vocabulary)
        return None

    def read(self) -> Corpus:
        """Read all documents in one pass."""
        if self.vocabulary is not None:
            return super().read()
        learner = Learner(self.tokenizer, self.dtype)
        piece = joined(learner.pieces(self.texts()), self.dtype)
        words, new = learner.vocabulary(self._nothing_left)
        start, columns, values = piece
        counts = csr_array((values, columns, start), shape=(learner.n_documents, len(new)))
        self.vocabulary, self.n_words, self.n_documents = words, len(words), learner.n_documents
        return Corpus(with_columns(counts, new, len(words)), words, self.tokenizer)

    def _pieces(self) -> Iterator[Piece]:
        assert self.vocabulary is not None
        self.n_unknown = 0
        return known_pieces(
            self.texts(), self.vocabulary, self.tokenizer, self.dtype, self._count_unknown
        )

    def _count_unknown(self, tokens: int) -> None:
        self.n_unknown += tokens

    def texts(self) -> Iterator[str]:
        """Yield the text of each document."""
        with Lines(self.path) as lines:
            line = 0
            for chunk in lines.chunks(_CHUNK):
                try:
                    text = chunk.decode("utf-8")
                except UnicodeDecodeError as error:
                    where = line + 1 + chunk.count(b"\n", 0, error.start)
                    what = f"expected text in UTF-8 ({error.reason}). Remedy: convert it, such as "
                    raise lines.error(what + "by iconv -f latin1 -t utf-8", where) from error
                documents = text[:-1].split("\n")
                if not line:
                    documents[0] = documents[0].removeprefix("\ufeff")
                if self._field is None:
                    yield from documents
                else:
                    for i, document in enumerate(documents, line + 1):
                        yield _field(document, self._field, lines, i)
                line += len(documents)

    def _nothing_left(self, why: str) -> CorpusError:
        return nothing_left(self.path, why)


def nothing_left(path: StrPath, why: str) -> CorpusError:
    """Return the error for a file that leaves no words for a vocabulary."""
    return problem(path, None, why)


class Learner:
    """Learns a vocabulary while it counts, in one pass.

    Words get numbers in the order in which they are met; `vocabulary` puts them into the order of
    the alphabet and says which number became which column.
    """

    def __init__(self, tokenizer: Tokenizer, dtype: Any) -> None:
        self._tokenizer = tokenizer
        self._dtype = dtype
        self._numbers = _Numbers(count())
        self._frequency = np.zeros(0, np.int64)
        self.n_documents = 0

    def pieces(self, texts: Iterable[str]) -> Iterator[Piece]:
        """Yield the documents with the numbers of their words."""
        unwanted = dict.fromkeys(self._tokenizer.stop_words, _NOT_A_WORD)
        numbers = self._numbers
        numbers.update(unwanted)
        find = self._tokenizer.finder()
        for piece in _counted(
            texts, lambda text: map(numbers.__getitem__, find(text)), self._dtype
        ):
            self.n_documents += piece.n_documents
            found = np.bincount(piece.columns, minlength=len(self._frequency))
            found[: len(self._frequency)] += self._frequency
            self._frequency = found
            yield piece

    def vocabulary(self, error: Callable[[str], Exception]) -> tuple[Words, NDArray[np.int64]]:
        """Return the words that stay, sorted, and for each number its column or -1."""
        numbered = {word: n for word, n in self._numbers.items() if n != _NOT_A_WORD}
        keeps = self._tokenizer.keeps(self._frequency, self.n_documents)
        words = sorted(word for word, n in numbered.items() if keeps[n])
        if not words:
            raise error(self._nothing_left(len(numbered)))
        new = np.full(len(numbered), -1, np.int64)
        for column, word in enumerate(words):
            new[numbered[word]] = column
        return as_words(words), new

    def _nothing_left(self, n_words: int) -> str:
        if not self.n_documents:
            return "expected at least one document, got none"
        documents = f"{self.n_documents:,} document{'s' if self.n_documents > 1 else ''}"
        if n_words:
            return (
                f"expected at least one word for the vocabulary; none of the {n_words:,} in "
                f"{documents} is in as many as min_df and as few as max_df ask for. Remedy: a "
                "lower min_df or a higher max_df"
            )
        return (
            f"expected at least one word for the vocabulary, but {documents} hold none: they are "
            "empty, or of stop words alone, or the token pattern finds nothing in them"
        )


class _Numbers(dict[str, int]):
    """Gives each new word the next number."""

    def __init__(self, numbers: Iterator[int]) -> None:
        super().__init__()
        self._next = numbers

    def __missing__(self, word: str) -> int:
        number = self[word] = next(self._next)
        return number


def known_pieces(
    texts: Iterable[str],
    vocabulary: Words,
    tokenizer: Tokenizer,
    dtype: Any,
    unknown: Callable[[int], None] | None = None,
) -> Iterator[Piece]:
    """Yield the documents with the columns of a vocabulary; other words are left out.

    `unknown` is told how many tokens these were, time and again.
    """
    column = {word: i for i, word in enumerate(vocabulary)}
    column |= dict.fromkeys(tokenizer.stop_words, _STOP_WORD)
    find, get = tokenizer.finder(), column.get

    def numbers(text: str) -> Iterable[int]:
        return map(get, find(text), repeat(_NOT_A_WORD))

    return _counted(texts, numbers, dtype, unknown)


def corpus_of_texts(
    texts: Iterable[str],
    vocabulary: Iterable[str] | None = None,
    tokenizer: Tokenizer | None = None,
    dtype: Any = np.float64,
) -> Corpus:
    """Count the words of texts.

    Parameters
    ----------
    texts : iterable of str
        One a document.
    vocabulary : iterable of str, optional
        The words to count; learnt from the texts by default.
    tokenizer : Tokenizer, optional
        How text becomes words; `Tokenizer()` by default.
    dtype : dtype, default=float64
        float32 or float64.

    Returns
    -------
    corpus : Corpus

    Raises
    ------
    CorpusError
        No documents, no words, or a document that is no text.
    """
    tokenizer = Tokenizer() if tokenizer is None else tokenizer
    dtype = np.dtype(dtype)
    checked = _all_text(texts)
    if vocabulary is None:
        learner = Learner(tokenizer, dtype)
        piece = joined(learner.pieces(checked), dtype)
        words, new = learner.vocabulary(lambda why: CorpusError(f"texts: {why}"))
    else:
        words = as_words(vocabulary)
        piece = joined(known_pieces(checked, words, tokenizer, dtype), dtype)
        new = np.arange(len(words), dtype=np.int64)
    if not piece.n_documents:
        raise CorpusError("texts: expected at least one document, got none")
    shape = (piece.n_documents, len(new))
    counts = csr_array((piece.values, piece.columns, piece.start), shape=shape)
    return Corpus(with_columns(counts, new, len(words)), words, tokenizer)


def _all_text(texts: Iterable[Any]) -> Iterator[str]:
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise CorpusError(f"document {i}: expected text, got {type(text).__name__}")
        yield text


def _counted(
    texts: Iterable[str],
    numbers: Callable[[str], Iterable[int]],
    dtype: Any,
    unknown: Callable[[int], None] | None = None,
) -> Iterator[Piece]:
    """Count the numbers of each text's words; negative ones are no words."""
    texts = iter(texts)
    while some := list(islice(texts, _TEXTS)):
        found: list[int] = []
        ends = []
        for text in some:
            found.extend(numbers(text))
            ends.append(len(found))
        tokens = np.array(found, dtype=np.int64)
        if unknown is not None:
            unknown(int(np.count_nonzero(tokens == _NOT_A_WORD)))
        kept = tokens >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        start = before[np.concatenate([[0], ends])]
        tokens = tokens[kept]
        shape = (len(some), int(tokens.max(initial=-1)) + 1)
        counts = csr_array((np.ones(len(tokens), dtype), tokens, start), shape=shape)
        counts.sum_duplicates()
        yield Piece(counts.indptr.astype(np.int64), counts.indices.astype(np.int32), counts.data)


def _field(line: str, field: str, lines: Lines, number: int) -> str:
    if not line.strip():
        raise lines.error("expected a JSON object, got an empty line. Remedy: leave it out", number)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise lines.error(f"expected a JSON object, got {line[:60]!r} ({error})", number) from error
    if not isinstance(value, dict) or field not in value:
        got = f"the fields {', '.join(list(value)[:10])}" if isinstance(value, dict) else line[:60]
        raise lines.error(
            f"expected a JSON object with a field {field!r}, got {got}. Remedy: name the field of "
            "the text (text_field, --text-field)",
            number,
        )
    text = value[field]
    if text is None:
        return ""
    if not isinstance(text, str):
        raise lines.error(f"field {field!r}: expected text, got {json.dumps(text)[:60]}", number)
    return text

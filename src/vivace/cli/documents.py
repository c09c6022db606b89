"""Options that say what a file of documents is, and reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from vivace.cli.errors import Failure
from vivace.cli.options import say

# As in vivace.io.corpora, which is not imported for --help.
_FORMATS = ["npz", "mtx", "docword", "lda-c", "svmlight", "jsonl", "text"]

# Numbers of the result that are made at a time: 32 MB in double precision.
_NUMBERS_AT_A_TIME = 1 << 22


@dataclass
class DocumentOptions:
    """What was given on the command line about documents; None where nothing was."""

    format: str | None
    vocabulary: str | None
    text_field: str | None
    zero_based: bool

    @classmethod
    def take(cls, options: dict[str, Any]) -> DocumentOptions:
        """Take them out of the arguments of a command."""
        return cls(
            options.pop("format_"),
            options.pop("vocabulary"),
            options.pop("text_field"),
            options.pop("zero_based"),
        )

    @property
    def given(self) -> list[str]:
        """Names of the options that were given."""
        found = {
            "--format": self.format,
            "--vocabulary": self.vocabulary,
            "--text-field": self.text_field,
            "--zero-based": self.zero_based,
        }
        return [name for name, value in found.items() if value]


def document_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `DocumentOptions` to a command."""
    for option in (
        click.option(
            "--zero-based", is_flag=True, help="Words of an svmlight file are counted from 0."
        ),
        click.option(
            "--text-field", metavar="NAME", help="Field of the text in .jsonl.  [default: text]"
        ),
        click.option(
            "--vocabulary", type=click.Path(), metavar="FILE", help="File of words, one a line."
        ),
        click.option(
            "--format",
            "format_",
            type=click.Choice(_FORMATS),
            help="Format of DOCS, where its name does not tell.",
        ),
    ):
        command = option(command)
    return command


class Reading:
    """Documents of a file in the columns of a fitted model, a block at a time.

    Parameters
    ----------
    model : str
        Name of the model file.
    docs : str
        Name of the documents' file.
    reader : CorpusReader
        Of the documents.
    format : str
        Of the documents.
    estimator : object
        The model.
    """

    def __init__(self, model: str, docs: str, reader: Any, format: str, estimator: Any) -> None:
        self._model, self._docs, self._reader, self.format = model, docs, reader, format
        self._known = _words_of(estimator)
        self._n_words = int(estimator.n_features_in_)
        self._tokens = self._kept = 0.0

    def blocks(self, n_documents: int = 4096) -> Iterator[Any]:
        """Yield counts of the model's words, so many documents at a time.

        Raises
        ------
        Failure
            The documents have other words than the model, and neither is known by name.
        """
        from vivace.io.corpora import Corpus
        from vivace.io.corpora.corpus import canonical
        from vivace.io.corpora.reader import NotInBlocks, cut

        reader = self._reader
        self._tokens = self._kept = 0.0
        try:
            pieces = cut(reader.pieces(), n_documents)
            for piece in pieces:
                width = reader.n_words or int(piece.columns.max(initial=-1)) + 1
                yield self._aligned(
                    Corpus(canonical(*piece, (piece.n_documents, width)), reader.vocabulary)
                )
        except NotInBlocks:
            counts = reader.read().counts
            for start in range(0, counts.shape[0], n_documents):
                part = Corpus(counts[start : start + n_documents], reader.vocabulary)
                yield self._aligned(part)

    def _aligned(self, corpus: Any) -> Any:
        if self._known is not None and corpus.vocabulary is not None:
            aligned = corpus.aligned_to(self._known)
            self._tokens += corpus.n_tokens
            self._kept += aligned.n_tokens
            return aligned.counts
        if corpus.n_words != self._n_words:
            raise Failure(
                f"{self._docs}: expected the {self._n_words} words that {self._model} was fitted "
                f"to, got {corpus.n_words}. Remedy: documents with the same vocabulary, or name "
                "the words of both (--vocabulary at fit and here)"
            )
        return corpus.counts

    def say_what_is_lost(self, quiet: bool) -> None:
        """Say how many tokens are words that the model does not know."""
        unknown = getattr(self._reader, "n_unknown", 0)  # of text, which never became counts
        lost = self._tokens - self._kept + unknown
        if lost > 0:
            share = lost / (self._tokens + unknown)
            known = f"words that {self._model} does not know"
            say(f"{lost:,.0f} tokens ({share:.1%}) are {known}", quiet)


def reading_for(
    model: str, estimator: Any, notes: dict[str, Any], docs: str, options: DocumentOptions
) -> Reading:
    """Open documents for a fitted topic model, or a mixture that was fitted to counts.

    Raises
    ------
    Failure
        The model does not know the words of these documents.
    """
    from vivace.io.corpora import format_of, open_corpus
    from vivace.io.corpora.formats import TEXT_FORMATS

    format = options.format or format_of(docs)
    known = _words_of(estimator)
    precise = getattr(estimator, "components_", None)
    settings: dict[str, Any] = {"dtype": "float64" if precise is None else precise.dtype}
    if format in TEXT_FORMATS:
        if options.vocabulary is not None:
            raise click.UsageError("--vocabulary: text is counted with the words of the model")
        if known is None or not hasattr(estimator, "tokenizer_"):
            fit = "fit the model to text, or " if hasattr(estimator, "components_") else ""
            raise Failure(
                f"{docs}: holds text, but {model} was fitted to counts and does not know how text "
                f"becomes words. Remedy: {fit}give counts"
            )
        settings |= {"vocabulary": known, "tokenizer": estimator.tokenizer_}
        settings["text_field"] = options.text_field or notes.get("text_field") or "text"
    else:
        if options.vocabulary is not None:
            settings["vocabulary"] = options.vocabulary
        elif format in ("lda-c", "svmlight"):
            settings["n_words"] = int(estimator.n_features_in_)
        if format == "svmlight":
            settings["zero_based"] = options.zero_based or bool(notes.get("zero_based"))
    return Reading(model, docs, open_corpus(docs, format, **settings), format, estimator)


def documents_at_a_time(estimator: Any, least: int) -> int:
    """Documents, `least` or more, that are worked on together."""
    return max(least, _NUMBERS_AT_A_TIME // int(estimator.n_components))


def _words_of(estimator: Any) -> Any:
    """The words of a model's columns; None where it does not know them."""
    return getattr(estimator, "vocabulary_", getattr(estimator, "feature_names_in_", None))

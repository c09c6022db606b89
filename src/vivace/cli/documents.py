"""Options that say what a file of documents is, and reading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from vivace.cli.errors import Failure
from vivace.cli.options import say

# As in vivace.io.corpora, which is not imported for --help.
_FORMATS = ["npz", "mtx", "docword", "lda-c", "svmlight", "jsonl", "text"]


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


def model_documents(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    docs: str,
    options: DocumentOptions,
    quiet: bool,
) -> Any:
    """Read documents in the columns of a fitted topic model.

    Raises
    ------
    Failure
        The model does not know the words of these documents.
    """
    from vivace.io.corpora import format_of, read_corpus
    from vivace.io.corpora.formats import TEXT_FORMATS

    format = options.format or format_of(docs)
    known = getattr(estimator, "vocabulary_", None)
    n_words = int(estimator.n_features_in_)
    settings: dict[str, Any] = {"dtype": estimator.components_.dtype}
    if format in TEXT_FORMATS:
        if options.vocabulary is not None:
            raise click.UsageError("--vocabulary: text is counted with the words of the model")
        if known is None or not hasattr(estimator, "tokenizer_"):
            raise Failure(
                f"{docs}: holds text, but {model} was fitted to counts and does not know how text "
                "becomes words. Remedy: fit the model to text, or give counts"
            )
        settings |= {"vocabulary": known, "tokenizer": estimator.tokenizer_}
        settings["text_field"] = options.text_field or notes.get("text_field") or "text"
        return read_corpus(docs, format, **settings)
    if options.vocabulary is not None:
        settings["vocabulary"] = options.vocabulary
    elif format in ("lda-c", "svmlight"):
        settings["n_words"] = n_words
    if format == "svmlight":
        settings["zero_based"] = options.zero_based or bool(notes.get("zero_based"))
    corpus = read_corpus(docs, format, **settings)
    if known is not None and corpus.vocabulary is not None:
        aligned = corpus.aligned_to(known)
        lost = corpus.n_tokens - aligned.n_tokens
        if lost > 0:
            share = lost / corpus.n_tokens
            say(f"{lost:,.0f} tokens ({share:.1%}) are words that {model} does not know", quiet)
        return aligned
    if corpus.n_words != n_words:
        raise Failure(
            f"{docs}: expected the {n_words} words that {model} was fitted to, got "
            f"{corpus.n_words}. Remedy: documents with the same vocabulary, or name the words of "
            "both (--vocabulary at fit and here)"
        )
    return corpus

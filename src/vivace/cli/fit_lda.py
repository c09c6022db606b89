"""`vivace fit lda DOCS...`: topics of documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vivace.cli.documents import DocumentOptions, document_options
from vivace.cli.fit_frame import Found, Plan, estimator_of, fit_options, run_fit
from vivace.cli.options import counted, examples, say, whole

# Parameters of the estimator that have an option of their own here.
_OPTIONS = {"inference": "--inference"}


def _document_frequency(_: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    """Turn 5 into a number of documents, and 0.5 into a share of them."""
    if text is None:
        return None
    try:
        value: int | float = int(text) if text.isdigit() else float(text)
    except ValueError:
        value = -1
    if value < 0 or (isinstance(value, float) and not value <= 1):
        raise click.BadParameter(
            f"expected a number of documents (5) or a share of them (0.5), got {text!r}"
        )
    return value


@click.command(
    "lda",
    epilog=examples(
        "vivace fit lda articles.txt --n-components 100 --out topics.vivace \\",
        "    --stop-words english --min-df 5 --max-df 0.25 --inference gibbs --passes 100 \\",
        "    --set doc_topic_prior=auto --set topic_word_prior=0.03",
        "vivace fit lda articles.jsonl.gz --text-field body -k 100 -o topics.vivace",
        "vivace fit lda docword.nips.txt.gz --vocabulary vocab.nips.txt -k 50 -o topics.vivace \\",
        "    --set doc_topic_prior=0.02 --set topic_word_prior=0.03 --passes 50",
    ),
)
@click.argument("docs", nargs=-1, required=True, type=click.Path(allow_dash=True))
@document_options
@click.option(
    "--min-df",
    metavar="N|SHARE",
    callback=_document_frequency,
    help="Text: words of fewer documents are left out.",
)
@click.option(
    "--max-df",
    metavar="N|SHARE",
    callback=_document_frequency,
    help="Text: words of more documents are left out.",
)
@click.option(
    "--stop-words",
    metavar="english|FILE",
    help="Text: words to leave out, scikit-learn's English list or a file, one a line.",
)
@click.option("--token-pattern", metavar="REGEX", help="Text: what a word is.")
@click.option(
    "--inference",
    type=click.Choice(["vb", "cvb0", "gibbs"]),
    help="Variational Bayes, or collapsed (cvb0) and sampled (gibbs): no bound, better topics "
    "sooner.  [default: vb]",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Precision of topics and documents; sums are float64.",
)
@fit_options("topics", "LatentDirichletAllocation")
def lda(docs: tuple[str, ...], **given: Any) -> None:
    """Fit topics to the documents of DOCS by latent Dirichlet allocation.

    DOCS is counts of words (.npz, .mtx, docword, .ldac, .svmlight) or text (.txt, a document a
    line, or .jsonl, a JSON object a line): one file, several or a pattern of names; all but .npz
    may end in .gz. "-" is standard input, with --format. Of text, the model file keeps the
    vocabulary and how text becomes words. The files are read once; what does not fit into --memory
    goes to a scratch file (TMPDIR says where).
    """
    import numpy as np

    from vivace.cli.summary_topics import (
        hint_at_stop_words,
        print_topics_summary,
        topics_meter,
        topics_record,
    )
    from vivace.topics import LatentDirichletAllocation
    from vivace.topics._parameters import check_inference, document_prior

    options = DocumentOptions.take(given)
    estimator = estimator_of(LatentDirichletAllocation, given, _OPTIONS)
    try:
        parameters = estimator.get_params(deep=False)
        check_inference(parameters, "fit")
        document_prior(parameters, np.dtype(given["dtype"]))  # before documents are read
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    reading = _reading(docs[0], options, given)

    def read() -> Found:
        corpus = _open(docs, options, reading, given)
        size = {
            "n_documents": corpus.n_documents,
            "n_words": corpus.n_words,
            "n_tokens": whole(corpus.n_tokens),
        }
        what = (
            f"{counted(corpus.n_documents, 'document')} of {counted(corpus.n_tokens, 'token')}, "
            f"{counted(corpus.n_words, 'word')}"
        )
        notes = {
            "n_rows": corpus.n_documents,
            **size,
            "format": reading["format"],
            "text_field": options.text_field,
            "zero_based": options.zero_based,
        }
        return Found(corpus, what, notes)

    def estimate() -> None:
        from vivace.cli.dry_run import print_documents_estimate

        print_documents_estimate(estimator, docs, reading, given)

    def show(record: dict[str, Any]) -> None:
        print_topics_summary(record)
        if reading["format"] in ("text", "jsonl") and not given["stop_words"]:
            hint_at_stop_words(record["topics"])

    plan = Plan(
        "lda",
        "topics",
        estimator,
        read,
        estimate,
        lambda found, quiet, verbose: topics_meter(estimator, found.notes, quiet, verbose),
        topics_record,
        show,
    )
    run_fit(plan, docs, given)


def _open(
    docs: tuple[str, ...], options: DocumentOptions, reading: dict[str, Any], given: dict[str, Any]
) -> Any:
    """Read the documents, with progress."""
    from vivace.cli.progress import Meter
    from vivace.io import open_documents
    from vivace.io.corpora.formats import vocabulary_beside

    quiet = given["quiet"]
    beside = vocabulary_beside(docs[0]) if reading["format"] == "docword" else None
    if beside is not None and options.vocabulary is None:
        say(f"words are those of {beside}", quiet)
    settings = {**reading, "dtype": given["dtype"], "memory": given["memory"]}
    with Meter("documents", None, quiet) as meter:
        return open_documents(list(docs), **settings, tell=meter.update)


def _reading(docs: str, options: DocumentOptions, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `read_corpus`; what does not fit the format is a usage error."""
    from vivace.io.corpora import Tokenizer, format_of, read_vocabulary
    from vivace.io.corpora.formats import TEXT_FORMATS

    format = options.format or format_of(docs)
    wanted = {
        "--min-df": given["min_df"],
        "--max-df": given["max_df"],
        "--stop-words": given["stop_words"],
        "--token-pattern": given["token_pattern"],
    }
    text_only = [name for name, value in wanted.items() if value is not None]
    if format != "jsonl" and options.text_field is not None:
        raise click.UsageError(f"--text-field is for .jsonl, but {docs} is {format}")
    if format != "svmlight" and options.zero_based:
        raise click.UsageError(f"--zero-based is for svmlight, but {docs} is {format}")
    if format not in TEXT_FORMATS:
        if text_only:
            raise click.UsageError(
                f"{text_only[0]} is for text, but {docs} holds counts ({format}). Remedy: fit the "
                "text itself"
            )
        vocabulary, zero_based = options.vocabulary, options.zero_based
        return {"format": format, "vocabulary": vocabulary, "zero_based": zero_based}
    frequencies = [name for name in text_only if name.endswith("-df")]
    if frequencies and options.vocabulary is not None:
        raise click.UsageError(f"{frequencies[0]}: the words of --vocabulary are all kept")
    stop_words: Any = given["stop_words"]
    if stop_words is not None and stop_words != "english":
        if not Path(stop_words).exists():
            raise ValueError(
                "--stop-words: expected english, the only list that is built in, or a file with "
                f"a word a line; there is no file {stop_words!r}"
            )
        stop_words = read_vocabulary(stop_words)
    settings = {
        "min_df": given["min_df"],
        "max_df": given["max_df"],
        "stop_words": stop_words,
        "pattern": given["token_pattern"],
    }
    try:
        tokenizer = Tokenizer(
            **{name: value for name, value in settings.items() if value is not None}
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return {
        "format": format,
        "vocabulary": options.vocabulary,
        "tokenizer": tokenizer,
        "text_field": options.text_field or "text",
    }

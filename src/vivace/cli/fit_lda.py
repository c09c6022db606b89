"""`vivace fit lda DOCS`: topics of documents."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import click

from vivace.cli.documents import DocumentOptions, document_options
from vivace.cli.errors import interruption
from vivace.cli.fitting import keep_interrupted, make_estimator
from vivace.cli.jobs import JobOptions, OutOfTime, Work, job_options
from vivace.cli.options import (
    check_output,
    counted,
    debug_option,
    examples,
    json_option,
    print_json,
    quiet_option,
    say,
    seed_option,
    threads_option,
)

# Parameters of the estimator that have an option of their own.
_OPTIONS = {
    "n_components": "--n-components",
    "inference": "--inference",
    "learning_method": "--learning-method",
    "random_state": "--seed",
    "n_jobs": "--threads",
}


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
        "    --stop-words english --min-df 5 --max-df 0.25",
        "vivace fit lda articles.jsonl.gz --text-field body -k 100 -o topics.vivace",
        "vivace fit lda docword.nips.txt.gz --vocabulary vocab.nips.txt -k 50 -o topics.vivace \\",
        "    --set doc_topic_prior=0.02 --set topic_word_prior=0.03 --set max_iter=50",
    ),
)
@click.argument("docs", type=click.Path(allow_dash=True))
@click.option(
    "--n-components",
    "-k",
    type=click.IntRange(min=1),
    metavar="K",
    required=True,
    help="Number of topics.",
)
@click.option("--out", "-o", type=click.Path(), required=True, help="The model file to write.")
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
    type=click.Choice(["vb", "cvb0"]),
    help="Variational Bayes, or collapsed: no bound, better topics sooner.  [default: vb]",
)
@click.option(
    "--learning-method",
    type=click.Choice(["batch", "online", "memoized"]),
    help="How the fit goes through the documents.  [default: batch]",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Precision of topics and documents; sums are float64.",
)
@click.option(
    "--set",
    "set_",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any other parameter of vivace.LatentDirichletAllocation; may be repeated.",
)
@job_options
@seed_option
@threads_option
@json_option
@quiet_option
@debug_option
def lda(
    docs: str, out: str, set_: tuple[str, ...], as_json: bool, quiet: bool, **given: Any
) -> None:
    """Fit topics to the documents of DOCS by latent Dirichlet allocation.

    DOCS is counts of words (.npz, .mtx, docword, .ldac, .svmlight) or text (.txt, a document a
    line, or .jsonl, a JSON object a line); all but .npz may end in .gz. "-" is standard input,
    with --format. Of text, the model file keeps the vocabulary and how text becomes words.
    """
    check_output(out, [docs])
    options, job = DocumentOptions.take(given), JobOptions.take(given)
    from vivace.topics import LatentDirichletAllocation

    parameters = {
        "n_components": given["n_components"],
        "inference": given["inference"],
        "learning_method": given["learning_method"],
        "random_state": given["seed"],
        "n_jobs": given["threads"],
    }
    estimator = make_estimator(LatentDirichletAllocation, parameters, set_, _OPTIONS)
    reading = _reading(docs, options, given)
    if job.dry_run:
        from vivace.cli.dry_run import print_documents_estimate

        print_documents_estimate(estimator, docs, reading, given["dtype"], as_json)
        return
    from vivace.io import read_corpus, save_model
    from vivace.io.corpora.formats import vocabulary_beside

    began = perf_counter()
    say(f"reading {docs}", quiet)
    beside = vocabulary_beside(docs) if reading["format"] == "docword" else None
    if beside is not None and options.vocabulary is None:
        say(f"words are those of {beside}", quiet)
    corpus = read_corpus(docs, **reading, dtype=given["dtype"])
    seconds = {"read": perf_counter() - began}
    size = {
        "n_documents": corpus.n_documents,
        "n_words": corpus.n_words,
        "n_tokens": corpus.n_tokens,
    }
    say(
        f"fitting {counted(given['n_components'], 'topic')} to "
        f"{counted(corpus.n_documents, 'document')} of {counted(corpus.n_tokens, 'token')}, "
        f"{counted(corpus.n_words, 'word')}",
        quiet,
    )
    notes = {
        "data": docs,
        "n_rows": corpus.n_documents,
        **size,
        "format": reading["format"],
        "text_field": options.text_field,
        "zero_based": options.zero_based,
    }
    from vivace.cli.summary_topics import (
        hint_at_stop_words,
        print_topics_summary,
        topics_meter,
        topics_record,
    )

    began = perf_counter()
    work, out_of_time = Work(job, out, quiet, {"estimator": "lda", **notes}), False
    try:
        with work, topics_meter(estimator, corpus.n_tokens, quiet) as meter:
            estimator.fit(corpus, callbacks=[meter, work], checkpoint=work.checkpoint)
    except OutOfTime:
        out_of_time = True
    except KeyboardInterrupt as interrupt:
        kept = work.kept() or keep_interrupted(estimator, out, notes)
        raise interruption(interrupt, kept) from interrupt
    seconds["fit"] = perf_counter() - began
    save_model(estimator, out, notes={**notes, "seconds": seconds})

    record = topics_record(estimator, notes)
    if as_json:
        print_json(
            {"model": out, "data": docs, **record, "seconds": seconds, "seed": given["seed"]}
        )
    else:
        print_topics_summary(record)
        if reading["format"] in ("text", "jsonl") and not given["stop_words"]:
            hint_at_stop_words(record["topics"])
        click.echo(f"\n{out}: written ({seconds['fit']:.2f} s for the fit)")
    work.done(estimator, out_of_time)


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
                f"{text_only[0]} is for text, but {docs} holds counts ({format})"
            )
        vocabulary, zero_based = options.vocabulary, options.zero_based
        return {"format": format, "vocabulary": vocabulary, "zero_based": zero_based}
    frequencies = [name for name in text_only if name.endswith("-df")]
    if frequencies and options.vocabulary is not None:
        raise click.UsageError(f"{frequencies[0]}: the words of --vocabulary are all kept")
    stop_words: Any = given["stop_words"]
    if stop_words is not None and stop_words != "english":
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

"""`vivace fit mixture` of a file of counts: compressed rows, kept in memory, of one family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click

from vivace.cli.documents import DocumentOptions
from vivace.cli.errors import Failure
from vivace.cli.fit_frame import Found, Plan, size_of
from vivace.cli.options import counted, refuse_for_documents, say

_TYPED = "--families multinomial"


class Size(NamedTuple):
    """What a file of counts holds."""

    n_rows: int
    n_columns: int
    n_nonzeros: int


def counts_format(data: Sequence[str], options: DocumentOptions) -> str | None:
    """Return the format of a file of counts; None where `data` is a table, or several files.

    Raises
    ------
    click.UsageError
        --format says that it is text.
    """
    from vivace.io.corpora import format_of
    from vivace.io.corpora.formats import TEXT_FORMATS
    from vivace.io.table import TABLES

    if len(data) > 1 or (options.format is None and data[0].lower().endswith(TABLES)):
        return None
    try:
        format = options.format or format_of(data[0])
    except ValueError:
        return None
    if format not in TEXT_FORMATS:
        return format
    if options.format is not None:
        raise click.UsageError(
            f"--format: a mixture takes counts, not {format}. Remedy: vivace convert "
            f"{data[0]} counts.npz, then vivace fit mixture counts.npz {_TYPED}"
        )
    return None


def reading_of(
    data: Sequence[str], format: str, options: DocumentOptions, given: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of `open_corpus`; options that do not fit are usage errors."""
    name = data[0]
    refuse_for_documents(given["columns"], given["na_values"], f"{name} holds counts ({format})")
    if name == "-":
        raise click.UsageError(
            "-: counts are read twice, first for their size; standard input is read only once. "
            "Remedy: name a file"
        )
    if options.text_field is not None:
        raise click.UsageError(f"--text-field is for .jsonl, but {name} is {format}")
    if options.zero_based and format != "svmlight":
        raise click.UsageError(f"--zero-based is for svmlight, but {name} is {format}")
    return {
        "format": format,
        "vocabulary": options.vocabulary,
        "zero_based": options.zero_based,
    }


def one_family(families: Any, name: str) -> Any:
    """Return the family that takes all columns of compressed rows.

    Parameters
    ----------
    families : object
        What `read_families` returned: a name, a family, or a list of one object without columns,
        which gives parameters.
    name : str
        The file.

    Raises
    ------
    click.UsageError
        There is none, or one that needs dense rows.
    """
    from vivace import families as known
    from vivace.mixture._assign import BUILT_IN, make_family

    found = families
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], Mapping):
        settings = {key: value for key, value in found[0].items() if key != "family"}
        found = found[0].get("family")
        if isinstance(found, str) and found in BUILT_IN and "columns" not in settings:
            try:
                found = make_family(found, settings)
            except TypeError as error:
                raise click.UsageError(f"--families: {error}") from error
    tried = make_family(found, {}) if isinstance(found, str) and found in BUILT_IN else found
    if getattr(tried, "identity", False) is True:
        return found
    takes = [
        family
        for family, class_name in BUILT_IN.items()
        if getattr(getattr(known, class_name)(), "identity", False) is True
    ]
    got = families if isinstance(families, str) else getattr(families, "name", "those of a file")
    raise click.UsageError(
        f"--families: {name} holds sparse counts, which are taken as a whole by one of "
        f"{', '.join(takes)}; got {got}. Remedy: {_TYPED} (words of "
        "documents; for topics vivace fit lda), or with "
        'parameters a file of JSON such as [{"family": "multinomial", "concentration": 0.1}]'
    )


def size_of_counts(reader: Any) -> Size:
    """Find out how many rows, columns and counts a file holds, by a pass where it needs one."""
    reader.scan()
    if reader.n_nonzeros is None:  # a vocabulary told all that a scan looks for
        reader.n_nonzeros = sum(len(piece.values) for piece in reader.pieces())
    return Size(int(reader.n_documents), int(reader.n_words), int(reader.n_nonzeros))


def rows_bytes(size: Size, estimator: Any) -> int:
    """Bytes of the rows: a number and its column, and a place for each row."""
    copies = 1 if estimator.validation_fraction is None else 2  # those held out, and the others
    return copies * (12 * size.n_nonzeros + 8 * size.n_rows)


def check_memory(name: str, size: Size, estimator: Any, memory: int | None) -> int:
    """Return the bytes that data may take.

    Raises
    ------
    Failure
        The rows need more; the message says what would do.
    """
    from vivace.io.corpora.room import WORKING
    from vivace.io.open_table import default_memory
    from vivace.io.table import in_words

    limit = default_memory() if memory is None else memory
    least = WORKING + rows_bytes(size, estimator)
    if limit < least:
        held = "" if estimator.validation_fraction is None else " (--validation keeps a copy)"
        raise Failure(
            f"{name}: {counted(size.n_rows, 'row')} of {counted(size.n_nonzeros, 'count')} are "
            f"read into memory and need at least {in_words(least)}{held}, got {in_words(limit)}. "
            "Remedy: more memory (--memory)"
        )
    return limit


def counts_plan(
    data: Sequence[str], reading: dict[str, Any], estimator: Any, given: dict[str, Any]
) -> Plan:
    """Return the plan of a fit to a file of counts."""
    from vivace.cli.progress import FitMeter
    from vivace.cli.summary_mixture import MAX_LINES, print_table_summary, table_record
    from vivace.io import open_corpus

    name = data[0]
    words: list[str] = []

    def read() -> Found:
        reader = open_corpus(name, **reading)
        size = size_of_counts(reader)
        check_memory(name, size, estimator, given["memory"])
        corpus = open_corpus(name, **{**reading, **_width(reading, size)}).read()
        words[:] = [] if corpus.vocabulary is None else list(corpus.vocabulary)
        what, notes = size_of(corpus.counts, estimator)
        n_nonzeros = int(corpus.counts.nnz)
        kept = {"format": reading["format"], "zero_based": reading["zero_based"]}
        found = {**notes, "n_nonzeros": n_nonzeros, **kept}
        return Found(corpus.counts, f"{what}, {counted(n_nonzeros, 'count')}", found)

    def estimate() -> None:
        from vivace.cli.dry_run_counts import print_counts_estimate

        print_counts_estimate(estimator, name, reading, given)

    def finish(fitted: Any) -> None:
        if words:
            _name_columns(fitted, words)

    return Plan(
        "mixture",
        "components",
        estimator,
        read,
        estimate,
        lambda found, quiet, verbose: FitMeter(found.notes["n_rows"], quiet, verbose=verbose),
        # A parameter a word and component: too many to print even as JSON.
        lambda fitted, notes: {**table_record(fitted, notes["n_rows"], MAX_LINES), "remarks": []},
        print_table_summary,
        finish,
    )


def say_vocabulary(name: str, reading: dict[str, Any], quiet: bool) -> None:
    """Say where the names of columns come from that nobody named."""
    from vivace.io.corpora.formats import vocabulary_beside

    beside = vocabulary_beside(name) if reading["format"] == "docword" else None
    if beside is not None and reading["vocabulary"] is None:
        say(f"words are those of {beside}", quiet)


def _width(reading: dict[str, Any], size: Size) -> dict[str, Any]:
    """The number of columns, where the first pass found it."""
    known = reading["format"] in ("svmlight", "lda-c")
    return {"n_words": size.n_columns} if known else {}


def _name_columns(estimator: Any, words: list[str]) -> None:
    """Give the columns the names of the words, as a fit to a table with names has them."""
    import numpy as np

    estimator.feature_names_in_ = np.asarray(words, dtype=object)
    estimator._set_fitted(estimator._fitted)  # `families_` lists columns by name

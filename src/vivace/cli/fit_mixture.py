"""`vivace fit mixture`: tables of mixed columns."""

from __future__ import annotations

from typing import Any

import click

from vivace.cli.choice import columns_option
from vivace.cli.documents import DocumentOptions, document_options
from vivace.cli.families import read_families
from vivace.cli.fit_frame import (
    Found,
    Plan,
    estimator_of,
    fit_options,
    label_of,
    run_fit,
    size_of,
)
from vivace.cli.memory import read_frame
from vivace.cli.options import (
    examples,
    na_option,
    trusted_option,
    warn_of_folders,
)


@click.command(
    "mixture",
    epilog=examples(
        "vivace fit mixture customers.csv --n-components 30 --out model.vivace",
        "vivace fit mixture customers.parquet -k 30 -o model.vivace --families families.json",
        "vivace fit mixture counts.npz -k 30 -o model.vivace --families multinomial",
    ),
)
@click.argument("data", nargs=-1, required=True, type=click.Path())
@click.option(
    "--families",
    default="auto",
    show_default=True,
    metavar="auto|FAMILY|FILE.json",
    help="By the types of the columns, one for all (poisson, student_t, ...), or as a file says: "
    '{"poisson": ["visits"], ...}. A family of your own is MODULE:CLASS.',
)
@trusted_option
@columns_option
@na_option
@document_options
@fit_options("components", "BayesianMixture")
def mixture(data: tuple[str, ...], **given: Any) -> None:
    """Fit a Bayesian mixture to the columns of DATA: numbers, counts, flags, categories, gaps.

    DATA is .csv, .csv.gz or .csv.zst, or .parquet, .feather and .arrow: one file, several, a
    pattern of names or a folder; .npy; or "-", standard input. The files are read once, to learn
    the categories; what does not fit into --memory goes to a scratch file (TMPDIR says where).
    Or one file of sparse counts (.npz, .mtx, docword, .ldac, .svmlight), which is kept in memory,
    with --families multinomial, poisson or bernoulli.
    """
    from vivace.cli.fit_counts import (
        counts_format,
        counts_plan,
        one_family,
        reading_of,
        say_vocabulary,
    )
    from vivace.cli.progress import FitMeter
    from vivace.cli.summary_mixture import MAX_LINES, print_table_summary, table_record
    from vivace.mixture import BayesianMixture

    options = DocumentOptions.take(given)
    given["families"] = read_families(given["families"], given["trusted"])
    format = counts_format(data, options)
    if format is not None:
        reading = reading_of(data, format, options, given)
        given["families"] = one_family(given["families"], data[0])
        say_vocabulary(data[0], reading, given["quiet"])
        estimator = estimator_of(BayesianMixture, given, {"families": "--families"})
        run_fit(counts_plan(data, reading, estimator, given), data, given)
        return
    if options.given:
        raise click.UsageError(
            f"{options.given[0]} is for one file of counts, got {label_of(data)}"
        )
    estimator = estimator_of(BayesianMixture, given, {"families": "--families"})
    columns = given["columns"]

    def read() -> Found:
        rows = read_frame(data, columns, given["memory"], given["na_values"])
        warn_of_folders(rows, columns)
        what, notes = size_of(rows, estimator)
        return Found(rows, what, {**notes, "constant_columns": constant_columns(rows)})

    def estimate() -> None:
        from vivace.cli.dry_run import print_table_estimate

        print_table_estimate(estimator, data, given, numeric=False)

    def record(estimator: Any, notes: dict[str, Any]) -> dict[str, Any]:
        most = None if given["as_json"] else MAX_LINES
        found = table_record(estimator, notes["n_rows"], most)
        return {**found, "remarks": remarks(found, estimator.families, notes["constant_columns"])}

    plan = Plan(
        "mixture",
        "components",
        estimator,
        read,
        estimate,
        lambda found, quiet, verbose: FitMeter(found.notes["n_rows"], quiet, verbose=verbose),
        record,
        print_table_summary,
    )
    run_fit(plan, data, given)


def constant_columns(rows: Any) -> list[str]:
    """Columns that hold one value, gaps aside; known of streams only, from when they were read."""
    low, high = getattr(rows, "low", None), getattr(rows, "high", None)
    if low is None or high is None:
        return []
    return [str(name) for name, a, b in zip(rows.columns, low, high, strict=True) if a == b]


def remarks(record: dict[str, Any], families: Any, constant: list[str]) -> list[str]:
    """What a user may not expect of how the columns were taken."""
    from vivace.cli.summary_mixture import some

    found = []
    counts = record["families"].get("poisson", [])
    if isinstance(families, str) and families == "auto" and counts:
        found.append(f"columns taken as counts: {some(counts)}; --families to change")
    if constant:
        found.append(f"columns of one value, which set nothing apart: {some(constant)}")
    return found

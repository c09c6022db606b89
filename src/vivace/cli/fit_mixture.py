"""`vivace fit mixture`: tables of mixed columns."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from vivace.cli.fit_frame import Found, Plan, estimator_of, fit_options, run_fit, size_of
from vivace.cli.memory import read_frame
from vivace.cli.options import columns_option, examples


@click.command(
    "mixture",
    epilog=examples(
        "vivace fit mixture customers.csv --n-components 30 --out model.vivace",
        "vivace fit mixture customers.parquet -k 30 -o model.vivace --families families.json",
    ),
)
@click.argument("data", nargs=-1, required=True, type=click.Path())
@click.option(
    "--families",
    default="auto",
    show_default=True,
    metavar="auto|FAMILY|FILE.json",
    help="By the types of the columns, one for all (poisson, student_t, ...), or as a file says: "
    '{"poisson": ["visits"], ...}.',
)
@columns_option
@fit_options("components", "BayesianMixture")
def mixture(data: tuple[str, ...], **given: Any) -> None:
    """Fit a Bayesian mixture to the columns of DATA: numbers, counts, flags, categories, gaps.

    DATA is .csv, .csv.gz or .csv.zst, or .parquet, .feather and .arrow: one file, several, a
    pattern of names or a folder; or .npy. The files are read once, to learn the categories; what
    does not fit into --memory goes to a scratch file (TMPDIR says where).
    """
    from vivace.cli.progress import FitMeter
    from vivace.cli.summary_mixture import print_table_summary, table_record
    from vivace.mixture import BayesianMixture

    given["families"] = _families(given["families"])
    estimator = estimator_of(BayesianMixture, given, {"families": "--families"})
    columns = given["columns"]

    def read() -> Found:
        rows = read_frame(data, columns, given["memory"])
        return Found(rows, *size_of(rows, estimator))

    def estimate() -> None:
        from vivace.cli.dry_run import print_table_estimate

        memory = given["memory"]
        print_table_estimate(estimator, data, columns, given["as_json"], memory, numeric=False)

    plan = Plan(
        "mixture",
        "components",
        estimator,
        read,
        estimate,
        lambda found, quiet, verbose: FitMeter(found.notes["n_rows"], quiet, verbose=verbose),
        lambda estimator, notes: table_record(estimator, notes["n_rows"]),
        print_table_summary,
    )
    run_fit(plan, data, given)


def _families(text: str) -> Any:
    """The option: auto, a family for all columns, or what a file of JSON says."""
    from vivace.mixture._assign import BUILT_IN

    if text == "auto" or (text in BUILT_IN and not os.path.exists(text)):
        return text
    try:
        with open(text, encoding="utf-8") as file:
            found = json.load(file)
    except ValueError as error:
        raise click.BadParameter(
            f'{text}: expected JSON such as {{"poisson": ["visits"]}} ({error})',
            param_hint="--families",
        ) from error
    if not isinstance(found, (dict, list)):
        raise click.BadParameter(
            f"{text}: expected an object or a list, got {found!r}", param_hint="--families"
        )
    return found

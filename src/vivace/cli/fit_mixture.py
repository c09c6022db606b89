"""`vivace fit mixture` and `vivace impute`: tables of mixed columns."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import click

from vivace.cli.errors import Failure, interruption
from vivace.cli.fitting import keep_interrupted, make_estimator
from vivace.cli.frames import frame_for, is_table_model, read_frame
from vivace.cli.jobs import JobOptions, OutOfTime, Work, job_options
from vivace.cli.options import (
    check_output,
    columns_option,
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
    "families": "--families",
    "learning_method": "--learning-method",
    "random_state": "--seed",
    "n_jobs": "--threads",
}


@click.command(
    "mixture",
    epilog=examples(
        "vivace fit mixture customers.csv --n-components 30 --out model.vivace",
        "vivace fit mixture customers.parquet -k 30 -o model.vivace --families families.json",
    ),
)
@click.argument("data", type=click.Path())
@click.option(
    "--n-components",
    "-k",
    type=click.IntRange(min=1),
    metavar="K",
    required=True,
    help="Most components that the mixture may use.",
)
@click.option("--out", "-o", type=click.Path(), required=True, help="The model file to write.")
@click.option(
    "--families",
    default="auto",
    show_default=True,
    metavar="auto|FILE.json",
    help='By the types of the columns, or as a file says: {"poisson": ["visits"], ...}.',
)
@columns_option
@click.option(
    "--learning-method",
    type=click.Choice(["batch", "online", "memoized"]),
    help="How the fit goes through the rows.  [default: batch]",
)
@click.option(
    "--set",
    "set_",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any other parameter of vivace.BayesianMixture; may be repeated.",
)
@job_options
@seed_option
@threads_option
@json_option
@quiet_option
@debug_option
def mixture(
    data: str,
    n_components: int,
    out: str,
    families: str,
    columns: list[str] | None,
    learning_method: str | None,
    set_: tuple[str, ...],
    seed: int,
    threads: int | None,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Fit a Bayesian mixture to the columns of DATA: numbers, counts, flags, categories, gaps."""
    check_output(out, [data])
    job = JobOptions.take(given)
    from vivace.mixture import BayesianMixture

    estimator = make_estimator(
        BayesianMixture,
        {
            "n_components": n_components,
            "families": _families(families),
            "learning_method": learning_method,
            "random_state": seed,
            "n_jobs": threads,
        },
        set_,
        _OPTIONS,
    )
    if job.dry_run:
        from vivace.cli.dry_run import print_table_estimate

        print_table_estimate(estimator, data, columns, as_json)
        return
    from vivace.io import save_model

    began = perf_counter()
    say(f"reading {data}", quiet)
    table = read_frame(data, columns)
    seconds = {"read": perf_counter() - began}
    n_rows, n_columns = table.values.shape
    say(f"fitting {n_components} components to {n_rows:,} rows of {n_columns} columns", quiet)
    notes = {"data": data, "n_rows": n_rows}
    began = perf_counter()
    work, out_of_time = Work(job, out, quiet, {"estimator": "mixture", **notes}), False
    try:
        with work:
            _run(estimator, table.values, n_rows, quiet, work)
    except OutOfTime:
        out_of_time = True
    except KeyboardInterrupt as interrupt:
        kept = work.kept() or keep_interrupted(estimator, out, notes)
        raise interruption(interrupt, kept) from interrupt
    seconds["fit"] = perf_counter() - began
    save_model(estimator, out, notes={**notes, "seconds": seconds})

    from vivace.cli.summary_mixture import print_table_summary, table_record

    record = table_record(estimator, n_rows)
    if as_json:
        print_json({"model": out, "data": data, **record, "seconds": seconds, "seed": seed})
    else:
        print_table_summary(record)
        click.echo(f"\n{out}: written ({seconds['fit']:.2f} s for the fit)")
    work.done(estimator, out_of_time)


@click.command(epilog=examples("vivace impute mixed.vivace holes.csv --out filled.csv"))
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@click.option(
    "--out",
    "-o",
    type=click.Path(),
    required=True,
    help="File to write: .csv, .csv.gz or .parquet; .npy for numbers.",
)
@columns_option
@click.option("--sample", is_flag=True, help="Draw what is missing; the default are means.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of the draws.",
)
@quiet_option
@debug_option
def impute(
    model: str,
    data: str,
    out: str,
    columns: list[str] | None,
    sample: bool,
    seed: int,
    quiet: bool,
) -> None:
    """Write DATA with its gaps filled from the posterior predictive of a mixture."""
    from vivace.io import load_model

    check_output(out, [model, data])
    if not out.lower().endswith((".csv", ".csv.gz", ".parquet", ".npy")):
        raise Failure(f"{out}: expected a name that ends in .csv, .csv.gz, .parquet or .npy")
    estimator = load_model(model)
    if not is_table_model(estimator):
        raise Failure(
            f"{model}: holds a {type(estimator).__name__}, which fills no gaps. Remedy: vivace fit "
            "mixture"
        )
    say(f"reading {data}", quiet)
    table = frame_for(model, estimator, data, columns)
    try:
        filled = (
            estimator.sample_missing(table.values, seed)
            if sample
            else estimator.impute(table.values)
        )
    except ValueError as error:
        raise Failure(str(error)) from error
    _write(out, filled)
    click.echo(f"{out}: written, {len(filled):,} rows")


def _write(out: str, filled: Any) -> None:
    import numpy as np

    from vivace.io.atomic import replacing

    frame = hasattr(filled, "to_csv")
    if frame and out.lower().endswith(".npy"):
        filled = filled.to_numpy()
        if filled.dtype.kind not in "fiub":
            raise Failure(f"{out}: .npy holds numbers only. Remedy: .csv or .parquet")
    with replacing(out) as file:
        if out.lower().endswith(".npy"):
            np.save(file, np.asarray(filled), allow_pickle=False)
            return
        if not frame:
            import pandas as pd

            filled = pd.DataFrame(filled, columns=[f"x{j}" for j in range(filled.shape[1])])
        if out.lower().endswith(".parquet"):
            filled.to_parquet(file, index=False)
        else:
            packed = {"method": "gzip", "mtime": 0} if out.lower().endswith(".gz") else None
            filled.to_csv(file, index=False, compression=packed)


def _families(text: str) -> Any:
    """The option: auto, or what a file of JSON says."""
    if text == "auto":
        return "auto"
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


def _run(estimator: Any, rows: Any, n_rows: int, quiet: bool, work: Work) -> None:
    from vivace.cli.progress import FitMeter

    try:
        with FitMeter(n_rows, quiet) as meter:
            estimator.fit(rows, callbacks=[meter, work], checkpoint=work.checkpoint)
    except (ValueError, TypeError) as error:
        raise Failure(str(error)) from error

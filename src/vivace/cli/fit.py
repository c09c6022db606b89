"""`vivace fit ESTIMATOR DATA`: one command for each estimator."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import click

from vivace.cli.errors import Failure, interruption
from vivace.cli.fit_lda import lda
from vivace.cli.fit_mixture import mixture
from vivace.cli.fitting import Estimators, keep_interrupted, make_estimator
from vivace.cli.jobs import JobOptions, OutOfTime, Work, job_options
from vivace.cli.memory import memory_option, read_rows
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
    warn_of_left_out,
)

# Parameters of the estimator that have an option of their own.
_OPTIONS = {
    "n_components": "--n-components",
    "covariance_type": "--covariance-type",
    "learning_method": "--learning-method",
    "random_state": "--seed",
    "n_jobs": "--threads",
}


@click.group(
    cls=Estimators,
    epilog=examples(
        "vivace fit gaussian-mixture data.csv --n-components 50 --out model.vivace",
        "vivace fit lda articles.txt --n-components 100 --out topics.vivace",
    ),
)
@debug_option
def fit() -> None:
    """Fit a model to a table or to documents, and store it."""


fit.add_command(lda)
fit.add_command(mixture)


@fit.command(
    "gaussian-mixture",
    epilog=examples(
        "vivace fit gaussian-mixture data.csv --n-components 50 --out model.vivace",
        "vivace fit gaussian-mixture data.csv -k 20 -o model.vivace --columns age,income \\",
        "    --covariance-type diag --set max_iter=500 --set tol=1e-6",
        "vivace fit gaussian-mixture data.npy -k 20 -o model.vivace --json \\",
        "    --set weight_concentration_prior_type=dirichlet_distribution",
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
@columns_option
@click.option(
    "--covariance-type",
    type=click.Choice(["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]),
    help="Shape of the components.  [default: full]",
)
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
    help="Any other parameter of vivace.BayesianGaussianMixture; may be repeated.",
)
@memory_option
@job_options
@seed_option
@threads_option
@json_option
@quiet_option
@debug_option
def gaussian_mixture(
    data: str,
    n_components: int,
    out: str,
    columns: list[str] | None,
    covariance_type: str | None,
    learning_method: str | None,
    set_: tuple[str, ...],
    seed: int,
    threads: int | None,
    as_json: bool,
    quiet: bool,
    memory: int | None,
    **given: Any,
) -> None:
    """Fit a Bayesian Gaussian mixture to the numeric columns of DATA.

    The model file is replaced when the fit is done. After Ctrl-C the model so far is kept in
    a file whose name ends in .interrupted, beside it. A fit that stops at max_iter before it
    has converged says so, and is stored.
    """
    check_output(out, [data])
    options = JobOptions.take(given)
    from vivace.mixture import BayesianGaussianMixture

    estimator = make_estimator(
        BayesianGaussianMixture,
        {
            "n_components": n_components,
            "covariance_type": covariance_type,
            "learning_method": learning_method,
            "random_state": seed,
            "n_jobs": threads,
        },
        set_,
        _OPTIONS,
    )
    if options.dry_run:
        from vivace.cli.dry_run import print_table_estimate

        print_table_estimate(estimator, data, columns, as_json)
        return
    from vivace.io import save_model

    began = perf_counter()
    say(f"reading {data}", quiet)
    table = read_rows(data, columns, memory)
    warn_of_left_out(table)
    seconds = {"read": perf_counter() - began}

    n_rows, n_columns = table.values.shape
    say(f"fitting {n_components} components to {n_rows:,} rows of {n_columns} columns", quiet)
    notes = {"data": data, "n_rows": n_rows}
    began = perf_counter()
    work, out_of_time = Work(options, out, quiet, {"estimator": "gaussian-mixture", **notes}), False
    try:
        with work:
            _run(estimator, table, quiet, work)
    except OutOfTime:
        out_of_time = True
    except KeyboardInterrupt as interrupt:
        kept = work.kept() or keep_interrupted(estimator, out, notes)
        raise interruption(interrupt, kept) from interrupt
    seconds["fit"] = perf_counter() - began
    save_model(estimator, out, notes={**notes, "seconds": seconds})

    from vivace.cli.summary import fit_record, print_summary

    record = fit_record(estimator, n_rows)
    if as_json:
        left_out = {"columns_left_out": table.left_out}
        print_json(
            {"model": out, "data": data, **record, **left_out, "seconds": seconds, "seed": seed}
        )
    else:
        print_summary(record)
        click.echo(f"\n{out}: written ({seconds['fit']:.2f} s for the fit)")
    work.done(estimator, out_of_time)


def _run(estimator: Any, table: Any, quiet: bool, work: Work) -> None:
    """Fit, with progress; a failure names the entry that is to blame, if there is one."""
    import numpy as np

    from vivace.cli.progress import FitMeter

    n_rows = len(table.values)
    try:
        with FitMeter(n_rows, quiet) as meter:
            estimator.fit(table.values, callbacks=[meter, work], checkpoint=work.checkpoint)
    except ValueError as error:
        from vivace.cli.summary import first_gap

        raise Failure(first_gap(table) or str(error)) from error
    if table.named:
        estimator.feature_names_in_ = np.array(table.names, dtype=object)

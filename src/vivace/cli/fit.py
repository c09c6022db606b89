"""`vivace fit ESTIMATOR DATA...`: one command for each estimator."""

from __future__ import annotations

from typing import Any

import click

from vivace.cli.choice import columns_option
from vivace.cli.fit_frame import Found, Plan, estimator_of, fit_options, run_fit, size_of
from vivace.cli.fit_lda import lda
from vivace.cli.fit_mixture import mixture
from vivace.cli.fitting import Estimators
from vivace.cli.memory import read_rows
from vivace.cli.options import (
    debug_option,
    examples,
    na_option,
    warn_of_folders,
    warn_of_left_out,
)


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
        "    --covariance-type diag --passes 500 --set tol=1e-6",
        "vivace fit gaussian-mixture data.npy -k 20 -o model.vivace --json \\",
        "    --set weight_concentration_prior_type=dirichlet_distribution",
    ),
)
@click.argument("data", nargs=-1, required=True, type=click.Path())
@columns_option
@na_option
@click.option(
    "--covariance-type",
    type=click.Choice(["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]),
    help="Shape of the components.  [default: full]",
)
@click.option(
    "--missing",
    type=click.Choice(["error", "marginalize"]),
    help="What becomes of gaps: an error, or missing at random.  [default: error]",
)
@fit_options("components", "BayesianGaussianMixture")
def gaussian_mixture(data: tuple[str, ...], **given: Any) -> None:
    """Fit a Bayesian Gaussian mixture to the numeric columns of DATA.

    DATA is .npy (read in place), .csv, .csv.gz or .csv.zst, or .parquet, .feather and .arrow: one
    file, several, a pattern of names or a folder; or "-", standard input: text, Parquet or Arrow by
    its first bytes. None of them has to fit into memory.

    The model file is replaced when the fit is done. After Ctrl-C the model so far is kept in
    a file whose name ends in .interrupted, beside it. A fit that stops at max_iter before it
    has converged says so, and is stored.
    """
    from vivace.cli.progress import FitMeter
    from vivace.cli.summary import blame, fit_record, print_summary
    from vivace.mixture import BayesianGaussianMixture

    own = {"covariance_type": "--covariance-type", "missing": "--missing"}
    estimator = estimator_of(BayesianGaussianMixture, given, own)
    columns, tables = given["columns"], []

    def read() -> Found:
        table = read_rows(data, columns, given["memory"], given["na_values"])
        tables.append(table)
        warn_of_left_out(table)
        warn_of_folders(table.values, columns)
        what, notes = size_of(table.values, estimator)
        explain = lambda error: blame(table, error)  # noqa: E731
        return Found(table.values, what, notes, table.left_out, explain)

    def estimate() -> None:
        from vivace.cli.dry_run import print_table_estimate

        print_table_estimate(estimator, data, given)

    def finish(estimator: Any) -> None:
        import numpy as np

        if tables[0].named:
            estimator.feature_names_in_ = np.array(tables[0].names, dtype=object)

    plan = Plan(
        "gaussian-mixture",
        "components",
        estimator,
        read,
        estimate,
        lambda found, quiet, verbose: FitMeter(found.notes["n_rows"], quiet, verbose=verbose),
        lambda estimator, notes: fit_record(estimator, notes["n_rows"]),
        print_summary,
        finish,
    )
    run_fit(plan, data, given)

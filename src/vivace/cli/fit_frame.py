"""The one frame of every `vivace fit ESTIMATOR`: options, read, work, save, report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import click

from vivace.cli.config_file import with_those_of_the_file
from vivace.cli.errors import Failure, interruption, silence_output
from vivace.cli.fitting import keep_interrupted, make_estimator
from vivace.cli.jobs import JobOptions, OutOfTime, Work, job_options
from vivace.cli.memory import memory_option
from vivace.cli.options import (
    check_output,
    counted,
    debug_option,
    json_option,
    print_json,
    quiet_option,
    say,
    seed_option,
    threads_option,
    verbose_option,
)

# Options that are parameters of every estimator.
_COMMON = {
    "n_components": "--n-components",
    "learning_method": "--learning-method",
    "max_iter": "--passes",
    "batch_size": "--batch-size",
    "validation_fraction": "--validation",
    "random_state": "--seed",
    "n_jobs": "--threads",
}

# ... of which these may be given by --set as well, as the estimator calls them.
_EITHER = {"max_iter", "batch_size", "validation_fraction"}


@dataclass
class Found:
    """What was read for a fit.

    Attributes
    ----------
    X : object
        What `fit` is given.
    what : str
        For people, such as "400 rows of 2 columns".
    notes : dict
        For the model file: n_rows (those that are fitted) and what else is known.
    left_out : list of str
        Columns that are not used.
    explain : callable
        Turns an error of `fit` into a better message, or None.
    """

    X: Any
    what: str
    notes: dict[str, Any]
    left_out: list[str] = field(default_factory=list)
    explain: Callable[[Exception], str | None] = lambda error: None


@dataclass
class Plan:
    """What is particular about an estimator.

    Attributes
    ----------
    name : str
        Of the command.
    parts : str
        What it fits: components or topics.
    estimator : object
        With its parameters.
    read : callable
        Returns what was `Found`.
    estimate : callable
        Prints the estimate of --dry-run.
    meter : callable
        Takes Found, quiet and verbose; returns a context that is a callback.
    finish : callable
        Called with the fitted estimator before it is stored.
    record, show : callable
        The result in JSON's types (from the estimator and the notes), and printing it for people.
    """

    name: str
    parts: str
    estimator: Any
    read: Callable[[], Found]
    estimate: Callable[[], None]
    meter: Callable[[Found, bool, bool], AbstractContextManager[Any]]
    record: Callable[[Any, dict[str, Any]], dict[str, Any]]
    show: Callable[[dict[str, Any]], None]
    finish: Callable[[Any], None] = lambda estimator: None


def fit_options(parts: str, class_name: str) -> Callable[[Callable[..., Any]], Any]:
    """Add the options that every `vivace fit` has."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            debug_option,
            verbose_option,
            quiet_option,
            json_option,
            threads_option,
            seed_option,
            job_options,
            memory_option,
            click.option(
                "--set",
                "set_",
                metavar="KEY=VALUE",
                multiple=True,
                callback=with_those_of_the_file,
                help=f"Any other parameter of vivace.{class_name}; may be repeated.",
            ),
            click.option(
                "--validation",
                type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
                metavar="FRACTION",
                help="Hold out a share of the data, drawn by --seed. It is scored after each pass; "
                "the best pass is kept, and after 10 without a better one the fit ends.",
            ),
            click.option(
                "--batch-size",
                type=click.IntRange(min=1),
                metavar="N",
                help="Rows or documents of a batch (online, memoized; topics: collapsed, too).",
            ),
            click.option(
                "--passes",
                "max_iter",
                type=click.IntRange(min=0),
                metavar="N",
                help="Most passes over the data, or maps (the parameter max_iter).",
            ),
            click.option(
                "--learning-method",
                type=click.Choice(["batch", "online", "memoized"]),
                help="How the fit goes through the data.  [default: batch]",
            ),
            click.option(
                "--out", "-o", type=click.Path(), required=True, help="The model file to write."
            ),
            click.option(
                "--n-components",
                "-k",
                type=click.IntRange(min=1),
                metavar="K",
                required=True,
                help=f"Number of {parts}; of a mixture the most that it may use.",
            ),
        ):
            command = option(command)
        return command

    return add


def estimator_of(
    estimator_class: Any, given: dict[str, Any], more: dict[str, str] | None = None
) -> Any:
    """Make the estimator that the options ask for; `more` are parameters with options of their own.

    Raises
    ------
    click.UsageError
        A parameter cannot be used.
    """
    options = {**_COMMON, **(more or {})}
    option_of = {
        "random_state": "seed",
        "n_jobs": "threads",
        "validation_fraction": "validation",
    }
    parameters = {name: given[option_of.get(name, name)] for name in options}
    typed = {text.partition("=")[0].strip() for text in given["set_"]}
    for name in _EITHER & typed:
        if parameters.get(name) is not None:
            raise click.UsageError(f"{options[name]} and --set {name}: expected one of them")
    own = {name: option for name, option in options.items() if name not in _EITHER}
    estimator = make_estimator(estimator_class, parameters, given["set_"], own)
    whole = estimator.learning_method == "batch" and getattr(estimator, "inference", "vb") == "vb"
    if whole and estimator.batch_size is not None:
        raise click.UsageError(
            "--batch-size: learning method batch goes through all data at once. Remedy: "
            "--learning-method online or memoized, or leave it out"
        )
    return estimator


def run_fit(plan: Plan, data: Sequence[str], given: dict[str, Any]) -> None:
    """Read, fit as a job, store and report."""
    from sklearn.utils._param_validation import InvalidParameterError

    from vivace.io import save_model

    job = JobOptions.take(given)
    out, quiet, verbose = given["out"], given["quiet"], given["verbose"]
    check_output(out, data)
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose: expected one of them")
    estimator, label = plan.estimator, label_of(data)
    if job.dry_run:
        plan.estimate()
        return
    began = perf_counter()
    say(f"reading {label}", quiet)
    found = plan.read()
    seconds = {"read": perf_counter() - began}
    parts = counted(estimator.n_components, plan.parts.removesuffix("s"))
    say(f"fitting {parts} to {found.what}", quiet)
    notes = {"data": label, **found.notes}
    began = perf_counter()
    work, out_of_time = Work(job, out, quiet, {"estimator": plan.name, **notes}), False
    try:
        with work, plan.meter(found, quiet, verbose) as meter, warnings.catch_warnings():
            # Its remedies are those of Python; `work.done` names the options.
            warnings.filterwarnings("ignore", message="Best performing initialization did not")
            estimator.fit(found.X, callbacks=[meter, work], checkpoint=work.checkpoint)
    except OutOfTime:
        out_of_time = True
    except KeyboardInterrupt as interrupt:
        kept = work.kept() or keep_interrupted(estimator, out, notes)
        raise interruption(interrupt, kept) from interrupt
    except InvalidParameterError as error:  # seen once the data are known, such as a shape
        raise click.UsageError(str(error)) from error
    except (ValueError, TypeError) as error:
        raise Failure(found.explain(error) or str(error)) from error
    except OSError as error:
        if (message := work.unstored(error)) is None:
            raise
        raise Failure(message) from error
    seconds["fit"] = perf_counter() - began + work.earlier
    plan.finish(estimator)
    try:
        save_model(estimator, out, notes={**notes, "seconds": seconds})
    except OSError as error:
        raise Failure(work.unsaved(error)) from error
    record = plan.record(estimator, notes)
    try:
        if given["as_json"]:
            more = {"columns_left_out": found.left_out} if plan.parts == "components" else {}
            told = {"model": out, "data": label, **record, **more}
            print_json({**told, "seconds": seconds, "seed": given["seed"]})
        else:
            plan.show(record)
            click.echo(f"\n{out}: written ({seconds['fit']:.2f} s for the fit)")
    except BrokenPipeError:  # nobody reads on; the model is written, and the job ends as it should
        silence_output()
    work.done(estimator, out_of_time)


def size_of(rows: Any, estimator: Any) -> tuple[str, dict[str, Any]]:
    """Return the size of a table for people, and the notes that go into the model file."""
    from vivace.mixture._held_out import n_held_out

    n_rows, n_columns = rows.shape
    what = f"{n_rows:,} rows of {n_columns} columns"
    if estimator.validation_fraction is None:
        return what, {"n_rows": n_rows}
    held_out = n_held_out(n_rows, estimator.validation_fraction)
    fitted = n_rows - held_out
    return f"{what}, {held_out:,} held out", {"n_rows": fitted, "n_held_out": held_out}


def label_of(data: Sequence[str]) -> str:
    """What messages and the model file call the data."""
    return data[0] if len(data) == 1 else f"{data[0]} and {len(data) - 1} more"

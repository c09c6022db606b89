"""`vivace predict`, `transform` and `score`: use a stored model on a table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import click

from vivace.cli.documents import DocumentOptions, document_options
from vivace.cli.errors import Failure
from vivace.cli.frames import frame_for, is_table_model
from vivace.cli.memory import memory_option, read_rows
from vivace.cli.options import (
    check_output,
    columns_option,
    debug_option,
    examples,
    json_option,
    print_json,
    quiet_option,
    seed_option,
    warn_of_left_out,
)

# Numbers of the result that are made at a time: 32 MB of responsibilities.
_NUMBERS_AT_A_TIME = 1 << 22

_out_option = click.option(
    "--out",
    "-o",
    type=click.Path(),
    required=True,
    help="File to write: .npy, .npz, .csv, .csv.gz or .parquet.",
)


@click.command(
    epilog=examples(
        "vivace predict model.vivace data.csv --out labels.npy",
        "vivace predict model.vivace data.csv --out labels.csv",
    )
)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@_out_option
@columns_option
@memory_option
@quiet_option
@debug_option
def predict(
    model: str,
    data: str,
    out: str,
    columns: list[str] | None,
    memory: int | None,
    quiet: bool,
) -> None:
    """Write the most probable component of each row of DATA."""
    from vivace.io import load_model
    from vivace.io.tables import check_writable

    check_writable(out)
    check_output(out, [model, data])
    estimator = load_model(model)
    if not hasattr(estimator, "predict"):
        raise Failure(
            f"{model}: holds a {type(estimator).__name__}, which has no labels to predict. "
            "Remedy: vivace transform writes shares of topics"
        )
    _write(model, estimator, data, out, columns, quiet, "predict", memory)


@click.command(
    epilog=examples(
        "vivace transform model.vivace data.csv --out responsibilities.npy",
        "vivace transform topics.vivace articles.txt --out shares.npy",
    )
)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path(allow_dash=True))
@_out_option
@columns_option
@memory_option
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write the N most probable components of a row and their probabilities only.",
)
@document_options
@quiet_option
@debug_option
def transform(
    model: str,
    data: str,
    out: str,
    columns: list[str] | None,
    memory: int | None,
    top: int | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Write the probability of each component for each row of DATA.

    With a topic model DATA holds documents, and the share of each topic in each of them is
    written.
    """
    from vivace.io.tables import check_writable

    options = DocumentOptions.take(given)
    check_writable(out)
    check_output(out, [model, data])
    estimator, notes = _load(model, columns, options)
    if notes is None:
        if top is not None and top > int(estimator.n_components):
            raise click.UsageError(f"--top: {model} has {estimator.n_components} components")
        _write(model, estimator, data, out, columns, quiet, "transform", memory, top)
    else:
        if top is not None:
            raise click.UsageError(f"--top is for mixtures, but {model} holds topics")
        from vivace.cli.apply_topics import write_shares

        write_shares(model, estimator, notes, data, out, options, quiet)


@click.command(
    epilog=examples(
        "vivace score model.vivace data.csv", "vivace score topics.vivace articles.txt --json"
    )
)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path(allow_dash=True))
@columns_option
@memory_option
@document_options
@seed_option
@json_option
@quiet_option
@debug_option
def score(
    model: str,
    data: str,
    columns: list[str] | None,
    memory: int | None,
    seed: int,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Print how well a model fits the rows of DATA, in nats; higher is better.

    For a mixture it is the mean log posterior predictive density of a row. With a topic model
    DATA holds documents: the figures are the mean log likelihood of a token of the second half
    of each document, given the first (--seed splits them), and the bound per token.
    """
    import math

    options = DocumentOptions.take(given)
    estimator, notes = _load(model, columns, options)
    if notes is not None:
        from vivace.cli.apply_topics import print_scores

        print_scores(model, estimator, notes, data, options, seed, as_json, quiet)
        return
    table = _table(model, estimator, data, columns, memory)
    parts = _parts(estimator.score_samples, estimator, table, quiet)
    total = math.fsum(float(part.sum(dtype="float64")) for part in parts)
    n_rows = len(table.values)
    if as_json:
        record = {"log_density_per_row": total / n_rows, "log_density": total, "n_rows": n_rows}
        print_json({"model": model, "data": data, **record})
    else:
        click.echo(f"{total / n_rows:.9g} nats a row, mean of {n_rows:,} rows")


def _load(
    model: str, columns: list[str] | None, options: DocumentOptions
) -> tuple[Any, dict[str, Any] | None]:
    """Load a model; of a topic model the notes, else None. Options must fit the model."""
    from vivace.cli.summary_topics import is_topic_model
    from vivace.io import load_model, read_record

    estimator = load_model(model)
    name = type(estimator).__name__
    if is_topic_model(estimator):
        if columns is not None:
            raise click.UsageError(f"--columns is for tables, but {model} is a {name}")
        return estimator, read_record(model).notes
    if options.given:
        raise click.UsageError(f"{options.given[0]} is for documents, but {model} is a {name}")
    return estimator, None


def _write(
    model: str,
    estimator: Any,
    data: str,
    out: str,
    columns: list[str] | None,
    quiet: bool,
    method: str,
    memory: int | None,
    top: int | None = None,
) -> None:
    """Apply `method` to all rows and write what it gives."""
    from vivace.io.writer import APPENDABLE, writing

    table = _table(model, estimator, data, columns, memory)
    names = ["label"] if method == "predict" else list(estimator.get_feature_names_out())
    if top is not None:
        names = [f"{what}_{i + 1}" for what in ("component", "probability") for i in range(top)]
    parts = _parts(getattr(estimator, method), estimator, table, quiet)
    if out.lower().endswith(APPENDABLE):
        with writing(out, names) as writer:
            for part in parts:
                writer.append(part if top is None else _most_probable(part, top, out))
    else:
        _write_at_once(out, parts, names, top)
    click.echo(f"{out}: written, {len(table.values):,} rows")


def _write_at_once(out: str, parts: Iterator[Any], names: list[str], top: int | None) -> None:
    """Write a kind of file that cannot be appended to."""
    import numpy as np

    from vivace.io.tables import write_table

    found = [part if top is None else _most_probable(part, top, ".npy") for part in parts]
    write_table(out, np.concatenate(found), names)


def _most_probable(resp: Any, top: int, out: str) -> Any:
    """Components of the largest responsibilities, the lowest of equals first, and those."""
    import numpy as np

    order = np.argsort(-resp, axis=1, kind="stable")[:, :top]
    values = np.take_along_axis(resp, order, axis=1)
    if out.lower().endswith(".npy"):
        return np.column_stack([order, values])
    return [*order.T.astype(np.int32), *values.T]


def _table(
    model: str, estimator: Any, data: str, columns: list[str] | None, memory: int | None
) -> Any:
    """Read the columns of a table that a model was fitted to."""
    if is_table_model(estimator):
        return frame_for(model, estimator, data, columns)
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and not data.lower().endswith(".npy"):
        known = [str(name) for name in names]
        if columns is None or sorted(columns) == sorted(known):
            columns = known  # by name, in the model's order
    table = read_rows(data, columns, memory)
    warn_of_left_out(table)
    expected, found = estimator.n_features_in_, table.values.shape[1]
    if found != expected:
        which = f" ({', '.join(names)})" if names is not None else ""
        raise Failure(
            f"{data}: expected the {expected} columns{which} that {model} was fitted to, got "
            f"{found} ({', '.join(table.names[:20])}). Remedy: choose them with --columns"
        )
    return table


def _parts(
    function: Callable[[Any], Any], estimator: Any, table: Any, quiet: bool
) -> Iterator[Any]:
    """Apply `function` to runs of rows, with progress."""
    from vivace.cli.progress import Meter
    from vivace.cli.summary import first_gap

    n_rows = len(table.values)
    step = max(1024, _NUMBERS_AT_A_TIME // int(estimator.n_components))
    with Meter("rows", n_rows, quiet) as meter:
        for start in range(0, n_rows, step):
            rows = table.values[start : start + step]
            try:
                with warnings.catch_warnings():  # the names were compared when the table was read
                    warnings.filterwarnings("ignore", message="X does not have valid feature names")
                    part = function(rows)
            except ValueError as error:
                gap = None if is_table_model(estimator) else first_gap(table, choosable=False)
                raise Failure(gap or str(error)) from error
            yield part
            meter.update(start + len(rows))

"""`vivace predict`, `transform` and `score`: use a stored model on a table, a part at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import click

from vivace.cli.choice import columns_option
from vivace.cli.documents import DocumentOptions, document_options
from vivace.cli.errors import Failure
from vivace.cli.frames import is_counts_model, is_table_model, parts_of, runs_for
from vivace.cli.memory import memory_option
from vivace.cli.options import (
    check_output,
    debug_option,
    examples,
    json_option,
    na_option,
    output_suffix,
    print_json,
    quiet_option,
    refuse_for_documents,
    seed_option,
    trusted_option,
)

# Numbers of the result that are made at a time: 32 MB of responsibilities.
_NUMBERS_AT_A_TIME = 1 << 22


def _refuse_top(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "--top: predict writes the one most probable component of a row. Remedy: vivace "
            f"transform --top {value} writes several, with their probabilities"
        )


_out_option = click.option(
    "--out",
    "-o",
    type=click.Path(),
    required=True,
    help="File to write: .npy, .npz, .csv, .csv.gz, .parquet, .feather or .arrow.",
)
_id_option = click.option(
    "--id-column", metavar="NAME", help="Column of DATA to copy in front of the results."
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
@click.option(
    "--top", hidden=True, expose_value=False, callback=_refuse_top, help="Of transform alone."
)
@columns_option
@na_option
@_id_option
@memory_option
@document_options
@trusted_option
@quiet_option
@debug_option
def predict(
    model: str,
    data: str,
    out: str,
    columns: list[str] | None,
    na_values: tuple[str, ...],
    id_column: str | None,
    memory: int | None,
    trusted: tuple[str, ...],
    quiet: bool,
    **given: Any,
) -> None:
    """Write the most probable component of each row of DATA, in the order of the rows.

    With a mixture that was fitted to sparse counts DATA holds such counts.
    """
    options = DocumentOptions.take(given)
    _check_out(out, id_column)
    check_output(out, [model, data])
    estimator, notes = _load(model, columns, na_values, options, trusted)
    if not hasattr(estimator, "predict"):
        raise Failure(
            f"{model}: holds a {type(estimator).__name__}, which has no labels to predict. "
            "Remedy: vivace transform writes shares of topics"
        )
    to = _To(out, quiet, id_column)
    if notes is None:
        _write(model, estimator, data, to, (columns, na_values), "predict")
    else:
        _write_counts(model, estimator, notes, data, to, options, "predict")


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
@na_option
@memory_option
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write the N largest components (topics) of a row and their probabilities only.",
)
@_id_option
@document_options
@trusted_option
@quiet_option
@debug_option
def transform(
    model: str,
    data: str,
    out: str,
    columns: list[str] | None,
    na_values: tuple[str, ...],
    id_column: str | None,
    memory: int | None,
    top: int | None,
    trusted: tuple[str, ...],
    quiet: bool,
    **given: Any,
) -> None:
    """Write the probability of each component for each row of DATA, in the order of the rows.

    With a topic model DATA holds documents, and the share of each topic in each of them is
    written; --id-column is then a field of .jsonl. Both are read and written a part at a time.
    """
    options = DocumentOptions.take(given)
    _check_out(out, id_column)
    check_output(out, [model, data])
    estimator, notes = _load(model, columns, na_values, options, trusted)
    if top is not None and top > int(estimator.n_components):
        most = int(estimator.n_components)
        raise click.UsageError(
            f"--top: expected at most {most}, the components of {model}, got {top}"
        )
    if notes is None:
        to = _To(out, quiet, id_column, top)
        _write(model, estimator, data, to, (columns, na_values), "transform")
    elif is_counts_model(estimator):
        to = _To(out, quiet, id_column, top)
        _write_counts(model, estimator, notes, data, to, options, "transform")
    else:
        from vivace.cli.apply_topics import write_shares

        to = _To(out, quiet, id_column, top)
        write_shares(model, estimator, notes, data, to, options, to.names(estimator, "transform"))


@click.command(
    epilog=examples(
        "vivace score model.vivace data.csv", "vivace score topics.vivace articles.txt --json"
    )
)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path(allow_dash=True))
@columns_option
@na_option
@memory_option
@document_options
@seed_option
@json_option
@trusted_option
@quiet_option
@debug_option
def score(
    model: str,
    data: str,
    columns: list[str] | None,
    na_values: tuple[str, ...],
    memory: int | None,
    seed: int,
    as_json: bool,
    trusted: tuple[str, ...],
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
    estimator, notes = _load(model, columns, na_values, options, trusted)
    if notes is not None and not is_counts_model(estimator):
        from vivace.cli.apply_topics import print_scores

        settings = {"seed": seed, "memory": memory}
        print_scores(model, estimator, notes, data, options, settings, as_json, quiet)
        return
    if notes is not None:
        from vivace.cli.apply_counts import score_rows

        total, n_rows = score_rows(model, estimator, notes, data, options, quiet)
    else:
        table = runs_for(model, estimator, data, columns, na_values=na_values)
        sums, n_rows = [], 0
        for found, _ in _parts(estimator.score_samples, estimator, table, quiet):
            sums.append(float(found.sum(dtype="float64")))
            n_rows += len(found)
        total = math.fsum(sums)
    if not n_rows:
        raise Failure(f"{data}: expected at least one row of data, got none")
    if as_json:
        record = {"log_density_per_row": total / n_rows, "log_density": total, "n_rows": n_rows}
        print_json({"model": model, "data": data, **record})
    else:
        click.echo(f"{total / n_rows:.9g} nats a row, mean of {n_rows:,} rows")


class _To(NamedTuple):
    """Where results go."""

    out: str
    quiet: bool
    id_column: str | None = None
    top: int | None = None

    def names(self, estimator: Any, method: str) -> list[str]:
        """Names of the columns."""
        from vivace.cli.summary_topics import is_topic_model

        topics = is_topic_model(estimator)
        what, share = ("topic", "share") if topics else ("component", "probability")
        names = ["label"]
        if self.top is not None:
            ranks = range(1, self.top + 1)
            names = [f"top{i}_{name}" for name in (what, share) for i in ranks]
        elif method != "predict":  # the numbers that all other commands and the model have
            names = [f"{what}_{k}" for k in range(len(estimator.get_feature_names_out()))]
        return names if self.id_column is None else [self.id_column, *names]

    def columns(self, found: Any, ids: Any) -> Any:
        """What the writer takes."""
        import numpy as np

        numbers = self.out.lower().endswith((".npy", ".npz"))
        result = found if self.top is None else most_probable(found, self.top, numbers)
        if ids is None:
            return result
        if isinstance(result, np.ndarray):
            result = list(result.reshape(len(result), -1).T)
        return [ids, *result]


def _check_out(out: str, id_column: str | None) -> None:
    """Refuse files that cannot be written before work is put into them."""
    suffix = output_suffix(out)
    if suffix in (".parquet", ".feather", ".arrow"):
        from vivace.io.arrow import require_pyarrow

        require_pyarrow(out)
    if id_column is not None and suffix in (".npy", ".npz"):
        raise click.UsageError(
            f"--id-column: {out} can hold numbers only. Remedy: --out with .csv or .parquet"
        )


def _load(
    model: str,
    columns: list[str] | None,
    na_values: tuple[str, ...],
    options: DocumentOptions,
    trusted: tuple[str, ...],
) -> tuple[Any, dict[str, Any] | None]:
    """Load a model, and its notes if it takes documents, else None. Options must fit it."""
    from vivace.cli.summary_topics import is_topic_model
    from vivace.io import load_model, read_record

    estimator = load_model(model, trusted)
    name = type(estimator).__name__
    if is_topic_model(estimator) or is_counts_model(estimator):
        kind = " of sparse counts" if is_counts_model(estimator) else ""
        refuse_for_documents(columns, na_values, f"{model} is a {name}{kind}")
        return estimator, read_record(model).notes
    if options.given:
        raise click.UsageError(f"{options.given[0]} is for documents, but {model} is a {name}")
    return estimator, None


def _write(
    model: str,
    estimator: Any,
    data: str,
    to: _To,
    reading: tuple[list[str] | None, tuple[str, ...]],
    method: str,
) -> None:
    """Apply `method` to all rows and write what it gives; `reading`: columns and what is a gap."""
    from vivace.io.writer import writing

    columns, na_values = reading
    table = runs_for(model, estimator, data, columns, to.id_column, na_values=na_values)
    with writing(to.out, to.names(estimator, method)) as writer:
        for found, ids in _parts(getattr(estimator, method), estimator, table, to.quiet):
            writer.append(to.columns(found, ids))
    click.echo(f"{to.out}: written, {writer.n_rows:,} rows")


def _write_counts(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    data: str,
    to: _To,
    options: DocumentOptions,
    method: str,
) -> None:
    """As `_write`, where the model was fitted to sparse counts."""
    from vivace.cli.apply_counts import write_rows

    n_rows = write_rows(model, estimator, notes, data, to, options, method)
    click.echo(f"{to.out}: written, {n_rows:,} rows")


def most_probable(resp: Any, top: int, numbers: bool) -> Any:
    """Components of the largest responsibilities, the lowest of equals first, and those.

    As one array of numbers, or as columns of which the first hold whole numbers.
    """
    import numpy as np

    order = np.argsort(-resp, axis=1, kind="stable")[:, :top]
    values = np.take_along_axis(resp, order, axis=1)
    if numbers:
        return np.column_stack([order, values])
    return [*order.T, *values.T]


def _parts(
    function: Callable[[Any], Any], estimator: Any, table: Any, quiet: bool
) -> Iterator[tuple[Any, Any]]:
    """Apply `function` to runs of rows, with progress; yield results and names of the rows."""
    from vivace.cli.progress import Meter
    from vivace.cli.summary import gap_in

    mixed = is_table_model(estimator)
    step = max(1024, _NUMBERS_AT_A_TIME // int(estimator.n_components))
    with Meter("rows", None, quiet) as meter:
        for rows, ids, start in parts_of(table, mixed, step):
            try:
                with warnings.catch_warnings():  # the names were compared when the table was read
                    warnings.filterwarnings("ignore", message="X does not have valid feature names")
                    found = function(rows)
            except ValueError as error:
                gap = None if mixed else gap_in(rows, table.names, start, choosable=False)
                raise Failure(gap or str(error)) from error
            yield found, ids
            meter.update(start + len(rows))

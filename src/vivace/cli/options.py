"""Options and manners that several commands share."""

from __future__ import annotations

import difflib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from vivace.cli.choice import AllBut
from vivace.cli.errors import Failure

_DEBUG = "vivace.debug"
_F = TypeVar("_F", bound=Callable[..., Any])


def _remember_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True  # shared by the contexts of the group and of the command


def debugging(ctx: click.Context) -> bool:
    """Whether --debug was given."""
    return bool(ctx.meta.get(_DEBUG))


debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_remember_debug,
    help="Show the traceback of a failure.",
)


def examples(*lines: str) -> str:
    """Lines for the end of a command's help, shown as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
verbose_option = click.option(
    "--verbose", "-v", is_flag=True, help="A line of progress for every pass."
)


def _look_here_too(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> Any:
    if value and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that no file here hides a module of another's
    return value


trusted_option = click.option(
    "--trusted",
    metavar="MODULE",
    multiple=True,
    callback=_look_here_too,
    help="Module that may be imported for families of your own, from this folder too; may be "
    "repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def seed_of(what: str) -> Callable[[_F], _F]:
    """Return the option --seed of something that is drawn."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        metavar="N",
        default=0,
        show_default=True,
        help=f"Seed of the {what}.",
    )


seed_option = seed_of("start")
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1, max=1024),  # as engine.threads, which is not loaded for --help
    metavar="N",
    help="Threads.  [default: all that this process may use]",
)


na_option = click.option(
    "--na-values",
    "na_values",
    metavar="TEXT",
    multiple=True,
    help="Text tables: a cell that stands for a gap, such as '?', beside empty ones, NA and null; "
    "may be repeated.",
)


def refuse_for_documents(columns: list[str] | None, na_values: Sequence[str], because: str) -> None:
    """Refuse options of tables where documents are read.

    Raises
    ------
    click.UsageError
        One was given.
    """
    chosen = "--exclude" if isinstance(columns, AllBut) else "--columns"
    for option, given in ((chosen, columns), ("--na-values", na_values)):
        if given:
            raise click.UsageError(f"{option} is for tables, but {because}")


def print_json(record: dict[str, Any]) -> None:
    """Print one JSON object on standard output; what is not finite becomes null."""
    click.echo(json.dumps(_plain(record), allow_nan=False))


def _plain(value: Any) -> Any:
    """Return `value` in JSON's own types."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def check_output(path: str, inputs: Sequence[str]) -> None:
    """Refuse a destination that would fail at the end of a long run, or destroy an input.

    Raises
    ------
    Failure
        Its folder does not exist or is not writable, it is a folder, or one of `inputs`.
    """
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise Failure(f"{path}: is a folder. Remedy: name a file in it")
    if os.path.exists(path) and not os.path.isfile(path):
        return  # a device or a pipe
    if not os.path.isdir(folder):
        raise Failure(f"{path}: the folder {folder} does not exist. Remedy: create it")
    if not os.access(folder, os.W_OK):
        raise Failure(f"{path}: the folder {folder} is not writable. Remedy: another --out")
    for other in inputs:
        if os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other):
            raise Failure(f"{path}: is the input itself. Remedy: another --out")


def output_suffix(path: str) -> str:
    """Return what the name of a table to write ends in.

    Raises
    ------
    click.BadParameter
        In nothing that can be written.
    """
    from vivace.io.table import TableError
    from vivace.io.tables import table_suffix
    from vivace.io.writer import APPENDABLE

    try:
        return table_suffix(path, APPENDABLE, "another name")
    except TableError as error:
        raise click.BadParameter(str(error), param_hint="--out") from error


def whole(number: float) -> float | int:
    """Return a whole number as one, so that it is not printed with a fraction of zero."""
    return int(number) if float(number).is_integer() else float(number)


def or_meant(word: str, known: Iterable[str]) -> str:
    """Go on after a word that is not known: "; did you mean ...?", or a full stop."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else "."


def counted(number: float, noun: str) -> str:
    """Return a number and its noun: "1 document", "2 documents"."""
    return f"{number:,.0f} {noun}" + ("" if number == 1 else "s")


def say(message: str, quiet: bool) -> None:
    """Write a line of progress to standard error."""
    if not quiet:
        click.echo(message, err=True)


def warn_of_left_out(table: Any) -> None:
    """Say which columns are not used; not even --quiet hides that."""
    if table.left_out:
        names = ", ".join(table.left_out)
        click.echo(
            f"warning: columns with values that are not numbers are left out: {names}; name "
            "columns with --columns to see what is wrong with them",
            err=True,
        )


def warn_of_folders(rows: Any, columns: Sequence[str] | None) -> None:
    """Say which columns come from the names of folders, where nobody asked for them."""
    found = getattr(rows, "from_folders", ())
    if found and (columns is None or isinstance(columns, AllBut)):
        click.echo(
            f"warning: columns from the names of folders are fitted like others: "
            f"{', '.join(found)}; leave them out with --exclude, or choose columns with --columns",
            err=True,
        )

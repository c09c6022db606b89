"""`--columns` and `--exclude`: which columns of a table are read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from vivace.cli.errors import Failure


class AllBut(list[str]):
    """Columns to leave out, in the place of those to read: `resolved` turns them into these."""


def _split(
    _: click.Context, __: click.Parameter, value: str | tuple[str, ...] | None
) -> list[str] | None:
    if not value:
        return None
    found: list[str] = []
    for text in (value,) if isinstance(value, str) else value:
        names = [name.strip() for name in text.split(",")]
        if not all(names):
            raise click.BadParameter(f"expected names between commas, got {text!r}")
        found += names
    return found


def columns_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --columns and --exclude; the command gets both as `columns`.

    That is None, a list of names, or `AllBut`.
    """

    @functools.wraps(command)
    def combined(*args: Any, exclude: list[str] | None, **given: Any) -> Any:
        if exclude is not None:
            if given["columns"] is not None:
                raise click.UsageError("--columns and --exclude: expected one of them")
            given["columns"] = AllBut(exclude)
        return command(*args, **given)

    for option in (
        click.option(
            "--exclude",
            metavar="A,B,C",
            multiple=True,
            callback=_split,
            help="Columns to leave out, in the place of --columns; may be repeated.",
        ),
        click.option(
            "--columns",
            metavar="A,B,C",
            callback=_split,
            help="Columns to use, in this order; the columns of an .npy file are x0, x1, ...",
        ),
    ):
        combined = option(combined)
    return combined


def resolved(
    source: Any, columns: list[str] | None, numeric: bool, na_values: Sequence[str] = ()
) -> tuple[list[str] | None, list[str]]:
    """Return the columns to read, and those that are left out because they are no numbers.

    What is not `AllBut` comes back as it is, with nothing left out.

    Raises
    ------
    TableError
        A name of --exclude is no column.
    Failure
        No column is left.
    """
    if not isinstance(columns, AllBut):
        return columns, []
    from vivace.io.heads import column_names
    from vivace.io.table import check_names

    label, names, fitting = column_names(source, numeric=numeric, na_values=na_values)
    check_names(label, names, columns)
    kept = [name for name in fitting if name not in columns]
    if not kept:
        raise Failure(f"{label}: --exclude leaves no column that could be used")
    left = [name for name in names if name not in fitting and name not in columns]
    return kept, left

"""`--memory`, and tables that are read a piece at a time."""

from __future__ import annotations

import os
import re
from typing import Any

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def _bytes(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]?)b?\s*", text.lower())
    if match is None:
        raise click.BadParameter(f"expected a size such as 600M or 4G, got {text!r}")
    return int(float(match[1]) * _UNITS[match[2]])


memory_option = click.option(
    "--memory",
    metavar="SIZE",
    callback=_bytes,
    help="Memory for rows of Parquet and Arrow files (600M, 4G); never changes a result.  "
    "[default: a quarter of the machine's]",
)


def read_rows(data: str, columns: list[str] | None, memory: int | None) -> Any:
    """Open a table: in place or a piece at a time where its format allows, else read it.

    Returns
    -------
    table : vivace.io.Table
        Its `values` are an array or a `TableStream`.
    """
    from vivace.io import Table, read_table
    from vivace.io.open_table import STREAMED, open_table
    from vivace.io.text_table import is_text_table

    in_place = os.path.isfile(data) and not data.lower().endswith(STREAMED)
    if in_place and not is_text_table(data):
        return read_table(data, columns)
    if not os.path.exists(data) and not any(sign in data for sign in "*?["):
        return read_table(data, columns)  # says what is wrong
    stream = open_table(data, columns, memory)
    return Table(stream, stream.columns, stream.named, stream.left_out)  # type: ignore[arg-type]

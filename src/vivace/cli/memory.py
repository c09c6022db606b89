"""`--memory`, and tables that are opened within it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vivace.cli.choice import resolved
from vivace.cli.errors import Failure

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
    help="Memory for data (600M, 4G); what does not fit is in a scratch file, and no result "
    "changes.  [default: a quarter of the machine's]",
)


def paths_of(data: Sequence[str]) -> Any:
    """What the readers are given: one name, or several files."""
    return data[0] if len(data) == 1 else [Path(name) for name in data]


def source_of(data: Sequence[str], memory: int | None = None) -> Any:
    """What the readers of tables are given: names, or a copy of standard input ("-").

    Raises
    ------
    click.UsageError
        Standard input beside files.
    """
    if "-" not in data:
        return paths_of(data)
    if len(data) > 1:
        raise click.UsageError("-: standard input is a table of its own; expected nothing beside")
    from vivace.io.open_table import default_memory
    from vivace.io.standard_input import read_standard_input

    return read_standard_input(default_memory() if memory is None else memory)


def read_rows(
    data: Sequence[str],
    columns: list[str] | None,
    memory: int | None,
    na_values: Sequence[str] = (),
) -> Any:
    """Open a table of numbers: in place or a piece at a time.

    Returns
    -------
    table : vivace.io.Table
        Its `values` are an array or a `TableStream`.
    """
    from vivace.io import Table, read_table
    from vivace.io.npy_table import is_npy
    from vivace.io.open_table import STREAMED, open_table
    from vivace.io.text_table import is_text_table

    name = data[0]
    _check_there(data)
    in_place = os.path.isfile(name) and not name.lower().endswith(STREAMED)
    source = source_of(data, memory)
    wanted, left_out = resolved(source, columns, True, na_values)
    if len(data) == 1 and in_place and not (is_text_table(name) or is_npy(name) or na_values):
        return read_table(name, wanted)  # or says what is wrong
    stream = open_table(source, wanted, memory, na_values=na_values)
    left_out = [*stream.left_out, *left_out]
    return Table(stream, stream.columns, stream.named, left_out)  # type: ignore[arg-type]


def _check_there(data: Sequence[str]) -> None:
    """Say that there is no such file before anything is said of its name."""
    for name in data:
        if name != "-" and not os.path.exists(name) and not any(sign in name for sign in "*?["):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def read_frame(
    data: Sequence[str],
    columns: list[str] | None,
    memory: int | None,
    na_values: Sequence[str] = (),
) -> Any:
    """Open a table of mixed columns; numbers of .npy whole where there is room.

    Returns
    -------
    rows : FrameStream or ndarray
    """
    from vivace.io import open_frame
    from vivace.io.frame_stream import open_mixed
    from vivace.io.open_table import STREAMED
    from vivace.io.table import refuse_documents
    from vivace.io.text_table import TEXT

    _check_there(data)
    if os.path.isfile(data[0]):
        refuse_documents(data[0])
    name = data[0].lower()
    known = (*STREAMED, *TEXT)
    if len(data) == 1 and name.endswith(".npy") and not na_values:
        return open_mixed(data[0], resolved(data[0], columns, False)[0], memory)
    if len(data) == 1 and os.path.isfile(data[0]) and not name.endswith((*known, ".npy")):
        raise Failure(
            f"{data[0]}: expected a name that ends in .npy, {', '.join(TEXT)}, "
            f"{', '.join(STREAMED)}. Remedy: rename or convert the file"
        )
    source = source_of(data, memory)
    wanted, _ = resolved(source, columns, False, na_values)
    return open_frame(source, wanted, memory, na_values=na_values)

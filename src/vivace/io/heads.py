"""What the head of a table tells without reading it: rows, columns, types."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vivace.io.npy_table import NpyTable
from vivace.io.open_table import STREAMED, text_files, text_tables
from vivace.io.table import StrPath, check_names
from vivace.io.tables import READABLE, table_suffix
from vivace.io.text_table import NULLS, TEXT

_SAMPLE_BYTES = 1 << 20


class Head(NamedTuple):
    """The head of a table.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    exact : bool
        Whether that is known; of text it is estimated from the length of the first lines.
    names : list of str
        Numeric columns that would be read.
    types : list of str
        Their types in the file; of text, what the first row looks like.
    left_out : list of str
        Columns that are not numeric.
    single : bool
        Whether the table would be read as float32.
    in_place : bool
        Whether rows are read where they lie in the file, so that they take no memory.
    from_folders : list of str
        Columns that come from the names of folders (``year=2024``).
    """

    n_rows: int
    exact: bool
    names: list[str]
    types: list[str]
    left_out: list[str]
    single: bool
    in_place: bool
    from_folders: Sequence[str] = ()


def read_head(
    data: StrPath | Sequence[StrPath],
    columns: list[str] | None = None,
    *,
    numeric: bool = True,
    na_values: Sequence[str] = (),
) -> Head:
    """Read the head of a table.

    Parameters
    ----------
    data : str, path-like or list of these
        What `open_table` opens, or .npy.
    columns : list of str, optional
        As there.
    numeric : bool, default=True
        Whether numbers alone are read, as `read_table` does; text and truth values too otherwise,
        as `open_frame` does.
    na_values : sequence of str
        Cells of text tables that stand for a gap.

    Raises
    ------
    TableError
        The file cannot be understood, or a column does not exist or is not numeric.
    OSError
        The file does not exist or cannot be opened.
    """
    if na_values:
        text_tables(data, na_values)  # an error for anything else
    if not isinstance(data, (str, os.PathLike)):
        if not text_files(data):
            return _pieces(data, columns, numeric)
        heads = [read_head(one, columns, numeric=numeric, na_values=na_values) for one in data]
        exact, rows = all(one.exact for one in heads), sum(one.n_rows for one in heads)
        return heads[0]._replace(n_rows=rows, exact=exact)
    path = name = os.fspath(data)
    texts = sorted(glob.glob(name)) if not os.path.exists(name) and name.endswith(TEXT) else []
    if texts:  # a pattern: as many files like the first
        head = read_head(texts[0], columns, numeric=numeric, na_values=na_values)
        size = sum(map(os.path.getsize, texts)) / max(1, os.path.getsize(texts[0]))
        return head._replace(n_rows=int(head.n_rows * size), exact=False)
    if not os.path.isfile(path) or name.lower().endswith(STREAMED):
        return _pieces(path, columns, numeric)
    suffix = table_suffix(path, (*READABLE, ".csv.zst"))
    if suffix == ".npy":
        table = NpyTable(path, columns)
        types, single = [str(table.dtype)] * len(table.columns), table.dtype == np.float32
        return Head(len(table), True, table.columns, types, [], numeric and single, numeric)
    return _text(path, columns, numeric, na_values)


def column_names(
    data: Any, *, numeric: bool = True, na_values: Sequence[str] = ()
) -> tuple[str, list[str], list[str]]:
    """Return what messages call a table, all of its columns, and those that would be read.

    Parameters
    ----------
    data : str, path-like or list of these
        What `open_table` opens, or .npy.
    numeric, na_values
        As in `read_head`; otherwise all columns would be read.
    """
    texts = text_tables(data, na_values)
    if texts:
        names = list(texts[0].names)
        return os.fspath(texts[0].path), names, texts[0].numeric(None)[0] if numeric else names
    one = isinstance(data, (str, os.PathLike)) and os.path.isfile(data)
    if one and not os.fspath(data).lower().endswith(STREAMED):
        head = read_head(data, numeric=numeric)
        return os.fspath(data), [*head.names, *head.left_out], head.names
    from vivace.io.arrow import numeric_columns
    from vivace.io.open_table import open_pieces

    name, schema, *_ = open_pieces(data, None)
    names = list(schema.names)
    return name, names, numeric_columns(name, schema, None)[0] if numeric else names


def _pieces(path: StrPath | Sequence[StrPath], columns: list[str] | None, numeric: bool) -> Head:
    """Files that are read a piece at a time; columns that a fit refuses are an error here, too."""
    from pyarrow import types as kinds

    from vivace.io.arrow import numeric_columns
    from vivace.io.frame_stream import kind_of
    from vivace.io.open_table import open_pieces

    name, schema, pieces, _, folders = open_pieces(path, columns, numbers=numeric)
    names, left_out = columns or schema.names, list[str]()
    if numeric:
        names, left_out = numeric_columns(name, schema, columns)
    found = [schema.field(column).type for column in names]
    types = [str(one) for one in found]
    if not numeric:
        types = [kind_of(name, column, one) for column, one in zip(names, found, strict=True)]
    single = numeric and all(kinds.is_float32(one) or kinds.is_float16(one) for one in found)
    rows = sum(piece.n_rows for piece in pieces)
    chosen = [column for column in names if column in folders]
    return Head(rows, True, list(names), types, left_out, single, False, chosen)


def _text(
    path: StrPath, columns: list[str] | None, numeric: bool, na_values: Sequence[str]
) -> Head:
    from vivace.io.csv_table import _is_number, _look, _open_text

    shape, nulls = _look(path), {*NULLS, *na_values}
    packed = not os.fspath(path).lower().endswith(".csv")
    check_names(path, shape.names, columns)
    fitting = [
        name
        for name, cell in zip(shape.names, shape.first, strict=False)
        if not numeric or _is_number(cell) or not cell.strip() or cell in nulls
    ]
    names = fitting if columns is None else columns
    left_out = [name for name in shape.names if name not in fitting] if columns is None else []
    with _open_text(path) as lines:
        sample = lines.read(_SAMPLE_BYTES)
        whole = len(sample) < _SAMPLE_BYTES
    n_lines = max(1, sample.count("\n") + (not sample.endswith("\n")) * whole)
    if whole:
        n_rows = n_lines - shape.named
    else:
        size = os.stat(path).st_size * (3 if packed else 1)  # numbers as text pack to a third
        n_rows = int(size / (len(sample) / n_lines))
    cells = dict(zip(shape.names, shape.first, strict=False))
    types = ["number" if _is_number(cells.get(name, "")) else "text" for name in names]
    return Head(n_rows, whole, names, types, left_out, False, False)

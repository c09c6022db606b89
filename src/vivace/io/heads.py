"""What the head of a table tells without reading it: rows, columns, types."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vivace.io.open_table import STREAMED, open_table, text_tables
from vivace.io.table import StrPath, TableError, check_names
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
    mapped : bool
        Whether rows are read in place, so that they take no memory.
    """

    n_rows: int
    exact: bool
    names: list[str]
    types: list[str]
    left_out: list[str]
    single: bool
    mapped: bool


def read_head(
    path: StrPath,
    columns: list[str] | None = None,
    *,
    numeric: bool = True,
    na_values: Sequence[str] = (),
) -> Head:
    """Read the head of a table.

    Parameters
    ----------
    path : str or path-like
        A file that `read_table` reads.
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
    name = os.fspath(path)
    texts = sorted(glob.glob(name)) if not os.path.exists(name) and name.endswith(TEXT) else []
    if texts:  # a pattern: as many files like the first
        head = read_head(texts[0], columns, numeric=numeric, na_values=na_values)
        size = sum(map(os.path.getsize, texts)) / max(1, os.path.getsize(texts[0]))
        return head._replace(n_rows=int(head.n_rows * size), exact=False)
    if na_values:
        text_tables(path, na_values)  # an error for anything else
    if not numeric and (not os.path.isfile(path) or name.lower().endswith(STREAMED)):
        return _mixed(path, columns)
    if not os.path.isfile(path) or name.lower().endswith(STREAMED[1:]):
        stream = open_table(path, columns)
        types = [stream.dtype.name] * len(stream.columns)
        single = stream.dtype == np.float32
        return Head(len(stream), True, stream.columns, types, stream.left_out, single, False)
    suffix = table_suffix(path, (*READABLE, ".csv.zst"))
    if suffix == ".npy":
        from vivace.io.tables import read_table

        table = read_table(path, columns)  # only mapped
        types = [str(table.values.dtype)] * len(table.names)
        single = table.values.dtype == np.float32
        return Head(len(table.values), True, table.names, types, [], single, True)
    if suffix == ".parquet":
        return _parquet(path, columns)
    return _text(path, columns, numeric, na_values)


def _mixed(path: StrPath, columns: list[str] | None) -> Head:
    """Columns of any type that a mixture takes; others are an error, as they are in a fit."""
    from vivace.io.frame_stream import kind_of
    from vivace.io.open_table import open_pieces

    name, schema, pieces, _ = open_pieces(path, columns)
    names = schema.names if columns is None else columns
    types = [kind_of(name, column, schema.field(column).type) for column in names]
    rows = sum(piece.n_rows for piece in pieces)
    return Head(rows, True, list(names), [str(one) for one in types], [], False, False)


def _parquet(path: StrPath, columns: list[str] | None) -> Head:
    from vivace.io.arrow import numeric_columns, require_pyarrow

    arrow = require_pyarrow(path)
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema, n_rows = file.schema_arrow, file.metadata.num_rows
    except (arrow.ArrowException, OSError) as error:
        raise TableError(
            f"{os.fspath(path)}: expected a Parquet file, got something else or a damaged copy "
            f"({error}). Remedy: copy or write it again"
        ) from error
    names, left_out = numeric_columns(path, schema, columns)
    types = [str(schema.field(name).type) for name in names]
    single = set(types) <= {"float", "halffloat"}
    return Head(n_rows, True, names, types, left_out, single, False)


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

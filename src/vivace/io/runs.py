"""Any table as runs of rows, from front to back, once, the next run ahead."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vivace.io.ahead import ahead
from vivace.io.arrow import fill, is_number, numeric_columns
from vivace.io.npy_table import NpyTable, is_npy, runs_of
from vivace.io.open_table import STREAMED, open_pieces, text_tables
from vivace.io.table import Array, TableError, check_names
from vivace.io.text_table import TextTable
from vivace.io.unchanged import reading

# Rows that are handed out together at most.
MOST_ROWS = 1 << 16


@dataclass
class Run:
    """Some rows.

    Attributes
    ----------
    rows : ndarray, or Arrow table where `mixed` was asked for
    ids : Arrow array or None
        The column of names, as the file has it.
    start : int
        Place of the first row.
    """

    rows: Any
    ids: Any
    start: int

    def __len__(self) -> int:
        return int(self.rows.shape[0] if isinstance(self.rows, np.ndarray) else self.rows.num_rows)


@dataclass
class Runs:
    """A table that is read once.

    Attributes
    ----------
    names : list of str
        Columns of the rows.
    named : bool
        Whether the names come from the files.
    left_out : list of str
        Columns that are not numeric.
    runs : generator of Run
        To be closed, so that its thread ends.
    """

    names: list[str]
    named: bool
    left_out: list[str]
    runs: Generator[Run, None, None]


def table_runs(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    ids: str | None = None,
    mixed: bool = False,
    numbers: Sequence[str] = (),
    typed: Sequence[str] | None = None,
    na_values: Sequence[str] = (),
) -> Runs:
    """Open a table to read it once.

    Parameters
    ----------
    data : str, path-like or list of these
        .npy, text, or what `vivace.io.open_table` reads in pieces.
    columns : sequence of str, optional
        Columns to read, in this order; by default all numeric ones, or all if `mixed`.
    ids : str, optional
        A column that is handed out as it is, whatever it holds.
    mixed : bool
        Rows are tables of Arrow with columns of any type, else arrays of numbers.
    numbers : sequence of str
        Columns of mixed text that are numbers, whatever the first rows look like.
    typed : sequence of str, optional
        Columns of mixed text but these are text, as they are written; by default the first rows
        tell.
    na_values : sequence of str
        Cells of text tables that stand for a gap, as in `vivace.io.open_table`.

    Raises
    ------
    TableError
        The file cannot be understood, a column does not exist or is not numeric.
    OSError
        There is no such file.
    """
    wanted = None if columns is None else [str(name) for name in columns]
    texts = text_tables(data, na_values)
    if texts:
        return _text(texts, wanted, ids, mixed, numbers, typed)
    if isinstance(data, (str, os.PathLike)):
        known = os.fspath(data).lower().endswith(STREAMED) or not os.path.isfile(data)
        if is_npy(data) or not known:  # text too, where pyarrow is not installed
            return _array(data, wanted, ids)
    asked = wanted if wanted is None or ids is None else [*wanted, ids]
    name, schema, *_ = open_pieces(data, asked)
    if mixed:
        names = [n for n in schema.names if n != ids] if wanted is None else wanted
        left_out: list[str] = []
    else:
        names, left_out = numeric_columns(name, schema, wanted)
        if ids is not None and wanted is None:
            names = [n for n in names if n != ids]
    if ids is not None:
        check_names(name, schema.names, [ids])
    opened = open_pieces(data, names if ids is None else _once([*names, ids]))
    types = [schema.field(n).type for n in names]
    dtype = _dtype(types)

    def batches() -> Iterator[Any]:
        from vivace.io.arrow import require_pyarrow

        require_pyarrow(name)
        with reading(name, opened.guard):
            for piece in opened.pieces:
                opened.guard()
                table = piece.load()
                for start in range(0, table.num_rows, MOST_ROWS):
                    yield table.slice(start, MOST_ROWS).combine_chunks()

    return Runs(names, True, left_out, _runs(batches(), names, ids, mixed, dtype))


def _text(
    tables: list[TextTable],
    columns: list[str] | None,
    ids: str | None,
    mixed: bool,
    numbers: Sequence[str],
    typed: Sequence[str] | None,
) -> Runs:
    import pyarrow as pa

    first = tables[0]
    if mixed:
        check_names(first.path, first.names, columns)
        names, left_out = first.names if columns is None else columns, list[str]()
    else:
        names, left_out = first.numeric(columns)
    if ids is not None:
        check_names(first.path, first.names, [ids])
        if columns is None:
            names = [n for n in names if n != ids]
            left_out = [n for n in left_out if n != ids]
    types = {}
    for name in names:
        kind = first.types[name]
        number = not mixed or name in numbers or is_number(kind) or pa.types.is_null(kind)
        types[name] = pa.float64() if number else kind
        if typed is not None and name not in typed:
            types[name] = pa.string()
    if ids is not None:
        types[ids] = pa.string()  # as it is written: 007 stays 007

    def batches() -> Iterator[Any]:
        for table in tables:
            for batch in table.batches(types):
                for start in range(0, batch.num_rows, MOST_ROWS):
                    yield pa.Table.from_batches([batch.slice(start, MOST_ROWS)])

    return Runs(names, first.named, left_out, _runs(batches(), names, ids, mixed, np.float64))


def _array(data: Any, columns: list[str] | None, ids: str | None) -> Runs:
    from vivace.io.tables import read_table

    if ids is not None:
        raise TableError(
            f"{os.fspath(data)}: only text (with pyarrow), Parquet and Arrow files have a "
            f"column of names, such as {ids!r}. Remedy: one of these"
        )
    if is_npy(data):
        found = NpyTable(data, columns)
        rows = (Run(rows, None, start) for start, rows in runs_of(found, MOST_ROWS))
        return Runs(found.columns, found.named, [], ahead(rows))
    table = read_table(data, columns)

    def runs() -> Generator[Run, None, None]:
        for start in range(0, len(table.values), MOST_ROWS):
            yield Run(table.values[start : start + MOST_ROWS], None, start)

    return Runs(table.names, table.named, table.left_out, runs())


def _runs(
    batches: Iterator[Any], names: list[str], ids: str | None, mixed: bool, dtype: Any
) -> Generator[Run, None, None]:
    def made() -> Iterator[Run]:
        start = 0
        for table in batches:
            found = None if ids is None else table.column(ids)
            rows: Any = table.select(names)
            if not mixed:
                values: Array = np.empty((table.num_rows, len(names)), dtype)
                fill(values, rows.to_batches(), names)
                rows = values
            yield Run(rows, found, start)
            start += table.num_rows

    return ahead(made())


def _dtype(types: list[Any]) -> Any:
    from pyarrow import types as kinds

    single = bool(types) and all(kinds.is_float32(t) or kinds.is_float16(t) for t in types)
    return np.float32 if single else np.float64


def _once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))

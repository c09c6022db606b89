"""Text tables: read and written by pyarrow where it is installed, else by NumPy."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from itertools import islice
from typing import IO, Any, NamedTuple

import numpy as np

from vivace.io.table import (
    Array,
    StrPath,
    Table,
    TableError,
    check_names,
    default_names,
    no_numbers,
    no_rows,
    runs,
)

# Of a file that is packed by zstd, which Python reads only from 3.14 on.
_HEAD_BYTES = 1 << 20
# For the line of a row in a message: some seconds.
_ROWS_TO_LOOK_THROUGH = 3_000_000

_INSTALL = "Remedy: pip install pyarrow, whose reader handles gaps and text"


class _Shape(NamedTuple):
    """How a file is written."""

    names: list[str]
    named: bool
    delimiter: str
    first: list[str]  # cells of the first row of data


def read_csv(path: StrPath, columns: list[str] | None) -> Table:
    """Read the numeric columns of a text table (see `vivace.io.tables.read_table`)."""
    from vivace.io.arrow import pyarrow_or_none

    shape = look(path)
    check_names(path, shape.names, columns)
    read = _read_by_numpy if pyarrow_or_none() is None else _read_by_arrow
    return read(path, shape, columns)


def write_csv(file: IO[bytes], array: Array, names: list[str]) -> None:
    """Write an array as text, with a line of names."""
    from vivace.io.arrow import pyarrow_or_none, record_batch, schema_of

    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(names)
    file.write(head.getvalue().encode("utf-8"))
    if pyarrow_or_none() is None:
        digits = {4: "%.9g", 8: "%.17g"}.get(array.dtype.itemsize, "%.5g")
        numbers = digits if array.dtype.kind == "f" else "%d"
        np.savetxt(file, array, fmt=numbers, delimiter=",")
        return
    from pyarrow import csv as arrow_csv

    schema = schema_of(array, names)
    options = arrow_csv.WriteOptions(include_header=False)
    with arrow_csv.CSVWriter(file, schema, write_options=options) as writer:
        for run in runs(len(array)):
            writer.write_batch(record_batch(array[run], schema))


def look(path: StrPath) -> _Shape:
    """Find names, delimiter and first row.

    Raises
    ------
    TableError
        The file is damaged or empty.
    """
    try:
        return _look(path)
    except (UnicodeDecodeError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, error) from error


def _look(path: StrPath) -> _Shape:
    with _open_text(path) as lines:
        start = lines.readline()
        delimiter = next((d for d in ",\t;" if d in start), ",")
        lines.seek(0)
        rows = (row for row in csv.reader(lines, delimiter=delimiter) if row)
        names, first = next(rows, []), next(rows, None)
    if not names:
        raise TableError(f"{os.fspath(path)}: expected a line of names and rows of data, got none")
    if all(_is_number(cell) for cell in names):
        return _Shape(default_names(len(names)), False, delimiter, names)
    if first is None:
        raise no_rows(path)
    return _Shape(names, True, delimiter, first)


def _open_text(path: StrPath) -> io.TextIOWrapper:
    if os.fspath(path).lower().endswith(".gz"):
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8-sig", newline="")
    if os.fspath(path).lower().endswith(".zst"):
        return io.TextIOWrapper(io.BytesIO(_head_of_zst(path)), encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _head_of_zst(path: StrPath) -> bytes:
    """First lines of a file that is packed by zstd."""
    import pyarrow

    with open(path, "rb"):  # a missing file is an OSError that names it
        pass
    try:
        with pyarrow.input_stream(os.fspath(path), compression="zstd") as file:
            head: bytes = file.read(_HEAD_BYTES)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    return head[: head.rfind(b"\n") + 1] if len(head) == _HEAD_BYTES else head


def line_of(path: StrPath, shape: _Shape, row: int) -> int | None:
    """Return the line of a file on which a row of data, counted from 1, ends.

    Quoted cells may hold line ends, and empty lines hold no row. None where finding it would take
    long, or is not possible.
    """
    if row > _ROWS_TO_LOOK_THROUGH or os.fspath(path).lower().endswith(".zst"):
        return None
    try:
        with _open_text(path) as lines:
            reader = csv.reader(lines, delimiter=shape.delimiter)
            rows = (reader.line_num for cells in reader if cells)
            return next(islice(rows, row - 1 + shape.named, None), None)
    except (OSError, UnicodeDecodeError, csv.Error, EOFError, zlib.error):
        return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _read_by_arrow(path: StrPath, shape: _Shape, columns: list[str] | None) -> Table:
    import pyarrow
    from pyarrow import csv as arrow_csv

    from vivace.io.arrow import fill, is_number, numeric_columns

    try:
        table = arrow_csv.read_csv(
            os.fspath(path),
            read_options=arrow_csv.ReadOptions(column_names=None if shape.named else shape.names),
            parse_options=arrow_csv.ParseOptions(delimiter=shape.delimiter),
            convert_options=arrow_csv.ConvertOptions(include_columns=columns),
        )
    except (pyarrow.ArrowException, OSError, zlib.error) as error:
        raise _damaged(path, error) from error
    for name in columns or ():
        if not is_number(table.schema.field(name).type, asked_for=True):
            _point_at_text(path, name, table.column(name))
    names, left_out = numeric_columns(path, table.schema, columns)
    values = np.empty((table.num_rows, len(names)))
    fill(values, table.select(names).to_batches(), names)
    return Table(values, names, shape.named, left_out)


def _point_at_text(path: StrPath, name: str, column: Any) -> None:
    """Name the first entry of a column that is no number."""
    for i, value in enumerate(column):
        text = str(value.as_py())
        if value.is_valid and not _is_number(text):
            raise TableError(
                f"{os.fspath(path)}: column {name!r}, row {i + 1} of the data: expected a number, "
                f"got {text[:50]!r}. Remedy: correct the entry, or leave the column out"
            )


def _read_by_numpy(path: StrPath, shape: _Shape, columns: list[str] | None) -> Table:
    # An empty cell counts as a number here, so that a column with gaps is refused, not left out.
    pairs = zip(shape.names, shape.first, strict=False)
    numeric = [name for name, cell in pairs if _is_number(cell or "0")]
    names = numeric if columns is None else columns
    if not names:
        raise no_numbers(path, f"{', '.join(shape.names[:20])} ({', '.join(shape.first[:20])})")
    try:
        with _open_text(path) as lines:
            values = np.loadtxt(
                lines,
                delimiter=shape.delimiter,
                skiprows=int(shape.named),
                usecols=[shape.names.index(name) for name in names],
                comments=None,
                quotechar='"',
                ndmin=2,
            )
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TableError(f"{os.fspath(path)}: {error} {_INSTALL}") from error
    left_out = [] if columns is not None else [n for n in shape.names if n not in set(names)]
    return Table(values, names, shape.named, left_out)


def _damaged(path: StrPath, error: BaseException) -> TableError:
    return TableError(
        f"{os.fspath(path)}: expected a table of text (UTF-8, the same number of values in every "
        f"row): {error}. Remedy: correct or copy the file again"
    )

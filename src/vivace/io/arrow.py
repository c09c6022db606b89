"""Parquet files and columns of Arrow, where pyarrow is installed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from vivace.io.table import Array, StrPath, Table, TableError, check_names, no_numbers, runs

_ROWS_OF_A_GROUP = 1 << 20  # Parquet's readers like a million rows; small groups pack badly


def pyarrow_or_none() -> Any:
    """Return the module pyarrow, if it is installed."""
    try:
        import pyarrow
    except ImportError:
        return None
    return pyarrow


def require_pyarrow(path: StrPath) -> Any:
    """Return the module pyarrow.

    Raises
    ------
    TableError
        It is not installed.
    """
    pyarrow = pyarrow_or_none()
    if pyarrow is None:
        raise TableError(
            f"{os.fspath(path)}: this kind of file needs pyarrow, which is not installed. Remedy: "
            "pip install pyarrow, or use .npy or .csv"
        )
    return pyarrow


def read_parquet(path: StrPath, columns: list[str] | None) -> Table:
    """Read the numeric columns of a Parquet file (see `vivace.io.tables.read_table`)."""
    arrow = require_pyarrow(path)
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            names, left_out = numeric_columns(path, schema, columns)
            values = np.empty((file.metadata.num_rows, len(names)), _dtype(schema, names))
            fill(values, file.iter_batches(columns=names), names)
    except (arrow.ArrowException, OSError) as error:
        raise TableError(
            f"{os.fspath(path)}: expected a Parquet file, got something else or a damaged copy "
            f"({error}). Remedy: copy or write it again"
        ) from error
    return Table(values, names, named=True, left_out=left_out)


def numeric_columns(
    path: StrPath, schema: Any, columns: list[str] | None
) -> tuple[list[str], list[str]]:
    """Return the columns to read and those left out because they are not numeric.

    Raises
    ------
    TableError
        A column does not exist or is not numeric, or none is.
    """
    types = dict(zip(schema.names, schema.types, strict=True))
    check_names(path, schema.names, columns)
    if columns is None:
        names = [name for name in schema.names if is_number(types[name])]
        if not names:
            found = ", ".join(f"{name} ({types[name]})" for name in schema.names[:20])
            raise no_numbers(path, found or "no columns")
        return names, [name for name in schema.names if name not in set(names)]
    for name in columns:
        if not is_number(types[name], asked_for=True):
            raise TableError(
                f"{os.fspath(path)}: column {name!r} holds {types[name]}; expected numbers. "
                "Remedy: leave it out of the columns, or convert it"
            )
    return columns, []


def is_number(arrow_type: Any, asked_for: bool = False) -> bool:
    """Whether a column holds numbers (asked for by name: truth values and gaps count as such)."""
    from pyarrow import types

    return bool(
        types.is_integer(arrow_type)
        or types.is_floating(arrow_type)
        or types.is_decimal(arrow_type)
        or (asked_for and (types.is_boolean(arrow_type) or types.is_null(arrow_type)))
    )


def fill(values: Array, batches: Iterable[Any], names: list[str]) -> None:
    """Copy record batches into `values`; missing entries become NaN."""
    import pyarrow

    target = pyarrow.float32() if values.dtype == np.float32 else pyarrow.float64()
    start = 0
    for batch in batches:
        stop = start + batch.num_rows
        for j, name in enumerate(names):
            column = batch.column(batch.schema.get_field_index(name))
            values[start:stop, j] = column.cast(target, safe=False).to_numpy(zero_copy_only=False)
        start = stop
    if start != len(values):
        raise pyarrow.ArrowInvalid(f"{start} rows of {len(values)}")


def write_parquet(file: IO[bytes], array: Array, names: list[str]) -> None:
    """Write an array as a Parquet file."""
    import pyarrow
    from pyarrow import parquet

    schema = schema_of(array, names)
    with parquet.ParquetWriter(file, schema) as writer:
        for start in range(0, len(array), _ROWS_OF_A_GROUP):
            rows = array[start : start + _ROWS_OF_A_GROUP]
            batches = [record_batch(rows[run], schema) for run in runs(len(rows))]
            writer.write_table(pyarrow.Table.from_batches(batches, schema))


def schema_of(array: Array, names: list[str]) -> Any:
    """Arrow's description of the columns of `array`."""
    import pyarrow

    kind = pyarrow.from_numpy_dtype(array.dtype)
    return pyarrow.schema([(name, kind) for name in names])


def record_batch(rows: Array, schema: Any) -> Any:
    """Turn some rows into Arrow's columns."""
    import pyarrow

    columns = [pyarrow.array(np.ascontiguousarray(column)) for column in rows.T]
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def _dtype(schema: Any, names: list[str]) -> type:
    from pyarrow import types

    small = all(
        types.is_float32(kind) or types.is_float16(kind)
        for kind in (schema.field(name).type for name in names)
    )
    return np.float32 if small else np.float64

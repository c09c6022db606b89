"""Tables of numbers: .npy, .csv, .csv.gz and .parquet in; those and .npz out."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from vivace.io.atomic import replacing
from vivace.io.table import (
    Array,
    StrPath,
    Table,
    TableError,
    check_names,
    check_once,
    default_names,
    no_numbers,
    no_rows,
    read_as,
    refuse_documents,
)

READABLE = (".npy", ".csv", ".csv.gz", ".parquet")
WRITABLE = (".npy", ".npz", ".csv", ".csv.gz", ".parquet")


def read_table(path: StrPath, columns: Sequence[str] | None = None) -> Table:
    """Read the numeric columns of a table.

    Parameters
    ----------
    path : str or path-like
        A file whose name ends in .npy, .csv, .csv.gz or .parquet. A .csv file has one line of
        names, unless that line holds numbers only; values are separated by commas, or by tabs or
        semicolons if the first line has no comma.
    columns : sequence of str, optional
        Columns to read, in this order; by default all numeric ones. Truth values count as 0 and 1
        where they are asked for.

    Returns
    -------
    table : Table
        The values, the names of their columns, and what was left out.

    Raises
    ------
    TableError
        The file cannot be understood, a column does not exist or is not numeric.
    OSError
        The file does not exist or cannot be opened.
    """
    refuse_documents(path)
    suffix = table_suffix(path, READABLE)
    columns = None if columns is None else list(columns)
    check_once(path, columns)
    with open(path, "rb"):  # a missing or unreadable file is an OSError, whatever the reader does
        pass
    if suffix == ".npy":
        table = _read_npy(path, columns)
    elif suffix == ".parquet":
        from vivace.io.arrow import read_parquet

        table = read_parquet(path, columns)
    else:
        from vivace.io.csv_table import read_csv

        table = read_csv(path, columns)
    if not len(table.values):
        raise no_rows(path)
    return table


def write_table(path: StrPath, array: Array, names: Sequence[str] | None = None) -> None:
    """Write an array as a table; `path` is replaced only when all is written.

    Parameters
    ----------
    path : str or path-like
        A file whose name ends in .npy, .npz, .csv, .csv.gz or .parquet. An .npz file holds
        `values` and `names`.
    array : ndarray of shape (n_rows,) or (n_rows, n_columns)
        Numbers. In text, floating-point numbers have the digits that bring the same bits back.
    names : sequence of str, optional
        Names of the columns (.npy: not stored); x0, x1, ... by default.

    Raises
    ------
    TableError
        The name of the file ends otherwise, or names and columns differ in number.
    OSError
        The file cannot be written.
    """
    suffix = table_suffix(path, WRITABLE, "another name")
    if array.ndim not in (1, 2):
        raise TableError(f"{os.fspath(path)}: expected 1 or 2 dimensions, got {array.ndim}")
    columns = array.reshape(len(array), -1) if array.ndim == 1 else array
    labels = default_names(columns.shape[1]) if names is None else [str(name) for name in names]
    if len(labels) != columns.shape[1]:
        raise TableError(
            f"{os.fspath(path)}: expected a name for each of {columns.shape[1]} columns, got "
            f"{len(labels)}"
        )
    check_names(path, labels, None)
    check_writable(path)
    with replacing(path) as file:
        if suffix == ".npy":
            np.save(file, array, allow_pickle=False)
        elif suffix == ".npz":
            np.savez(file, values=array, names=np.array(labels, dtype=np.str_))
        else:
            _write_columns(file, suffix, columns, labels)


def check_writable(path: StrPath) -> None:
    """Check that `write_table` can make this kind of file here, before work is put into it.

    Raises
    ------
    TableError
        The name ends otherwise, or a library is missing.
    """
    if table_suffix(path, WRITABLE, "another name") == ".parquet":
        from vivace.io.arrow import require_pyarrow

        require_pyarrow(path)


def table_suffix(
    path: StrPath, allowed: Sequence[str], remedy: str = "rename or convert the file"
) -> str:
    """Return which of the suffixes `allowed` the name of a file ends in.

    Raises
    ------
    TableError
        None of them.
    """
    name = Path(path).name
    for suffix in allowed:
        if name.lower().endswith(suffix):
            return suffix
    raise TableError(
        f"{os.fspath(path)}: expected a name that ends in {', '.join(allowed[:-1])} or "
        f"{allowed[-1]}, got {name!r}. Remedy: {remedy}"
    )


def _read_npy(path: StrPath, columns: list[str] | None) -> Table:
    values, index, names = npy_columns(path, columns)
    run = list(range(index[0], index[0] + len(index)))
    # A run of columns stays a view of the mapped file.
    values = values[:, run[0] : run[-1] + 1] if index == run else values[:, index]
    if values.dtype not in (np.float32, np.float64) or not values.dtype.isnative:
        values = np.asarray(values, dtype=read_as(values.dtype))
    return Table(values, names, named=False, left_out=[])


def npy_columns(path: StrPath, columns: list[str] | None) -> tuple[Any, list[int], list[str]]:
    """Map the array of an .npy file; return it, and places and names of some of its columns.

    Raises
    ------
    TableError
        It is no table of numbers, has no rows, or a column does not exist.
    """
    where = os.fspath(path)
    try:
        # Not numpy.load, which also opens archives and reads pickles.
        values = npy_format.open_memmap(where, mode="r")
    except (ValueError, EOFError, OSError, SyntaxError, OverflowError, MemoryError) as error:
        raise TableError(
            f"{where}: expected an array of numbers in .npy format ({error}). Remedy: write it "
            "with numpy.save(path, array) from a numeric array"
        ) from error
    if values.dtype.kind not in "fiub":
        raise TableError(
            f"{where}: expected real numbers, got {values.dtype}. Remedy: array.astype(float)"
        )
    if values.ndim != 2:
        raise TableError(
            f"{where}: expected rows and columns (2 dimensions), got shape {values.shape}. "
            "Remedy: array.reshape(-1, 1) for a single column"
        )
    names = default_names(values.shape[1])
    if not names:
        raise no_numbers(path, "no columns")
    if not len(values):
        raise no_rows(path)
    check_names(path, names, columns)
    if columns is None:
        return values, list(range(len(names))), names
    places = {name: j for j, name in enumerate(names)}
    return values, [places[name] for name in columns], columns


def _write_columns(file: IO[bytes], suffix: str, columns: Array, names: list[str]) -> None:
    if suffix == ".parquet":
        from vivace.io.arrow import write_parquet

        write_parquet(file, columns, names)
        return
    from vivace.io.csv_table import write_csv

    if suffix == ".csv":
        write_csv(file, columns, names)
    else:  # no date and no name inside: the same table makes the same bytes
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            write_csv(packed, columns, names)  # type: ignore[arg-type]

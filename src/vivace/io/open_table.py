"""Opening tables larger than memory: Parquet, Arrow, Feather, text; folders and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from vivace.io.arrow import fill, numeric_columns, require_pyarrow
from vivace.io.fragments import pieces_of
from vivace.io.npy_table import NpyTable, is_npy
from vivace.io.pieces import Piece, PieceStream
from vivace.io.stream import SpooledTable, TableStream
from vivace.io.table import (
    StrPath,
    TableError,
    check_names,
    default_names,
    names_of,
    no_rows,
    refuse_documents,
)
from vivace.io.text_table import NotOfType, TextTable, is_text_table
from vivace.io.unchanged import unchanged

#: Suffixes of files that can be read a piece at a time.
STREAMED = (".parquet", ".feather", ".arrow", ".ipc")


def is_streamed(data: Any) -> bool:
    """Whether `open_table` is meant for this: paths, a glob, a folder, a dataset, a function."""
    if isinstance(data, (TableStream, str, os.PathLike)):
        return True
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(one, (str, os.PathLike)) for one in data)
    kind = type(data)
    if callable(data) and not hasattr(data, "shape"):
        return True
    return kind.__module__.startswith("pyarrow") and hasattr(data, "get_fragments")


def default_memory() -> int:
    """Bytes that reading may take unless told otherwise: a quarter of the machine's."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
    except (ValueError, OSError, AttributeError):  # pragma: no cover (a system without these)
        return 1 << 30


def open_table(
    data: Any,
    columns: Sequence[str] | None = None,
    memory: int | None = None,
    *,
    na_values: Sequence[str] = (),
) -> TableStream:
    """Open tables that need not fit into memory.

    Parameters
    ----------
    data : str, path-like, list of these, pyarrow.dataset.Dataset or callable
        An .npy file: read where its rows lie. A Parquet, Arrow or Feather file, a pattern of such
        names (``part-*.parquet``; in the order of names), or a folder of them, with hive-style
        partitions (``year=2024/``) as columns: all read a piece at a time. Text (.csv, .csv.gz,
        .csv.zst), or a function without arguments that returns an iterable of blocks
        (two-dimensional arrays, or tables of pandas, polars or Arrow that hold numbers only): read
        once.
    columns : sequence of str, optional
        Columns to read, in this order; by default all numeric ones. Of arrays, which have no names,
        always all.
    memory : int, optional
        Bytes that rows held at a time may take; a quarter of the machine's if left out. It decides
        on caching and reading ahead only, never on a result. What does not fit goes to a scratch
        file.
    na_values : sequence of str
        Cells of text tables that stand for a gap, beside empty ones and those that pandas takes for
        gaps ("NA", "null", ...).

    Returns
    -------
    table : TableStream

    Raises
    ------
    TableError
        The files cannot be understood, a column does not exist or is not numeric, or the memory is
        too small; the message says what would do.
    OSError
        There is no such file, or no room for the scratch file.
    """
    if isinstance(data, TableStream):
        return data
    memory = default_memory() if memory is None else int(memory)
    wanted = None if columns is None else [str(column) for column in columns]
    texts = text_tables(data, na_values)
    if texts:
        return _text(texts, wanted, memory)
    if callable(data) and not hasattr(data, "get_fragments"):
        return _blocks(data, wanted, memory)
    if is_npy(data):
        return NpyTable(data, wanted)
    name, schema, pieces, guard, folders = open_pieces(data, wanted, numbers=True)
    names, left_out = numeric_columns(name, schema, wanted)
    stream = PieceStream(name, pieces, names, _dtype(schema, names), memory, left_out, guard)
    stream.from_folders = [column for column in names if column in folders]
    if not len(stream):
        raise TableError(f"{name}: expected at least one row of data, got none")
    return stream


def text_files(data: Any) -> list[StrPath]:
    """Text tables that a path, a pattern or a list stands for; empty where it is not about text."""
    if isinstance(data, (list, tuple)):
        return list(data) if data and all(map(is_text_table, data)) else []
    if not is_text_table(data):
        return []
    name = os.fspath(data)
    if os.path.exists(name) or not any(sign in name for sign in "*?["):
        return [data]
    found = sorted(glob.glob(name, recursive=True))
    if not found:
        raise FileNotFoundError(2, "no file has such a name", name)
    return list(found)


def text_tables(data: Any, na_values: Sequence[str]) -> list[TextTable]:
    """Open the text tables that a path, a pattern or a list stands for.

    Raises
    ------
    TableError
        `na_values` for something else.
    """
    if isinstance(na_values, str):
        raise TypeError(f"na_values: expected a list of texts, got the text {na_values!r}")
    found = [TextTable(path, na_values) for path in text_files(data)]
    if na_values and not found:
        raise TableError(
            f"na_values ({', '.join(map(repr, na_values))}) is for text tables (.csv, .csv.gz, "
            ".csv.zst; read by pyarrow), which the data are not. Remedy: leave it (--na-values) out"
        )
    return found


class Pieces(NamedTuple):
    """Parquet, Arrow and Feather files as one table, not read yet.

    Attributes
    ----------
    name : str
        For messages.
    schema : pyarrow.Schema
        All columns.
    pieces : list of Piece
        The rows, of the columns that were asked for.
    guard : callable
        Raises once a file is no longer the one that was opened.
    folders : dict of str to list
        Columns that come from the names of folders (``year=2024``), and their values in all files
        with rows.
    """

    name: str
    schema: Any
    pieces: list[Piece]
    guard: Callable[[], None]
    folders: dict[str, list[Any]]


def open_pieces(data: Any, columns: list[str] | None, *, numbers: bool = False) -> Pieces:
    """Open Parquet, Arrow and Feather files.

    Raises
    ------
    TableError
        The files cannot be understood, or a column does not exist.
    OSError
        There is no such file.
    """
    name = os.fspath(data) if isinstance(data, (str, os.PathLike)) else "the data set"
    if isinstance(data, (str, os.PathLike)):
        refuse_documents(data)
    arrow = require_pyarrow(name)
    from pyarrow import dataset as arrow_dataset

    try:
        found = data if hasattr(data, "get_fragments") else _dataset(arrow_dataset, data, name)
        fragments = _fragments(found, name)
        if numbers:
            names, _ = numeric_columns(name, found.schema, columns)
        else:
            check_names(name, found.schema.names, columns)
            names = found.schema.names if columns is None else columns
        pieces: list[Piece] = []
        folders: dict[str, dict[Any, None]] = {}
        for fragment in fragments:
            own = pieces_of(fragment, found.schema, names)
            pieces += own
            keys = arrow_dataset.get_partition_keys(fragment.partition_expression)
            for key, value in keys.items():
                values = folders.setdefault(key, {})
                if any(piece.n_rows for piece in own):
                    values[value] = None
    except (arrow.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        if _is_stream_of_batches(name):
            raise TableError(
                f"{name}: expected an Arrow file, got a stream of record batches. Remedy: on the "
                f"command line - in the place of its name and < {name}, or write it with "
                "pyarrow.ipc.new_file"
            ) from error
        raise TableError(
            f"{name}: expected Parquet, Arrow or Feather files, got something else or a damaged "
            f"copy ({str(error)[:300]}). Remedy: copy or write it again"
        ) from error
    paths = sorted({fragment.path for fragment in fragments if hasattr(fragment, "path")})
    known = {column: list(values) for column, values in folders.items()}
    return Pieces(name, found.schema, pieces, unchanged(paths), known)


def _is_stream_of_batches(name: str) -> bool:
    """Whether a file is in Arrow's other format, which cannot be read at any place."""
    if not os.path.isfile(name):
        return False
    with open(name, "rb") as file:
        return file.read(4) == b"\xff\xff\xff\xff"


def _dtype(schema: Any, names: list[str]) -> Any:
    from pyarrow import types

    kinds = [schema.field(column).type for column in names]
    single = all(types.is_float32(kind) or types.is_float16(kind) for kind in kinds)
    return np.float32 if single else np.float64


def _text(tables: list[TextTable], columns: list[str] | None, memory: int) -> TableStream:
    """Numbers of text tables in turn; begins again where a column turns out to be text."""
    import pyarrow

    name = os.fspath(tables[0].path) + (f" and {len(tables) - 1} more" * (len(tables) > 1))
    names, left_out = tables[0].numeric(columns)
    guard = unchanged([table.path for table in tables])
    while True:
        stream = SpooledTable(name, names, np.float64, memory, left_out)
        stream.named, stream.guard = tables[0].named, guard
        types = dict.fromkeys(names, pyarrow.float64())
        try:
            for table in tables:
                check_names(table.path, table.names, names)
                for batch in table.batches(types):
                    rows = np.empty((batch.num_rows, len(names)))
                    fill(rows, [batch], names)
                    stream.append(rows)
        except NotOfType as error:
            if columns is not None or len(names) == 1:
                raise
            names = [column for column in names if column != error.column]
            left_out = [column for column in tables[0].names if column not in set(names)]
            continue
        if not len(stream):
            raise no_rows(name)
        stream.finish()
        guard()
        return stream


def _blocks(
    make: Callable[[], Iterable[Any]], columns: list[str] | None, memory: int
) -> TableStream:
    """Arrays, or tables of numbers, that a function makes, one after the other."""
    stream: SpooledTable | None = None
    for block in make():
        named = names_of(block)
        rows = np.asarray(block)
        if named is not None and columns is not None:
            check_names("blocks", named, columns)
            rows, named = rows[:, [named.index(column) for column in columns]], columns
        if rows.ndim != 2 or rows.dtype.kind not in "fiub":
            raise TableError(
                "blocks: expected two-dimensional arrays of numbers, got "
                f"{rows.dtype} of shape {rows.shape}"
            )
        if stream is None:
            single = rows.dtype == np.float32
            names = default_names(rows.shape[1]) if named is None else named
            check_names("blocks", names, None)
            stream = SpooledTable("the blocks", names, np.float32 if single else np.float64, memory)
            stream.named = named is not None
        if rows.shape[1] != stream.shape[1]:
            raise TableError(
                f"blocks: expected {stream.shape[1]} columns in all of them, got {rows.shape[1]}"
            )
        if stream.named and named != stream.columns:
            raise TableError(
                f"blocks: expected the columns {', '.join(stream.columns[:20])} in all of them, "
                f"got {', '.join((named or ['none with names'])[:20])}. Remedy: blocks with the "
                "same columns in the same order"
            )
        stream.append(rows)
    if stream is None or not len(stream):
        raise TableError("blocks: expected at least one row of data, got none")
    stream.finish()
    return stream


def _dataset(arrow_dataset: Any, data: Any, name: str) -> Any:
    if isinstance(data, (list, tuple)):
        files = [os.fspath(one) for one in data]
    elif os.path.isdir(name):
        files = [
            os.path.join(folder, file)
            for folder, _, files in os.walk(name)
            for file in files
            if file.lower().endswith(STREAMED) and not file.startswith((".", "_"))
        ]
    elif os.path.exists(name):
        files = [name]
    else:
        files = glob.glob(name, recursive=True)
        if not files and not any(sign in name for sign in "*?["):
            raise FileNotFoundError(2, "no such file or directory", name)
    if not files:
        what = "the folder holds" if os.path.isdir(name) else "there is"
        raise FileNotFoundError(2, f"{what} no file that ends in {', '.join(STREAMED)}", name)
    kind = {".parquet" if f.lower().endswith(".parquet") else ".arrow" for f in files}
    if len(kind) > 1:
        raise TableError(f"{name}: expected files of one kind, got Parquet and Arrow files")
    return arrow_dataset.dataset(
        files if isinstance(data, (list, tuple)) else sorted(files),
        format="parquet" if kind == {".parquet"} else "ipc",
        partitioning="hive",
        partition_base_dir=name if os.path.isdir(name) else None,
    )


def _fragments(dataset: Any, name: str) -> list[Any]:
    """The files of a data set, which are read as often as asked for, in any order."""
    try:
        fragments = list(dataset.get_fragments())
    except ValueError as error:  # what Arrow says of filters and projections
        raise TableError(
            f"{name}: expected all rows and columns of its files, got a filter or a projection. "
            "Remedy: columns= for columns; for rows pyarrow.dataset.write_dataset, and the folder "
            "it writes"
        ) from error
    kinds = {one.format.default_extname for one in fragments if hasattr(one, "format")}
    if other := sorted(kinds - {"parquet", "arrow", "feather", "ipc"}):
        raise TableError(
            f"{name}: expected Parquet, Arrow or Feather files, got {', '.join(other)}. Remedy: "
            "give the path instead of a data set (of .csv), or write it as Parquet"
        )
    return fragments

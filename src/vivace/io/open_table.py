"""Opening tables larger than memory: Parquet, Arrow and Feather files, folders of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from vivace.io.arrow import numeric_columns, require_pyarrow
from vivace.io.stream import Piece, TableStream
from vivace.io.table import StrPath, TableError

#: Suffixes of files that can be read a piece at a time.
STREAMED = (".parquet", ".feather", ".arrow", ".ipc")

# Record batches are put together until they have so many rows: small ones cost more than they hold.
_LEAST_ROWS = 1 << 16


def is_streamed(data: Any) -> bool:
    """Whether `open_table` is meant for this: a path, a glob, a folder or a pyarrow.dataset."""
    if isinstance(data, (TableStream, str, os.PathLike)):
        return True
    kind = type(data)
    return kind.__module__.startswith("pyarrow") and hasattr(data, "get_fragments")


def default_memory() -> int:
    """Bytes that reading may take unless told otherwise: a quarter of the machine's."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
    except (ValueError, OSError, AttributeError):  # pragma: no cover (a system without these)
        return 1 << 30


def open_table(
    data: Any, columns: Sequence[str] | None = None, memory: int | None = None
) -> TableStream:
    """Open tables that need not fit into memory.

    Parameters
    ----------
    data : str, path-like or pyarrow.dataset.Dataset
        A Parquet, Arrow or Feather file, a pattern of such names (``part-*.parquet``; in the order
        of names), or a folder of them, with hive-style partitions (``year=2024/``) as columns.
    columns : sequence of str, optional
        Columns to read, in this order; by default all numeric ones.
    memory : int, optional
        Bytes that rows held at a time may take; a quarter of the machine's if left out. It decides
        on caching and reading ahead only, never on a result.

    Returns
    -------
    table : TableStream

    Raises
    ------
    TableError
        The files cannot be understood, a column does not exist or is not numeric, or the memory is
        too small; the message says what would do.
    OSError
        There is no such file.
    """
    if isinstance(data, TableStream):
        return data
    memory = default_memory() if memory is None else int(memory)
    name = os.fspath(data) if isinstance(data, (str, os.PathLike)) else "the data set"
    arrow = require_pyarrow(name)
    from pyarrow import dataset as arrow_dataset

    try:
        found = data if hasattr(data, "get_fragments") else _dataset(arrow_dataset, name)
        fragments = list(found.get_fragments())
        wanted = None if columns is None else [str(column) for column in columns]
        names, left_out = numeric_columns(name, found.schema, wanted)
        pieces: list[Piece] = []
        for fragment in fragments:
            pieces += _pieces_of(fragment, found.schema, names)
    except (arrow.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise TableError(
            f"{name}: expected Parquet, Arrow or Feather files, got something else or a damaged "
            f"copy ({str(error)[:300]}). Remedy: copy or write it again"
        ) from error
    kinds = [found.schema.field(column).type for column in names]
    single = all(arrow.types.is_float32(kind) or arrow.types.is_float16(kind) for kind in kinds)
    paths = sorted({fragment.path for fragment in fragments if hasattr(fragment, "path")})
    dtype = np.float32 if single else np.float64
    guard = _guard(name, [path for path in paths if os.path.exists(path)])
    stream = TableStream(name, pieces, names, dtype, memory, left_out, guard)
    if not len(stream):
        raise TableError(f"{name}: expected at least one row of data, got none")
    return stream


def _dataset(arrow_dataset: Any, name: str) -> Any:
    if os.path.isdir(name):
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
    if not files:
        what = "the folder holds" if os.path.isdir(name) else "there is"
        raise FileNotFoundError(2, f"{what} no file that ends in {', '.join(STREAMED)}", name)
    kind = {".parquet" if f.lower().endswith(".parquet") else ".arrow" for f in files}
    if len(kind) > 1:
        raise TableError(f"{name}: expected files of one kind, got Parquet and Arrow files")
    return arrow_dataset.dataset(
        sorted(files),
        format="parquet" if kind == {".parquet"} else "ipc",
        partitioning="hive",
        partition_base_dir=name if os.path.isdir(name) else None,
    )


def _pieces_of(fragment: Any, schema: Any, names: list[str]) -> list[Piece]:
    def loader(part: Any) -> Callable[[], Any]:
        return lambda: part.to_table(schema=schema, columns=names, use_threads=False)

    if hasattr(fragment, "split_by_row_group"):
        return [
            Piece(sum(group.num_rows for group in part.row_groups), loader(part))
            for part in fragment.split_by_row_group()
        ]
    if not getattr(fragment, "path", None) or not os.path.exists(fragment.path):
        return [Piece(fragment.count_rows(), loader(fragment))]
    return _batches_of(fragment, schema, names)


def _batches_of(fragment: Any, schema: Any, names: list[str]) -> list[Piece]:
    """Record batches of an Arrow file, a few at a time."""
    import pyarrow
    from pyarrow import dataset as arrow_dataset

    path = fragment.path
    constants = arrow_dataset.get_partition_keys(fragment.partition_expression)

    def load(first: int, last: int) -> Any:
        with pyarrow.memory_map(path) as file:
            reader = pyarrow.ipc.open_file(file)
            batches = [reader.get_batch(i) for i in range(first, last)]
            table = pyarrow.Table.from_batches(batches)
            for name, value in constants.items():
                if name in names and name not in table.column_names:
                    kind = schema.field(name).type
                    column = pyarrow.repeat(pyarrow.scalar(value, kind), table.num_rows)
                    table = table.append_column(name, column)
            return table.select(names)

    with pyarrow.memory_map(path) as file:
        reader = pyarrow.ipc.open_file(file)
        sizes = [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]
    pieces, first, rows = [], 0, 0
    for i, size in enumerate(sizes):
        rows += size
        if rows >= _LEAST_ROWS or i + 1 == len(sizes):
            pieces.append(Piece(rows, partial(load, first, i + 1)))
            first, rows = i + 1, 0
    return pieces


def _guard(name: str, paths: list[str]) -> Callable[[], None]:
    """Return what raises once a file has vanished or changed."""

    def look() -> list[tuple[int, int]]:
        return [(stat.st_size, stat.st_mtime_ns) for stat in map(os.stat, paths)]

    before = look()

    def check() -> None:
        try:
            same = look() == before
        except OSError as error:
            raise TableError(
                f"{name}: a file has vanished while it was read ({error}). Remedy: bring it back, "
                "and go on with --resume where there is a checkpoint"
            ) from error
        if not same:
            raise TableError(
                f"{name}: a file has changed while it was read. Remedy: fit a copy that nobody "
                "writes to"
            )

    return check


def read_names(path: StrPath) -> list[str]:
    """Names of all columns of tables that `open_table` opens."""
    from pyarrow import dataset as arrow_dataset

    require_pyarrow(path)
    return list(_dataset(arrow_dataset, os.fspath(path)).schema.names)

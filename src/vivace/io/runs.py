"""Any table as runs of rows, from front to back, once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vivace.io.open_table import STREAMED, open_table
from vivace.io.table import Array, StrPath, TableError, check_names

_TEXT = (".csv", ".csv.gz", ".csv.zst")


def is_text(path: StrPath) -> bool:
    """Whether a path names a table of text."""
    return os.fspath(path).lower().endswith(_TEXT)


def table_runs(
    path: StrPath, columns: Sequence[str] | None, n_rows: int, memory: int | None = None
) -> tuple[list[str], list[str], Iterator[Array]]:
    """Return names of the numeric columns, of those left out, and the rows, `n_rows` at a time.

    Raises
    ------
    TableError
        The file cannot be understood, a column does not exist or is not numeric.
    OSError
        There is no such file.
    """
    if is_text(path):
        return _text_runs(path, columns)
    if os.fspath(path).lower().endswith(".npy"):
        from vivace.io.tables import read_table

        table = read_table(path, columns)
        return table.names, [], _slices(table.values, n_rows)
    stream = open_table(path, columns, memory)
    return stream.columns, stream.left_out, _slices(stream, n_rows)


def _slices(values: Any, n_rows: int) -> Iterator[Array]:
    for start in range(0, len(values), n_rows):
        yield values[start : start + n_rows]


def _text_runs(
    path: StrPath, columns: Sequence[str] | None
) -> tuple[list[str], list[str], Iterator[Array]]:
    from vivace.io.arrow import fill, numeric_columns, require_pyarrow

    arrow = require_pyarrow(path)
    from pyarrow import csv as arrow_csv

    def damaged(error: BaseException) -> TableError:
        return TableError(
            f"{os.fspath(path)}: expected a table of text (UTF-8, the same number of values in "
            f"every row): {error}. Remedy: correct or copy the file again"
        )

    with open(path, "rb"):  # a missing file is an OSError
        pass
    try:
        reader = arrow_csv.open_csv(os.fspath(path))
    except (arrow.ArrowException, OSError) as error:
        raise damaged(error) from error
    check_names(path, reader.schema.names, columns)
    names, left_out = numeric_columns(
        path, reader.schema, None if columns is None else list(columns)
    )

    def runs() -> Iterator[Array]:
        try:
            for batch in reader:
                values = np.empty((batch.num_rows, len(names)))
                fill(values, [batch], names)
                yield values
        except (arrow.ArrowException, OSError) as error:
            raise damaged(error) from error

    return names, left_out, runs()


__all__ = ["STREAMED", "is_text", "table_runs"]

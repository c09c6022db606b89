"""Text tables as batches of Arrow, whatever their size: .csv, packed by gzip or zstd or not."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vivace.io.arrow import is_number, pyarrow_or_none, require_pyarrow
from vivace.io.csv_table import line_of, look
from vivace.io.standard_input import TextInput
from vivace.io.table import StrPath, TableError, check_names, no_numbers

#: Suffixes of text tables.
TEXT = (".csv", ".csv.gz", ".csv.zst")

# What stands for a gap, as pandas reads text.
NULLS = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
         "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]  # fmt: skip
_BLOCK = 1 << 22  # bytes; types are told by the first one
_CONVERSION = re.compile(r"In CSV column #(\d+):(?: Row #(\d+):)? CSV conversion error.*?'(.*)'")


class NotOfType(TableError):
    """A value is not of the type that those before it have."""

    def __init__(self, message: str, column: str) -> None:
        super().__init__(message)
        self.column = column


def is_text_table(path: Any) -> bool:
    """Whether a path names a text table that can be read in batches."""
    if isinstance(path, TextInput):
        return True
    named = isinstance(path, (str, os.PathLike)) and os.fspath(path).lower().endswith(TEXT)
    return named and pyarrow_or_none() is not None


class TextTable:
    """A text table, read from front to back as often as one likes.

    Parameters
    ----------
    path : str or path-like
        The file.
    na_values : sequence of str
        What stands for a gap beside `NULLS`.

    Attributes
    ----------
    names : list of str
        All columns of the file.
    types : dict of str to DataType
        What the first few megabytes tell, in Arrow's words.

    Raises
    ------
    TableError
        The file cannot be understood.
    OSError
        There is no such file.
    """

    def __init__(self, path: StrPath, na_values: Sequence[str] = ()) -> None:
        self._arrow = require_pyarrow(path)
        self.path = path
        self._nulls = [*NULLS, *na_values]
        self._shape = look(path)
        self.named, self.names = self._shape.named, self._shape.names
        check_names(path, self.names, None)
        with self._reader(None, None) as reader:
            schema = reader.schema
        self.types = dict(zip(schema.names, schema.types, strict=True))

    def numeric(self, columns: Sequence[str] | None) -> tuple[list[str], list[str]]:
        """Return columns to read as numbers and those left out because they are not.

        Raises
        ------
        TableError
            None is numeric, or a column does not exist.
        """
        if columns is not None:
            check_names(self.path, self.names, columns)
            return list(columns), []
        null = self._arrow.types.is_null
        names = [
            name for name in self.names if is_number(self.types[name]) or null(self.types[name])
        ]
        if not names:
            raise no_numbers(
                self.path, ", ".join(f"{n} ({self.types[n]})" for n in self.names[:20])
            )
        return names, [name for name in self.names if name not in set(names)]

    def batches(self, types: Mapping[str, Any]) -> Iterator[Any]:
        """Yield record batches of these columns, converted to these types.

        Raises
        ------
        NotOfType
            A value cannot be converted.
        TableError
            A row has another number of values, or the file is damaged.
        """
        try:
            with self._reader(list(types), types) as reader:
                yield from reader
        except (self._arrow.ArrowException, OSError) as error:
            raise self._explained(error, types) from error

    def _reader(self, columns: list[str] | None, types: Mapping[str, Any] | None) -> Any:
        from pyarrow import csv

        names = None if self.named else self.names
        try:
            return csv.open_csv(
                os.fspath(self.path),
                # Rows are counted, for messages, without threads only.
                read_options=csv.ReadOptions(
                    column_names=names, block_size=_BLOCK, use_threads=False
                ),
                parse_options=csv.ParseOptions(delimiter=self._shape.delimiter),
                convert_options=csv.ConvertOptions(
                    include_columns=columns,
                    column_types=None if types is None else dict(types),
                    null_values=self._nulls,
                    strings_can_be_null=True,
                ),
            )
        except (self._arrow.ArrowException, OSError) as error:
            raise self._explained(error, types or {}) from error

    def _explained(self, error: BaseException, types: Mapping[str, Any]) -> TableError:
        found = _CONVERSION.search(str(error))
        if found is None:
            return TableError(
                f"{os.fspath(self.path)}: expected a table of text (UTF-8, the same number of "
                f"values in every row): {error}. Remedy: correct or copy the file again"
            )
        name, cell = self.names[int(found[1])], found[3]
        row = None if found[2] is None else int(found[2]) - self.named
        where = f"column {name!r}" + ("" if row is None else f", {self.place(row)}")
        kind = "a number" if is_number(types[name]) else str(types[name])
        message = (
            f"{os.fspath(self.path)}: {where}: expected {kind}, got {cell[:50]!r}. Remedy: "
            f"{if_gap(cell)}, correct it, or leave the column out"
        )
        return NotOfType(message, name)

    def place(self, row: int) -> str:
        """Return how messages call a row of data, counted from 1."""
        line = line_of(self.path, self._shape, row)
        return f"row {row} of the data" + ("" if line is None else f" (line {line})")


def if_gap(*cells: str) -> str:
    """Return the remedy for cells that may stand for gaps, in Python's words and a shell's."""
    options = " ".join(f"--na-values {shlex.quote(cell)}" for cell in cells)
    return f"na_values={list(cells)!r} ({options}) if this stands for a gap"

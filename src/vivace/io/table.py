"""What every reader and writer of tables shares."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
StrPath = str | os.PathLike[str]

#: Suffixes of tables that are read.
TABLES = (".npy", ".csv", ".csv.gz", ".csv.zst", ".parquet", ".feather", ".arrow", ".ipc")

# Rows that are converted at a time: small beside any table, large beside the cost of a call.
_ROWS_AT_A_TIME = 1 << 16


class TableError(ValueError):
    """A table cannot be read or written; the message names the file, the column and the remedy."""


class Table(NamedTuple):
    """A table of numbers.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
        float32 if every column is, else float64. Missing entries are NaN. Of an .npy file: a
        memory-map of the file itself where the file holds float32 or float64.
    names : list of str
        Names of the columns; an .npy file has none, its columns are called x0, x1, ...
    named : bool
        Whether the names come from the file.
    left_out : list of str
        Columns of the file that are not numeric and were not asked for.
    """

    values: Array
    names: list[str]
    named: bool
    left_out: list[str]


def default_names(n_columns: int) -> list[str]:
    """Names of columns that have none: x0, x1, ..."""
    return [f"x{i}" for i in range(n_columns)]


def read_as(stored: np.dtype[Any]) -> Any:
    """The type that numbers of a file are read as: float32 where it loses none of them."""
    return np.float32 if stored.kind == "f" and stored.itemsize <= 4 else np.float64


def names_of(table: Any) -> list[str] | None:
    """Names of the columns of a table of pandas, polars or Arrow; None without, as of arrays."""
    found = getattr(table, "column_names", getattr(table, "columns", None))
    names = [] if found is None else list(found)
    return names if names and all(isinstance(name, str) for name in names) else None


def check_names(path: StrPath, names: Sequence[str], columns: Sequence[str] | None) -> None:
    """Check that the names of a file are unique and that `columns` are among them."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TableError(
                f"{os.fspath(path)}: two columns are called {name!r}. Remedy: rename one of them"
            )
        seen.add(name)
    for name in columns or ():
        if name not in seen:
            some = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
            raise TableError(
                f"{os.fspath(path)}: no column {name!r}; expected some of its {len(names)}: {some}"
            )


def check_once(path: StrPath, columns: Sequence[str] | None) -> None:
    """Check that columns which are asked for are some, and each only once."""
    if columns is not None and (not columns or len(set(columns)) < len(columns)):
        raise TableError(
            f"{os.fspath(path)}: expected at least one column and each only once, got "
            f"{', '.join(columns) or 'none'}"
        )


def in_words(n_bytes: int) -> str:
    """Bytes as a text that --memory takes, rounded up so that what is needed suffices."""
    if n_bytes < 10**6:
        return f"{-(-n_bytes // 10**3)} kB"
    return f"{-(-n_bytes // 10**6)} MB"


def refuse_documents(path: StrPath) -> None:
    """Refuse files whose names are those of documents.

    Raises
    ------
    TableError
        It is one; the message says what serves.
    """
    from vivace.io.corpora.corpus import CorpusError
    from vivace.io.corpora.formats import TEXT_FORMATS, format_of

    if os.fspath(path).lower().endswith(TABLES):
        return
    try:
        format = format_of(path)
    except CorpusError:
        return
    rows = "; vivace fit mixture --families multinomial takes one file of counts"
    if format in TEXT_FORMATS:
        rows = f"; vivace convert {os.fspath(path)} counts.npz makes counts of it, which vivace "
        rows += "fit mixture --families multinomial takes"
    elif format == "npz":
        rows += ", BayesianMixture scipy.sparse.load_npz(path)"
    raise TableError(
        f"{os.fspath(path)}: expected a table, a name that ends in {', '.join(TABLES)}, got one of "
        f"documents ({format}). Remedy: vivace fit lda (LatentDirichletAllocation) takes it"
        f"{rows}"
    )


def no_numbers(path: StrPath, found: str) -> TableError:
    """The error for a table without numeric columns."""
    return TableError(
        f"{os.fspath(path)}: expected at least one numeric column, got {found}. Remedy: convert "
        "the columns to numbers; values in .csv are separated by commas, decimals by points"
    )


def no_rows(path: StrPath) -> TableError:
    """The error for a table without rows."""
    return TableError(f"{os.fspath(path)}: expected at least one row of data, got none")


def runs(n_rows: int) -> Iterator[slice]:
    """Runs of rows to convert at a time."""
    for start in range(0, n_rows, _ROWS_AT_A_TIME):
        yield slice(start, min(start + _ROWS_AT_A_TIME, n_rows))

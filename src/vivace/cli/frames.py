"""Tables of mixed columns for the commands: text, numbers and gaps, as pandas reads them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

from vivace.cli.errors import Failure


@dataclass
class FrameTable:
    """A table like that of `vivace.io.read_table`, with values of any type.

    Attributes
    ----------
    values : DataFrame or ndarray
        Rows; slices of it are rows too.
    names : list of str
    named : bool
        Whether the names come from the file.
    left_out : list of str
        Always empty: every column can be used.
    """

    values: Any
    names: list[str]
    named: bool = True
    left_out: list[str] = field(default_factory=list)


def is_table_model(estimator: Any) -> bool:
    """Whether an estimator takes tables of mixed columns."""
    return hasattr(estimator, "families_")


def read_frame(path: str, columns: list[str] | None = None) -> FrameTable:
    """Read a table: .csv, .csv.gz, .parquet, or numbers from .npy.

    Raises
    ------
    Failure
        The file cannot be understood, or a column does not exist.
    """
    if path.lower().endswith(".npy"):
        from vivace.io import read_table

        table = read_table(path, columns)
        return FrameTable(table.values, table.names, named=False)
    if not path.lower().endswith((".csv", ".csv.gz", ".parquet")):
        raise Failure(
            f"{path}: expected a name that ends in .npy, .csv, .csv.gz or .parquet. Remedy: rename "
            "or convert the file"
        )
    with open(path, "rb"):  # a missing file is an OSError, whatever the reader does
        pass
    try:
        import pandas as pd
    except ImportError as error:
        raise Failure(
            f"{path}: tables of mixed columns need pandas. Remedy: pip install 'vivace[tables]'"
        ) from error
    try:
        if path.lower().endswith(".parquet"):
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, sep=_separator(path), engine="c")
            _check_lengths(path, len(frame.columns))
    except (ValueError, ImportError, OSError, EOFError, zlib.error) as error:
        raise Failure(
            f"{path}: expected a table, got something else or a damaged copy "
            f"({' '.join(str(error).split())}). Remedy: mend the line, or copy the file again"
        ) from error
    frame.columns = [str(name) for name in frame.columns]
    if not len(frame):
        raise Failure(f"{path}: expected at least one row, got none")
    if columns is not None:
        unknown = [name for name in columns if name not in frame.columns]
        if unknown:
            raise Failure(
                f"{path}: there is no column {unknown[0]!r}; got {', '.join(frame.columns[:20])}"
            )
        frame = frame[columns]
    return FrameTable(frame, list(frame.columns))


def frame_for(model: str, estimator: Any, data: str, columns: list[str] | None) -> FrameTable:
    """The columns of a table that a model was fitted to."""
    names = getattr(estimator, "feature_names_in_", None)
    if columns is None and names is not None and not data.lower().endswith(".npy"):
        columns = [str(name) for name in names]
    table = read_frame(data, columns)
    expected, found = estimator.n_features_in_, table.values.shape[1]
    if found != expected:
        raise Failure(
            f"{data}: expected the {expected} columns that {model} was fitted to, got {found} "
            f"({', '.join(table.names[:20])}). Remedy: choose them with --columns"
        )
    return table


def _check_lengths(path: str, n_columns: int) -> None:
    """Raise where a line is short: pandas would fill it up with gaps, and a cut file pass."""
    try:
        import pyarrow
        from pyarrow import csv
    except ImportError:
        return
    names = [str(i) for i in range(n_columns)]
    lines = csv.open_csv(
        path,
        read_options=csv.ReadOptions(column_names=names),
        parse_options=csv.ParseOptions(delimiter=_separator(path), newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.binary())),
    )
    for _ in lines:
        pass


def _separator(path: str) -> str:
    """Comma, or tab or semicolon where the first line has no comma."""
    import gzip

    opened: Any = gzip.open if path.lower().endswith(".gz") else open
    with opened(path, "rb") as file:
        line = file.readline()
    return next((mark for mark in (",", "\t", ";") if mark.encode() in line), ",")

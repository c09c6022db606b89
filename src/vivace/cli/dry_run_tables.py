"""The first rows of a table: which families take its columns, and how long a fit takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from vivace.cli.dry_run_timing import Estimate, course
from vivace.cli.memory import source_of

_MOST_ROWS = 1 << 16
# Bytes of rows and multiply-adds of an iteration that a sample takes at most.
_BYTES, _WORK = 64e6, 10e9
_LEAST_ROWS, _LEAST_PART = 2048, 512


@dataclass
class Sample:
    """The first rows of a table.

    Attributes
    ----------
    rows : ndarray, FrameStream, TableStream or None
        What `fit` takes; None where they cannot be read.
    families : dict of str to str
        The family of each column.
    row_seconds : float
        What reading takes, for each row.
    problem : str
        Why they cannot be read or fitted.
    """

    rows: Any = None
    families: dict[str, str] = field(default_factory=dict)
    row_seconds: float = 0.0
    problem: str = ""

    def __len__(self) -> int:
        return 0 if self.rows is None else len(self.rows)

    def first(self, n: int) -> Any:
        """Return the first `n` rows."""
        import numpy as np

        if n == len(self):
            return self.rows
        return self.rows.only(np.arange(n)) if hasattr(self.rows, "kinds") else self.rows[:n]


def sample_rows(n_rows: int, n_columns: int, work: float) -> int:
    """Return how many rows to fit, where an iteration takes `work` multiply-adds a row."""
    most = min(_MOST_ROWS, _BYTES / (8 * max(1, n_columns)), _WORK / max(1.0, work))
    return min(n_rows, max(_LEAST_ROWS, int(most)))


def read_sample(
    data: Sequence[str],
    head: Any,
    estimator: Any,
    most: int,
    *,
    numeric: bool,
    na_values: Sequence[str] = (),
    spilled: bool = False,
) -> Sample:
    """Read the first rows.

    Parameters
    ----------
    data : sequence of str
        Files.
    head : Head
        Names the columns of the fit, and tells the values of those from folders: the first rows
        are those of one folder, and the fit judges a column by all of its values.
    estimator : object
        Says which family takes which column.
    most : int
        Number of rows.
    numeric : bool
        Whether the fit takes numbers alone.
    na_values : sequence of str
        As in `vivace.io.open_table`.
    spilled : bool
        Whether the rows of the fit come from a scratch file.
    """
    import numpy as np

    from vivace.io.frame_stream import open_frame
    from vivace.io.npy_table import is_npy
    from vivace.io.open_table import STREAMED, open_table
    from vivace.io.stream import WORKING

    sample, names = Sample(), head.names
    memory = WORKING if spilled else None
    streamed = os.path.isdir(data[0]) or data[0].lower().endswith(STREAMED)
    try:
        began = perf_counter()
        if streamed:
            parts, n = _pieces(data, head, most, numeric)
        else:
            parts, n = _runs(data, names, most, numeric, na_values)
        decoding, began = perf_counter() - began, perf_counter()
        if not numeric and (spilled or not is_npy(data[0])):
            sample.rows = open_frame(lambda: parts, None, memory)
        elif spilled:
            sample.rows = open_table(lambda: parts, None, memory)
        else:
            sample.rows = np.concatenate(parts)
        if not head.in_place:
            keeping = perf_counter() - began
            sample.row_seconds = decoding / max(1, n) + keeping / max(1, len(sample))
        sample.families = _families(estimator, sample.rows, names, numeric)
    except (ValueError, TypeError) as error:
        sample.problem = str(error)
    return sample


def _runs(
    data: Sequence[str], names: list[str], most: int, numeric: bool, na_values: Sequence[str]
) -> tuple[list[Any], int]:
    """First rows of text and .npy, and their number."""
    from vivace.io.runs import table_runs

    table = table_runs(source_of(data), names, mixed=not numeric, na_values=na_values)
    parts, n = [], 0
    with closing(table.runs) as runs:
        for run in runs:
            some = min(len(run), most - n)
            arrays = hasattr(run.rows, "dtype")
            rows = run.rows[:some] if arrays else run.rows.slice(0, some)
            parts.append(rows if arrays else _as_in_text(rows, data[0], na_values))
            n += some
            if n >= most:
                break
    return parts, n


def _as_in_text(part: Any, name: str, na_values: Sequence[str]) -> Any:
    """Turn numbers of text into whole ones where the fit would take them for such."""
    from vivace.io.open_table import text_tables

    texts = text_tables(source_of([name]), na_values)
    for j, column in enumerate(part.column_names if texts else ()):
        kind = texts[0].types[column]
        if "int" in str(kind) and part.column(j).type != kind:
            try:
                part = part.set_column(j, column, part.column(j).cast(kind))
            except ValueError:  # a fraction further down
                continue
    return part


def _pieces(data: Sequence[str], head: Any, most: int, numeric: bool) -> tuple[list[Any], int]:
    """First rows of Parquet and Arrow files, and how many were decoded for them."""
    import numpy as np
    import pyarrow

    from vivace.io.arrow import fill
    from vivace.io.open_table import open_pieces
    from vivace.io.unchanged import reading

    opened = open_pieces(source_of(data), head.names, numbers=numeric)
    tables, n, decoded = [], 0, 0
    with reading(opened.name, opened.guard):
        for piece in opened.pieces:
            tables.append(piece.load().slice(0, most - n))
            n, decoded = n + len(tables[-1]), decoded + piece.n_rows
            if n >= most:
                break
        table = _with_folders(pyarrow.concat_tables(tables), opened.folders)
        if not numeric:
            return [table], decoded
        rows = np.empty((len(table), len(head.names)), np.float32 if head.single else np.float64)
        fill(rows, table.to_batches(), head.names)
    return [rows], decoded


def _with_folders(table: Any, folders: Mapping[str, Sequence[Any]]) -> Any:
    """Give columns that come from folders all of their values, in turn."""
    import numpy as np
    import pyarrow

    for name, values in folders.items():
        if name in table.column_names:
            j = table.column_names.index(name)
            known = pyarrow.array(values, table.column(j).type)
            taken = known.take(pyarrow.array(np.arange(len(table)) % len(known)))
            table = table.set_column(j, table.field(j), taken)
    return table


def _families(estimator: Any, rows: Any, names: list[str], numeric: bool) -> dict[str, str]:
    if numeric:
        return dict.fromkeys(names, "gaussian")
    from vivace.io.frame_stream import FrameStream
    from vivace.mixture._assign import assign
    from vivace.mixture._columns import read_columns
    from vivace.mixture._streams_table import frame_columns

    table = frame_columns(rows) if isinstance(rows, FrameStream) else read_columns(rows, "X")
    return {
        names[j]: one.family.name for one in assign(estimator.families, table) for j in one.columns
    }


def time_table(estimator: Any, sample: Sample, n_rows: int) -> Estimate | None:
    """Return how long a fit to `n_rows` rows takes, from that to a sample; None if unknown."""
    from vivace.mixture._start import sample_size
    from vivace.mixture._state import make_layout

    n = len(sample)
    if not n:
        return None
    batch: int | None = None
    if estimator.learning_method != "batch":
        batch = make_layout(estimator.get_params(deep=False), max(1, n_rows), 1).batch_rows
    several = batch is not None and batch <= n
    if several and batch is not None:
        n -= n % batch
    part = n // 4 if n // 4 >= max(_LEAST_PART, int(estimator.n_components)) else n
    try:
        found = course(
            estimator, sample.first(n), n, sample.first(part), part, batch if several else None
        )
    except (ValueError, TypeError, FloatingPointError, NotImplementedError) as error:
        sample.problem = str(error)
        return None
    if found is None:
        return None
    # The rest of the start: k-means of a part of the rows.
    wanted = sample_size(int(estimator.n_components), sample.rows.shape[1])
    rest = found.start_rest * min(n_rows, wanted) / min(n, wanted)
    steps = -(-n_rows // batch) if batch is not None else 1
    return Estimate(
        steps * found.step + n_rows * found.row,
        n_rows * (sample.row_seconds + found.start_row) + rest,
    )

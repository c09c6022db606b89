"""Tables of mixed columns larger than memory: numbers, truth values, text, as rows of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vivace.io.npy_table import NpyTable, is_npy, runs_of
from vivace.io.open_table import Pieces, default_memory, open_pieces, text_tables
from vivace.io.spool import CHUNK, Spool
from vivace.io.stream import SpooledTable
from vivace.io.table import TableError, check_names, default_names
from vivace.io.text_table import NotOfType, TextTable
from vivace.io.unchanged import reading, unchanged

Kind = Literal["bool", "integer", "float", "text"]

#: More different texts than this are no category: a column of names or numbers of rows.
MOST_LEVELS = 100_000
# Bytes.
_CELL = 8
# Rows that are looked at together.
CHUNK_ROWS = 1 << 16
#: Whole numbers up to this can be categories.
MOST_WHOLE = 10_000


class FrameStream(SpooledTable):
    """Rows of a table of mixed columns: NaN where something is missing, texts by number.

    Made by `open_frame`. All is float64; the number of a text is its place in `levels`.

    Attributes
    ----------
    kinds : list of {'bool', 'integer', 'float', 'text'}
        What each column holds.
    levels : list of list of str
        The texts of each column of text, in the order of the alphabet; empty for others.
    low, high : ndarray of shape (n_columns,)
        Smallest and largest value; NaN without any.
    gaps, whole : ndarray of shape (n_columns,)
        Whether something is missing, and whether all numbers that are there are whole.
    """

    def __init__(self, name: str, columns: Sequence[str], kinds: list[Kind], memory: int) -> None:
        super().__init__(name, columns, np.float64, memory)
        n = len(self.columns)
        self.kinds = kinds
        self.levels: list[list[str]] = [[] for _ in range(n)]
        self.low, self.high = np.full(n, np.nan), np.full(n, np.nan)
        self.gaps, self.whole = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
        self._seen: dict[int, NDArray[np.bool_]] = {}
        self._numbers: list[dict[str, int]] = [{} for _ in range(n)]
        self._places: list[NDArray[np.float64] | None] = [None] * n
        #: Text tables behind the rows, and the first row of each.
        self.texts: list[tuple[int, TextTable]] = []

    def add(self, batch: Any) -> None:
        """Add a record batch of these columns."""
        rows = np.empty((batch.num_rows, len(self.columns)))
        for j, name in enumerate(self.columns):
            column = batch.column(batch.schema.get_field_index(name))
            rows[:, j] = self._codes(j, column) if self.kinds[j] == "text" else _floats(column)
        self._look(rows)
        self.append(rows)

    def values(self, j: int) -> NDArray[np.int64] | None:
        """Return the different values of a column of whole numbers from 0 to `MOST_WHOLE`.

        None for any other column.
        """
        seen = self._seen.get(j)
        return np.flatnonzero(seen) if seen is not None and len(seen) else None

    def only(self, positions: NDArray[np.int64]) -> FrameStream:
        """Return a table of the rows at some positions, in memory."""
        other = copy(self)
        rows = self[positions]
        other._held, other._places = None, [None] * len(self.columns)
        other.shape = rows.shape
        other._spool = Spool(self.dtype, rows.nbytes + CHUNK)
        other._spool.append(rows)
        other._spool.finish()
        return other

    def place(self, j: int, text: str) -> str | None:
        """Return file and row in which a column of text first holds `text`; None if no file has."""
        if not self.texts:
            return None
        wanted = self.levels[j].index(text)
        for start in range(0, len(self), CHUNK_ROWS):
            found = np.flatnonzero(self[start : start + CHUNK_ROWS][:, j] == wanted)
            if len(found):
                row = start + int(found[0])
                first, table = [pair for pair in self.texts if pair[0] <= row][-1]
                return f"{table.path}: {table.place(row - first + 1)}"
        return None

    def finish(self) -> None:
        """End adding; put texts into the order of the alphabet."""
        super().finish()
        for j, numbers in enumerate(self._numbers):
            self.levels[j] = sorted(numbers)
            if numbers:
                places = np.empty(len(numbers))
                for place, text in enumerate(self.levels[j]):
                    places[numbers[text]] = place
                self._places[j] = places
        self._numbers = []

    def _rows(self, start: int, stop: int) -> Any:
        rows = super()._rows(start, stop)
        if all(places is None for places in self._places):
            return rows
        rows = rows.copy()
        for j, places in enumerate(self._places):
            if places is not None:
                there = ~np.isnan(rows[:, j])
                rows[there, j] = places[rows[there, j].astype(np.intp)]
        return rows

    def _codes(self, j: int, column: Any) -> NDArray[np.float64]:
        import pyarrow

        if pyarrow.types.is_null(column.type):
            return np.full(len(column), np.nan)
        if not pyarrow.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        numbers = self._numbers[j]
        places = [
            np.nan if text is None else numbers.setdefault(str(text), len(numbers))
            for text in column.dictionary.to_pylist()
        ]
        if len(numbers) > MOST_LEVELS:
            raise TableError(
                f"{self.name}: column {self.columns[j]!r} holds more than {MOST_LEVELS:,} "
                "different texts, so it is no category. Remedy: leave it out"
            )
        codes = column.indices.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
        there = ~np.isnan(codes)
        found = np.full(len(codes), np.nan)
        found[there] = np.array([*places, np.nan])[codes[there].astype(np.intp)]
        return found

    def _look(self, rows: NDArray[np.float64]) -> None:
        missing = np.isnan(rows)
        self.gaps |= missing.any(axis=0)
        with np.errstate(invalid="ignore"):
            fractions = (rows != np.rint(rows)) & ~missing
        self.whole &= ~fractions.any(axis=0) & np.isfinite(np.where(missing, 0.0, rows)).all(axis=0)
        low = np.where(missing, np.inf, rows).min(axis=0, initial=np.inf)
        high = np.where(missing, -np.inf, rows).max(axis=0, initial=-np.inf)
        there = ~missing.all(axis=0)
        for j in np.flatnonzero(there):
            if self.kinds[j] != "text" and len(self._seen.get(int(j), (True,))):
                self._note(int(j), rows[~missing[:, j], j])
        self.low[there] = np.fmin(self.low, low)[there]
        self.high[there] = np.fmax(self.high, high)[there]

    def _note(self, j: int, values: NDArray[np.float64]) -> None:
        """Note which whole numbers occur, as long as they are few."""
        seen = self._seen.setdefault(j, np.zeros(MOST_WHOLE + 1, dtype=bool))
        whole = values.min() >= 0 and values.max() <= MOST_WHOLE
        if whole and (values == np.rint(values)).all():
            seen[values.astype(np.intp)] = True
        else:
            self._seen[j] = seen[:0]


def open_frame(
    data: Any,
    columns: Sequence[str] | None = None,
    memory: int | None = None,
    *,
    na_values: Sequence[str] = (),
) -> FrameStream:
    """Open a table of mixed columns that need not fit into memory; reads it once.

    Parameters
    ----------
    data : str, path-like, list of these, pyarrow.dataset.Dataset or callable
        A .csv file (.gz and .zst too), what `open_table` opens in pieces, or a function without
        arguments that returns an iterable of tables (pandas, Arrow or NumPy).
    columns : sequence of str, optional
        Columns to read, in this order; all by default.
    memory : int, optional
        Bytes; a quarter of the machine's if left out. Never changes a result.
    na_values : sequence of str
        Cells of text tables that stand for a gap, as in `open_table`.

    Returns
    -------
    table : FrameStream

    Raises
    ------
    TableError
        The files cannot be understood, a column does not exist or holds neither numbers, truth
        values nor text, or the memory is too small.
    OSError
        There is no such file, or no room for the scratch file.
    """
    if isinstance(data, FrameStream):
        return data
    memory = default_memory() if memory is None else int(memory)
    wanted = None if columns is None else [str(name) for name in columns]
    texts = text_tables(data, na_values)
    if texts:
        return _text(texts, wanted, memory)
    if callable(data) and not hasattr(data, "get_fragments"):
        arrays: set[bool] = set()
        stream = _filled("the blocks", _batches_of(data, arrays), wanted, memory)
        stream.named = True not in arrays
        return stream
    if is_npy(data):
        table = NpyTable(data, wanted)
        parts = (_batch_of(rows, table.columns) for _, rows in runs_of(table, CHUNK_ROWS))
        stream = _filled(table.name, parts, None, memory)
        stream.named, stream.guard = False, table.guard
        return stream
    opened = open_pieces(data, wanted)
    opened.guard()
    stream = _filled(opened.name, _batches(opened), wanted, memory, opened.schema)
    stream.guard = opened.guard
    stream.from_folders = [name for name in stream.columns if name in opened.folders]
    stream.check()
    return stream


def open_mixed(data: Any, columns: Sequence[str] | None = None, memory: int | None = None) -> Any:
    """Open an .npy file whole where `memory` holds it, anything else as `open_frame` does.

    Returns
    -------
    table : ndarray or FrameStream
    """
    if is_npy(data):
        memory = default_memory() if memory is None else int(memory)
        table = NpyTable(data, None if columns is None else [str(name) for name in columns])
        if _CELL * table.shape[0] * table.shape[1] <= memory:
            rows = table[:]
            table.check()
            return rows
    return open_frame(data, columns, memory)


def _batches(opened: Pieces) -> Iterator[Any]:
    """All rows as record batches.

    Raises
    ------
    TableError
        A file is damaged, or has changed or vanished.
    """
    with reading(opened.name, opened.guard):
        for piece in opened.pieces:
            yield from piece.load().to_batches()


def kind_of(name: str, column: str, arrow_type: Any) -> Kind:
    """What a column of a type of Arrow holds.

    Raises
    ------
    TableError
        Something that no family takes.
    """
    from pyarrow import types

    if types.is_boolean(arrow_type):
        return "bool"
    if types.is_integer(arrow_type):
        return "integer"
    if types.is_floating(arrow_type) or types.is_decimal(arrow_type):
        return "float"
    if types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    if types.is_string(arrow_type) or types.is_large_string(arrow_type) or (
        types.is_null(arrow_type)
    ):  # fmt: skip
        return "text"
    raise TableError(
        f"{name}: column {column!r} holds {arrow_type}; expected numbers, truth values or text. "
        "Remedy: turn it into numbers first (a date: days since another), or leave it out"
    )


def _text(tables: list[TextTable], columns: list[str] | None, memory: int) -> FrameStream:
    """Text tables in turn: begins again with a wider type where a value does not fit."""
    import pyarrow as pa

    table = tables[0]
    for each in tables:
        check_names(each.path, each.names, columns or table.names)
    names = table.names if columns is None else columns
    null = pa.types.is_null
    guard = unchanged([each.path for each in tables])
    types = {n: pa.float64() if null(table.types[n]) else table.types[n] for n in names}
    while True:
        kinds = [kind_of(str(table.path), name, types[name]) for name in names]
        stream = FrameStream(str(table.path), names, kinds, memory)
        try:
            for each in tables:
                stream.texts.append((len(stream), each))
                for batch in each.batches(types):
                    stream.add(batch)
        except NotOfType as error:
            whole = pa.types.is_integer(types[error.column])
            types[error.column] = pa.float64() if whole else pa.string()
            continue
        stream.guard, stream.named = guard, table.named
        stream.check()
        return _done(stream)


def _filled(
    name: str, batches: Iterable[Any], columns: list[str] | None, memory: int, schema: Any = None
) -> FrameStream:
    stream: FrameStream | None = None
    for batch in batches:
        if stream is None:
            found = batch.schema if schema is None else schema
            check_names(name, found.names, columns)
            names = found.names if columns is None else columns
            kinds = [kind_of(name, column, found.field(column).type) for column in names]
            stream = FrameStream(name, names, kinds, memory)
        stream.add(batch)
    if stream is None:
        raise TableError(f"{name}: expected at least one row of data, got none")
    return _done(stream)


def _done(stream: FrameStream) -> FrameStream:
    if not len(stream):
        raise TableError(f"{stream.name}: expected at least one row of data, got none")
    stream.finish()
    return stream


def _batches_of(make: Callable[[], Iterable[Any]], arrays: set[bool]) -> Iterator[Any]:
    """Record batches of the tables that a function makes; `arrays`: whether some have no names."""
    from vivace.io.arrow import require_pyarrow

    pa = require_pyarrow("the blocks")
    for block in make():
        arrays.add(isinstance(block, np.ndarray))
        if isinstance(block, np.ndarray):
            if block.ndim != 2:
                raise TableError(f"blocks: expected two dimensions, got shape {block.shape}")
            yield _batch_of(block, default_names(block.shape[1]))
        elif isinstance(block, pa.RecordBatch):
            yield block
        else:
            table = block if isinstance(block, pa.Table) else pa.Table.from_pandas(
                block, preserve_index=False
            )  # fmt: skip
            yield from table.to_batches()


def _batch_of(rows: NDArray[Any], names: list[str]) -> Any:
    from vivace.io.arrow import require_pyarrow

    pa = require_pyarrow("the rows")
    columns = [pa.array(np.ascontiguousarray(column)) for column in rows.T]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _floats(column: Any) -> NDArray[np.float64]:
    import pyarrow

    if pyarrow.types.is_boolean(column.type):
        column = column.cast(pyarrow.uint8())
    found: NDArray[np.float64] = column.cast(pyarrow.float64(), safe=False).to_numpy(
        zero_copy_only=False
    )
    return found

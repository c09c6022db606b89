"""Tables of mixed columns that are read from files while a mixture is fitted or applied."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block
from vivace.io.frame_stream import MOST_WHOLE, FrameStream, open_frame, open_mixed
from vivace.io.npy_table import is_npy
from vivace.io.open_table import is_streamed
from vivace.mixture._assign import Assignment
from vivace.mixture._columns import Columns, Kind, match_levels
from vivace.mixture._streams import refuse_iterators
from vivace.mixture._table import TableRows, TableSource


@dataclass
class FrameColumns(Columns):
    """The columns of a stream: what assigning families asks for."""

    source: FrameStream

    def kind(self, j: int) -> Kind:
        """What column j holds."""
        return self.source.kinds[j]

    def extremes(self, j: int) -> tuple[float, float]:
        """Smallest and largest number of column j, gaps aside."""
        return float(self.source.low[j]), float(self.source.high[j])

    def integral(self, j: int) -> bool:
        """Whether column j holds integers: by its type, or all whole with some missing."""
        stream = self.source
        return stream.kinds[j] == "integer" or bool(stream.gaps[j] and stream.whole[j])

    def texts(self, j: int) -> tuple[list[Any], int]:
        """Return the different values of column j, and how many rows there are."""
        return list(self.source.levels[j]), self.n_rows

    def place(self, j: int, text: str) -> str | None:
        """File and row in which column j first holds a text; None where no text file does."""
        return self.source.place(j, text)

    def declared(self, j: int) -> bool:
        """Whether column j was declared to be categories: files do not say."""
        return False

    def raw(self, j: int) -> Any:
        """Not to be had: the column may be larger than memory."""
        raise TypeError(
            f"{self.source.name}: this takes a table in memory, got one that is read from files. "
            "Read it with pandas, a part at a time; vivace impute and vivace transform do so"
        )

    numbers = raw
    values = raw


@dataclass
class _Part:
    """How the columns of one family are read from rows of a stream."""

    columns: list[int]
    codes: list[NDArray[np.int32]] | None

    def read(self, rows: NDArray[np.float64]) -> NDArray[Any]:
        """Values, or codes of levels."""
        if self.codes is None:
            return np.ascontiguousarray(rows[:, self.columns])
        found = np.full((len(rows), len(self.columns)), -1, dtype=np.int32)
        for i, (j, codes) in enumerate(zip(self.columns, self.codes, strict=True)):
            there = ~np.isnan(rows[:, j])
            found[there, i] = codes[rows[there, j].astype(np.intp)]
        return found


class FrameSource(TableSource):
    """Blocks of a stream of mixed columns."""

    def __init__(
        self, stream: FrameStream, parts: list[_Part], weights: NDArray[np.float64] | None
    ) -> None:
        # What is looked at of whole parts: whether codes are missing; a list stands for numbers.
        shown: list[Any] = [[] if p.codes is None else -_gaps(stream, p) for p in parts]
        super().__init__(shown, len(stream), weights)
        self._stream, self._parts = stream, parts
        self.fingerprint = stream.fingerprint

    def read(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop` (exclusive)."""
        rows = self._stream[start:stop]
        weights = None if self.weights is None else self.weights[start:stop]
        return Block(tuple(part.read(rows) for part in self._parts), weights, start, stop)

    def take(self, rows: NDArray[np.int64]) -> Block:
        """Return some rows as a block."""
        found = self._stream[rows]
        weights = None if self.weights is None else self.weights[rows]
        return Block(tuple(part.read(found) for part in self._parts), weights, 0, len(rows))

    def only(self, rows: NDArray[np.int64]) -> FrameSource:
        """Return a source of some rows, in memory."""
        weights = None if self.weights is None else self.weights[rows]
        return FrameSource(self._stream.only(rows), self._parts, weights)

    def without(self, held: NDArray[np.int64]) -> FrameSource:
        """Return a source of the other rows."""
        weights = None if self.weights is None else np.delete(self.weights, held)
        return FrameSource(self._stream.without(held), self._parts, weights)

    def expect(self, start: int, stop: int) -> None:
        """Say which rows are read next."""
        self._stream.expect(start, stop)

    def check(self) -> None:
        """Notice that a file has changed."""
        self._stream.check()


def frame_from_files(estimator: Any, X: Any, *, learn: bool) -> Any:
    """Open what names files; anything else as it is. `learn` learns names of columns."""
    if not is_streamed(X):
        refuse_iterators(X)
        return X
    if is_npy(X):
        return open_mixed(X)
    known = None if learn else getattr(estimator, "feature_names_in_", None)
    return open_frame(X, None if known is None else list(known))


def frame_columns(stream: FrameStream) -> FrameColumns:
    """Look at a stream as at any other table."""
    return FrameColumns(len(stream), len(stream.columns), stream.columns, stream, "stream")


def frame_rows(
    table: FrameColumns,
    assignments: list[Assignment],
    weights: NDArray[np.float64] | None,
    *,
    learn: bool,
) -> TableRows:
    """Arrange the columns for the parts; `learn` takes the levels of categories from the data."""
    stream = table.source
    parts = [_part(stream, one, learn) for one in assignments]
    source = FrameSource(stream, parts, weights)
    return TableRows(stream, table, assignments, source, weights)


def _part(stream: FrameStream, one: Assignment, learn: bool) -> _Part:
    if not one.family.levels:
        text = [j for j in one.columns if stream.kinds[j] == "text"]
        if text:
            raise ValueError(
                f"column {stream.columns[text[0]]!r} holds text, which is no number. Give it to "
                "the family 'categorical', or convert it"
            )
        return _Part(one.columns, None)
    codes = []
    for i, j in enumerate(one.columns):
        numbers, found = _values(stream, j)
        if learn:
            if len(one.levels) <= i:
                one.levels.append(found)
            one.levels[i] = found
            if not found:
                label = repr(stream.columns[j])
                raise ValueError(f"column {label} holds no value at all; leave it out")
        known = match_levels(np.arange(len(found)), found, one.levels[i])
        places = np.full(int(numbers.max(initial=-1)) + 1, -1, dtype=np.int32)
        places[numbers] = _checked(stream, j, known, found, one)
        codes.append(places)
    return _Part(one.columns, codes)


def _values(stream: FrameStream, j: int) -> tuple[NDArray[np.int64], list[Any]]:
    """Numbers that occur in a column, and what they stand for."""
    if stream.kinds[j] == "text":
        return np.arange(len(stream.levels[j])), list(stream.levels[j])
    found = stream.values(j)
    if found is None:
        raise ValueError(
            f"column {stream.columns[j]!r} holds numbers; read from files they are categories only "
            f"where they are whole and from 0 to {MOST_WHOLE:,}. Write them as text, or read the "
            "table with pandas"
        )
    if stream.kinds[j] == "bool":
        return found, [bool(value) for value in found]
    return found, found.tolist()


def _gaps(stream: FrameStream, part: _Part) -> NDArray[np.int64]:
    """1 for each column of levels in which something is missing, in a row."""
    found = stream.gaps[part.columns]
    for i, (j, codes) in enumerate(zip(part.columns, part.codes or (), strict=True)):
        occur = _values(stream, j)[0]
        found[i] |= bool((codes[occur] < 0).any())
    return np.asarray(found[None], dtype=np.int64)


def _checked(
    stream: FrameStream, j: int, codes: NDArray[np.int32], found: list[Any], one: Assignment
) -> NDArray[np.int32]:
    unknown = codes == -2
    if not unknown.any():
        return codes
    message = (
        f"column {stream.columns[j]!r} holds {int(unknown.sum())} value(s) that fit has not seen, "
        f"the first {found[int(unknown.argmax())]!r}"
    )
    if getattr(one.family, "unknown", "missing") == "error":
        raise ValueError(f"{message}. Leave such rows out, or use Categorical(unknown='missing')")
    warnings.warn(f"{message}; they count as missing", UserWarning, stacklevel=2)
    return np.where(unknown, -1, codes).astype(np.int32)

"""Documents at fixed topics: how a batch of compressed rows goes through the topic kernels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import Block, CsrRows, Executor, RowTable
from vivace.engine.aligned import Room, aligned
from vivace.models.topics import Topics, parts_of

Array = NDArray[Any]
Doubles = NDArray[np.float64]

#: Nonzeros of a block: more than a millisecond of one core's work at 100 topics. With 12,000 a pass
#: takes 1 % less time, and documents at work half as much memory again.
BLOCK_NONZEROS = 7_000
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS = 16, 4_096

#: A batch has a multiple of this number of blocks: threads are done at the same time.
EVEN_BLOCKS = 4

#: Values that are summed at a time: they are copied for it, in double precision.
SUMMED = 65_536

#: Words that are looked at together: they are copied for it, as wider numbers.
LOOKED_AT = 16_384

#: Entries of one task when words are summed.
TASK_ENTRIES = 32_768

#: Rows of a table are packed that take less than this share of the memory then.
PACKED_SHARE = 0.5

#: Rows of a table that are moved at a time: they are copied for it.
MOVED_ROWS = 128

#: Starting value of a document's parameters, as in scikit-learn.
START = 1.0

#: Half the width of the uniform distribution about `START` that random starts are drawn from: the
#: variance is that of scikit-learn's. Without them all documents take to the same topics at first,
#: and stay there.
START_WIDTH = 0.1 * 3**0.5


def block_rows(n_rows: int, n_nonzeros: int, batch_rows: int | None = None) -> int:
    """Rows of a block, from shapes alone; small batches are cut evenly, for few threads."""
    per_row = max(1.0, n_nonzeros / max(1, n_rows))
    rows = BLOCK_NONZEROS / per_row
    if batch_rows is not None:
        blocks = EVEN_BLOCKS * max(1.0, np.ceil(batch_rows / (EVEN_BLOCKS * rows)))
        rows = np.ceil(batch_rows / blocks)
    return int(np.clip(rows, MIN_BLOCK_ROWS, MAX_BLOCK_ROWS))


class PackedRows(NamedTuple):
    """Rows of a table without what parameters at the prior make.

    Such an entry is a factor of the word times one of the topic.

    Attributes
    ----------
    numbers : 1-d array
        Of each row a bit for each entry, the word's factor, and the entries that are no such
        product (`cpp/topics.hpp`).
    start : (W + 1,) of int64
        Where rows begin.
    common : (stride,)
        Factors of the topics.
    """

    numbers: Array
    start: NDArray[np.int64]
    common: Array


class Table(NamedTuple):
    """exp(E ln beta), scaled, of the words of a batch, a row each.

    Attributes
    ----------
    words : (W,) of int32
        The words, rising.
    slots : (V,) of int32
        Row of each of the words; other entries have no meaning.
    rows : (W, stride) or PackedRows
        The rows, filled up to whole vectors.
    level : (W,)
        Logarithm of what the largest entry of each row was.
    row_sums : (W,)
        Sum of each row.
    """

    words: NDArray[np.int32]
    slots: NDArray[np.int32]
    rows: Array | PackedRows
    level: Doubles
    row_sums: Array

    def narrowed(self, width: int) -> Array:
        """Move the first `width` numbers of all rows together, in place, and return them."""
        assert not isinstance(self.rows, PackedRows)
        n, stride = self.rows.shape
        flat = self.rows.reshape(-1)[: n * width]
        found = flat.reshape(n, width)
        for i in range(0, n if width < stride else 0, MOVED_ROWS):
            found[i : i + MOVED_ROWS] = self.rows[i : i + MOVED_ROWS, :width]
        return found


class WordIndex(NamedTuple):
    """Where the words of some rows occur: word by word, documents in order.

    Attributes
    ----------
    words : (W,) of int32
        The distinct words.
    start : (W + 1,) of int64
        Offsets into `entries` and `documents`.
    entries, documents : (nonzeros,) of int32
        Place of each occurrence among the rows' nonzeros, and its row.
    """

    words: NDArray[np.int32]
    start: NDArray[np.int64]
    entries: NDArray[np.int32]
    documents: NDArray[np.int32]


@dataclass(frozen=True)
class Sweeps:
    """When a document's sweeps end: after `most`, or below a mean change of `tolerance`."""

    most: int
    tolerance: float


def word_index(rows: CsrRows, room: Room | None = None) -> WordIndex:
    """Sort the nonzeros of `rows` by word; the result is in `room`, until it is used again."""
    nonzeros = len(rows.columns)
    if nonzeros >= 2**31:
        raise ValueError(f"a group of documents holds {nonzeros} nonzeros; expected below 2^31")
    room = Room() if room is None else room
    entries, documents = index_room(room, nonzeros)
    start = np.empty(rows.n_columns + 1, np.int64)
    _core.topic_words(rows.start, rows.columns, start, entries, documents)
    words = np.flatnonzero(start[:-1] < start[1:]).astype(np.int32)
    return WordIndex(words, np.append(start[words], nonzeros), entries, documents)


def index_room(room: Room, nonzeros: int) -> list[NDArray[np.int32]]:
    """Return room for the entries and the documents of an index."""
    return [room.take(name, (nonzeros,), np.int32) for name in ("entries", "documents")]


def distinct_words(columns: Iterable[NDArray[np.int32]], n_words: int) -> NDArray[np.int32]:
    """Return the words that occur in any of the arrays, rising."""
    seen = np.zeros(n_words, dtype=bool)
    for found in columns:
        mark_words(found, seen)
    return np.flatnonzero(seen).astype(np.int32)


def mark_words(columns: NDArray[np.int32], seen: NDArray[np.bool_]) -> None:
    """Mark the words that occur; several threads may do so at the same time."""
    for i in range(0, len(columns), LOOKED_AT):
        seen[columns[i : i + LOOKED_AT]] = True


def make_table(
    topics: Topics, words: NDArray[np.int32], executor: Executor, *, pack: bool = False
) -> Table:
    """Return exp(E ln beta) of the given words, which rise.

    `pack`: with packed rows where these take far less memory. Documents and words are the same
    with them, to the last bit.
    """
    n, kernel, parts = len(words), topics.kernel, parts_of(len(words))
    stride = _core.topic_stride(topics.n_topics, topics.dtype == np.float32)
    slots = np.empty(topics.n_words, np.int32)
    slots[words] = np.arange(n, dtype=np.int32)
    level, sums = np.empty(n), np.empty(n, topics.dtype)
    common = np.zeros(stride, topics.dtype)
    common[: topics.n_topics] = np.exp(topics.psi_totals.min() - topics.psi_totals)
    start = np.zeros(n + 1, np.int64)

    def look(part: slice) -> None:
        _core.table_sizes(kernel, words[part], start[1:][part])

    if pack:
        executor.map(look, parts)
        np.cumsum(start, out=start)
    packed = pack and start[-1] < PACKED_SHARE * n * stride
    shape = (int(start[-1]) + _core.packed_room(stride, topics.dtype == np.float32),)
    values = aligned(shape if packed else (n, stride), topics.dtype)

    def fill(part: slice) -> None:
        out: Any = values[part]
        if packed:
            rows = start[part.start : part.stop + 1]
            out = values[rows[0] : rows[-1]], rows - rows[0]
        _core.topic_table(kernel, words[part], common, out, level[part], sums[part])

    executor.map(fill, parts)
    if packed:
        values[start[-1] :] = 0
    rows = PackedRows(values, start, common) if packed else values
    return Table(words, slots, rows, level, sums)


class Group(NamedTuple):
    """Documents of neighbouring blocks, and room for what becomes of them; None: not wanted.

    Attributes
    ----------
    rows : CsrRows
        The documents.
    row_weights : (n,) or None
        Their weights.
    gamma : (n, K)
        Parameters.
    weights : (nonzeros,)
        Of occurrences, for the sums of words.
    theta : (n, stride) or None
        Scaled exp(E ln theta), for the sums of words.
    bound : (n,) or None
        Terms of the bound.
    """

    rows: CsrRows
    row_weights: Doubles | None
    gamma: Array
    weights: Array
    theta: Array | None
    bound: Doubles | None


def make_group(whole: Block, topics: Topics, *, room: Room | None = None) -> Group:
    """Return room for these documents; all but the bound is taken from `room`."""
    rows: CsrRows = whole.data
    room = Room() if room is None else room
    n_rows, dtype = len(rows.start) - 1, topics.dtype
    stride = _core.topic_stride(topics.n_topics, dtype == np.float32)
    return Group(
        rows,
        whole.weights,
        room.take("gamma", (n_rows, topics.n_topics), dtype),
        room.take("weights", (len(rows.values),), dtype),
        room.take("theta", (n_rows, stride), dtype),
        np.empty(n_rows),
    )


def document_step(
    group: Group,
    at: slice,
    topics: Topics,
    table: Table,
    sweeps: Sweeps,
    *,
    previous: Array | None = None,
    warm: bool = False,
    seed: int | None = None,
    log_theta: Doubles | None = None,
    sharpen: bool = False,
    gamma: Array | None = None,
) -> None:
    """Fit some documents of a group, one block, at fixed topics.

    Parameters
    ----------
    at : slice
        Which rows of the group.
    previous : (n, K), optional
        Parameters of the pass before: no document ends with a lower bound than they give it.
    warm : bool
        Start from `previous`; otherwise from `START`.
    seed : int, optional
        Start at random about `START`; the seed and a document's words decide where.
    log_theta : (K,), optional
        The weighted sum of E ln theta is added to it.
    sharpen : bool
        Look for an optimum of few topics, which is mostly the higher one: for topics that differ.
    gamma : (n, K), optional
        Where the parameters go, in the place of the group's, which then hold those of a block only
        if the sums of its words need them.
    """
    rows, own = group.rows, group.gamma[at]
    gamma = own if gamma is None else gamma
    first, last = int(rows.start[at.start]), int(rows.start[at.stop])
    start = rows.start[at.start : at.stop + 1] - first
    values = rows.values[first:last].astype(topics.dtype, copy=False)
    cold = not warm or previous is None
    if seed is not None:
        random_start(start, rows.columns[first:last], values, seed, gamma)
    else:
        gamma[...] = START if cold else previous
    _core.topic_documents(
        topics.kernel,
        table.words,
        table.rows,
        table.level,
        start,
        table.slots[rows.columns[first:last]],
        values,
        None if group.row_weights is None else group.row_weights[at],
        topics.alpha,
        sweeps.most,
        sweeps.tolerance,
        gamma,
        previous,
        group.weights[first:last],
        theta=None if group.theta is None else group.theta[at],
        bound=None if group.bound is None else group.bound[at],
        log_theta=log_theta,
        sharpen=sharpen,
        row_sums=table.row_sums if cold and seed is None else None,
    )
    if gamma is not own and last > first and group.weights[first:last].min() < 0.0:
        # Memory of the group that nobody touches is none: hardly any block comes here.
        own[...] = gamma


def random_start(
    start: NDArray[np.int64], columns: NDArray[np.int32], values: Array, seed: int, gamma: Array
) -> None:
    """Fill gamma, (n, K), with random parameters near `START` for compressed rows.

    A function of seed and document, not of its place: the order of documents does not matter, and
    a document of weight 2 is the document twice.
    """
    _core.topic_start(start, columns, values, seed, START, START_WIDTH, gamma)


def word_parts(index: WordIndex) -> list[slice]:
    """Cut the words of an index into tasks of about as many entries, an even number of them."""
    n = len(index.entries)
    parts = 2 * max(1, -(-n // (2 * TASK_ENTRIES)))
    marks = [i * n // parts for i in range(parts)]
    edges = np.unique(np.append(np.searchsorted(index.start[:-1], marks), len(index.words)))
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def add_word_sums(
    group: Group,
    index: WordIndex,
    part: slice,
    topics: Topics,
    table: Table,
    counts: RowTable | None,
) -> None:
    """Add the expected counts of some words of the group to `counts`, a table of fresh sums.

    Without one they take the place of the words' rows in `table`, which are not packed.

    Each word is summed in the order of its documents by one call: the same bits for any number of
    threads.
    """
    assert group.theta is not None
    _core.topic_word_sums(
        topics.kernel,
        table.words,
        table.rows,
        table.slots[index.words[part]],
        index.start[part.start : part.stop + 1],
        index.entries,
        index.documents,
        group.weights,
        group.theta,
        group.gamma,
        None if counts is None else counts.values,
        counts is not None and counts.rows is None,
    )


def row_sums(start: NDArray[np.int64], values: Array) -> Doubles:
    """Sum of each compressed row."""
    sums = np.zeros(len(start) - 1)
    marks = np.arange(start[0], start[-1], SUMMED)
    edges = np.unique(np.append(np.searchsorted(start[:-1], marks), len(sums)))
    for first, last in pairwise(edges):
        ends = start[first : last + 1]
        filled = ends[:-1] < ends[1:]
        if filled.any():  # reduceat knows no empty rows
            within, places = values[ends[0] : ends[-1]], ends[:-1][filled] - ends[0]
            sums[first:last][filled] = np.add.reduceat(within, places, dtype=np.float64)
    return sums

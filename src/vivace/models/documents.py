"""Documents at fixed topics: how a batch of compressed rows goes through the topic kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace import _core
from vivace.engine import Block, CsrRows, Executor, RowTable
from vivace.models.aligned import aligned
from vivace.models.topics import Topics, parts_of

Array = NDArray[Any]
Doubles = NDArray[np.float64]

#: Nonzeros of a block: about 2 ms of one core's work at 100 topics.
BLOCK_NONZEROS = 12_000
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS = 16, 4_096

#: Blocks whose documents are done together before their words are summed: enough for many
#: threads, few enough that the documents' weights are still in cache.
GROUP_BLOCKS = 16

#: Entries of one task when words are summed.
TASK_ENTRIES = 32_768

#: Starting value of a document's parameters, as in scikit-learn.
START = 1.0

#: Half the width of the uniform distribution about `START` that random starts are drawn from: the
#: variance is that of scikit-learn's. Without them all documents take to the same topics at first,
#: and stay there.
START_WIDTH = 0.1 * 3**0.5


def block_rows(n_rows: int, n_nonzeros: int) -> int:
    """Rows of a block, from shapes alone."""
    per_row = max(1.0, n_nonzeros / max(1, n_rows))
    return int(np.clip(BLOCK_NONZEROS / per_row, MIN_BLOCK_ROWS, MAX_BLOCK_ROWS))


class Table(NamedTuple):
    """exp(E ln beta), scaled, of the words of a batch, a row each.

    Attributes
    ----------
    words : (W,) of int32
        The words, rising.
    slots : (V,) of int32
        Row of each of the words; other entries have no meaning.
    values : (W, stride)
        The rows, filled up to whole vectors.
    level : (W,)
        Logarithm of what the largest entry of each row was.
    row_sums : (W,)
        Sum of each row.
    """

    words: NDArray[np.int32]
    slots: NDArray[np.int32]
    values: Array
    level: Doubles
    row_sums: Array


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


def word_index(rows: CsrRows) -> WordIndex:
    """Sort the nonzeros of `rows` by word."""
    nonzeros = len(rows.columns)
    if nonzeros >= 2**31:
        raise ValueError(f"a group of documents holds {nonzeros} nonzeros; expected below 2^31")
    entries = np.arange(nonzeros, dtype=np.int32)
    shape = (len(rows.start) - 1, rows.n_columns)
    # Documents come out in order within each word.
    by_word = csr_array((entries, rows.columns, rows.start), shape=shape).tocsc()
    words = np.flatnonzero(np.diff(by_word.indptr)).astype(np.int32)
    start = np.append(by_word.indptr[words], nonzeros).astype(np.int64)
    return WordIndex(words, start, by_word.data, by_word.indices.astype(np.int32, copy=False))


def distinct_words(columns: Iterable[NDArray[np.int32]], n_words: int) -> NDArray[np.int32]:
    """Return the words that occur in any of the arrays, rising."""
    seen = np.zeros(n_words, dtype=bool)
    for found in columns:
        seen[found] = True
    return np.flatnonzero(seen).astype(np.int32)


def make_table(topics: Topics, words: NDArray[np.int32], executor: Executor) -> Table:
    """Return exp(E ln beta) of the given words, which rise."""
    single = topics.dtype == np.float32
    stride = _core.topic_stride(topics.n_topics, single)
    slots = np.empty(topics.n_words, np.int32)
    slots[words] = np.arange(len(words), dtype=np.int32)
    values, level = aligned((len(words), stride), topics.dtype), np.empty(len(words))
    sums = np.empty(len(words), topics.dtype)
    kernel = topics.kernel

    def fill(part: slice) -> None:
        _core.topic_table(kernel, words[part], values[part], level[part], sums[part])

    executor.map(fill, parts_of(len(words)))
    return Table(words, slots, values, level, sums)


class Group(NamedTuple):
    """What became of the documents of neighbouring blocks."""

    rows: CsrRows
    row_weights: Doubles | None
    gamma: Array
    weights: Array
    theta: Array | None
    bound: Doubles | None
    log_theta: Doubles | None
    places: WordIndex | None


def document_step(
    read: Callable[[int, int], Block],
    blocks: Sequence[tuple[int, int]],
    topics: Topics,
    table: Table,
    sweeps: Sweeps,
    executor: Executor,
    *,
    previous: Array | None = None,
    warm: bool = False,
    seed: int | None = None,
    with_bound: bool = True,
    with_theta: bool = True,
    with_log_theta: bool = False,
    with_index: bool = False,
    sharpen: bool = False,
) -> Group:
    """Fit the documents of neighbouring blocks at fixed topics.

    Parameters
    ----------
    previous : (n, K), optional
        Parameters of the pass before: no document ends with a lower bound than they give it.
    warm : bool
        Start from `previous`; otherwise from `START`.
    seed : int, optional
        Start at random about `START`; the seed and a document's words decide where.
    sharpen : bool
        Look for an optimum of few topics, which is mostly the higher one: for topics that differ.
    with_bound, with_theta, with_log_theta, with_index : bool
        What to return beside gamma: the documents' terms of the bound; their weights for the sums
        of words; the weighted sum of E ln theta; where words occur.
    """
    first = blocks[0][0]
    whole = read(first, blocks[-1][1])
    rows: CsrRows = whole.data
    dtype, n_topics, n_rows = topics.dtype, topics.n_topics, len(rows.start) - 1
    kernel, columns = topics.kernel, table.slots[rows.columns]
    cold = not warm or previous is None
    start = START if cold else previous
    gamma = np.full((n_rows, n_topics), start, dtype)
    values = rows.values.astype(dtype, copy=False)
    weights = np.empty(len(values), dtype)
    theta = aligned((n_rows, table.values.shape[1]), dtype) if with_theta else None
    bound = np.empty(n_rows) if with_bound else None

    def work(block: tuple[int, int]) -> Doubles | None:
        log_theta = np.zeros(n_topics) if with_log_theta else None
        a, b = block[0] - first, block[1] - first
        if seed is not None:
            gamma[a:b] = random_start(rows, a, b, n_topics, seed)
        _core.topic_documents(
            kernel,
            table.words,
            table.values,
            table.level,
            rows.start[a : b + 1],
            columns,
            values,
            None if whole.weights is None else whole.weights[a:b],
            topics.alpha,
            sweeps.most,
            sweeps.tolerance,
            gamma[a:b],
            None if previous is None else previous[a:b],
            weights,
            theta=None if theta is None else theta[a:b],
            bound=None if bound is None else bound[a:b],
            log_theta=log_theta,
            sharpen=sharpen,
            row_sums=table.row_sums if cold and seed is None else None,
        )
        return log_theta

    def task(block: tuple[int, int] | None) -> Any:
        return word_index(rows) if block is None else work(block)

    # Sorted beside the documents' steps, by whichever thread is free, each time: to keep it would
    # take as much memory as the documents do.
    tasks = [None, *blocks] if with_index else [*blocks]
    found = list(executor.map(task, tasks))
    index = found.pop(0) if with_index else None
    log_theta = np.sum(found, axis=0) if with_log_theta else None
    return Group(rows, whole.weights, gamma, weights, theta, bound, log_theta, index)


def random_start(rows: CsrRows, a: int, b: int, n_topics: int, seed: int) -> Doubles:
    """Random parameters of documents `a` to `b`, near `START`.

    A function of seed and document, not of its place: the order of documents does not matter, and
    a document of weight 2 is the document twice.
    """
    at = slice(int(rows.start[a]), int(rows.start[b]))
    words = rows.columns[at].astype(np.uint64) + np.uint64(seed)
    # float32, so that the same counts in either precision start at the same place.
    counts = rows.values[at].astype(np.float32).view(np.uint32).astype(np.uint64)
    entries = np.zeros(len(words) + 1, np.uint64)
    np.cumsum(_scramble(_scramble(words) + counts), out=entries[1:])
    edges = rows.start[a : b + 1] - at.start
    document = entries[edges[1:]] - entries[edges[:-1]]  # modulo 2^64, like all sums here
    steps = np.arange(1, n_topics + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = _scramble(document[:, None] + steps) >> np.uint64(11)
    return np.asarray(START + START_WIDTH * (bits * 2.0**-52 - 1.0))


def _scramble(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of each number: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def add_word_sums(
    group: Group,
    topics: Topics,
    table: Table,
    counts: RowTable,
    executor: Executor,
) -> None:
    """Add the expected counts of the group's words to `counts`, a table of fresh sums.

    Each word is summed in the order of its documents by one call: the same bits for any number of
    threads.
    """
    kernel, values, index = topics.kernel, counts.values, group.places
    assert index is not None
    words, dense = table.slots[index.words], counts.rows is None
    theta = group.theta
    assert theta is not None

    def work(part: slice) -> None:
        _core.topic_word_sums(
            kernel,
            table.words,
            table.values,
            words[part],
            index.start[part.start : part.stop + 1],
            index.entries,
            index.documents,
            group.weights,
            theta,
            group.gamma,
            values,
            dense,
        )

    marks = np.arange(0, len(index.entries), TASK_ENTRIES)
    edges = np.unique(np.append(np.searchsorted(index.start[:-1], marks), len(index.words)))
    executor.map(work, [slice(int(a), int(b)) for a, b in pairwise(edges)])


def row_sums(start: NDArray[np.int64], values: Array) -> Doubles:
    """Sum of each compressed row."""
    sums, filled = np.zeros(len(start) - 1), start[:-1] < start[1:]
    if filled.any():  # reduceat knows no empty rows
        within = values[: start[-1]]
        sums[filled] = np.add.reduceat(within, start[:-1][filled], dtype=np.float64)
    return sums

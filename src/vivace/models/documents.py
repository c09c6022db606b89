"""Documents at fixed topics: how a batch of compressed rows goes through the topic kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vivace import _core
from vivace.engine import Block, CsrRows, Executor

Array = NDArray[Any]
Doubles = NDArray[np.float64]

#: Nonzeros of a block: about 2 ms of one core's work at 100 topics.
BLOCK_NONZEROS = 12_000
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS = 16, 4_096

#: Blocks whose documents are done together before their words are summed: enough for many
#: threads, few enough that the documents' weights are still in cache.
GROUP_BLOCKS = 16

#: Words of one task when tables are made, and entries of one task when words are summed.
TASK_WORDS = 1_024
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


@dataclass(frozen=True)
class Topics:
    """Posterior of the topics; arrays are not to be written to.

    Attributes
    ----------
    values : (V, K) of float32 or float64
        Dirichlet parameters lambda, word by word.
    totals : (K,)
        Sum of each topic's parameters.
    psi_totals : (K,)
        digamma of the totals.
    """

    values: Array
    totals: Doubles
    psi_totals: Doubles


class Table(NamedTuple):
    """exp(E ln beta), scaled, for the words of a batch; other rows are not written."""

    values: Array
    level: Doubles


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


def make_table(topics: Topics, words: NDArray[np.int32] | None, executor: Executor) -> Table:
    """Return exp(E ln beta) of the given words (None: all)."""
    n_words, n_topics = topics.values.shape
    single = topics.values.dtype == np.float32
    stride = _core.topic_stride(n_topics, single)
    table = Table(np.empty((n_words, stride), topics.values.dtype), np.empty(n_words))
    if words is None:
        words = np.arange(n_words, dtype=np.int32)

    def fill(part: NDArray[np.int32]) -> None:
        _core.topic_table(topics.values, topics.psi_totals, part, *table)

    executor.map(fill, _parts(words, TASK_WORDS))
    return table


class Group(NamedTuple):
    """What became of the documents of neighbouring blocks."""

    rows: CsrRows
    row_weights: Doubles | None
    gamma: Array
    weights: Array
    theta: Array
    bound: Doubles | None


def document_step(
    read: Callable[[int, int], Block],
    blocks: Sequence[tuple[int, int]],
    topics: Topics,
    table: Table,
    alpha: Doubles,
    sweeps: Sweeps,
    executor: Executor,
    *,
    previous: Array | None = None,
    warm: bool = False,
    seed: int | None = None,
    with_bound: bool = True,
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
    """
    first = blocks[0][0]
    whole = read(first, blocks[-1][1])
    rows: CsrRows = whole.data
    dtype = topics.values.dtype
    n_rows, n_topics = len(rows.start) - 1, len(alpha)
    start = previous if warm and previous is not None else START
    gamma = np.full((n_rows, n_topics), start, dtype)
    values = rows.values.astype(dtype, copy=False)
    weights = np.empty(len(values), dtype)
    theta = np.empty((n_rows, table.values.shape[1]), dtype)
    bound = np.empty(n_rows) if with_bound else None

    def work(block: tuple[int, int]) -> None:
        a, b = block[0] - first, block[1] - first
        if seed is not None:
            gamma[a:b] = random_start(rows, a, b, n_topics, seed)
        _core.topic_documents(
            topics.values,
            topics.psi_totals,
            *table,
            rows.start[a : b + 1],
            rows.columns,
            values,
            None if whole.weights is None else whole.weights[a:b],
            alpha,
            sweeps.most,
            sweeps.tolerance,
            gamma[a:b],
            None if previous is None else previous[a:b],
            weights,
            theta=theta[a:b],
            bound=None if bound is None else bound[a:b],
        )

    executor.map(work, blocks)
    return Group(rows, whole.weights, gamma, weights, theta, bound)


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
    index: WordIndex,
    topics: Topics,
    table: Table,
    counts: Doubles,
    executor: Executor,
) -> None:
    """Add the expected counts of the group's words to `counts` (V, K).

    Each word is summed in the order of its documents by one call: the same bits for any number of
    threads.
    """

    def work(part: slice) -> None:
        _core.topic_word_sums(
            topics.values,
            topics.psi_totals,
            table.values,
            index.words[part],
            index.start[part.start : part.stop + 1],
            index.entries,
            index.documents,
            group.weights,
            group.theta,
            group.gamma,
            counts,
        )

    marks = np.arange(0, len(index.entries), TASK_ENTRIES)
    edges = np.unique(np.append(np.searchsorted(index.start[:-1], marks), len(index.words)))
    executor.map(work, [slice(int(a), int(b)) for a, b in pairwise(edges)])


def topic_terms(
    topics: Topics,
    words: NDArray[np.int32] | None,
    counts: Doubles | None,
    prior: float | None,
    executor: Executor | None = None,
) -> float:
    """Sum over words of ``(counts + prior - lambda) E ln beta + ln Gamma(lambda)``.

    Without a prior ``counts E ln beta``; a sum of parts in a fixed order.
    """
    n_words, n_topics = topics.values.shape
    if words is None:
        words = np.arange(n_words, dtype=np.int32)

    def work(part: NDArray[np.int32]) -> float:
        out = np.empty(n_topics)
        _core.topic_terms(topics.values, topics.psi_totals, part, counts, prior, out)
        return float(out.sum())

    parts = _parts(words, TASK_WORDS)
    return float(np.sum(executor.map(work, parts) if executor else [work(p) for p in parts]))


def row_sums(start: NDArray[np.int64], values: Array) -> Doubles:
    """Sum of each compressed row."""
    cumulated = np.zeros(len(values) + 1)
    np.cumsum(values, dtype=np.float64, out=cumulated[1:])
    return np.asarray(cumulated[start[1:]] - cumulated[start[:-1]])


def _parts(words: NDArray[np.int32], size: int) -> Iterator[NDArray[np.int32]]:
    return (words[i : i + size] for i in range(0, len(words), size))

"""Passes of collapsed inference that keep nothing of the documents: a start in little memory.

Groups of documents go through in turn, each as if it had never been seen: the table of prior and
expected counts forgets a share of what it holds and takes in the group's counts. That is the
stochastic step of Foulds, Boyles, DuBois, Smyth and Welling (2013) at a constant rate, the first
pass excepted, in which nothing is forgotten: topics form from few documents at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vivace.engine import CsrSource, Executor, RowTable
from vivace.engine.aligned import Room
from vivace.models.collapsed_table import CollapsedTable, Visited
from vivace.models.cvb0 import FIRST_ENTRIES, batch_edges
from vivace.models.documents import row_sums
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import Topics, column_sums, parts_of

# Sweeps over a document at each visit. Three take 1.5 times as long as two and get as far in two
# thirds of the passes.
SWEEPS = 3

# Entries of a group for each word of the vocabulary, and the fewest groups: forgetting is to be
# gradual. Those whose responsibilities are in memory at a time: in half precision they take a
# quarter of the table's.
ENTRIES_PER_WORD, FEWEST_GROUPS, VISITED_PER_WORD = 2, 32, 0.5

# Share of the table that is forgotten, in shares of the corpus that the group is. Twice: the table
# speaks for the last half corpus, and topics move on sooner than with all of it.
RATE = 2.0

# The most that is forgotten at once, where a document is a large part of the corpus.
MOST_FORGOTTEN = 0.5


def fade(
    model: LatentDirichletModel,
    source: CsrSource,
    topics: Topics,
    executor: Executor,
    passes: int,
    chosen: NDArray[np.int64] | None = None,
    tokens: NDArray[np.float64] | None = None,
    n_tokens: float | None = None,
    keep: float = 1.0,
    spent: bool = False,
) -> tuple[Topics, float]:
    """Topics after some passes.

    Memory: a table of V x K, a quarter of one and some MB, beside `topics` unless they are `spent`.

    Parameters
    ----------
    model : LatentDirichletModel
        Its seed decides on the order of documents.
    source : CsrSource
        The documents.
    topics : Topics
        Where the passes start.
    executor : Executor
        Its threads share the work; the bits do not depend on their number.
    passes : int
        Number of passes.
    chosen : array of int64, optional
        Documents that are gone over, all if left out.
    tokens : array of float64, optional
        Tokens of each document without its weight, where they are known.
    n_tokens : float, optional
        Tokens that the counts of the result add up to; those of the documents if left out.
    keep : float, default=1.0
        Share of the counts of `topics` that the passes start with.
    spent : bool, default=False
        Nobody reads `topics` again.

    Returns
    -------
    topics : Topics
    likelihood : float
        Mean log likelihood of a token in the last pass.
    """
    table = CollapsedTable.of(topics, executor, spent)
    del topics  # as large as the table
    whole, likelihood = fade_table(
        model, source, table, executor, passes, chosen=chosen, tokens=tokens, keep=keep
    )
    counts = table.counts(whole if n_tokens is None else n_tokens, executor)
    totals = table.prior.totals + column_sums(counts, executor)
    return Topics(RowTable(len(counts), counts), table.prior, table.alpha, totals), likelihood


def fade_table(
    model: LatentDirichletModel,
    source: CsrSource,
    table: CollapsedTable,
    executor: Executor,
    passes: int,
    *,
    chosen: NDArray[np.int64] | None = None,
    tokens: NDArray[np.float64] | None = None,
    keep: float = 1.0,
) -> tuple[float, float]:
    """Move a table on, in place; parameters are those of `fade`.

    Returns
    -------
    tokens : float
        Weighted number of tokens that were gone over.
    likelihood : float
        Mean log likelihood of a token in the last pass.
    """
    block = source.read(0, source.n_rows)
    rows, weights = block.data, block.weights
    sizes = np.diff(rows.start)
    if tokens is None:
        tokens = row_sums(rows.start, rows.values)
    if weights is not None:
        tokens = tokens * weights
    chosen = np.arange(source.n_rows) if chosen is None else chosen
    whole = float(tokens[chosen].sum())
    prior, (n_words, n_topics) = table.prior, table.prior.shape
    entry_bytes = table.values.shape[1] * table.values.itemsize
    most = min(ENTRIES_PER_WORD * n_words, int(sizes[chosen].sum()) // FEWEST_GROUPS)
    rng = np.random.default_rng(model.seed)
    likelihood, room = 0.0, Room()

    def forget(keep: float) -> None:
        kept, new = table.values.dtype.type(keep), table.values.dtype.type(1.0 - keep)

        def work(part: slice) -> None:
            table.values[part] *= kept
            table.values[part, :n_topics] += new * prior.of(part)

        executor.map(work, parts_of(n_words))
        table.sums = keep * table.sums + (1.0 - keep) * prior.totals

    if keep < 1.0:
        forget(keep)
    for i in range(passes):
        order = rng.permutation(chosen)
        ends = np.cumsum(sizes[order])
        first, likelihood = 0, 0.0
        while first < len(order):
            done = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + most, side="right")))
            group = order[first:last]
            if i:
                share = RATE * float(tokens[group].sum()) / max(whole, 1e-300)
                forget(1.0 - min(share, MOST_FORGOTTEN))
            begun = FIRST_ENTRIES if i == 0 and first == 0 else most
            edges = batch_edges(sizes[group], None, entry_bytes, begun)
            found = []
            for run in _runs(edges, ends[first:last] - done, VISITED_PER_WORD * n_words):
                documents = group[run[0] : run[-1]]
                visited = Visited(model, block, documents, run - run[0], room=room)
                table.visit(visited, SWEEPS, True, executor)
                found.append(visited.likelihood)
                del visited
            likelihood += float(np.concatenate(found).sum())
            first = last
        # Rounding of sums and of the table: they must not drift apart.
        table.sums = column_sums(table.values, executor)[:n_topics]
    return whole, likelihood / whole if whole > 0.0 else 0.0


def _runs(
    edges: NDArray[np.int64], ends: NDArray[np.int64], most: float
) -> Iterator[NDArray[np.int64]]:
    """Cut batches at `edges` into runs of at most so many entries, or of one batch.

    `ends` says where the entries of each document end.
    """
    first, last = 0, len(edges) - 1
    entries = np.concatenate([[0], ends])[edges]
    while first < last:
        stop = int(np.searchsorted(entries, entries[first] + most, side="right")) - 1
        stop = max(stop, first + 1)
        yield edges[first : stop + 1]
        first = stop

"""A batch of documents group by group: documents, then words, with nobody waiting in between.

While the last documents of a group are under way, those of the next one begin, and the words of a
group are summed in the midst of the documents of the next, so that no more than two groups are in
memory. Groups follow each other in the sums of words: the same bits for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block, Executor, RowTable
from vivace.engine.aligned import Room
from vivace.models.documents import (
    Group,
    Table,
    WordIndex,
    add_word_sums,
    index_room,
    make_group,
    mark_words,
    word_index,
    word_parts,
)
from vivace.models.topics import Topics

#: Blocks whose documents are done together before their words are summed: enough for several
#: threads, few enough that the documents' weights are still in cache. Twice as many take no less
#: time, and twice the memory.
GROUP_BLOCKS = 8

Read = Callable[[int, int], Block]
Blocks = Sequence[tuple[int, int]]

#: Fits one block, rows `at` of a group, and returns what is kept of it.
Work = Callable[[Group, tuple[int, int], slice], Any]


def groups_of(blocks: Blocks) -> list[Blocks]:
    """Cut the blocks of a batch into groups."""
    return [blocks[i : i + GROUP_BLOCKS] for i in range(0, len(blocks), GROUP_BLOCKS)]


class GroupedBatch:
    """The documents of a batch, in groups.

    Parameters
    ----------
    read : callable
        Makes a block of rows `start` to `stop`.
    blocks : sequence of (start, stop)
        Of the batch.
    n_words : int
        V.
    """

    def __init__(self, read: Read, blocks: Blocks, n_words: int) -> None:
        self.groups = groups_of(blocks)
        # Where words occur is sorted out anew each time: to keep it would take as much memory as
        # the documents do.
        self._indices: dict[int, WordIndex] = {}
        self._read = read
        self._n_words = n_words
        self._read_ahead: dict[int, Block] = {}
        self._open: dict[int, Group] = {}
        # Of no more than two groups something is known at a time.
        self._rooms = Room(), Room()

    def words(self, executor: Executor) -> NDArray[np.int32]:
        """Return the words that occur, rising."""
        # One array for all: the words of hundreds of groups are more than a table of topics.
        seen = np.zeros(self._n_words, dtype=bool)

        def look(g: int) -> None:
            mark_words(self._rows(g).data.columns, seen)

        executor.map(look, range(len(self.groups)))
        return np.flatnonzero(seen).astype(np.int32)

    def run(
        self,
        work: Work,
        topics: Topics,
        table: Table,
        counts: RowTable | None,
        executor: Executor,
    ) -> list[Any]:
        """Fit all documents and add their words to `counts`; return what `work` did, in order.

        The words of a single group may take the place of their rows in `table` instead.
        """
        found = executor.map_stages(_call, self._stages(work, topics, table, counts))
        return [one for one in found if one is not None]

    def _stages(
        self, work: Work, topics: Topics, table: Table, counts: RowTable | None
    ) -> Iterator[Iterator[Callable[[], Any]]]:
        # A stage begins when all but the one before it have ended: the words of a group when its
        # documents and the words of the group before have, the first documents of a group when
        # they are read and the words of the group before the last are done.
        for g in range(-1, len(self.groups) + 1):
            yield self._begin(g, work, topics)
            yield self._words(g - 1, topics, table, counts)
            yield self._documents(g, work, later=True)

    def _begin(self, g: int, work: Work, topics: Topics) -> Iterator[Callable[[], Any]]:
        if g + 1 < len(self.groups):
            yield partial(self._prepare, g + 1)
        if 0 <= g < len(self.groups):
            # Made here: memory that threads get for themselves goes back to the system again and
            # again.
            room = self._rooms[g % 2]
            group = self._open[g] = make_group(self._read_ahead.pop(g), topics, room=room)
            index_room(room, len(group.weights))
            yield partial(self._index, g)
            yield from self._documents(g, work, later=False)

    def _documents(self, g: int, work: Work, later: bool) -> Iterator[Callable[[], Any]]:
        if not 0 <= g < len(self.groups):
            return
        group, blocks = self._open[g], self.groups[g]
        half, first = (len(blocks) + 1) // 2, blocks[0][0]
        for start, stop in blocks[half:] if later else blocks[:half]:
            yield partial(work, group, (start, stop), slice(start - first, stop - first))

    def _words(
        self, g: int, topics: Topics, table: Table, counts: RowTable | None
    ) -> Iterator[Callable[[], Any]]:
        if g < 0:
            return
        group, index = self._open.pop(g), self._indices.pop(g)
        for part in word_parts(index):
            yield partial(add_word_sums, group, index, part, topics, table, counts)

    def _prepare(self, g: int) -> None:
        self._read_ahead[g] = self._rows(g)

    def _index(self, g: int) -> None:
        self._indices[g] = word_index(self._open[g].rows, self._rooms[g % 2])

    def _rows(self, g: int) -> Block:
        return self._read(self.groups[g][0][0], self.groups[g][-1][1])


def _call(task: Callable[[], Any]) -> Any:
    return task()

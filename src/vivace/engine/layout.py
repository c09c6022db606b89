"""How rows are cut into batches and blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Batch(NamedTuple):
    """A run of rows: the unit of a stochastic or memoized step."""

    id: int
    start: int
    stop: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.stop - self.start


@dataclass(frozen=True)
class Layout:
    """Batches of a data set, and the blocks of a batch. Depends on shapes alone.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    batch_rows : int or None
        Largest number of rows in a batch; None makes one batch of all rows. Batches are as
        even as can be (their sizes differ by at most one row), so that no small last batch
        gets the say of a whole one in a stochastic step.
    block_rows : int
        Number of rows in a block; the last block of a batch may be shorter.
    """

    n_rows: int
    batch_rows: int | None
    block_rows: int

    def __post_init__(self) -> None:
        for name in ("n_rows", "batch_rows", "block_rows"):
            value = getattr(self, name)
            if not (name == "batch_rows" and value is None) and value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")

    @cached_property
    def batches(self) -> list[Batch]:
        """All batches, in the order of their rows; ids count from 0."""
        count = 1 if self.batch_rows is None else -(-self.n_rows // self.batch_rows)
        edges = [i * self.n_rows // count for i in range(count + 1)]
        return [Batch(i, edges[i], edges[i + 1]) for i in range(count)]

    def blocks(self, batch: Batch) -> list[tuple[int, int]]:
        """Return (start, stop) of each block of `batch`, in order."""
        return [
            (start, min(start + self.block_rows, batch.stop))
            for start in range(batch.start, batch.stop, self.block_rows)
        ]

"""Local state of batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

_stamps = count(1)


class LocalStore:
    """What a model keeps for rows between passes: one state a block, keyed by batch id.

    A local step is given the committed state and returns a new one; the schedule commits the
    new one only when it accepts the step (a rejected trial leaves no trace here).
    """

    def __init__(self) -> None:
        self._states: dict[int, list[Any]] = {}
        self._stamps: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, batch_id: object) -> bool:
        return batch_id in self._states

    def get(self, batch_id: int) -> list[Any] | None:
        """Return the states of the batch's blocks, None if nothing was committed for it."""
        return self._states.get(batch_id)

    def commit(self, states: Mapping[int, list[Any]]) -> None:
        """Replace the states of the batches in `states` (batch id to one state a block)."""
        # Models without local state return None for every block: nothing to keep.
        kept = {
            batch_id: blocks
            for batch_id, blocks in states.items()
            if any(state is not None for state in blocks)
        }
        self._states.update(kept)
        self._stamps.update((batch_id, next(_stamps)) for batch_id in kept)

    def items(self) -> Iterable[tuple[int, list[Any]]]:
        """Batch ids and the states of their blocks."""
        return self._states.items()

    def stamp(self, batch_id: int) -> int:
        """Return a number that is another one after each `commit` for the batch."""
        return self._stamps[batch_id]

    def clear(self) -> None:
        """Forget everything."""
        self._states.clear()
        self._stamps.clear()

"""Means of the counts of recent passes of sampling, as they are kept from pass to pass."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vivace.engine.aligned import ThreadRoom, aligned, mapped
from vivace.models.document_state import DocumentParameters

Array = NDArray[Any]


class Means(Protocol):
    """Rows of the means, part by part of the words; several threads may be at different parts."""

    def rows(self, part: slice) -> tuple[Array, Array]:
        """Return the means of some words, (words, K), and where the next ones go."""

    def keep(self, part: slice, rows: Array) -> None:
        """Take over the next means of these words, the array that `rows` gave."""

    def end_pass(self) -> None:
        """The next means are those of all words."""


class PostedMeans:
    """Two tables in turn: a posterior that the caller was given lives until the next pass is done.

    Parameters
    ----------
    shape : (V, K)
    dtype : numpy dtype
    """

    def __init__(self, shape: tuple[int, int], dtype: DTypeLike) -> None:
        self.values = aligned(shape, dtype, make=np.zeros)
        self._spare = aligned(shape, dtype)

    def rows(self, part: slice) -> tuple[Array, Array]:
        """Return those of both tables."""
        return self.values[part], self._spare[part]

    def keep(self, part: slice, rows: Array) -> None:
        """Nothing: they are where they belong."""

    def end_pass(self) -> None:
        """The tables change places."""
        self.values, self._spare = self._spare, self.values


class PackedMeans:
    """Means without their zeros, changed in place: nobody sees them before the last pass.

    Four of five are zeros on package descriptions with 100 topics, half of them with 20.

    Parameters
    ----------
    shape : (V, K)
    dtype : numpy dtype
    """

    def __init__(self, shape: tuple[int, int], dtype: DTypeLike) -> None:
        self._shape = shape
        self._zeros = np.zeros(shape[1], dtype)
        self._kept: dict[int, DocumentParameters] = {}
        self._room = ThreadRoom()

    def rows(self, part: slice) -> tuple[Array, Array]:
        """Return the thread's room twice."""
        kept, room = self._kept.get(part.start), self._room
        if kept is None:
            size = part.stop - part.start
            rows = room.take("parameters", (size, self._shape[1]), self._zeros.dtype)
            rows[...] = 0.0
        else:
            rows = kept.load(room)
        return rows, rows

    def keep(self, part: slice, rows: Array) -> None:
        """Pack them again."""
        new = DocumentParameters.of(rows, self._zeros, self._room)
        kept = mapped(new.kept.shape, self._zeros.dtype)
        kept[...] = new.kept
        self._kept[part.start] = DocumentParameters(self._zeros, new.bits, kept)

    def end_pass(self) -> None:
        """Nothing: parts were replaced one by one."""

    def take(self) -> Array:
        """Return all means as a table, (V, K); nothing is left here."""
        values, self._room = aligned(self._shape, self._zeros.dtype), ThreadRoom()
        for start in list(self._kept):
            kept = self._kept.pop(start)
            rows = kept.load(self._room)
            values[start : start + len(rows)] = rows
        return values

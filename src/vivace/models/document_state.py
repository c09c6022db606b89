"""What is kept of documents between passes: their parameters, without what the prior says.

A document takes to few topics; of all others its parameter is that of the prior, to the last bit.
Package descriptions keep 4 of 100.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine.aligned import CACHE_LINE, Room
from vivace.engine.storage import loaded
from vivace.io.spool import Shelf, Shelved

Array = NDArray[Any]


class DocumentParameters:
    """Parameters of some documents, packed without loss.

    Attributes
    ----------
    shape : (n, K)
        Of the parameters.
    common : (K,)
        The prior that they were made with.
    bits : (n, K / 64 rounded up) of uint64, or the same on a shelf
        Which ones differ from it.
    kept : (how many,), or the same on a shelf
        Those.
    """

    __slots__ = ("bits", "common", "kept", "shape")

    def __init__(self, common: Array, bits: Array | Shelved, kept: Array | Shelved) -> None:
        self.shape = bits.shape[0], len(common)
        self.common, self.bits, self.kept = common, bits, kept

    @classmethod
    def of(
        cls, gamma: Array, common: Array, room: Room, shelf: Shelf | None = None
    ) -> DocumentParameters:
        """Pack parameters (n, K); they are copied."""
        n_rows, n_topics = gamma.shape
        bits = np.empty((n_rows, -(-n_topics // 64)), np.uint64)
        spare = room.take("packed", (gamma.size + CACHE_LINE // gamma.itemsize,), gamma.dtype)
        kept = spare[: _core.pack_rows(gamma, common, bits, spare)]
        if shelf is None:
            return cls(common, bits, kept.copy())
        return cls(common, shelf.put(bits), shelf.put(kept.copy(), gamma.nbytes))

    def load(self, room: Room | None = None) -> Array:
        """Return the parameters, (n, K); the array is one of `room`."""
        room = Room() if room is None else room
        out: Array = room.take("parameters", self.shape, self.common.dtype)
        _core.unpack_rows(out, self.common, loaded(self.bits), loaded(self.kept))
        return out

    def pack(self) -> tuple[Array, Array]:
        """Return bits and values."""
        return loaded(self.bits), loaded(self.kept)

    @property
    def nbytes(self) -> int:
        """Bytes of bits and values, wherever they are."""
        return sum(math.prod(one.shape) * one.dtype.itemsize for one in (self.bits, self.kept))


class DocumentState(NamedTuple):
    """What is kept for a block between passes.

    Attributes
    ----------
    parameters : DocumentParameters or None
        The documents' parameters, to start from next time.
    passes : int
        Number of passes made.
    """

    parameters: DocumentParameters | None
    passes: int

    def loaded(self, room: Room | None = None) -> Array | None:
        """Return the parameters, (n, K), as an array of `room`."""
        return None if self.parameters is None else self.parameters.load(room)

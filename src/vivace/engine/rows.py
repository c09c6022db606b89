"""A table that adds, of which a step touches a few rows: the lazy field of `Statistics`."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vivace import _core
from vivace.engine.aligned import aligned
from vivace.engine.packed_sum import PackedSum
from vivace.engine.storage import Packed, Storage

if TYPE_CHECKING:
    from vivace.engine.executor import Executor
    from vivace.io.spool import Shelf

Table = npt.NDArray[Any]
Rows = npt.NDArray[np.int32]

# Below this the factor that waits is applied to the whole table: far from where float32 overflows,
# and seldom (a hundred stochastic steps or more).
LEAST_SCALE = 2.0**-40

# Rows that are copied to their places at a time.
COPIED = 1024

_versions = count(1)


class _Change(NamedTuple):
    """Arguments of the kernel that makes the next version."""

    keep: float
    rows: Rows | None
    add: Table
    factor: float
    subtract: Table | None
    factor_old: float
    clip: bool


class RowTable:
    """Rows of a table of ``n_rows``: ``scale * values`` in the rows `rows`, zero elsewhere.

    `successor` gives the table that a step leads to at the cost of the rows that it touches: both
    share one array, and the change waits until somebody reads the new table. So a step that is not
    committed has done nothing, and one that is needs no copy. A table must not be read after a
    successor of it was; doing so is an error.

    Parameters
    ----------
    n_rows : int
        Rows of the whole table.
    values : array (R, K) of float32 or float64, or PackedSum
        Not copied; belongs to the table from then on.
    rows : array (R,) of int32, optional
        Which rows they are, rising; all if left out.
    scale : float
        Factor on all values.
    """

    __slots__ = ("_before", "_change", "_storage", "_version", "n_rows", "rows", "scale")

    def __init__(
        self, n_rows: int, values: Table | PackedSum, rows: Rows | None = None, scale: float = 1.0
    ) -> None:
        expected = n_rows if rows is None else len(rows)
        if len(values.shape) != 2 or values.shape[0] != expected:
            raise ValueError(
                f"RowTable: values must have shape ({expected}, any), got {values.shape}"
            )
        self.n_rows = int(n_rows)
        self.rows = rows
        self.scale = float(scale)
        self._storage: Storage | Packed | PackedSum = (
            values if isinstance(values, PackedSum) else Storage(values)
        )
        self._version = self._before = 0
        self._change: _Change | None = None

    def __repr__(self) -> str:
        return f"RowTable{self.shape}"

    # -- reading ---------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the whole table."""
        return self.n_rows, int(self._storage.like.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._storage.like.dtype

    @property
    def share_of_rows(self) -> float:
        """Share of the rows that are in the table: 1 of a whole one."""
        return 1.0 if self.rows is None else len(self.rows) / max(1, self.n_rows)

    @property
    def nbytes(self) -> int:
        """Bytes that the values take."""
        like = self._storage.like
        return math.prod(like.shape) * like.dtype.itemsize

    @property
    def waiting(self) -> bool:
        """Whether a change has not been made yet."""
        return self._change is not None

    @property
    def n_changed(self) -> int:
        """Rows in which the table may differ from its predecessor; all without one."""
        change = self._change
        return self.n_rows if change is None or change.rows is None else len(change.rows)

    @property
    def values(self) -> Table:
        """The values without `scale`, one row for each of `rows`; not to be written to.

        Raises
        ------
        RuntimeError
            A successor was read: this table is gone.
        """
        storage = self._storage
        if self._change is not None:
            values, held, before = storage.values, storage.version, self._before
            _core.row_update(values, held, before, self._version, *self._change)
            self._change = None
        if storage.version[0] != self._version:
            raise RuntimeError(
                "RowTable: a later step of the same fit took this table over; copy a state that "
                "is to outlive the step"
            )
        if self._packed is not None:
            self._storage = storage = Storage(storage.values, storage.shared)
        return storage.values

    @property
    def unpacked(self) -> Table:
        """The values for the moment: what is packed stays so."""
        packed = self._packed
        return self.values if packed is None else packed.values

    @property
    def kernel(self) -> Table | _core.PackedTable:
        """What kernels are given that read single rows: the values, as they are held."""
        packed = self._packed
        return self.values if packed is None else packed.kernel

    def dense(self) -> Table:
        """Return the whole table as an array of its own."""
        values = self.values
        if self.rows is None:
            out = aligned(values.shape, values.dtype)
            return np.asarray(np.multiply(values, values.dtype.type(self.scale), out=out))
        out = _zeros(self.shape, values.dtype)
        for i in range(0, len(values), COPIED):
            part = slice(i, i + COPIED)
            out[self.rows[part]] = values[part] * values.dtype.type(self.scale)
        return out

    # -- new tables ------------------------------------------------------------------------

    def copy(self) -> RowTable:
        """Return an independent copy."""
        values = aligned(self.values.shape, self.dtype)
        values[...] = self.values
        return RowTable(self.n_rows, values, self.rows, self.scale)

    def zeros_like(self, packed: bool = False) -> RowTable:
        """Return a table of the same shape, all zero; a packed one stays so as tables are added."""
        make = PackedSum if packed else _zeros
        return RowTable(self.n_rows, make(self.shape, self.dtype))

    def take(self, columns: npt.NDArray[np.intp]) -> RowTable:
        """Return a table of these columns."""
        return RowTable(self.n_rows, np.take(self.values, columns, axis=1), self.rows, self.scale)

    def successor(
        self,
        keep: float,
        add: RowTable,
        factor: float,
        subtract: RowTable | None = None,
        *,
        clip: bool = False,
    ) -> RowTable:
        """Return ``keep * self + factor * add - subtract``, for the cost of the rows of `add`.

        Parameters
        ----------
        clip : bool
            Values that rounding took below zero become zero, in the rows of `add`.
        """
        if self.rows is not None:
            return self._whole().successor(keep, add, factor, subtract, clip=clip)
        if subtract is not None and not _same_rows(add.rows, subtract.rows):
            return self.copy().scale_(keep).add_(subtract, -1.0).add_(add, factor)
        values = self.values
        base = self.copy() if self._storage.shared else self
        scale, whole = keep * self.scale, 1.0
        if not scale >= LEAST_SCALE:
            scale, whole = 1.0, scale
        new = object.__new__(RowTable)
        new.n_rows, new.rows, new.scale = self.n_rows, None, scale
        new._storage, new._before, new._version = base._storage, base._version, next(_versions)
        new._change = _Change(
            whole,
            add.rows,
            add.values,
            factor * add.scale / scale,
            None if subtract is None else subtract.values,
            0.0 if subtract is None else subtract.scale / scale,
            clip,
        )
        assert values.dtype == add.dtype
        return new

    def put_away(self, shelf: Shelf) -> None:
        """Keep the values on a shelf from now on; the table must not be changed any more."""
        if isinstance(self._storage, Storage) or self._storage.in_memory:
            self._storage, self._version = Packed.shelved(self.values, shelf), 0

    def pack(self, executor: Executor | None = None) -> None:
        """Keep the values without their zeros until they are asked for, where that is far less."""
        if isinstance(self._storage, Storage):
            packed = Packed.within(self.values, self._storage.shared, executor)
            if packed is not None:
                self._storage, self._version = packed, 0

    def share(self) -> None:
        """Let the next successor copy: somebody else holds this table too."""
        self._storage.shared = True

    # -- in place --------------------------------------------------------------------------

    def scale_(self, factor: float) -> RowTable:
        """Multiply by `factor`, later."""
        if abs(factor * self.scale) < LEAST_SCALE:
            values = self.values
            values *= values.dtype.type(factor * self.scale)
            self.scale = 1.0
        else:
            self.scale *= factor
        return self

    def add_(self, other: RowTable, factor: float = 1.0) -> RowTable:
        """Add ``factor * other``, in the rows of `other`."""
        added = other.values
        if isinstance(self._storage, PackedSum):
            self._storage.add(other.rows, added, factor * other.scale / self.scale)
            return self
        values = self.values
        assert isinstance(self._storage, Storage)
        rows: Rows | None = other.rows
        if self.rows is not None:
            if _same_rows(self.rows, other.rows):
                rows = None
            else:
                whole = self._whole()
                self.rows, self.scale = None, whole.scale
                self._storage, self._version = whole._storage, 0
                values = whole.values
        share = factor * other.scale / self.scale
        held, new = self._storage.version, next(_versions)
        change = _Change(1.0, rows, added, share, None, 0.0, False)
        _core.row_update(values, held, self._version, new, *change)
        self._version = new
        return self

    # -- storage ---------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        # Copies of estimators come by here too: whichever goes on first must not change the other.
        values = self.values
        self.share()
        return {"n_rows": self.n_rows, "values": values, "rows": self.rows, "scale": self.scale}

    def __setstate__(self, state: dict[str, Any]) -> None:
        RowTable.__init__(self, **state)
        self.share()

    @property
    def _packed(self) -> Packed | PackedSum | None:
        """How the values are held where that is packed in memory."""
        storage = self._storage
        return None if isinstance(storage, Storage) or not storage.in_memory else storage

    def _whole(self) -> RowTable:
        return RowTable(self.n_rows, self.dense())


def _zeros(shape: tuple[int, int], dtype: np.dtype[Any]) -> Table:
    return aligned(shape, dtype, make=np.zeros)


def _same_rows(a: Rows | None, b: Rows | None) -> bool:
    if a is None or b is None:
        return a is b
    return a is b or np.array_equal(a, b)

"""The additive record of expected sufficient statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vivace.engine.rows import RowTable

if TYPE_CHECKING:
    from vivace.io.spool import Shelf

Array = npt.NDArray[np.float64]


class Statistics:
    """Named float64 arrays that add: what a local step returns and a global step reads.

    The engine combines records (sum, difference, blend, affine combination) and never looks
    at a field. The methods whose names end in an underscore change the record in place and
    return it; a record handed to the engine by a model belongs to the engine from then on.

    Parameters
    ----------
    arrays : mapping of str to array
        The fields, of any shape (``()`` for a plain number). Arrays that are float64 already
        are not copied.
    axes : mapping of str to int or None
        For each field the axis that runs over components, None for a field without one. All
        component axes have the same length.
    tables : mapping of str to RowTable, optional
        Fields that are too large to be touched whole at each step; components are their columns.
    """

    # __weakref__: a checkpoint asks whether a record is the one that it wrote.
    __slots__ = ("__weakref__", "_arrays", "_axes", "_tables")

    def __init__(
        self,
        arrays: Mapping[str, npt.ArrayLike],
        axes: Mapping[str, int | None],
        tables: Mapping[str, RowTable] | None = None,
    ) -> None:
        self._tables = dict(tables or {})
        self._arrays: dict[str, Array] = {
            name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()
        }
        self._axes: dict[str, int | None] = {name: axes.get(name) for name in self._arrays}
        _check_axes(self._arrays, axes)

    # -- reading ---------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def table(self, name: str) -> RowTable:
        """Return a field that is a table of rows."""
        return self._tables[name]

    @property
    def has_tables(self) -> bool:
        """Whether some field is a table of rows."""
        return bool(self._tables)

    @property
    def share_of_rows(self) -> float:
        """Share of the rows that tables hold; of several the largest."""
        return max((table.share_of_rows for table in self._tables.values()), default=0.0)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays or name in self._tables

    def __repr__(self) -> str:
        every: dict[str, Any] = {**self._arrays, **self._tables}
        fields = ", ".join(f"{name}{array.shape}" for name, array in every.items())
        return f"Statistics({fields})"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields, in the order they were given."""
        return (*self._arrays, *self._tables)

    @property
    def axes(self) -> dict[str, int | None]:
        """Component axis of each field (a copy)."""
        return dict(self._axes)

    @property
    def n_components(self) -> int | None:
        """Length of the component axes, None if no field has one."""
        for name, axis in self._axes.items():
            if axis is not None:
                return int(self._arrays[name].shape[axis])
        for table in self._tables.values():
            return table.shape[1]
        return None

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays hold."""
        arrays = sum(array.nbytes for array in self._arrays.values())
        return arrays + sum(table.nbytes for table in self._tables.values())

    # -- new records -----------------------------------------------------------------------

    def copy(self) -> Statistics:
        """Return an independent copy."""
        return self._like(
            {name: array.copy() for name, array in self._arrays.items()},
            {name: table.copy() for name, table in self._tables.items()},
        )

    def zeros_like(self, packed: bool = False) -> Statistics:
        """Return a record of the same shapes, all zero; tables of rows are packed if wanted."""
        return self._like(
            {name: np.zeros_like(array) for name, array in self._arrays.items()},
            {name: table.zeros_like(packed) for name, table in self._tables.items()},
        )

    def take(self, index: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Statistics:
        """Return a record with the components `index`, in that order.

        Fields without a component axis are copied.
        """
        chosen = np.asarray(index, dtype=np.intp)
        arrays = {}
        for name, array in self._arrays.items():
            axis = self._axes[name]
            arrays[name] = array.copy() if axis is None else np.take(array, chosen, axis=axis)
        return self._like(arrays, {name: t.take(chosen) for name, t in self._tables.items()})

    def blended(self, other: Statistics, rho: float, factor: float = 1.0) -> Statistics:
        """Return ``(1 - rho) * self + rho * factor * other``: `blend_` of a copy.

        Tables of rows cost what the rows of `other` cost, and the result takes them over: once it
        has been read this record is gone.
        """
        self.check_same_fields(other)
        arrays = self._like({name: array.copy() for name, array in self._arrays.items()}, {})
        arrays.blend_(other._like(other._arrays, {}), rho, factor)
        tables = {
            name: table.successor(1.0 - rho, other._tables[name], rho * factor)
            for name, table in self._tables.items()
        }
        return self._like(arrays._arrays, tables)

    def replaced(self, old: Statistics, new: Statistics) -> Statistics:
        """Return ``self - old + new`` with tables taken over as in `blended`.

        `old` must be part of this record: what rounding takes below zero in tables becomes zero.
        """
        self.check_same_fields(old)
        self.check_same_fields(new)
        ours, theirs = self._arrays, old._arrays
        arrays = {name: np.asarray(ours[name] - theirs[name] + new._arrays[name]) for name in ours}
        tables = {
            name: table.successor(1.0, new._tables[name], 1.0, old._tables[name], clip=True)
            for name, table in self._tables.items()
        }
        return self._like(arrays, tables)

    @staticmethod
    def combine(coefficients: Sequence[float], records: Sequence[Statistics]) -> Statistics:
        """Return ``sum_i coefficients[i] * records[i]``.

        Meant for affine combinations (coefficients that sum to 1), as an extrapolation makes
        them. The fields that are not linear in the responsibilities (entropy) have no meaning
        in the result.
        """
        if not records or len(coefficients) != len(records):
            raise ValueError(
                "Statistics.combine: coefficients and records must have the same length, at "
                f"least 1; got {len(coefficients)} and {len(records)}"
            )
        total = records[0].copy().scale_(coefficients[0])
        for coefficient, record in zip(coefficients[1:], records[1:], strict=True):
            total.check_same_fields(record)
            for name, array in total._arrays.items():
                array += coefficient * record._arrays[name]
            for name, table in total._tables.items():
                table.add_(record._tables[name], coefficient)
        return total

    # -- in place --------------------------------------------------------------------------

    def add_(self, other: Statistics) -> Statistics:
        """Add `other` to this record."""
        self.check_same_fields(other)
        for name, array in self._arrays.items():
            array += other._arrays[name]
        for name, table in self._tables.items():
            table.add_(other._tables[name])
        return self

    def subtract_(self, other: Statistics) -> Statistics:
        """Subtract `other` from this record."""
        self.check_same_fields(other)
        for name, array in self._arrays.items():
            array -= other._arrays[name]
        for name, table in self._tables.items():
            table.add_(other._tables[name], -1.0)
        return self

    def scale_(self, factor: float) -> Statistics:
        """Multiply every field by `factor`."""
        for array in self._arrays.values():
            array *= factor
        for table in self._tables.values():
            table.scale_(factor)
        return self

    def blend_(self, other: Statistics, rho: float, factor: float = 1.0) -> Statistics:
        """Replace the record by ``(1 - rho) * self + rho * factor * other``."""
        self.check_same_fields(other)
        for name, array in self._arrays.items():
            array *= 1.0 - rho
            array += (rho * factor) * other._arrays[name]
        for name, table in self._tables.items():
            table.scale_(1.0 - rho).add_(other._tables[name], rho * factor)
        return self

    # -- storage ---------------------------------------------------------------------------

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{"arrays": {name: array}, "axes": {name: axis}}``; the arrays are shared.

        Tables of rows, where there are any, come as ``"tables": {name: RowTable}``.
        """
        record: dict[str, dict[str, Any]] = {"arrays": dict(self._arrays), "axes": dict(self._axes)}
        return record | ({"tables": dict(self._tables)} if self._tables else {})

    @classmethod
    def from_dict(cls, record: Mapping[str, Mapping[str, Any]]) -> Statistics:
        """Make a record from what `to_dict` returned."""
        return cls(record["arrays"], record["axes"], record.get("tables"))

    def put_away(self, shelf: Shelf) -> Statistics:
        """Keep tables of rows on a shelf; the record must not be changed any more."""
        for table in self._tables.values():
            table.put_away(shelf)
        return self

    # -- inside ----------------------------------------------------------------------------

    def _like(self, arrays: dict[str, Array], tables: dict[str, RowTable]) -> Statistics:
        """Make a record with these arrays and our axes, without checking again."""
        record = object.__new__(Statistics)
        record._arrays = arrays
        record._tables = tables
        record._axes = self._axes
        return record

    def check_same_fields(self, other: Statistics) -> None:
        """Refuse a record with other fields.

        Raises
        ------
        ValueError
            Names or shapes differ.
        """
        ours, theirs = self._arrays, other._arrays
        # NumPy would broadcast a field of another shape without a word.
        if (
            ours.keys() != theirs.keys()
            or any(array.shape != theirs[name].shape for name, array in ours.items())
            or self._tables.keys() != other._tables.keys()
            or any(t.shape != other._tables[name].shape for name, t in self._tables.items())
        ):
            raise ValueError(
                f"Statistics: both records must have the same fields; got {self!r} and "
                f"{other!r}. They come from different models or settings."
            )


def _check_axes(arrays: Mapping[str, Array], axes: Mapping[str, int | None]) -> None:
    unknown = _names(axes.keys() - arrays.keys())
    missing = _names(arrays.keys() - axes.keys())
    if unknown or missing:
        raise ValueError(
            "Statistics: axes must name the component axis (or None) of every field; "
            f"missing: {missing or 'none'}; not a field: {unknown or 'none'}"
        )
    lengths = {}
    for name, axis in axes.items():
        if axis is None:
            continue
        shape = arrays[name].shape
        if not 0 <= axis < len(shape):
            raise ValueError(
                f"Statistics: the component axis of {name!r} must be from 0 to its number of "
                f"dimensions minus 1; got axis {axis} for shape {shape}"
            )
        lengths[name] = shape[axis]
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Statistics: all component axes must have the same length; got {lengths}")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))

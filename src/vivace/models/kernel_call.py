"""One block through the mixture kernel, pattern by pattern where columns have gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.families.base import Array
from vivace.models.parts.base import padded
from vivace.models.parts.gaps import GapTables, Runs
from vivace.models.parts.levels import LevelColumns

#: Fields of the statistics of each correlated part, by its place.
Completed = dict[int, dict[str, Array]]


class Group(NamedTuple):
    """Where a correlated part stands among the kernel's columns and features.

    Groups are side by side: the kernel makes the products of all their columns, and those of
    columns of two groups have no part in scores.

    Attributes
    ----------
    place : int
        Of the part in the table.
    columns : slice
    quadratic : slice or array of int
        Places of its products z_i z_j (i <= j, row by row) among the features.
    """

    place: int
    columns: slice
    quadratic: slice | NDArray[np.intp]

    def put(self, eta: Array, own: Array) -> None:
        """Write natural parameters (K, F of the part), its constants added to the others'."""
        start, stop = self.columns.start, self.columns.stop
        eta[:, 0] += own[:, 0]
        eta[:, 1 + start : 1 + stop] = own[:, 1 : 1 + stop - start]
        eta[:, self.quadratic] = own[:, 1 + stop - start :]

    def take(self, suff: Array) -> Array:
        """Counts, sums and products of the part, (K, F of the part)."""
        linear = suff[:, 1 + self.columns.start : 1 + self.columns.stop]
        return np.concatenate([suff[:, :1], linear, suff[:, self.quadratic]], axis=1)


class KernelShape(NamedTuple):
    """Coordinates of the kernel's columns, and the correlated groups among them.

    Attributes
    ----------
    centre, inv_scale : (columns,)
    kind : str
    quadratic : int
        The first columns, of all groups, have quadratic features.
    groups : tuple of Group
    """

    centre: Array
    inv_scale: Array
    kind: Any
    quadratic: int
    groups: tuple[Group, ...]


class LostColumns(NamedTuple):
    """Columns of features that are NaN for gaps: one argument of `_core.mixture_step`.

    Attributes
    ----------
    columns : (G,) of int32
    table : (G, padded K) or None
        What a gap adds to the scores.
    sums : (G, padded K) or None
        Where weighted responsibilities of rows with the gap are added up.
    """

    columns: NDArray[np.int32]
    table: Array | None
    sums: Array | None


class KernelCall:
    """The columns and scores of a block, ready for the kernel.

    Parameters
    ----------
    shape : KernelShape
    features : (n, columns)
    added : (n, padded K) or None
        Scores of parts that meet the rows.
    runs : Runs or None
        The rows pattern by pattern; None where nothing may be missing.
    tables : sequence of GapTables
        One a group, where there are runs.
    n_components : int
    levels : LevelColumns or None
        Columns of levels; `soft` adds to their sums.
    lost : LostColumns or None
        Columns of features with gaps; `soft` and `given` add to their sums.

    Attributes
    ----------
    added : (n, padded K) or None
        As given.
    weighted : (n, padded K) or None
        After `soft`, responsibilities times weights, where `added` was given.
    """

    def __init__(
        self,
        shape: KernelShape,
        features: NDArray[Any],
        added: Array | None,
        runs: Runs | None,
        tables: Sequence[GapTables],
        n_components: int,
        levels: LevelColumns | None = None,
        lost: LostColumns | None = None,
    ) -> None:
        self._shape = shape
        self._levels = levels
        self._lost = lost
        self._features = features
        self.added = added
        self._runs = runs
        self._tables = tables
        self._k = n_components
        q = shape.quadratic
        squares = {"linear": 0, "diag": q, "full": q * (q + 1) // 2}
        self._width = 1 + len(shape.centre) + squares[shape.kind]
        self.weighted: Array | None = None

    def soft(self, eta: Array, weights: Array | None) -> tuple[Array, Array, Completed]:
        """Statistics (K, F), entropies (K,), and the completed fields of groups with gaps."""
        if self.added is not None:
            self.weighted = np.empty((len(self._features), padded(self._k)))
        if self._runs is None:
            suff, entropy = np.empty((self._k, self._width)), np.empty(self._k)
            self._step(self._features, weights, eta, "soft", suff, entropy, added=self.added,
                       weighted=self.weighted, levels=self._levels)  # fmt: skip
            return suff, entropy, {}
        total, entropies, completed = self._nothing()
        for there, rows, x in self._patterns():
            suff, entropy = np.empty_like(total), np.empty(self._k)
            some = None if self.weighted is None else np.empty((len(rows), padded(self._k)))
            added = None if self.added is None else self.added[rows]
            own = None if weights is None else weights[rows]
            self._step(x, own, self._with(eta, there), "soft", suff, entropy,
                       added=added, weighted=some, levels=self._some_levels(rows))  # fmt: skip
            if self.weighted is not None and some is not None:
                self.weighted[rows] = some
            total += suff
            entropies += entropy
            self._complete(there, suff, completed)
        return total, entropies, completed

    def given(self, resp: Array, weights: Array | None) -> tuple[Array, Array, Completed]:
        """The same for given responsibilities (n, K)."""
        if self._lost is not None and self._lost.sums is not None:
            gone = np.isnan(self._features[:, self._lost.columns]).astype(np.float64)
            weighted = resp if weights is None else resp * weights[:, None]
            self._lost.sums[:, : self._k] += gone.T @ weighted
        if self._runs is None:
            suff, entropy = np.empty((self._k, self._width)), np.empty(self._k)
            self._step(self._features, weights, None, "given", suff, entropy, resp=resp)
            return suff, entropy, {}
        total, entropies, completed = self._nothing()
        for there, rows, x in self._patterns():
            suff, entropy = np.empty_like(total), np.empty(self._k)
            own = None if weights is None else weights[rows]
            self._step(x, own, None, "given", suff, entropy,
                       resp=np.ascontiguousarray(resp[rows]))  # fmt: skip
            total += suff
            entropies += entropy
            self._complete(there, suff, completed)
        return total, entropies, completed

    def score(self, eta: Array, outputs: dict[str, Any]) -> None:
        """Fill `resp`, `labels` and `lse` where they are among the outputs."""
        if self._runs is None:
            self._step(self._features, None, eta, "score", None, None,
                       added=self.added, levels=self._levels, **outputs)  # fmt: skip
            return
        for there, rows, x in self._patterns():
            some = {name: np.empty_like(out[: len(rows)]) for name, out in outputs.items()}
            added = None if self.added is None else self.added[rows]
            self._step(x, None, self._with(eta, there), "score", None, None,
                       added=added, levels=self._some_levels(rows), **some)  # fmt: skip
            for name, out in outputs.items():
                out[rows] = some[name]

    # -- inside -------------------------------------------------------------------------------

    def _step(
        self,
        x: NDArray[Any],
        weights: Array | None,
        eta: Array | None,
        mode: Any,
        suff: Array | None,
        entropy: Array | None,
        **others: Any,
    ) -> None:
        shape = self._shape
        _core.mixture_step(
            x,
            weights,
            shape.centre,
            shape.inv_scale,
            eta,
            shape.kind,
            shape.kind,
            mode,
            False,
            suff,
            entropy,
            quadratic=shape.quadratic,
            gaps=self._lost,
            **others,
        )

    def _patterns(self) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.intp], Array]]:
        """(what is there, rows, columns with gaps at the centre) of each pattern."""
        assert self._runs is not None
        order, edges, there = self._runs
        centre = self._shape.centre
        for p, row in enumerate(there):
            rows = order[edges[p] : edges[p + 1]]
            x = np.array(self._features[rows], dtype=np.float64)
            gone = np.flatnonzero(~row)
            x[:, gone] = centre[gone]
            yield row, rows, x

    def _some_levels(self, rows: NDArray[np.intp]) -> LevelColumns | None:
        if self._levels is None:
            return None
        return self._levels._replace(codes=np.ascontiguousarray(self._levels.codes[rows]))

    def _with(self, eta: Array, there: NDArray[np.bool_]) -> Array:
        """Natural parameters with those of a pattern."""
        found = eta.copy()
        for group, tables in zip(self._shape.groups, self._tables, strict=True):
            group.put(found, tables.pattern(there[group.columns]).eta)
        return found

    def _nothing(self) -> tuple[Array, Array, Completed]:
        """Sums of no rows."""
        nothing = np.zeros((self._k, self._width))
        completed = {
            group.place: {"suff": group.take(nothing), "gaps": np.zeros(self._k)}
            for group in self._shape.groups
        }
        return nothing, np.zeros(self._k), completed

    def _complete(self, there: NDArray[np.bool_], suff: Array, completed: Completed) -> None:
        """Add statistics of a pattern's completed rows, and the entropy of what is filled in."""
        for group, tables in zip(self._shape.groups, self._tables, strict=True):
            found, entropy = tables.complete(there[group.columns], group.take(suff))
            completed[group.place]["suff"] += found
            completed[group.place]["gaps"] += entropy

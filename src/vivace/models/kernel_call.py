"""One block through the mixture kernel, pattern by pattern where columns have gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.families.base import Array
from vivace.models.parts.base import padded
from vivace.models.parts.gaps import GapTables, Runs
from vivace.models.parts.levels import LevelColumns


class KernelShape(NamedTuple):
    """Coordinates of the kernel's columns, and how many of them have quadratic features."""

    centre: Array
    inv_scale: Array
    kind: Any
    quadratic: int


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
    tables : GapTables or None
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
        tables: GapTables | None,
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
        self._columns = len(shape.centre)
        self._width = 1 + self._columns + (q * (q + 1) // 2 if shape.kind == "full" else 0)
        self.weighted: Array | None = None

    def soft(self, eta: Array, weights: Array | None) -> tuple[Array, Array, dict[str, Array]]:
        """Statistics (K, F), entropies (K,), and the completed fields of columns with gaps."""
        if self.added is not None:
            self.weighted = np.empty((len(self._features), padded(self._k)))
        if self._runs is None:
            suff, entropy = np.empty((self._k, self._width)), np.empty(self._k)
            self._step(self._features, weights, eta, "soft", suff, entropy, added=self.added,
                       weighted=self.weighted, levels=self._levels)  # fmt: skip
            return suff, entropy, {}
        stack, total = self._stack()
        for p, rows, x, pattern in self._patterns():
            suff, entropy = stack[p], np.empty(self._k)
            some = None if self.weighted is None else np.empty((len(rows), padded(self._k)))
            added = None if self.added is None else self.added[rows]
            own = None if weights is None else weights[rows]
            self._step(x, own, self._with(eta, pattern.eta), "soft", suff, entropy,
                       added=added, weighted=some, levels=self._some_levels(rows))  # fmt: skip
            if self.weighted is not None and some is not None:
                self.weighted[rows] = some
            total += entropy
        return stack.sum(axis=0), total, self._fields(stack)

    def given(self, resp: Array, weights: Array | None) -> tuple[Array, Array, dict[str, Array]]:
        """The same for given responsibilities (n, K)."""
        if self._lost is not None and self._lost.sums is not None:
            gone = np.isnan(self._features[:, self._lost.columns]).astype(np.float64)
            weighted = resp if weights is None else resp * weights[:, None]
            self._lost.sums[:, : self._k] += gone.T @ weighted
        if self._runs is None:
            suff, entropy = np.empty((self._k, self._width)), np.empty(self._k)
            self._step(self._features, weights, None, "given", suff, entropy, resp=resp)
            return suff, entropy, {}
        stack, total = self._stack()
        for p, rows, x, _ in self._patterns():
            entropy = np.empty(self._k)
            own = None if weights is None else weights[rows]
            self._step(x, own, None, "given", stack[p], entropy,
                       resp=np.ascontiguousarray(resp[rows]))  # fmt: skip
            total += entropy
        return stack.sum(axis=0), total, self._fields(stack)

    def score(self, eta: Array, outputs: dict[str, Any]) -> None:
        """Fill `resp`, `labels` and `lse` where they are among the outputs."""
        if self._runs is None:
            self._step(self._features, None, eta, "score", None, None,
                       added=self.added, levels=self._levels, **outputs)  # fmt: skip
            return
        for _, rows, x, pattern in self._patterns():
            some = {name: np.empty_like(out[: len(rows)]) for name, out in outputs.items()}
            added = None if self.added is None else self.added[rows]
            self._step(x, None, self._with(eta, pattern.eta), "score", None, None,
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

    def _patterns(self) -> Iterator[tuple[int, NDArray[np.intp], Array, Any]]:
        """(number, rows, columns with gaps at the centre, entry) of each pattern."""
        assert self._runs is not None
        assert self._tables is not None
        order, edges, there = self._runs
        q, centre = self._shape.quadratic, self._shape.centre
        for p, pattern in enumerate(self._tables.patterns(there)):
            rows = order[edges[p] : edges[p + 1]]
            x = np.array(self._features[rows], dtype=np.float64)
            gone = np.flatnonzero(~there[p])
            x[:, gone] = centre[:q][gone]
            yield p, rows, x, pattern

    def _some_levels(self, rows: NDArray[np.intp]) -> LevelColumns | None:
        if self._levels is None:
            return None
        return self._levels._replace(codes=np.ascontiguousarray(self._levels.codes[rows]))

    def _with(self, eta: Array, own: Array) -> Array:
        """Natural parameters with those of a pattern."""
        q, columns = self._shape.quadratic, self._columns
        found = eta.copy()
        found[:, 0] += own[:, 0]
        found[:, 1 : 1 + q] = own[:, 1 : 1 + q]
        found[:, 1 + columns :] = own[:, 1 + q :]
        return found

    def _stack(self) -> tuple[Array, Array]:
        assert self._runs is not None
        return np.empty((len(self._runs.there), self._k, self._width)), np.zeros(self._k)

    def _fields(self, stack: Array) -> dict[str, Array]:
        """Completed statistics of the correlated columns, and the entropy of what was filled in."""
        assert self._runs is not None
        assert self._tables is not None
        q, columns = self._shape.quadratic, self._columns
        own = np.concatenate([stack[:, :, : 1 + q], stack[:, :, 1 + columns :]], axis=2)
        suff, entropy = self._tables.complete(self._runs.there, own)
        return {"suff": suff, "gaps": entropy}

"""Where the parts of a table stand in a call of the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block
from vivace.families.base import Array
from vivace.models.kernel_call import Group, KernelShape
from vivace.models.parts import GaussianPart, Part
from vivace.models.parts.base import LevelledPart
from vivace.models.parts.joined import JoinedLevels


class TableLayout:
    """The kernel's columns: first those of the correlated parts, then features of the others.

    Parameters
    ----------
    parts : sequence of Part
    n_components : int

    Attributes
    ----------
    groups : dict of Group
        The correlated Gaussian parts, whose features the kernel makes itself, by their places.
    levels : tuple of int
        Places of the parts whose columns the kernel reads as levels.
    joined : JoinedLevels or None
        How their columns are joined.
    met : tuple of int
        Places of the parts that meet the rows.
    places : dict
        Columns of each feature part, by its place.
    shape : KernelShape
    gaps : bool
        Whether values of the correlated parts may be missing.
    lost : (G,) of int32
        Columns of features that are NaN where a unit is missing, one a unit that may be.
    lost_places : dict
        Which of them are those of each feature part, by its place.
    n_features : int
        F, the constant included.
    """

    def __init__(self, parts: Sequence[Part], n_components: int) -> None:
        self.parts = tuple(parts)
        natives = {i: part for i, part in enumerate(parts) if isinstance(part, GaussianPart)}
        self.met = tuple(i for i, part in enumerate(parts) if part.gathers)
        self.levels = tuple(i for i, part in enumerate(parts) if isinstance(part, LevelledPart))
        self.joined: JoinedLevels | None = None
        if self.levels:
            self.joined = JoinedLevels(np.concatenate(self.level_sizes), n_components)
        self.gaps = any(part.gaps for part in natives.values())
        q = sum(part.n_columns for part in natives.values())
        self.places: dict[int, slice] = {}
        at = q
        for i, part in enumerate(parts):
            if i not in (*natives, *self.met, *self.levels):
                self.places[i] = slice(at, at + part.width)
                at += part.width
        self.columns = at
        self.groups = _groups(natives, 1 + self.columns)
        extra = self.columns - q
        scalings = [part.scaling for part in natives.values()]
        self.shape = KernelShape(
            np.concatenate([*(scaling.centre for scaling in scalings), np.zeros(extra)]),
            np.concatenate([*(scaling.inv_scale for scaling in scalings), np.ones(extra)]),
            "full" if natives else "linear",
            q,
            tuple(self.groups.values()),
        )
        self.n_features = 1 + self.columns + q * (q + 1) // 2
        lost, at = [np.empty(0, dtype=np.intp)], 0
        self.lost_places: dict[int, slice] = {}
        for i, place in self.places.items():
            gaps = parts[i].gap_columns
            lost.append(place.start + gaps)
            self.lost_places[i] = slice(at, at + len(gaps))
            at += len(gaps)
        self.lost = np.concatenate(lost).astype(np.int32)

    @property
    def codes_are_made(self) -> bool:
        """Whether the kernel reads other codes than those of the rows as they came."""
        return self.joined is not None and (self.joined.joins or len(self.levels) > 1)

    @property
    def level_sizes(self) -> list[NDArray[np.int64]]:
        """Number of values of the columns of each part of levels."""
        return [part.level_sizes for part in self.level_parts]

    @property
    def level_parts(self) -> list[LevelledPart]:
        """The parts of levels."""
        return [part for part in self.parts if isinstance(part, LevelledPart)]

    def features(self, block: Block, check: bool) -> NDArray[Any]:
        """Columns of the correlated parts and features of the others, side by side.

        `check` that families gave finite ones: they depend on the data alone, so once is enough.
        """
        if len(self.parts) == 1 and self.groups:
            rows: NDArray[Any] = block.data[0]
            return rows
        if len(self.parts) == 1 and self.places and self.parts[0].plain:
            return np.ascontiguousarray(block.data[0], dtype=np.float64)
        n = block.stop - block.start
        out = np.empty((n, self.columns))
        for i, group in self.groups.items():
            out[:, group.columns] = block.data[i]
        for i, place in self.places.items():
            self.parts[i].fill(block.data[i], out[:, place], check)
        return out

    def eta(self, log_weights: Array, posteriors: Sequence[Any]) -> tuple[Array, Array]:
        """Natural parameters (K, F); without those of correlated columns that may have gaps.

        And what each gap of the other columns adds, (G, K).
        """
        lost = np.zeros((len(self.lost), len(log_weights)))
        eta = np.zeros((len(log_weights), self.n_features))
        eta[:, 0] = log_weights
        for i, part in enumerate(self.parts):
            if isinstance(part, GaussianPart):
                if self.gaps:
                    continue  # each pattern has parameters of its own
                self.groups[i].put(eta, part.eta(posteriors[i]))
            elif i in self.places:
                constant, coefficients, lost[self.lost_places[i]] = part.scores(posteriors[i])
                eta[:, 0] += constant
                place = self.places[i]
                eta[:, 1 + place.start : 1 + place.stop] = coefficients
        return eta, lost

    def own(self, suff: Array, i: int) -> Array:
        """The sums of part i's features among those of a call."""
        if i in self.groups:
            return self.groups[i].take(suff)
        place = self.places[i]
        return suff[:, 1 + place.start : 1 + place.stop].copy()


def _groups(parts: Mapping[int, Part], first: int) -> dict[int, Group]:
    """Put correlated parts side by side; their products begin at feature `first`."""
    a, b = np.triu_indices(sum(part.n_columns for part in parts.values()))
    found, at = {}, 0
    for i, part in parts.items():
        stop = at + part.n_columns
        own = first + np.flatnonzero((a >= at) & (b < stop))
        quadratic = own if len(parts) > 1 else slice(first, first + len(own))  # quicker
        found[i] = Group(i, slice(at, stop), quadratic)
        at = stop
    return found

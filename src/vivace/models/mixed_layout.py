"""Where the parts of a table stand in a call of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block
from vivace.families.base import Array
from vivace.models.kernel_call import KernelShape
from vivace.models.parts import GaussianPart, Part
from vivace.models.parts.base import LevelledPart
from vivace.models.parts.joined import JoinedLevels


class TableLayout:
    """The kernel's columns: first those of the correlated part, then features of the others.

    Parameters
    ----------
    parts : sequence of Part
    n_components : int

    Attributes
    ----------
    native : int or None
        Place of the correlated Gaussian part, whose features the kernel makes itself.
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
        Whether values of the correlated part may be missing.
    lost : (G,) of int32
        Columns of features that are NaN where a unit is missing, one a unit that may be.
    lost_places : dict
        Which of them are those of each feature part, by its place.
    n_features : int
        F, the constant included.
    """

    def __init__(self, parts: Sequence[Part], n_components: int) -> None:
        natives = [i for i, part in enumerate(parts) if isinstance(part, GaussianPart)]
        if len(natives) > 1:
            raise ValueError(
                "a mixture has at most one group of correlated Gaussian columns, and this one has "
                f"{len(natives)}. Put all of them into one group, or give some to 'gaussian_diag'"
            )
        self.parts = tuple(parts)
        self.native = natives[0] if natives else None
        self.met = tuple(i for i, part in enumerate(parts) if part.gathers)
        self.levels = tuple(i for i, part in enumerate(parts) if isinstance(part, LevelledPart))
        self.joined: JoinedLevels | None = None
        if self.levels:
            self.joined = JoinedLevels(np.concatenate(self.level_sizes), n_components)
        native = None if self.native is None else parts[self.native]
        self.gaps = isinstance(native, GaussianPart) and native.gaps
        q = 0 if native is None else native.n_columns
        centre, inv_scale = [np.empty(0)], [np.empty(0)]
        if isinstance(native, GaussianPart):
            centre.append(native.scaling.centre)
            inv_scale.append(native.scaling.inv_scale)
        self.places: dict[int, slice] = {}
        at = q
        for i, part in enumerate(parts):
            if i not in (self.native, *self.met, *self.levels):
                self.places[i] = slice(at, at + part.width)
                at += part.width
        self.columns = at
        extra = self.columns - q
        self.shape = KernelShape(
            np.concatenate([*centre, np.zeros(extra)]),
            np.concatenate([*inv_scale, np.ones(extra)]),
            "linear" if native is None else "full",
            q,
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

    def features(self, block: Block) -> NDArray[Any]:
        """Columns of the correlated part and features of the others, side by side."""
        if len(self.parts) == 1 and self.native == 0:
            rows: NDArray[Any] = block.data[0]
            return rows
        n = block.stop - block.start
        out = np.empty((n, self.columns))
        if self.native is not None:
            out[:, : self.shape.quadratic] = block.data[self.native]
        for i, place in self.places.items():
            self.parts[i].fill(block.data[i], out[:, place])
        return out

    def eta(self, log_weights: Array, posteriors: Sequence[Any]) -> tuple[Array, Array]:
        """Natural parameters (K, F); without those of correlated columns that may have gaps.

        And what each gap of the other columns adds, (G, K).
        """
        q = self.shape.quadratic
        lost = np.zeros((len(self.lost), len(log_weights)))
        eta = np.zeros((len(log_weights), self.n_features))
        eta[:, 0] = log_weights
        for i, part in enumerate(self.parts):
            if isinstance(part, GaussianPart):
                if self.gaps:
                    continue  # each pattern has parameters of its own
                found = part.eta(posteriors[i])
                eta[:, 0] += found[:, 0]
                eta[:, 1 : 1 + q] = found[:, 1 : 1 + q]
                eta[:, 1 + self.columns :] = found[:, 1 + q :]
            elif i in self.places:
                constant, coefficients, lost[self.lost_places[i]] = part.scores(posteriors[i])
                eta[:, 0] += constant
                place = self.places[i]
                eta[:, 1 + place.start : 1 + place.stop] = coefficients
        return eta, lost

    def own(self, suff: Array, i: int) -> Array:
        """The sums of part i's features among those of a call."""
        if i == self.native:
            q = self.shape.quadratic
            return np.hstack([suff[:, : 1 + q], suff[:, 1 + self.columns :]])
        place = self.places[i]
        return suff[:, 1 + place.start : 1 + place.stop].copy()

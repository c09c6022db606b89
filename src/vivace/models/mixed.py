"""A mixture over a table: parts side by side and a weight model, behind the engine's functions.

Given the component, parts are independent: expected log likelihoods of a row add, and every part
keeps its own statistics. Feature parts share one kernel call (product, softmax, product); parts
that meet the rows give their scores to it and take the responsibilities from it, a block at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block, Infeasible, Statistics
from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.models.kernel_call import KernelCall, KernelShape
from vivace.models.parts import GaussianPart, Part
from vivace.models.parts.base import padded
from vivace.models.parts.gaps import GapTables, Runs, find_runs
from vivace.models.weights import WeightModel

#: Counts below this share of all counts are rounding: the component is taken to be empty.
EMPTY = 1e-12

#: Multiply-adds of a block: a few milliseconds of one core's work, so that the calls from Python
#: cost little.
BLOCK_WORK = 100_000_000

#: Rows of a block: where scores of a block are kept, few enough for the second-level cache.
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS, MAX_GATHER_ROWS = 2_048, 65_536, 8_192


#: Stored entries of a block for each column of compressed rows.
ENTRIES_PER_COLUMN = 8


@dataclass(frozen=True)
class MixedPosterior:
    """Posterior of a mixture over a table; arrays are not to be written to.

    Attributes
    ----------
    statistics : Statistics
        Those that made it, with empty components cleaned of rounding.
    log_weights : (K,)
        Expected log weights.
    parts : tuple
        The posterior of each part.
    """

    statistics: Statistics
    log_weights: Array
    parts: tuple[Any, ...]

    @property
    def counts(self) -> Array:
        """N_k, (K,)."""
        return self.statistics["counts"]


class BlockState(NamedTuple):
    """What is kept for a block between passes: the sum of its base measure, runs of patterns."""

    base: float
    runs: Runs | None


@dataclass(frozen=True)
class Prepared:
    """What a local step reads.

    Attributes
    ----------
    eta : (K, F)
        Natural parameters; without those of the correlated columns where these may have gaps.
    gathers : tuple
        What parts made that meet the rows.
    tables : GapTables or None
        Of the correlated columns where these may have gaps.
    """

    eta: Array
    gathers: tuple[Any, ...]
    tables: GapTables | None = None


class MixedModel:
    """Mixture of K components over parts; implements `vivace.engine.Model`.

    Statistics: `counts` (K,), `entropy` (K,), `weight` (), `base` () (the weighted sum of the log
    base measures), and the fields of each part, named by its place.
    The local state of a block depends on the data alone (`BlockState`).

    Parameters
    ----------
    parts : sequence of Part
        Blocks of rows hold one array (or `CsrRows`) a part, in this order.
    weight_model : WeightModel
    n_components : int
    """

    single = False
    #: Mean number of stored entries of a row, where rows are compressed.
    entries_per_row = 0.0

    def __init__(self, parts: Sequence[Part], weight_model: WeightModel, n_components: int) -> None:
        if n_components < 1:
            raise ValueError(f"n_components must be at least 1; got {n_components}")
        natives = [i for i, part in enumerate(parts) if isinstance(part, GaussianPart)]
        if len(natives) > 1:
            raise ValueError("a mixture has at most one group of correlated Gaussian columns")
        self.parts = tuple(parts)
        self.weight_model = weight_model
        self.n_components = n_components
        self._native = natives[0] if natives else None
        self._layout()

    def _layout(self) -> None:
        """Place the columns of feature parts beside those of the native one."""
        native = None if self._native is None else self.parts[self._native]
        self._quadratic = 0 if native is None else native.n_columns
        centre, inv_scale = [np.empty(0)], [np.empty(0)]
        if isinstance(native, GaussianPart):
            centre.append(native.scaling.centre)
            inv_scale.append(native.scaling.inv_scale)
        self._places: dict[int, slice] = {}
        at = self._quadratic
        for i, part in enumerate(self.parts):
            if i != self._native and not part.gathers:
                self._places[i] = slice(at, at + part.width)
                at += part.width
        self._columns = max(at, 1)  # the kernel wants at least one
        extra = self._columns - self._quadratic
        self._centre = np.concatenate([*centre, np.zeros(extra)])
        self._inv_scale = np.concatenate([*inv_scale, np.ones(extra)])
        self._kind: Any = "linear" if native is None else "full"
        self._gaps = isinstance(native, GaussianPart) and native.gaps
        self._gathers = tuple(i for i, part in enumerate(self.parts) if part.gathers)
        q = self._quadratic
        self.n_features = 1 + self._columns + q * (q + 1) // 2

    @property
    def schedules(self) -> frozenset[str]:
        """All three."""
        return frozenset({"batch", "online", "memoized"})

    # -- the four functions -------------------------------------------------------------------

    def prepare(self, posterior: MixedPosterior) -> Prepared:
        """What local steps read."""
        eta = np.zeros((self.n_components, self.n_features))
        eta[:, 0] = posterior.log_weights
        gathers = []
        for i, part in enumerate(self.parts):
            if isinstance(part, GaussianPart):
                if self._gaps:
                    continue  # each pattern has parameters of its own
                found = part.eta(posterior.parts[i])
                eta[:, 0] += found[:, 0]
                eta[:, 1 : 1 + self._quadratic] = found[:, 1 : 1 + self._quadratic]
                eta[:, 1 + self._columns :] = found[:, 1 + self._quadratic :]
            elif part.gathers:
                gathers.append(part.prepare(posterior.parts[i]))
            else:
                constant, coefficients = part.natural(posterior.parts[i])
                eta[:, 0] += constant
                place = self._places[i]
                eta[:, 1 + place.start : 1 + place.stop] = coefficients
        tables = None
        if self._gaps:
            part = self.parts[self._native or 0]
            assert isinstance(part, GaussianPart)
            tables = part.tables(posterior.parts[self._native or 0])
        return Prepared(eta, tuple(gathers), tables)

    def local_step(
        self, block: Block, prepared: Prepared, local: BlockState | None
    ) -> tuple[Statistics, BlockState]:
        """Responsibilities of a block, reduced to statistics."""
        state = self._look(block) if local is None else local
        call = self._call(block, prepared, state)
        suff, entropy, extra = call.soft(prepared.eta, block.weights)
        found = self._statistics(block, suff, entropy, call.weighted, prepared.gathers, state.base)
        for name, array in extra.items():
            found[f"{self._native}.{name}"][...] = array
        return found, state

    def global_step(self, statistics: Statistics, previous: Any = None) -> MixedPosterior:
        """Update of every part and of the weights; `previous` is not needed.

        Raises
        ------
        Infeasible
            If no data can have these statistics.
        """
        made = self._cleaned(statistics)
        counts = made["counts"]
        try:
            parts = tuple(
                part.update(counts, self._fields(made, i)) for i, part in enumerate(self.parts)
            )
        except ImpossibleStatisticsError as error:
            raise Infeasible(str(error)) from error
        return MixedPosterior(made, self.weight_model.expected_log(counts), parts)

    def elbo(self, posterior: MixedPosterior, statistics: Statistics) -> float:
        """Evidence lower bound in the units of the data, complete; exact for any pair."""
        made, counts = posterior.statistics, statistics["counts"]
        bound = self.weight_model.term(made["counts"])
        bound += ((counts - made["counts"]) * posterior.log_weights).sum()
        bound += statistics["entropy"].sum() + float(statistics["base"])
        for i, part in enumerate(self.parts):
            bound += part.bound(
                posterior.parts[i],
                (made["counts"], self._fields(made, i)),
                counts,
                self._fields(statistics, i),
            )
        return float(bound)

    # -- statistics ---------------------------------------------------------------------------

    def zero_statistics(self) -> Statistics:
        """Statistics of no rows."""
        k = self.n_components
        arrays = {
            "counts": np.zeros(k),
            "entropy": np.zeros(k),
            "weight": np.array(0.0),
            "base": np.array(0.0),
        }
        for i, part in enumerate(self.parts):
            for name, (shape, _) in part.fields(k).items():
                arrays[f"{i}.{name}"] = np.zeros(shape)
        return Statistics(arrays, self._axes())

    def standardised(self, statistics: Statistics) -> Array:
        """Counts and sums over the total weight, in typical sizes, for SQUAREM's steps."""
        weight = float(statistics["weight"]) or 1.0
        found = [statistics["counts"] / weight]
        for i, part in enumerate(self.parts):
            for name in part.fields(self.n_components):
                found.append((statistics[f"{i}.{name}"] / (part.scale(name) * weight)).ravel())
        return np.concatenate(found)

    def score(self, block: Block, prepared: Prepared, **outputs: Any) -> None:
        """Fill some of `resp`, `labels` and `lse` for a block of rows, without weights."""
        self._call(block, prepared, self._look(block, with_base=False)).score(prepared.eta, outputs)

    def given(self, block: Block, resp: Array) -> Statistics:
        """Statistics of rows with given responsibilities (n, K)."""
        k, state = self.n_components, self._look(block)
        weighted, gathers = None, []
        if self._gathers:
            weighted = np.zeros((len(resp), padded(k)))
            weighted[:, :k] = resp if block.weights is None else resp * block.weights[:, None]
            # Latent scales and the like start from the prior.
            zero = self._fields_of_nothing()
            gathers = [self.parts[i].prepare(zero[i]) for i in self._gathers]
        tables = None
        if state.runs is not None:
            tables = GapTables.neutral(k, self._quadratic)
        prepared = Prepared(np.empty((k, 0)), (), tables)
        call = self._call(block, prepared, state)
        suff, entropy, extra = call.given(resp, block.weights)
        found = self._statistics(block, suff, entropy, weighted, tuple(gathers), state.base)
        for name, array in extra.items():
            found[f"{self._native}.{name}"][...] = array
        return found

    def block_rows(self) -> int:
        """Rows of a block: from shapes alone."""
        entries = int(self.entries_per_row)
        rows = BLOCK_WORK // (self.n_components * (2 * self.n_features + 2 * entries + 40))
        most = MAX_GATHER_ROWS if self._gathers else MAX_BLOCK_ROWS
        if entries:
            # A record is a table of columns and components: a block should outweigh it.
            columns = max(part.n_columns for part in self.parts)
            most = max(most, ENTRIES_PER_COLUMN * columns // entries)
            rows = max(rows, ENTRIES_PER_COLUMN * columns // entries)
        return int(np.clip(rows // 1024 * 1024, MIN_BLOCK_ROWS, most))

    # -- inside -------------------------------------------------------------------------------

    def _axes(self) -> dict[str, int | None]:
        axes: dict[str, int | None] = {"counts": 0, "entropy": 0, "weight": None, "base": None}
        for i, part in enumerate(self.parts):
            for name, (_, axis) in part.fields(self.n_components).items():
                axes[f"{i}.{name}"] = axis
        return axes

    def _fields(self, statistics: Statistics, i: int) -> dict[str, Array]:
        names = self.parts[i].fields(self.n_components)
        return {name: statistics[f"{i}.{name}"] for name in names}

    def _fields_of_nothing(self) -> list[Any]:
        zero = self.zero_statistics()
        return [
            part.update(zero["counts"], self._fields(zero, i)) if part.gathers else None
            for i, part in enumerate(self.parts)
        ]

    def _features(self, block: Block) -> NDArray[Any]:
        """Columns of the native part and features of the others, side by side."""
        if len(self.parts) == 1 and self._native == 0:
            rows: NDArray[Any] = block.data[0]
            return rows
        n = block.stop - block.start
        if not self._places and self._native is None:
            return np.zeros((n, 1))
        out = np.empty((n, self._columns))
        if self._native is not None:
            out[:, : self._quadratic] = block.data[self._native]
        for i, place in self._places.items():
            self.parts[i].fill(block.data[i], out[:, place])
        return out

    def _scores(self, block: Block, prepared: Prepared) -> Array | None:
        """Scores of the parts that meet the rows, (n, padded K)."""
        if not prepared.gathers:
            return None
        out = np.zeros((block.stop - block.start, padded(self.n_components)))
        for i, made in zip(self._gathers, prepared.gathers, strict=True):
            self.parts[i].add_scores(block.data[i], made, out)
        return out

    def _call(self, block: Block, prepared: Prepared, state: BlockState) -> KernelCall:
        shape = KernelShape(self._centre, self._inv_scale, self._kind, self._quadratic)
        return KernelCall(
            shape,
            self._features(block),
            self._scores(block, prepared),
            state.runs,
            prepared.tables,
            self.n_components,
        )

    def _look(self, block: Block, with_base: bool = True) -> BlockState:
        """What depends on the data alone."""
        total, runs = 0.0, None
        for part, x in zip(self.parts, block.data, strict=True):
            found = part.base(x) if with_base else None
            if found is not None:
                total += float(found.sum() if block.weights is None else found @ block.weights)
        if self._gaps:
            runs = find_runs(~np.isnan(block.data[self._native or 0]))
        return BlockState(total, runs)

    def _statistics(
        self,
        block: Block,
        suff: Array,
        entropy: Array,
        resp: Array | None,
        gathers: tuple[Any, ...],
        base: float,
    ) -> Statistics:
        n = block.stop - block.start
        weight = float(n) if block.weights is None else float(block.weights.sum())
        arrays = {
            "counts": suff[:, 0].copy(),
            "entropy": entropy,
            "weight": np.array(weight),
            "base": np.array(base),
        }
        for i, part in enumerate(self.parts):
            if i == self._native:
                q = self._quadratic
                own = np.hstack([suff[:, : 1 + q], suff[:, 1 + self._columns :]])
                found = {"suff": own}
                if self._gaps:  # filled by the caller
                    found["gaps"] = np.zeros(self.n_components)
            elif part.gathers:
                assert resp is not None
                made = gathers[self._gathers.index(i)]
                found = part.accumulate(block.data[i], resp, made)
            else:
                place = self._places[i]
                found = part.sums(suff[:, 1 + place.start : 1 + place.stop].copy())
            arrays.update({f"{i}.{name}": array for name, array in found.items()})
        return Statistics(arrays, self._axes())

    def _cleaned(self, statistics: Statistics) -> Statistics:
        """A copy in which empty components hold exactly nothing."""
        made = statistics.copy()
        counts = made["counts"]
        if not all(np.isfinite(made[name]).all() for name in made.names):
            raise Infeasible("statistics are not finite: a family returned NaN or an infinity")
        rounding = EMPTY * np.abs(counts).sum()
        if (counts < -rounding).any():
            raise Infeasible(f"component {counts.argmin()} has count {counts.min():.3g}")
        empty = counts <= rounding
        if empty.any():
            for name, axis in made.axes.items():
                if axis is not None:
                    np.moveaxis(made[name], axis, 0)[empty] = 0.0
        return made

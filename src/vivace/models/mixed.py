"""A mixture over a table: parts side by side and a weight model, behind the engine's functions.

Given the component, parts are independent: expected log likelihoods of a row add, and every part
keeps its own statistics. Feature parts share one kernel call (product, softmax, product); parts
that meet the rows give their scores to it and take the responsibilities from it, a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.engine import Block, Infeasible, Statistics
from vivace.engine.aligned import aligned
from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.models.kernel_call import Completed, KernelCall, LostColumns
from vivace.models.mixed_layout import TableLayout
from vivace.models.mixed_state import BlockState, MixedPosterior, Prepared
from vivace.models.parts import GaussianPart, Part
from vivace.models.parts.base import EMPTY, counts_there, padded
from vivace.models.parts.gaps import GapTables, find_runs
from vivace.models.parts.levels import LevelColumns
from vivace.models.weights import WeightModel

#: Multiply-adds of a block: a few milliseconds of one core's work, so that the calls from Python
#: cost little.
BLOCK_WORK = 100_000_000
#: So many times more where each pattern of gaps in a block takes calls of its own.
GAPS_WORK = 4

#: Rows of a block: where scores of a block are kept, few enough for the second-level cache.
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS, MAX_GATHER_ROWS = 2_048, 65_536, 8_192

#: Numbers of a block's features where a family makes them: they and what they are made from stay
#: near the second-level cache (a third less time for 20 columns of gaussian_diag).
FEATURE_NUMBERS = 1 << 18

#: Stored entries of a block for each column of compressed rows.
ENTRIES_PER_COLUMN = 8


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
    #: Whether joint levels are kept between passes: four bytes for about five columns of flags. Not
    #: where rows come from files that may be larger than memory.
    keeps_codes = True

    def __init__(self, parts: Sequence[Part], weight_model: WeightModel, n_components: int) -> None:
        if n_components < 1:
            raise ValueError(f"n_components must be at least 1; got {n_components}")
        self.parts = tuple(parts)
        self.weight_model = weight_model
        self.n_components = n_components
        self.layout = TableLayout(self.parts, n_components)

    @property
    def schedules(self) -> frozenset[str]:
        """All three."""
        return frozenset({"batch", "online", "memoized"})

    # -- the four functions -------------------------------------------------------------------

    def prepare(self, posterior: MixedPosterior) -> Prepared:
        """What local steps read."""
        layout = self.layout
        gathers = {i: self.parts[i].prepare(posterior.parts[i]) for i in layout.met}
        tables = tuple(part.tables(posterior.parts[i]) for i, part in self._with_gaps())
        eta, found = layout.eta(posterior.log_weights, posterior.parts)
        lost = aligned((len(found), padded(self.n_components)), make=np.zeros)
        lost[:, : self.n_components] = found
        levels = None
        if layout.joined is not None:
            values = []
            for i, part in zip(layout.levels, layout.level_parts, strict=True):
                constant, own = part.level_scores(posterior.parts[i])
                eta[:, 0] += constant
                values.append(own)
            levels = layout.joined.table(np.vstack(values))
        return Prepared(eta, gathers, tables, lost, levels)

    def local_step(
        self, block: Block, prepared: Prepared, local: BlockState | None
    ) -> tuple[Statistics, BlockState]:
        """Responsibilities of a block, reduced to statistics."""
        state = self._look(block) if local is None else local
        levels = self._levels(block, prepared, state, with_sums=True)
        lost = self._lost(prepared, with_sums=True)
        call = self._call(block, prepared, state, levels, lost, check=local is None)
        suff, entropy, extra = call.soft(prepared.eta, block.weights)
        if not np.isfinite(entropy).all():
            self._find_fault(block, prepared)
        fields: dict[int, Mapping[str, Array]] = {
            i: self.parts[i].accumulate(block.data[i], call.weighted, prepared.gathers[i])
            for i in self.layout.met
            if call.weighted is not None
        }
        if levels is not None and levels.sums is not None:
            fields.update(self._level_fields(levels.sums, suff[:, 0]))
        there = self._there(suff, lost)
        return self._statistics(block, suff, entropy, fields, extra, there, state.base), state

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
        state = self._look(block, with_base=False)
        levels = self._levels(block, prepared, state, with_sums=False)
        lost = self._lost(prepared, with_sums=False)
        call = self._call(block, prepared, state, levels, lost)
        if call.added is not None and np.isnan(call.added).any():
            self._find_fault(block, prepared)
        call.score(prepared.eta, outputs)

    def given(self, block: Block, resp: Array) -> Statistics:
        """Statistics of rows with given responsibilities (n, K)."""
        k, state = self.n_components, self._look(block)
        fields: dict[int, Mapping[str, Array]] = {}
        joined = self.layout.joined
        if self.layout.met or joined is not None:
            weighted = np.zeros((len(resp), padded(k)))
            weighted[:, :k] = resp if block.weights is None else resp * block.weights[:, None]
            if joined is not None:
                codes = self._codes(block) if state.codes is None else state.codes
                sums = joined.gather(codes, weighted)
                fields.update(self._level_fields(sums, weighted[:, :k].sum(axis=0)))
            # Latent scales and the like start from the prior.
            zero = self.zero_statistics()
            for i in self.layout.met:
                part = self.parts[i]
                made = part.prepare(part.update(zero["counts"], self._fields(zero, i)))
                fields[i] = part.accumulate(block.data[i], weighted, made)
        tables = tuple(GapTables.neutral(k, part.n_columns) for _, part in self._with_gaps())
        nothing = Prepared(np.empty((k, 0)), {}, tables)
        lost = self._lost(nothing, with_sums=True)
        call = self._call(block, nothing, state, None, lost)
        suff, entropy, extra = call.given(resp, block.weights)
        there = self._there(suff, lost)
        return self._statistics(block, suff, entropy, fields, extra, there, state.base)

    def block_rows(self) -> int:
        """Rows of a block: from shapes alone."""
        entries = int(self.entries_per_row)
        joined = self.layout.joined
        wide = self.layout.n_features + (0 if joined is None else len(joined.first) - 1)
        work = BLOCK_WORK * (GAPS_WORK if self.layout.gaps else 1)
        rows = work // (self.n_components * (2 * wide + 2 * entries + 40))
        most = MAX_GATHER_ROWS if self.layout.met else MAX_BLOCK_ROWS
        # Features of plain parts are the columns as they came, or a copy.
        made = sum(self.parts[i].width for i in self.layout.places if not self.parts[i].plain)
        if made:
            most = max(MIN_BLOCK_ROWS, min(most, FEATURE_NUMBERS // made // 1024 * 1024))
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

    def _scores(self, block: Block, prepared: Prepared) -> Array | None:
        """Scores of the parts that meet the rows, (n, padded K)."""
        if not (self.layout.met and prepared.gathers):
            return None
        out = np.zeros((block.stop - block.start, padded(self.n_components)))
        for i in self.layout.met:
            self.parts[i].add_scores(block.data[i], prepared.gathers[i], out)
        return out

    def _find_fault(self, block: Block, prepared: Prepared) -> None:
        """Raise NotFiniteError if one of the parts that meet the rows is why scores are no numbers.

        (The others' features and natural parameters were looked at before.)
        """
        for i in self.layout.met:
            out = np.zeros((block.stop - block.start, padded(self.n_components)))
            self.parts[i].add_scores(block.data[i], prepared.gathers[i], out)
            self.parts[i].finite("expected_log_likelihood", out[:, : self.n_components].ravel())

    def _codes(self, block: Block) -> NDArray[np.int32]:
        """Joint levels of the rows."""
        layout = self.layout
        assert layout.joined is not None
        parts = zip(layout.levels, layout.level_parts, strict=True)
        return layout.joined.codes([part.values(block.data[i]) for i, part in parts])

    def _levels(
        self, block: Block, prepared: Prepared, state: BlockState, with_sums: bool
    ) -> LevelColumns | None:
        """Columns of levels that the kernel reads itself."""
        joined, table = self.layout.joined, prepared.levels
        if joined is None or table is None:
            return None
        codes = self._codes(block) if state.codes is None else state.codes
        sums = aligned(table.shape, make=np.zeros) if with_sums else None
        return LevelColumns(codes, joined.first, table, sums)

    def _level_fields(self, sums: Array, counts: Array) -> dict[int, dict[str, Array]]:
        """Fields of the parts of levels from the sums (V + 1, padded K) of joint levels."""
        layout = self.layout
        assert layout.joined is not None
        edges = np.cumsum([sizes.sum() for sizes in layout.level_sizes])
        own = np.split(layout.joined.fold(sums), edges[:-1])
        parts = zip(layout.levels, layout.level_parts, own, strict=True)
        return {i: part.level_sums(found, counts) for i, part, found in parts}

    def _with_gaps(self) -> Iterator[tuple[int, GaussianPart]]:
        """All correlated parts and their places, where some value of theirs may be missing."""
        for i in self.layout.groups if self.layout.gaps else ():
            part = self.parts[i]
            assert isinstance(part, GaussianPart)
            yield i, part

    def _lost(self, prepared: Prepared, with_sums: bool) -> LostColumns | None:
        """Columns of features that may have gaps."""
        columns = self.layout.lost
        if not len(columns):
            return None
        sums = np.zeros((len(columns), padded(self.n_components))) if with_sums else None
        return LostColumns(columns, prepared.lost, sums)

    def _there(self, suff: Array, lost: LostColumns | None) -> Array:
        """Counts (K, G) of the rows that have each unit that may be missing."""
        if lost is None or lost.sums is None:
            return np.empty((self.n_components, 0))
        return counts_there(suff[:, 0], lost.sums[:, : self.n_components])

    def _call(
        self,
        block: Block,
        prepared: Prepared,
        state: BlockState,
        levels: LevelColumns | None,
        lost: LostColumns | None,
        check: bool = True,
    ) -> KernelCall:
        return KernelCall(
            self.layout.shape,
            self.layout.features(block, check),
            self._scores(block, prepared),
            state.runs,
            prepared.tables,
            self.n_components,
            levels,
            lost,
        )

    def _look(self, block: Block, with_base: bool = True) -> BlockState:
        """What depends on the data alone."""
        total, runs, codes = 0.0, None, None
        for part, x in zip(self.parts, block.data, strict=True):
            found = part.base(x) if with_base else None
            if found is not None:
                total += float(found.sum() if block.weights is None else found @ block.weights)
        if self.layout.gaps:
            there = [~np.isnan(block.data[i]) for i in self.layout.groups]
            runs = find_runs(np.hstack(there))
        if self.keeps_codes and self.layout.codes_are_made:
            codes = self._codes(block)
        return BlockState(total, runs, codes)

    def _statistics(
        self,
        block: Block,
        suff: Array,
        entropy: Array,
        met: Mapping[int, Mapping[str, Array]],
        completed: Completed,
        there: Array,
        base: float,
    ) -> Statistics:
        """Put a record together: `met` are the fields of parts that met the rows."""
        n = block.stop - block.start
        weight = float(n) if block.weights is None else float(block.weights.sum())
        arrays = {
            "counts": suff[:, 0].copy(),
            "entropy": entropy,
            "weight": np.array(weight),
            "base": np.array(base),
        }
        for i, part in enumerate(self.parts):
            if i in met:
                found = met[i]
            elif i in self.layout.groups:
                found = completed.get(i, {"suff": self.layout.own(suff, i)})
            else:
                own = there[:, self.layout.lost_places[i]]
                found = part.sums(self.layout.own(suff, i), own)
            names = part.fields(self.n_components)
            arrays.update({f"{i}.{name}": found[name] for name in names})
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

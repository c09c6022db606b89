"""What a checkpoint holds of statistics, fits and local states, as plain values and arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from vivace.engine.fit import Fit
from vivace.engine.layout import Layout
from vivace.engine.model import Model
from vivace.engine.rows import RowTable
from vivace.engine.statistics import Statistics

Packed = dict[str, Any]


class Packing(Protocol):
    """How what is opaque to the engine becomes plain values (`vivace.io.values`), and back."""

    @property
    def keeps_local(self) -> bool:
        """Whether local states are stored; False where the data alone decide them."""

    def pack_posterior(self, posterior: Any) -> Packed:
        """Return what the statistics that made `posterior` do not tell of it."""

    def unpack_posterior(self, packed: Mapping[str, Any], statistics: Statistics) -> Any:
        """Return the posterior, the same to the last bit."""

    def pack_local(self, states: Sequence[Any]) -> Packed:
        """Return the local states of a batch's blocks."""

    def unpack_local(self, packed: Mapping[str, Any], sizes: Sequence[int]) -> list[Any]:
        """Return the local states; `sizes` are the numbers of rows of the blocks."""


class StatisticsPacking:
    """For models whose posterior follows from its statistics and whose local state from the data.

    Parameters
    ----------
    model : Model
        Its global step must not need the previous posterior.
    """

    keeps_local = False

    def __init__(self, model: Model) -> None:
        self._model = model

    def pack_posterior(self, posterior: Any) -> Packed:
        """Nothing."""
        return {}

    def unpack_posterior(self, packed: Mapping[str, Any], statistics: Statistics) -> Any:
        """Make the global step again."""
        self._model.zero_statistics().check_same_fields(statistics)
        return self._model.global_step(statistics, None)

    def pack_local(self, states: Sequence[Any]) -> Packed:
        """Nothing: made again when a block is read."""
        return {}

    def unpack_local(self, packed: Mapping[str, Any], sizes: Sequence[int]) -> list[Any]:
        """Nothing was packed."""
        return [None] * len(sizes)


def pack_statistics(record: Statistics) -> Packed:
    """Return a record as plain values; arrays are shared."""
    packed: Packed = record.to_dict()
    tables = packed.get("tables", {})
    packed["tables"] = {name: _pack_table(table) for name, table in tables.items()}
    return packed


def unpack_statistics(packed: Mapping[str, Any]) -> Statistics:
    """Reverse `pack_statistics`; the arrays are taken over."""
    tables = {name: RowTable(**table) for name, table in packed["tables"].items()}
    return Statistics(packed["arrays"], packed["axes"], tables)


def check_finite(packed: Any, name: str = "the state") -> None:
    """Check arrays at any depth: no state of a fit holds NaN or an infinity in one.

    Raises
    ------
    ValueError
        One does.
    """
    if isinstance(packed, np.ndarray) and packed.dtype.kind == "f":
        with np.errstate(all="ignore"):  # the sum tells, without an array of a large table's size
            total = np.sum(packed, dtype=np.float64)
        if not np.isfinite(total) and not np.isfinite(packed).all():
            raise ValueError(f"{name} is not finite")
    elif isinstance(packed, Mapping):
        for key, value in packed.items():
            check_finite(value, str(key))
    elif isinstance(packed, (list, tuple)):
        for value in packed:
            check_finite(value, name)


def _pack_table(table: RowTable) -> Packed:
    values = table.unpacked  # first: a change that waits is made now
    return {"n_rows": table.n_rows, "values": values, "rows": table.rows, "scale": table.scale}


def pack_fit(fit: Fit, packing: Packing) -> Packed:
    """Return a fit without its batches and local state."""
    layout = fit.layout
    return {
        "posterior": packing.pack_posterior(fit.posterior),
        "statistics": pack_statistics(fit.statistics),
        "elbo": fit.elbo,
        "trace": np.array(fit.trace, dtype=np.float64),
        "n_iter": fit.n_iter,
        "converged": fit.converged,
        "quiet": fit.quiet,
        "step": fit.step,
        "smoothed": fit.smoothed,
        "layout": None if layout is None else [layout.n_rows, layout.batch_rows, layout.block_rows],
    }


def unpack_fit(packed: Mapping[str, Any], packing: Packing) -> Fit:
    """Reverse `pack_fit`.

    Raises
    ------
    ValueError, TypeError, KeyError
        It is not what `pack_fit` returns.
    """
    statistics = unpack_statistics(packed["statistics"])
    counts = [packed[name] for name in ("n_iter", "quiet", "step")]
    if any(type(count) is not int or count < 0 for count in counts):
        raise ValueError(f"n_iter, quiet and step must be counts, got {counts!r:.80}")
    smoothed, elbo = packed["smoothed"], float(packed["elbo"])
    if smoothed is not None and not (type(smoothed) is float and math.isfinite(smoothed)):
        raise ValueError(f"smoothed must be a number, got {smoothed!r:.80}")
    if math.isnan(elbo):
        raise ValueError("the bound must be a number")
    return Fit(
        posterior=packing.unpack_posterior(packed["posterior"], statistics),
        statistics=statistics,
        elbo=elbo,
        trace=[float(bound) for bound in packed["trace"]],
        n_iter=int(packed["n_iter"]),
        converged=bool(packed["converged"]),
        quiet=int(packed["quiet"]),
        step=int(packed["step"]),
        smoothed=smoothed,
        layout=None if packed["layout"] is None else Layout(*packed["layout"]),
    )

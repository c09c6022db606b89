"""The Gaussian mixture over rows with gaps: a table of one part, as a Gaussian model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import Block, Statistics
from vivace.families.base import Array
from vivace.families.correlated import Gaussian
from vivace.families.gaussian import GaussianComponents, GaussianFamily
from vivace.models.kernel_call import KernelShape
from vivace.models.mixed import MixedModel
from vivace.models.mixed_layout import TableLayout
from vivace.models.mixed_predict import TableDensity, table_score_samples
from vivace.models.mixed_state import BlockState, MixedPosterior, Prepared
from vivace.models.parts import GaussianPart, PooledPart
from vivace.models.scaling import Scaling
from vivace.models.weights import WeightModel


class PooledLayout(TableLayout):
    """The columns of one `PooledPart`: the kernel makes their squares, and zeros of gaps.

    Parameters
    ----------
    part : PooledPart
    n_components : int
    """

    def __init__(self, part: PooledPart, n_components: int) -> None:
        super().__init__([part], n_components)
        d, scaling = part.n_columns, part.scaling
        self.shape = KernelShape(scaling.centre, scaling.inv_scale, "diag", d, ())
        self.lost = np.arange(d, dtype=np.int32)

    def features(self, block: Block, check: bool) -> NDArray[Any]:
        """The rows as they are."""
        rows: NDArray[Any] = block.data[0]
        return rows

    def eta(self, log_weights: Array, posteriors: Sequence[Any]) -> tuple[Array, Array]:
        """Natural parameters (K, 1 + 2 D), and what each gap adds, (D, K)."""
        constant, own, lost = self.parts[0].scores(posteriors[0])
        return np.column_stack([log_weights + constant, own[:, ::2], own[:, 1::2]]), lost

    def own(self, suff: Array, i: int) -> Array:
        """The part's sums, column by column."""
        d = len(self.lost)
        return np.stack([suff[:, 1 : 1 + d], suff[:, 1 + d :]], axis=2).reshape(len(suff), -1)


class IncompletePosterior(MixedPosterior):
    """Posterior with the name that the Gaussian mixture knows."""

    @property
    def gaussian(self) -> GaussianComponents:
        """Of the components."""
        found: GaussianComponents = self.parts[0]
        return found


class IncompleteModel(MixedModel):
    """Mixture of Gaussians whose rows may have gaps.

    What is missing is left out where precisions are diagonal (exact), and filled in by mean field
    for full and tied ones. Statistics are those of a table with one part.

    Parameters
    ----------
    family, weight_model, n_components, scaling
        As for `MixtureModel`; no parameters are known.
    """

    def __init__(
        self,
        family: GaussianFamily,
        weight_model: WeightModel,
        n_components: int,
        scaling: Scaling,
    ) -> None:
        if family.structure.kind == "full":
            part = GaussianPart(Gaussian(), {}, len(scaling.centre), scaling, True, family)
            super().__init__([part], weight_model, n_components)
        else:
            pooled = PooledPart(family.prior, scaling)
            super().__init__([pooled], weight_model, n_components)
            self.layout = PooledLayout(pooled, n_components)
        self.family = family
        self.scaling = scaling

    def local_step(
        self, block: Block, prepared: Prepared, local: BlockState | None
    ) -> tuple[Statistics, BlockState]:
        """As for a table."""
        return super().local_step(_wrapped(block), prepared, local)

    def score(self, block: Block, prepared: Prepared, **outputs: Any) -> None:
        """As for a table."""
        super().score(_wrapped(block), prepared, **outputs)

    def given(self, block: Block, resp: Array) -> Statistics:
        """As for a table."""
        return super().given(_wrapped(block), resp)

    def global_step(self, statistics: Statistics, previous: Any = None) -> IncompletePosterior:
        """As for a table."""
        return IncompletePosterior(**vars(super().global_step(statistics, previous)))

    def accumulate(
        self, block: Block, eta: Array, *, mode: str, score_kind: str
    ) -> tuple[Statistics, None]:
        """Statistics of rows that belong to their largest linear score, gaps at the centre."""
        assert (mode, score_kind) == ("hard", "linear")
        z = np.nan_to_num(self.scaling.to_z(block.data), nan=0.0)
        labels = np.empty(len(z), dtype=np.int32)
        d = z.shape[1]
        _core.mixture_step(z, None, np.zeros(d), np.ones(d), eta, "linear", "linear", "score",
                           False, None, None, labels=labels)  # fmt: skip
        resp = np.zeros((len(z), self.n_components))
        resp[np.arange(len(z)), labels] = 1.0
        return self.given(block, resp), None

    def score_samples(self, density: TableDensity, block: Block) -> NDArray[np.float64]:
        """Log predictive density of each row, gaps left out."""
        return table_score_samples(self, density, _wrapped(block))

    def conditional(self, posterior: IncompletePosterior, x: Array) -> tuple[Array, Array]:
        """Mean and variance of what is missing, (n or 1, d, K) each."""
        return self.parts[0].conditional(posterior.gaussian, x)


def _wrapped(block: Block) -> Block:
    return block._replace(data=(block.data,))

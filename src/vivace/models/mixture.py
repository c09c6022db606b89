"""A mixture: a family and a weight model behind the four functions that the engine calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vivace import _core
from vivace.engine import Block, Infeasible, Statistics
from vivace.families.base import Array, ImpossibleStatisticsError
from vivace.families.gaussian import GaussianFamily, GaussianPosterior
from vivace.families.kinds import Kind, features, n_features
from vivace.models.scaling import Scaling
from vivace.models.weights import WeightModel

__all__ = ["MixtureModel", "MixturePosterior", "Prepared", "Scaling"]

#: How a kernel call finds responsibilities: from scores, or as given.
Mode = Literal["soft", "hard", "given"]

#: Rounding of a log joint in nats (root mean square) above which float32 arithmetic gives way to
#: float64: the responsibility of an undecided row moves by as much. Errors of rows average out: the
#: bound of 600 rows was off by at most 1 % of this a row.
SINGLE_TOLERANCE = 3e-3

#: Multiply-adds that one core does in 2 ms, the time that one kernel call should take at least.
BLOCK_WORK = 50_000_000

#: Rows of a block: enough to hide the cost of a call, few enough for many threads to share.
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS = 2_048, 131_072


@dataclass(frozen=True)
class MixturePosterior:
    """Posterior of a mixture; arrays are not to be written to.

    Attributes
    ----------
    gaussian : GaussianPosterior
        Of the components, in z; holds the statistics that made it.
    eta : (K, F)
        Expected natural parameters, the expected log weights in the column of ones.
    eta_shared : (G,)
        Of the part that all components share; empty for types that are not tied.
    """

    gaussian: GaussianPosterior
    eta: Array
    eta_shared: Array

    @property
    def counts(self) -> Array:
        """N_k, (K,)."""
        return self.gaussian.counts


@dataclass(frozen=True)
class Prepared:
    """What a local step reads: the scores' natural parameters and the arithmetic to use.

    Attributes
    ----------
    eta : (K, F)
        Expected natural parameters.
    single : bool
        Float32 arithmetic for float32 rows.
    draft : bool
        Float32 arithmetic for all rows.
    """

    eta: Array
    single: bool
    draft: bool = False


class MixtureModel:
    """Mixture of K components of a family; implements `vivace.engine.Model`.

    Statistics: `suff` (K, F), `entropy` (K,), `weight` () and, for tied types, `shared` (G,).
    The local state of a block is its `shared` vector, which depends on the data alone.

    Parameters
    ----------
    family : GaussianFamily
        Likelihood and prior of the components, in z.
    weight_model : WeightModel
        Prior of the mixture weights.
    n_components : int
        K.
    scaling : Scaling
        From the units of the data to z.
    single : bool
        Use float32 arithmetic for float32 rows where it is accurate enough (`SINGLE_TOLERANCE`).
    """

    def __init__(
        self,
        family: GaussianFamily,
        weight_model: WeightModel,
        n_components: int,
        scaling: Scaling,
        single: bool = False,
    ) -> None:
        if n_components < 1:
            raise ValueError(f"n_components must be at least 1; got {n_components}")
        self.family = family
        self.weight_model = weight_model
        self.n_components = n_components
        self.scaling = scaling
        self.single = single

    @property
    def schedules(self) -> frozenset[str]:
        """All three."""
        return frozenset({"batch", "online", "memoized"})

    # -- the four functions -------------------------------------------------------------------

    def prepare(self, posterior: MixturePosterior) -> Prepared:
        """What local steps read."""
        single = self.single and self._single_error(posterior) <= SINGLE_TOLERANCE
        return Prepared(posterior.eta, single)

    def prepare_draft(self, posterior: MixturePosterior) -> Prepared | None:
        """What local steps in float32 read; None where that is not quicker or not good enough."""
        if self.single or self._single_error(posterior) > SINGLE_TOLERANCE:
            return None
        return Prepared(posterior.eta, single=True, draft=True)

    def local_step(
        self, block: Block, prepared: Prepared, local: Array | None
    ) -> tuple[Statistics, Array | None]:
        """Responsibilities of a block, reduced to statistics; the block's shared vector."""
        single = prepared.draft or (prepared.single and block.data.dtype == np.float32)
        return self.accumulate(block, prepared.eta, single=single, local=local)

    def global_step(self, statistics: Statistics, previous: Any = None) -> MixturePosterior:
        """Conjugate update of components and weights; `previous` is not needed.

        Raises
        ------
        Infeasible
            If no data can have these statistics.
        """
        shared = statistics["shared"] if self.family.n_shared else None
        try:
            gaussian = self.family.update(statistics["suff"], shared)
        except ImpossibleStatisticsError as error:
            raise Infeasible(str(error)) from error
        eta, eta_shared = self.family.expected_natural(gaussian)
        eta[:, 0] += self.weight_model.expected_log(gaussian.counts)
        return MixturePosterior(gaussian, eta, eta_shared)

    def elbo(self, posterior: MixturePosterior, statistics: Statistics) -> float:
        """Evidence lower bound in the units of the data, complete; exact for any pair.

        With S_q the statistics that made the posterior: ln Z(posterior) - ln Z(prior) + weight
        term + entropy(S) + <S - S_q, eta> - sum(w) sum ln scale.
        """
        gaussian = posterior.gaussian
        bound = self.family.log_normaliser(gaussian)
        bound += self.weight_model.term(gaussian.counts)
        bound += statistics["entropy"].sum()
        bound += ((statistics["suff"] - gaussian.suff) * posterior.eta).sum()
        if gaussian.shared is not None:
            bound += (statistics["shared"] - gaussian.shared) @ posterior.eta_shared
        return float(bound - statistics["weight"] * self.scaling.log_jacobian)

    # -- statistics ---------------------------------------------------------------------------

    def zero_statistics(self) -> Statistics:
        """Statistics of no rows."""
        k = self.n_components
        return self._statistics(
            np.zeros((k, self.family.n_features)),
            np.zeros(k),
            0.0,
            np.zeros(self.family.n_shared) if self.family.n_shared else None,
        )

    def standardised(self, statistics: Statistics) -> Array:
        """Counts and moments in z over the total weight, for the lengths of SQUAREM's steps.

        `shared` is left out (the data fix it), and so is the entropy (no coordinate of a state).
        """
        weight = float(statistics["weight"])
        return np.asarray(statistics["suff"].ravel() / (weight if weight > 0.0 else 1.0))

    def accumulate(
        self,
        block: Block,
        eta: Array,
        *,
        mode: Mode = "soft",
        score_kind: Kind | None = None,
        single: bool = False,
        resp: Array | None = None,
        local: Array | None = None,
    ) -> tuple[Statistics, Array | None]:
        """One kernel call: the statistics of a block, and its shared vector (None if not tied).

        Parameters
        ----------
        block : Block
            Rows in the units of the data.
        eta : (K, F(score_kind))
            Natural parameters of the scores; not read in mode "given".
        mode : {"soft", "hard", "given"}
            Softmax of the scores, their largest, or the rows of `resp`.
        score_kind : str, optional
            Feature kind of `eta`; by default the family's.
        single : bool
            float32 arithmetic if the rows are float32.
        resp : (n, K), optional
            Responsibilities for mode "given".
        local : (G,), optional
            The block's shared vector if it is known.
        """
        family = self.family
        suff = np.empty((self.n_components, family.n_features))
        entropy = np.empty(self.n_components)
        _core.mixture_step(
            block.data,
            block.weights,
            self.scaling.centre,
            self.scaling.inv_scale,
            eta,
            family.score_kind if score_kind is None else score_kind,
            family.stat_kind,
            mode,
            single,
            suff,
            entropy,
            resp=resp,
        )
        if family.shared_kind is not None and local is None:
            local = self._shared(block, family.shared_kind)
        n, w = len(block.data), block.weights
        weight = float(n) if w is None else float(w.sum())
        shared = None if local is None else local.copy()  # the record will be added to
        return self._statistics(suff, entropy, weight, shared), local

    def score(self, block: Block, prepared: Prepared, **outputs: Any) -> None:
        """Fill some of `resp`, `labels` and `lse` for a block of rows, without weights."""
        kind = self.family.score_kind
        _core.mixture_step(
            block.data,
            None,
            self.scaling.centre,
            self.scaling.inv_scale,
            prepared.eta,
            kind,
            kind,
            "score",
            prepared.single and block.data.dtype == np.float32,
            None,
            None,
            **outputs,
        )

    def given(self, block: Block, resp: Array) -> Statistics:
        """Statistics of rows with given responsibilities (n, K)."""
        eta = np.zeros((self.n_components, self.family.n_features))
        return self.accumulate(block, eta, mode="given", resp=resp)[0]

    def block_rows(self) -> int:
        """Rows of a block: about 2 ms of one core's work, from shapes alone."""
        d = len(self.scaling.centre)
        per_feature = n_features(self.family.score_kind, d) + self.family.n_features
        rows = BLOCK_WORK // (self.n_components * (per_feature + 40))
        return int(np.clip(rows // 1024 * 1024, MIN_BLOCK_ROWS, MAX_BLOCK_ROWS))

    def _shared(self, block: Block, kind: Kind) -> Array:
        """sum_n w_n features(z_n): one component that takes every row."""
        out, entropy = np.empty((1, self.family.n_shared)), np.empty(1)
        _core.mixture_step(
            block.data,
            block.weights,
            self.scaling.centre,
            self.scaling.inv_scale,
            np.zeros((1, 1 + len(self.scaling.centre))),
            "linear",
            kind,
            "hard",
            False,
            out,
            entropy,
        )
        shared: Array = out[0]
        return shared

    def _statistics(
        self, suff: Array, entropy: Array, weight: float, shared: Array | None
    ) -> Statistics:
        arrays = {"suff": suff, "entropy": entropy, "weight": np.array(weight)}
        axes: dict[str, int | None] = {"suff": 0, "entropy": 0, "weight": None}
        if shared is not None:
            arrays["shared"], axes["shared"] = shared, None
        return Statistics(arrays, axes)

    def _single_error(self, posterior: MixturePosterior) -> float:
        """Rounding (root mean square) of a log joint in float32, about a standard deviation off.

        Half a unit in the last place of the absolute terms of the score, which cancel when
        clusters are far from the centre or nearly flat. The factor for the F terms of the sum
        was fitted to measured errors (F from 3 to 2145, clusters 3 to 1e4 deviations apart).
        """
        gaussian = posterior.gaussian
        reach = np.abs(gaussian.means) + gaussian.standard_deviations
        terms = np.abs(posterior.eta) * features(reach, self.family.score_kind)
        growth = 0.3 + np.sqrt(terms.shape[1]) / 35.0
        return float(2.0**-24 * growth * terms.sum(axis=1).max())

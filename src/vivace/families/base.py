"""The contract of a family: the likelihood of one component of a mixture.

A family is exponential in features of a row (docs/architecture.md, "Features"): the log joint of
row n and component k is features(z_n) . eta[k], and all that a posterior needs of the data are the
weighted sums of those features. A family therefore never sees a row: it turns sums into a
posterior, a posterior into expected natural parameters, and answers for its part of the bound.
Everything lives in the standardised coordinates z.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Posterior = TypeVar("Posterior")

#: Feature kinds that the kernels know, in the order of docs/architecture.md.
Kind = Literal["linear", "spherical", "diag", "full"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class ImpossibleStatisticsError(ArithmeticError):
    """Statistics that no data can have: negative counts, a scatter that is not positive."""


def n_features(kind: Kind, d: int) -> int:
    """Number of features of a row with `d` columns."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}; got {kind!r}")
    extra = {"linear": 0, "spherical": 1, "diag": d, "full": d * (d + 1) // 2}
    return 1 + d + extra[kind]


def features(z: Array, kind: Kind) -> Array:
    """Feature rows (N, F) of a few points z (N, D); the kernels do this for data."""
    columns = [np.ones((len(z), 1)), z]
    if kind == "spherical":
        columns.append((z**2).sum(axis=1, keepdims=True))
    elif kind == "diag":
        columns.append(z**2)
    elif kind == "full":
        i, j = np.triu_indices(z.shape[1])
        columns.append(z[:, i] * z[:, j])
    return np.concatenate(columns, axis=1)


class Family(Protocol, Generic[Posterior]):
    """What a mixture asks of a family. K components, D columns.

    Attributes
    ----------
    score_kind, stat_kind : Kind
        Feature kinds of the scores (eta is K x F(score_kind)) and of the statistics (suff is
        K x F(stat_kind)). They are equal for every family so far.
    shared_kind : Kind or None
        Feature kind of the part that all components share (tied types); None if there is none.
    n_features, n_shared : int
        F(stat_kind), and F(shared_kind) or 0.
    """

    score_kind: Kind
    stat_kind: Kind
    shared_kind: Kind | None
    n_features: int
    n_shared: int

    def update(self, suff: Array, shared: Array | None) -> Posterior:
        """Conjugate update: the posterior of all components from their statistics.

        Parameters
        ----------
        suff : (K, n_features)
            sum_n w_n r_nk features(z_n). The posterior keeps a copy, cleaned of rounding.
        shared : (n_shared,) or None
            sum_n w_n features(z_n) of `shared_kind`.

        Raises
        ------
        ImpossibleStatisticsError
            If no data can have these statistics (beyond rounding).
        """

    def expected_natural(self, posterior: Posterior) -> tuple[Array, Array]:
        """(eta (K, F) without log weights, eta_shared (n_shared,) or empty).

        features(z) . eta[k] + shared features(z) . eta_shared = E[ln p(z | component k)].
        """

    def log_normaliser(self, posterior: Posterior) -> float:
        """The family's part of the bound in nats, with every constant.

        Sum over the components of ln Z(posterior) - ln Z(prior) plus the base measure; exact
        for the statistics that made `posterior`.
        """

    def predictive(self, posterior: Posterior) -> Any:
        """Parameters of the posterior predictive density of each component and of a fresh one."""

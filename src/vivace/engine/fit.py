"""The state of a fit, and when it is done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vivace.engine.layout import Layout
from vivace.engine.local import LocalStore
from vivace.engine.statistics import Statistics


@dataclass
class Fit:
    """The last accepted state of a fit and its history. Schedules change it by `commit` alone.

    Attributes
    ----------
    posterior : object
        The model's posterior.
    statistics : Statistics
        The statistics that made `posterior`.
    elbo : float
        The bound: of `posterior` (batch, memoized), or at the end of the last pass (online);
        -inf when it is not known.
    trace : list of float
        The bound after each map (batch) or pass (online, memoized); a rejected trial repeats
        the bound before it.
    n_iter : int
        Number of maps or passes, the length of `trace`.
    converged : bool
        Whether the stop rule ended the last run.
    quiet : int
        Accepted steps in succession that moved the bound by less than the tolerance.
    step : int
        Number of batch updates so far (online, memoized): sets the learning rate and the order
        of batches.
    local : LocalStore
        Local state of the batches.
    layout : Layout or None
        The layout that `local` and `batch_statistics` belong to.
    batch_statistics : dict of int to Statistics, or None
        The statistics of each batch (memoized); they sum to `statistics`.
    smoothed : float or None
        The smoothed bound that the online stop rule watches.
    """

    posterior: Any
    statistics: Statistics
    elbo: float
    trace: list[float] = field(default_factory=list)
    n_iter: int = 0
    converged: bool = False
    quiet: int = 0
    step: int = 0
    local: LocalStore = field(default_factory=LocalStore)
    layout: Layout | None = None
    batch_statistics: dict[int, Statistics] | None = None
    smoothed: float | None = None

    def commit(self, **changes: Any) -> None:
        """Set several attributes at once.

        One call into C: a KeyboardInterrupt, which Python raises between byte codes, finds
        all of them changed or none.
        """
        vars(self).update(changes)

    def record(self, elbo: float, **changes: Any) -> None:
        """End an iteration: commit `changes` and the bound."""
        # A new list, not an append, for the reason given in `commit`.
        self.commit(elbo=elbo, trace=[*self.trace, elbo], n_iter=self.n_iter + 1, **changes)


def resume(
    posterior: Any,
    statistics: Statistics,
    *,
    elbo: float = -math.inf,
    quiet: int = 0,
    step: int = 0,
    smoothed: float | None = None,
    layout: Layout | None = None,
    local: LocalStore | None = None,
    batch_statistics: Mapping[int, Statistics] | None = None,
) -> Fit:
    """Return a fit that starts from a stored posterior, with an empty history.

    Nothing but what is given here outlives the earlier fit: acceleration starts afresh.

    Parameters
    ----------
    posterior : object
        The model's posterior.
    statistics : Statistics
        The statistics that made it.
    elbo : float
        The bound of the earlier fit on the same rows; leave it out for other rows.
    quiet, step, smoothed
        As the earlier `Fit` left them, to carry on its count towards convergence, its learning
        rate and its smoothed bound.
    layout, local, batch_statistics
        As the earlier `Fit` left them, for the same rows; leave them out for other rows. They
        are ignored when the next run's layout differs.
    """
    return Fit(
        posterior=posterior,
        statistics=statistics,
        elbo=float(elbo),
        quiet=quiet,
        step=step,
        smoothed=smoothed,
        layout=layout,
        local=LocalStore() if local is None else local,
        batch_statistics=None if batch_statistics is None else dict(batch_statistics),
    )


@dataclass(frozen=True)
class StopRule:
    """When a run ends.

    A fit has converged when the bound moved by less than ``tol * slack * total_weight`` at
    each of `patience` successive accepted steps; `slack` belongs to the schedule (1 but for
    online). One quiet step is no sign: bounds often rest for a map before they climb on.

    Parameters
    ----------
    tol : float
        Tolerance per unit of weight, in nats.
    max_iter : int
        Most maps (batch) or passes (online, memoized) of one run.
    patience : int
        Number of quiet steps in succession.
    """

    tol: float
    max_iter: int
    patience: int = 3

    def __post_init__(self) -> None:
        if not self.tol >= 0:
            raise ValueError(f"tol: expected a number of at least 0, got {self.tol}")
        for name in ("max_iter", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")


class Progress(NamedTuple):
    """What a callback is told after each map or pass.

    Attributes
    ----------
    n_iter : int
        Maps or passes of this run so far.
    elbo : float
        The bound of the last accepted state.
    accepted : bool
        False after a rejected trial.
    elapsed : float
        Seconds since the run began.
    max_iter : int
        Most maps or passes of this run.
    held_out : float or None
        Score of the held-out data after the pass, where an estimator holds some out.
    units : float or None
        Tokens that `elbo` is the bound of, where documents are fitted.
    """

    n_iter: int
    elbo: float
    accepted: bool
    elapsed: float
    max_iter: int
    held_out: float | None = None
    units: float | None = None

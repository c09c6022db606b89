"""The initialisations of a fit in a checkpoint: which one, its seeds, the best before it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from vivace.engine import Executor, Fit, Job, StatisticsPacking, pack_fit, unpack_fit
from vivace.estimators.jobs import data_digest
from vivace.estimators.scores import Scores
from vivace.mixture._held_out import Validation
from vivace.mixture._state import Fitted


class Course:
    """Brings a fit back to where its checkpoint was, and tells the next one where that is.

    Parameters
    ----------
    job : Job
        Of the fit.
    setup : Setup
        Model, prior and fingerprint of the data.
    rows : Rows or TableRows
        The data.
    row_weight : float
        Mean weight of a row.
    previous : Fitted or None
        What a warm start goes on from.
    executor : Executor
        Holds BLAS to one thread where posteriors are made again.
    n_runs : int
        Initialisations.
    held_seed : int or None
        Decides which rows are held out.
    max_iter : int
        Most iterations of an initialisation.

    Attributes
    ----------
    number : int
        The initialisation to go on with.
    rng : RandomState or None
        As it was after that initialisation had drawn from it; None to begin.
    best : Fitted or None
        The best of the initialisations before.
    """

    def __init__(
        self,
        job: Job,
        setup: Any,
        rows: Any,
        row_weight: float,
        previous: Fitted | None,
        executor: Executor,
        n_runs: int,
        held_seed: int | None,
        max_iter: int,
    ) -> None:
        self._job, self._setup, self._row_weight = job, setup, row_weight
        self._held_seed, self._n_runs, self._max_iter = held_seed, n_runs, max_iter
        # Most iterations of the initialisations before, and the first that ended for want of more.
        self._longest, self._cut = 0, -1
        self._scores: dict[str, Any] | None = None
        self._packing = job.packing = StatisticsPacking(setup.model)
        self._seed: int | None = None
        self._fit: Fit | None = None
        self.number, self.rng = 0, None
        self.best: Fitted | None = None
        warm = None if previous is None else [previous.fingerprint, repr(previous.fit.elbo)]
        content = data_digest(rows.source, rows.weights) if job.stores else None
        facts = {
            "number of rows": rows.n_rows,
            "content": f"{setup.fingerprint[:16]} {content}",
            "warm start from": warm,
        }
        job.check("data", facts)
        found, before = job.found, job.max_iter
        if found is None:
            return
        job.admit(max_iter)
        with executor, job.reading():
            self._fit = job.restore()
            self.number, self.rng = int(found["number"]), found["random"]
            if not isinstance(self.rng, np.random.RandomState | None):
                raise TypeError(f"expected a random state, got {self.rng!r:.60}")
            self._seed = int(found["seed"])
            if not (0 <= self.number < n_runs and 0 <= self._seed < 2**32):
                raise ValueError(f"initialisation {self.number} of {n_runs}, seed {self._seed}")
            self._longest, self._cut = int(found["longest"]), int(found["cut"])
            self._scores = found["validation"]
            if found["has_best"]:
                packed = job.part("best", self.number)
                self.best = self._fitted(unpack_fit(packed, self._packing))
                if found["best_validation"] is not None:
                    self.best.validation = Scores(0)
                    self.best.validation.restore_state(found["best_validation"])
        if before == max_iter:
            return
        reason = None
        if self._cut >= 0:
            reason = f"initialisation {self._cut + 1} of {n_runs} ended at max_iter={before}"
        elif self._longest > max_iter:
            reason = f"an earlier initialisation took {self._longest} iterations"
        if reason is not None:
            job.refuse(
                f"{reason}, and would have gone another way with max_iter={max_iter}",
                f"max_iter={before} (--passes {before}) as before",
            )

    def begin(self, number: int, best: Fitted | None, rng: np.random.RandomState) -> Fit | None:
        """Begin an initialisation; return the fit of the checkpoint the first time."""
        self._number, self._before, self._random = number, best, rng
        fit, self._fit = self._fit, None
        return fit

    def take_seed(self) -> int | None:
        """Return the seed of the schedule that the checkpoint had."""
        seed, self._seed = self._seed, None
        return seed

    def running(self, seed: int, validation: Validation | None) -> Job:
        """Return the job for a run with this seed; `validation` is brought back to where it was."""
        number, best, rng = self._number, self._before, self._random
        longest, cut = self._longest, self._cut
        self._job.last = number == self._n_runs - 1
        packing, before = self._packing, None
        if best is not None and best.validation is not None:
            before = best.validation.state()
        self._restore(validation)
        self._job.extra = lambda: {
            "number": number,
            "seed": seed,
            "random": rng,
            "has_best": best is not None,
            "held_out": self._held_seed,
            "longest": longest,
            "cut": cut,
            "validation": None if validation is None else validation.state(),
            "best_validation": before,
        }

        def parts() -> dict[str, Any]:
            found: dict[str, Any] = {}
            if best is not None:
                found["best"] = number, partial(pack_fit, best.fit, packing)
            if validation is not None and validation.best >= 0:
                found["kept"] = (number, validation.best), partial(validation.kept, packing)
            return found

        self._job.parts = parts
        return self._job

    def end(self, fit: Fit) -> None:
        """Take note of how an initialisation ended."""
        self._longest = max(self._longest, fit.n_iter)
        if self._cut < 0 and not fit.converged and fit.n_iter >= self._max_iter:
            self._cut = self._number

    def _restore(self, validation: Validation | None) -> None:
        """Take over the scores of the checkpoint, the first time."""
        scores, self._scores = self._scores, None
        if scores is None or validation is None:
            return
        with self._job.reading():
            validation.restore_state(scores)
            if validation.best >= 0:
                stamp = self._number, validation.best
                validation.restore_kept(self._job.part("kept", stamp), self._packing)

    def _fitted(self, fit: Fit) -> Fitted:
        setup = self._setup
        return Fitted(
            setup.model, setup.prior, fit, self._row_weight, setup.shape, setup.fingerprint
        )

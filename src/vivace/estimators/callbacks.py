"""What is told during a fit, and to whom: verbose output, callables, scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Protocol

from vivace.engine import Progress

try:  # scikit-learn 1.9 and later
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
except ImportError:  # pragma: no cover (depends on the installed version)

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks: nothing to support."""


Callback = Callable[[Progress], bool | None]


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Accept None, one callable or several."""
    if callbacks is None:
        return ()
    if callable(callbacks):
        return (callbacks,)
    found = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
    for callback in found:
        if not callable(callback):
            raise TypeError(
                "callbacks must be a callable or a list of callables that take a Progress "
                f"(n_iter, elbo, accepted, elapsed, max_iter), got {callback!r}. scikit-learn's "
                "own callbacks are given to set_callbacks."
            )
    return found


class Reporter(Protocol):
    """Prints what happens; each estimator has its own way, that of scikit-learn's namesake."""

    def begin(self, number: int, elbo: float) -> None:
        """Announce initialisation `number`, which starts at the bound `elbo`."""

    def __call__(self, progress: Progress) -> None:
        """Print after a map or pass."""

    def end(self, converged: bool, elbo: float, seconds: float) -> None:
        """Say how the initialisation ended."""


class Observers:
    """All who watch one fit, in the order: verbose, the caller's, scikit-learn's.

    Parameters
    ----------
    estimator : object
        Perhaps with callbacks set by `set_callbacks`.
    reporter : Reporter
        Verbose output.
    callbacks : sequence of callable
        Given to `fit`.
    told : dict
        X, y and metadata, handed to scikit-learn's callbacks.
    n_runs, max_iter : int
        Initialisations, and most iterations of each.
    """

    def __init__(
        self,
        estimator: Any,
        reporter: Reporter,
        callbacks: Sequence[Callback],
        told: dict[str, Any],
        n_runs: int,
        max_iter: int,
    ) -> None:
        self._verbose = reporter
        self._callbacks = callbacks
        self._estimator = estimator
        self._told = {"estimator": estimator, **told}
        self._max_iter = max_iter
        self._several = n_runs > 1
        self._root: Any = None
        self._run: Any = None
        self._iteration: Any = None
        self.stopped = False
        if hasattr(estimator, "_init_callback_context"):
            self._root = estimator._init_callback_context(
                max_subtasks=n_runs if self._several else max_iter
            )
            self._root.call_on_fit_task_begin(**self._told)

    def begin(
        self,
        number: int,
        elbo: float,
        state: Callable[[], dict[str, Any]],
        quiet: Callable[[], bool],
    ) -> None:
        """Begin initialisation `number`.

        `state` makes the attributes of a fitted estimator at any moment; `quiet` says whether the
        stop rule is met.
        """
        self._state, self._quiet, self._began = state, quiet, perf_counter()
        self._verbose.begin(number, elbo)
        if self._root is not None:
            self._run = self._root
            if self._several:
                self._run = self._root.subcontext(
                    task_name=f"initialization {number}", max_subtasks=self._max_iter
                )
                self._run.call_on_fit_task_begin(**self._told)
            if self._max_iter > 0:
                self._begin_iteration(1)

    def __call__(self, progress: Progress) -> bool:
        """Pass the progress on; True when one of the observers wants to stop."""
        self._verbose(progress)
        progress = progress._replace(
            held_out=getattr(self._verbose, "held_out", None),
            units=getattr(self._verbose, "units", None),
        )
        answers = [self._tell(callback, progress) for callback in self._callbacks]
        if self._iteration is not None:
            answers.append(
                self._iteration.call_on_fit_task_end(
                    **self._told, reconstruction_attributes=self._state
                )
            )
            self._iteration = None
        stop = any(answer is True for answer in answers)
        self.stopped = self.stopped or stop
        if self._run is not None and not (
            stop or self._quiet() or progress.n_iter == progress.max_iter
        ):
            self._begin_iteration(progress.n_iter + 1)
        return stop

    def _tell(self, callback: Any, progress: Progress) -> bool | None:
        # Those who look at the model are given what makes its attributes, too.
        if getattr(callback, "with_state", False):
            callback(progress, self._state)
            return None
        answer: bool | None = callback(progress)
        return answer

    def end(self, converged: bool, elbo: float) -> None:
        """End the initialisation."""
        self._verbose.end(converged, elbo, perf_counter() - self._began)
        if self._several and self._run is not None:
            self._run.call_on_fit_task_end(**self._told, reconstruction_attributes=self._state)

    def finish(self) -> None:
        """End the fit; the estimator has its attributes."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._told, reconstruction_attributes=dict)

    def _begin_iteration(self, number: int) -> None:
        self._iteration = self._run.subcontext(task_name=f"iteration {number}")
        self._iteration.call_on_fit_task_begin(**self._told)

"""What is told during a fit, and to whom: verbose output, callables, scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any

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


class Verbose:
    """Prints as scikit-learn's mixtures do: 1 what happens, 2 the bound and the time as well."""

    def __init__(self, level: int, interval: int) -> None:
        self._level, self._interval = int(level), interval
        self._last_time = self._last_elbo = 0.0

    def begin(self, number: int, elbo: float) -> None:
        """Announce initialisation `number`, which starts at the bound `elbo`."""
        self._last_time, self._last_elbo = 0.0, elbo
        if self._level:
            print(f"Initialization {number}")

    def __call__(self, progress: Progress) -> None:
        """Print every `interval`-th iteration."""
        if self._level and progress.n_iter % self._interval == 0:
            line = f"  Iteration {progress.n_iter}"
            if self._level >= 2:
                lapse, gain = progress.elapsed - self._last_time, progress.elbo - self._last_elbo
                line += f"\t time lapse {lapse:.5f}s\t lower bound {progress.elbo:.5f}"
                line += f"\t change {gain:.5f}"
                self._last_time, self._last_elbo = progress.elapsed, progress.elbo
            print(line)

    def end(self, converged: bool, elbo: float, seconds: float) -> None:
        """Say how the initialisation ended."""
        if self._level:
            line = f"Initialization {'converged' if converged else 'did not converge'}."
            if self._level >= 2:
                line += f" time lapse {seconds:.5f}s\t lower bound {elbo:.5f}."
            print(line)


class Observers:
    """All who watch one fit, in the order: verbose, the caller's, scikit-learn's.

    Parameters
    ----------
    estimator : object
        Has `verbose`, `verbose_interval`, and perhaps callbacks set by `set_callbacks`.
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
        callbacks: Sequence[Callback],
        told: dict[str, Any],
        n_runs: int,
        max_iter: int,
    ) -> None:
        self._verbose = Verbose(estimator.verbose, estimator.verbose_interval)
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
        answers = [callback(progress) for callback in self._callbacks]
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

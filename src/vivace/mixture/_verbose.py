"""Verbose output of a fit."""

from __future__ import annotations

from collections.abc import Callable

from vivace.engine import Progress


class Verbose:
    """Prints as scikit-learn's mixtures do: 1 what happens, 2 the bound and the time as well.

    A `Reporter`: it is called before any callback, so that those see the score that it took.

    Attributes
    ----------
    look : callable or None
        Scores held-out rows after an iteration; told whether the iteration was accepted.
    held_out : float or None
        The last score.
    """

    look: Callable[[bool], float] | None = None
    held_out: float | None = None

    def __init__(self, level: int, interval: int) -> None:
        self._level, self._interval = int(level), interval
        self._last_time = self._last_elbo = 0.0

    def begin(self, number: int, elbo: float) -> None:
        """Announce initialisation `number`, which starts at the bound `elbo`."""
        self._last_time, self._last_elbo = 0.0, elbo
        if self._level:
            print(f"Initialization {number}")

    def __call__(self, progress: Progress) -> None:
        """Score what is held out, and print every `interval`-th iteration."""
        if self.look is not None:
            self.held_out = self.look(progress.accepted)
        if self._level and progress.n_iter % self._interval == 0:
            line = f"  Iteration {progress.n_iter}"
            if self._level >= 2:
                lapse, gain = progress.elapsed - self._last_time, progress.elbo - self._last_elbo
                line += f"\t time lapse {lapse:.5f}s\t lower bound {progress.elbo:.5f}"
                line += f"\t change {gain:.5f}"
                self._last_time, self._last_elbo = progress.elapsed, progress.elbo
                if self.held_out is not None:
                    line += f"\t held out {self.held_out:.5f}"
            print(line)

    def end(self, converged: bool, elbo: float, seconds: float) -> None:
        """Say how the initialisation ended."""
        if self._level:
            line = f"Initialization {'converged' if converged else 'did not converge'}."
            if self._level >= 2:
                line += f" time lapse {seconds:.5f}s\t lower bound {elbo:.5f}."
            print(line)

"""What is looked at after each pass of a fit: perplexity, held-out documents, verbose output."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace.engine import Fit, Progress
from vivace.topics._validation import Validation


class Watch:
    """Prints as scikit-learn does, and ends a fit by `perp_tol` or on held-out documents.

    A `Reporter`: it is called before any callback, so that those see what it found.
    """

    def __init__(
        self,
        parameters: dict[str, Any],
        n_tokens: float,
        fit: Fit,
        validation: Validation | None = None,
    ) -> None:
        self._every = parameters["evaluate_every"]
        self._tol = parameters["perp_tol"]
        self._verbose = parameters["verbose"]
        self._tokens = n_tokens
        self._fit = fit
        self._last: float | None = None
        self.validation = validation
        self.converged = False

    @property
    def done(self) -> bool:
        """Whether the fit is to end."""
        return self.converged or (self.validation is not None and self.validation.done)

    @property
    def units(self) -> float:
        """Tokens that are fitted; 1 where the number that a fit reports is per token already."""
        return self._tokens

    @property
    def held_out(self) -> float | None:
        """The last score of the held-out documents."""
        trace = [] if self.validation is None else self.validation.trace
        return trace[-1] if trace else None

    def begin(self, number: int, elbo: float) -> None:
        """Nothing to say."""

    def __call__(self, progress: Progress) -> None:
        """Evaluate what is due, and print a line."""
        line = f"iteration: {progress.n_iter} of max_iter: {progress.max_iter}"
        if self._every > 0 and progress.n_iter % self._every == 0:
            perplexity = perplexity_of(progress.elbo, self._tokens)
            line += f", perplexity: {perplexity:.4f}"
            self.converged = self._last is not None and abs(self._last - perplexity) < self._tol
            self._last = perplexity
        if self.validation is not None:
            score = self.validation.look(self._fit)
            line += f", held-out log likelihood per token: {score:.5f}"
        if self._verbose:
            print(line)

    def state(self) -> dict[str, Any]:
        """Return what the next evaluation is compared with, for a checkpoint."""
        return {"last": self._last, "converged": self.converged}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a `state`."""
        self._last, self.converged = state["last"], bool(state["converged"])

    def end(self, converged: bool, elbo: float, seconds: float) -> None:
        """Nothing to say."""


def perplexity_of(bound: float, n_tokens: float) -> float:
    """exp(-bound per token); nan without tokens."""
    return float(np.exp(-bound / n_tokens)) if n_tokens > 0 else float("nan")

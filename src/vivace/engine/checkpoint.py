"""Where and how often a fit stores its state: what users ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivace.io.checkpoint_folder import CheckpointFolder


@dataclass
class Checkpoint:
    """Where and how often a fit stores its state, so that it can be killed and go on.

    Give it to `fit` as `checkpoint`. A fit that is killed at any moment and resumed, with the same
    data, parameters, software and instruction set, ends with the arrays, bound and trace of one
    that was never interrupted, bit for bit.

    Parameters
    ----------
    folder : str, path-like or None
        A folder for this fit alone. None: nothing is stored, `poll` alone is of use.
    every : float, default=60.0
        Seconds between checkpoints, which are written beside the fit, in a thread. Where one takes
        much of the processor they become rarer, so that they take no more than 2 % of the time. 0:
        one at every safe point, each written before the fit goes on.
    resume : bool, default=False
        Go on from the checkpoint in `folder`; where there is none the fit begins. Without it a
        checkpoint that is there is an error, unless `release` has set it free: nothing is
        overwritten.
    exact : bool, default=True
        Refuse to go on with other versions of the libraries or another instruction set, where the
        last bits may differ; False warns instead.
    poll : callable, optional
        Asked at every safe point (after a map, or a batch of online and memoized learning). Where
        it returns an exception, the state is stored and the exception raised.

    Attributes
    ----------
    written : int
        Checkpoints written so far.
    seconds : float
        Time that they took from the fit: copying what changes, and the processor time of writing.
    earlier : float
        Seconds that the fit had taken at the checkpoint that it went on from, in all processes.
    resumed_from : int or None
        Maps or passes of the checkpoint that the fit went on from.
    stored : int or None
        Maps or passes of the last checkpoint.
    ended : bool
        Whether the last checkpoint is of the state that the fit ended with.
    left_out : float or None
        Seconds that the checkpoint of a fit's end would have taken, where it was left out.
    afresh : str or None
        By what a checkpoint that was set free differs from this fit, which therefore began afresh.

    Notes
    -----
    A fit writes its last state, too. Another one with a larger `max_iter` goes on from it, and ends
    with the bits of a fit that had that `max_iter` from the beginning; one that had converged is
    back at once. The last state is left out where the fit has written a checkpoint before, this one
    takes more than a second, and all together would take more than 3 % of the time: the one before
    then stays, and such a fit goes on from there.

    Examples
    --------
    >>> from vivace import BayesianGaussianMixture, Checkpoint
    >>> import numpy as np, tempfile, pathlib
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "job"
    >>> checkpoint = Checkpoint(folder, every=60, resume=True)
    >>> mixture = BayesianGaussianMixture(n_components=2, random_state=0)
    >>> mixture = mixture.fit(X, checkpoint=checkpoint)
    >>> mixture.save(folder.with_name("model.vivace"))
    >>> checkpoint.release()  # or clear(), where nobody will go on with a larger max_iter
    """

    folder: str | os.PathLike[str] | None
    every: float = 60.0
    resume: bool = False
    exact: bool = True
    poll: Callable[[], BaseException | None] | None = None
    written: int = 0
    seconds: float = 0.0
    earlier: float = 0.0
    resumed_from: int | None = None
    stored: int | None = None
    ended: bool = False
    left_out: float | None = None
    afresh: str | None = None

    def __post_init__(self) -> None:
        if not self.every >= 0:
            raise ValueError(f"every: expected a number of seconds of at least 0, got {self.every}")

    def release(self) -> None:
        """Set the checkpoint free, when the model is safe elsewhere.

        It stays, so that a fit with a larger `max_iter` can go on from it; one without `resume`, or
        of other data or parameters, begins afresh in the same folder and overwrites it.
        """
        folder = self._opened()
        if folder is not None:
            folder.release()

    def clear(self) -> None:
        """Remove the checkpoint, when the model is safe elsewhere."""
        folder = self._opened()
        if folder is not None:
            folder.clear()

    def _opened(self) -> CheckpointFolder | None:
        from vivace.io.checkpoint_folder import CheckpointFolder

        if self.folder is None or not os.path.isdir(self.folder):
            return None
        return CheckpointFolder(self.folder)


def as_checkpoint(given: Any) -> Checkpoint | None:
    """Accept None, a folder or a `Checkpoint`."""
    if given is None or isinstance(given, Checkpoint):
        return given
    if isinstance(given, (str, os.PathLike)):
        return Checkpoint(given, resume=True)
    raise TypeError(f"checkpoint: expected a folder or a vivace.Checkpoint, got {given!r}")

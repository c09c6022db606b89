"""When the checkpoints of a fit are written: beside it or while it waits, and how often."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from vivace.engine.background import Background
from vivace.engine.checkpoint import Checkpoint

if TYPE_CHECKING:
    from vivace.io.checkpoint_folder import CheckpointFolder, Part

# Where writing takes long, checkpoints become rarer: they take at most this share of the time.
LARGEST_SHARE = 0.02
# ... and with the one of the fit's end no more than this,
LARGEST_SHARE_AT_END = 0.03
# unless that is written in so many seconds, for which nobody waits.
SOON_WRITTEN = 1.0

#: State and parts of a checkpoint; parts do not change any more, the state does.
Snapshot = tuple[dict[str, Any], "dict[str, Part]"]


class Writing:
    """Writes snapshots of a fit into a folder; a full disk costs a warning and that checkpoint.

    Parameters
    ----------
    checkpoint : Checkpoint
        Says how often, and is told what was written.
    folder : CheckpointFolder
    """

    def __init__(self, checkpoint: Checkpoint, folder: CheckpointFolder) -> None:
        self._checkpoint, self._folder = checkpoint, folder
        self._began = self._last = perf_counter()
        self._pause = checkpoint.every
        # Seconds that all checkpoints took, and that the last one was under way; None before it.
        self._taken = 0.0
        self._each: float | None = None
        self._warned = False
        checkpoint.ended, checkpoint.left_out = False, None
        self._background = Background()
        # Seconds that a checkpoint took before it went to the background; None where none did.
        self._foreground: float | None = None

    def maybe(self, snapshot: Callable[[], Snapshot], in_place: bool) -> None:
        """Write where it is time; in a thread unless the fit changes its state `in_place`."""
        if self._background.busy:
            return
        self.close()
        now = perf_counter()
        if now - self._last < self._pause:
            return
        if in_place or self._checkpoint.every == 0:
            self.now(snapshot)
            return
        state, parts = snapshot()
        frozen = deepcopy(state)  # the fit goes on in some of its arrays
        self._background.start(partial(self._write, frozen, parts))
        self._last = perf_counter()
        self._foreground = self._last - now

    def end(self, snapshot: Callable[[], Snapshot], same: bool = False) -> None:
        """Write the state that a fit ends with, unless that takes too much of its time.

        `same`: it is the one that was given last.
        """
        self.close()
        checkpoint, each = self._checkpoint, self._each
        if same and not self._warned:
            checkpoint.ended = True
            return
        if checkpoint.every > 0 and checkpoint.stored is not None and each is not None:
            whole = perf_counter() - self._began + each
            if each > SOON_WRITTEN and self._taken + each > LARGEST_SHARE_AT_END * whole:
                checkpoint.left_out = each
                return
        before = checkpoint.written
        self.now(snapshot)
        checkpoint.ended = checkpoint.written > before

    def now(self, snapshot: Callable[[], Snapshot], always_tell: bool = False) -> None:
        """Write while the fit waits."""
        self.close()
        began, failure = perf_counter(), None
        try:
            self._write(*snapshot())
        except OSError as error:
            failure = error
        self._tell(failure, always_tell)
        self._last = perf_counter()
        self._took(self._last - began, self._last - began)

    def close(self) -> None:
        """Let a checkpoint that is being written become whole."""
        if self._foreground is None:
            return
        error = self._background.wait()
        first, work = self._foreground, self._background
        self._took(first + work.seconds, first + work.elapsed)
        self._foreground = None
        if error is not None and not isinstance(error, OSError):
            raise error
        self._tell(error)

    def _took(self, seconds: float, each: float) -> None:
        self._checkpoint.seconds += seconds
        self._taken, self._each = self._taken + seconds, each
        self._pause = max(self._checkpoint.every, seconds / LARGEST_SHARE)
        if self._checkpoint.every == 0:
            self._pause = 0.0

    def _tell(self, error: OSError | None, always: bool = False) -> None:
        """Warn of a checkpoint that could not be written, once for a row of them."""
        if error is None:
            self._warned = False
        elif always or not self._warned:
            # A long fit does not die of a full disk: the last good checkpoint is still there.
            warnings.warn(
                f"{self._folder.path}: this checkpoint could not be written "
                f"({error.strerror or error}); the one before is as it was",
                RuntimeWarning,
                stacklevel=4,
            )
            self._warned = True

    def _write(self, state: dict[str, Any], parts: dict[str, Part]) -> None:
        self._folder.write(state, parts)
        self._checkpoint.written += 1
        self._checkpoint.stored = int(state["fit"]["n_iter"])

"""One piece of work at a time in a thread beside the fit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Background:
    """Runs work in a thread of its own, one piece after the other.

    Attributes
    ----------
    seconds, elapsed : float
        Processor time of the last piece of work, and how long it was under way.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self.seconds = self.elapsed = 0.0

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[], None]) -> None:
        """Begin a piece of work; the one before must have been waited for."""

        def run() -> None:
            began, entered = time.thread_time(), time.perf_counter()
            try:
                work()
            except BaseException as error:
                self._error = error
            self.seconds = time.thread_time() - began
            self.elapsed = time.perf_counter() - entered

        # No daemon: the interpreter waits for it at its end, so that a checkpoint is written whole.
        thread = threading.Thread(target=run, name="vivace-checkpoint")
        thread.start()
        self._thread = thread

    def wait(self) -> BaseException | None:
        """Wait until nothing is under way; return what went wrong."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        error, self._error = self._error, None
        return error

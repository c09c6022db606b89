"""What is told on standard error is no reason to lose a fit when nobody reads it any more."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, Any


class Heedless:
    """A text stream that goes on into nothing when the pipe behind it is closed.

    Parameters
    ----------
    stream : text stream
        With a file descriptor; whatever is not said here is asked of it.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or pretend to."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            redirect_to_nowhere(self._stream)
            return len(text)

    def flush(self) -> None:
        """Flush, or pretend to."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            redirect_to_nowhere(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def redirect_to_nowhere(stream: IO[str]) -> None:
    """Let what is still to be printed on a stream go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def outlive_its_reader() -> None:
    """Go on when the reader of standard error goes away."""
    sys.stderr = Heedless(sys.stderr)

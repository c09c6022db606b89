"""`--events`: what happens in a job, one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from typing import Any

import click


class Events:
    """Appends events to a file, each whole or not at all; a full disk ends that, not the job.

    Parameters
    ----------
    path : str or None
        None: nothing is written.

    Raises
    ------
    OSError
        The file cannot be opened.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._descriptor: int | None = None
        if path is None:
            return
        torn = _is_torn(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        if torn:  # by a power cut, or another program
            self._append(b"\n")

    def __call__(self, event: str, **facts: Any) -> None:
        """Tell of an event; numbers that are none are null."""
        record = {"event": event, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        plain = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in facts.items()
        }
        self._append((json.dumps(record | plain, default=str) + "\n").encode("ascii"))

    def close(self) -> None:
        """Write nothing more."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _append(self, line: bytes) -> None:
        descriptor = self._descriptor
        if descriptor is None:
            return
        before = os.fstat(descriptor).st_size
        try:
            while line:
                line = line[os.write(descriptor, line) :]
        except OSError as failure:  # a long fit does not die of a full disk
            with contextlib.suppress(OSError):  # no half line stays; a pipe keeps it
                os.ftruncate(descriptor, before)
            click.echo(
                f"vivace: warning: {self._path}: events are no longer written "
                f"({failure.strerror or failure})",
                err=True,
            )
            self.close()


def _is_torn(path: str) -> bool:
    """Whether a file ends in the midst of a line."""
    if not os.path.isfile(path) or os.path.getsize(path) == 0:
        return False
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"

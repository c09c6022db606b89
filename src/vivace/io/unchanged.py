"""Noticing that a file is no longer the one that was opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from vivace.io.table import StrPath, TableError

Check = Callable[[], None]


@contextmanager
def reading(name: str, check: Check, expected: str = "a whole table") -> Iterator[None]:
    """Say that a table is damaged where Arrow cannot read it; `check` may know the better reason.

    Raises
    ------
    TableError
        With the remedy.
    """
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        check()
        raise TableError(
            f"{name}: expected {expected}, got a damaged or vanished file "
            f"({str(error)[:300]}). Remedy: copy or write it again"
        ) from error


def unchanged(paths: Sequence[StrPath]) -> Check:
    """Return what raises once one of some files has vanished or changed.

    It looks at sizes and times, which takes microseconds a file.

    Raises
    ------
    TableError
        By what is returned; the message names the file and the remedy.
    """
    before = {path: _stamp(path) for path in paths if os.path.exists(path)}

    def check() -> None:
        for path, stamp in before.items():
            try:
                same = _stamp(path) == stamp
            except OSError as error:
                raise TableError(
                    f"{path}: has vanished while it was read ({error.strerror}). Remedy: bring it "
                    "back, and go on with --resume (resume=True) where there is a checkpoint"
                ) from error
            if not same:
                raise has_changed(path)

    return check


def has_changed(path: StrPath, how: str = "") -> TableError:
    """The error for a file that is no longer the one that was opened; `how` may tell more."""
    return TableError(
        f"{os.fspath(path)}: has changed while it was read{how}. Remedy: fit a copy that nobody "
        "writes to, or put back what was there, and go on with --resume (resume=True) where there "
        "is a checkpoint"
    )


def check_mapped(array: Any) -> Check | None:
    """Return the same for the file that an array is mapped from, read-only; None for others."""
    import numpy as np

    while array is not None:
        if isinstance(array, np.memmap):
            # Who maps a file to write to it changes it, and knows.
            path = array.filename if array.mode in ("r", "c") else None
            return None if path is None else unchanged([os.fspath(path)])
        array = getattr(array, "base", None)
    return None


def _stamp(path: StrPath) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns

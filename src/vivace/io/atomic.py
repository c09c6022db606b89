"""Write a file beside its destination and rename it: readers see the old file or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

#: Errors of files that are written: a full disk or quota, a file too large.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a binary file that takes the place of `path` when the block ends well.

    The bytes go to a new file in the same folder, which is synced to disk and renamed over `path`.
    When the block raises anything (Ctrl-C included), the new file is removed and `path` is as it
    was. A symbolic link stays a link: the file that it points to is replaced. Permissions of a
    replaced file are kept. A device or a pipe cannot be renamed over; it receives all bytes at
    the end.

    Parameters
    ----------
    path : str or path-like
        Destination.

    Yields
    ------
    file : binary file
        Open for writing, seekable.

    Raises
    ------
    IsADirectoryError
        `path` is a folder.
    OSError
        The folder does not exist or is not writable (the error names the folder), the disk is
        full, ...
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{os.fspath(path)}: is a folder; name a file")
    if mode is not None and not stat.S_ISREG(mode):
        with tempfile.TemporaryFile() as buffer:
            yield buffer
            buffer.seek(0)
            try:
                with open(target, "wb") as device:
                    shutil.copyfileobj(buffer, device)
            except OSError as error:
                error.filename = os.fspath(path)
                raise
        return

    beside = target.with_name(f".{target.name[:50]}.{secrets.token_hex(8)}.part")
    try:
        try:
            file = open(beside, "xb")  # noqa: SIM115 (closed below)
        except OSError as error:  # not the name of a file that nobody asked for
            raise type(error)(error.errno, error.strerror, str(target.parent)) from error
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(beside, stat.S_IMODE(mode))
        os.replace(beside, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
            error.filename = os.fspath(path)
        raise
    _sync_folder(target.parent)


def _mode(path: Path) -> int | None:
    """Type and permissions of a file; None if there is none."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

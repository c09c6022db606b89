"""A folder that holds one checkpoint: a manifest, and files with the parts that it names.

    checkpoint.vivace         the manifest: what the fit is, its small state, the parts' files
    part-<number>-<token>.vivace   parts (statistics and local state of batches) written together
    released                  the number of a manifest that may be overwritten: its fit has ended
    lock                      held by the process at work

All are containers as model files are (`vivace.io.container`): loading runs no code, sizes and
types are checked, each member has a checksum. A part that has not changed is not written again.
Parts are written and synced first, under names of their own; renaming the new manifest over the
old one is the moment at which the new checkpoint holds. Whatever happens before it leaves the old
manifest and all that it names; what no manifest names is removed afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import zipfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from vivace.io.atomic import replacing
from vivace.io.container import DAMAGE, read_arrays, read_header, write_container
from vivace.io.values import Arrays, decode, encode

FORMAT, PART_FORMAT = "vivace-checkpoint", "vivace-checkpoint-part"
FORMAT_VERSION = 1
MANIFEST = "checkpoint.vivace"
RELEASED = "released"

_PART = re.compile(r"part-[0-9]{8}-[0-9a-f]{8}\.vivace")
# What a killed writer may leave (`vivace.io.atomic`).
_LEFT_OVER = re.compile(
    r"\.(?:part-[0-9]{8}-[0-9a-f]{8}\.vivace|checkpoint\.vivace|released)\.[0-9a-f]{16}\.part"
)
# Parts of a file: with some ten arrays each they stay well below the members of a container.
_PARTS_OF_A_FILE = 500
# ... but not many more bytes than this: parts may be on a disk, and are made one after the other.
_BYTES_OF_A_FILE = 64 << 20

#: A part to write: whether it is the one written before (equal stamps), and how to make it.
Part = tuple[Hashable, Callable[[], Any]]


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says why, and the remedy."""


class CheckpointFolder:
    """Reads and writes the checkpoint of one fit. Holds the folder's lock until `close`.

    Parameters
    ----------
    path : str or path-like
        The folder; made if there is none.

    Raises
    ------
    CheckpointError
        It is no folder, or another process works with it.
    OSError
        It cannot be made or written to.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise CheckpointError(f"{self.path}: is a file. Remedy: name a folder of its own")
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock: IO[bytes] | None = _locked(self.path)
        self._serial = 0
        self._files: dict[str, str] = {}  # part -> file
        self._stamps: dict[str, Hashable] = {}

    @property
    def exists(self) -> bool:
        """Whether there is a checkpoint."""
        return (self.path / MANIFEST).exists()

    @property
    def released(self) -> bool:
        """Whether the checkpoint that is there was set free by `release`."""
        try:
            serial = int((self.path / RELEASED).read_text("ascii"))
        except (OSError, ValueError):
            return False
        return self._holds(serial)

    def release(self) -> None:
        """Take note that the checkpoint may be overwritten, and let the folder go.

        A later checkpoint is another one: it has another number.
        """
        try:
            serial = _serial_of(self.path / MANIFEST)
            with contextlib.suppress(OSError), replacing(self.path / RELEASED) as out:
                out.write(str(serial).encode("ascii"))
        except CheckpointError:  # there is none
            pass
        finally:
            self.close()

    def begin_over(self) -> None:
        """Forget the checkpoint that is there; the next `write` replaces it."""
        self._serial = _serial_of(self.path / MANIFEST)
        self._files, self._stamps = {}, {}

    def close(self) -> None:
        """Let the folder go."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    # -- reading ------------------------------------------------------------------------------

    def read(self) -> Any:
        """Return the state in the manifest, as it was given to `write`.

        Raises
        ------
        CheckpointError
            It is damaged or of another format version.
        """
        record, arrays = _read(self.path / MANIFEST, FORMAT)
        with _damage(self.path / MANIFEST):
            state = decode(record["state"], arrays)
            files, serial = record["files"], record["serial"]
            if type(serial) is not int or not isinstance(files, dict):
                raise ValueError("no list of files")
            found: dict[str, str] = {}
            for name, parts in files.items():
                if not _PART.fullmatch(name) or not isinstance(parts, list):
                    raise ValueError(f"unexpected file {name[:80]!r}")
                found |= {str(part): name for part in parts}
        self._serial, self._files = serial, found
        return state

    def read_parts(self) -> Iterator[tuple[str, Any]]:
        """Return name and value of each part of the checkpoint that was read.

        Raises
        ------
        CheckpointError
            A file is missing or damaged.
        """
        for file in sorted(set(self._files.values())):
            record, arrays = _read(self.path / file, PART_FORMAT)
            with _damage(self.path / file):
                wanted = {name for name, where in self._files.items() if where == file}
                parts = record["parts"]
                if not wanted <= parts.keys():
                    raise ValueError("a part is missing")
                for name, value in parts.items():
                    decoded = decode(value, arrays)
                    if name in wanted:
                        yield name, decoded

    def adopt(self, name: str, stamp: Hashable) -> None:
        """Take note that what has this stamp is in the checkpoint that was read."""
        self._stamps[name] = stamp

    # -- writing ------------------------------------------------------------------------------

    def write(self, state: Any, parts: Mapping[str, Part]) -> None:
        """Replace the checkpoint.

        Parameters
        ----------
        state : object
            What `vivace.io.values.encode` takes.
        parts : mapping of str to (stamp, function)
            All parts of the new checkpoint. The function makes the value of a part; it is called
            where the stamp is not that of the part in the present checkpoint.

        Raises
        ------
        OSError
            The disk is full, the folder is gone, ...: the present checkpoint is as it was.
        """
        serial = self._serial + 1
        changed = [
            name
            for name, (stamp, _) in parts.items()
            if name not in self._files or self._stamps.get(name) != stamp
        ]
        files = {name: file for name, file in self._files.items() if name in parts}
        written: list[str] = []
        try:
            for file, names in self._write_changed(serial, changed, parts, written):
                files |= dict.fromkeys(names, file)
            by_file: dict[str, list[str]] = {}
            for name, file in files.items():
                by_file.setdefault(file, []).append(name)
            arrays: Arrays = {}
            encoded = encode(state, "state", arrays)
            header = {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "serial": serial,
                "files": by_file,
                "state": encoded,
            }
            with replacing(self.path / MANIFEST) as out:
                write_container(out, header, arrays)
        except BaseException:
            # An interrupt may fall just after the rename: only the manifest on disk tells.
            if not self._holds(serial):
                for file in written:
                    with contextlib.suppress(OSError):
                        os.unlink(self.path / file)
                raise
            self._commit(serial, files, parts)
            raise
        self._commit(serial, files, parts)
        self._sweep(set(by_file))

    def clear(self) -> None:
        """Remove the checkpoint, and the folder if nothing else is in it."""
        with contextlib.suppress(OSError):
            os.unlink(self.path / MANIFEST)
        self._files, self._stamps = {}, {}
        self._sweep(set())
        for name in (RELEASED, "lock"):
            with contextlib.suppress(OSError):
                os.unlink(self.path / name)
        self.close()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _commit(self, serial: int, files: dict[str, str], parts: Mapping[str, Part]) -> None:
        self._serial, self._files = serial, files
        self._stamps = {name: stamp for name, (stamp, _) in parts.items()}

    def _holds(self, serial: int) -> bool:
        try:
            return _serial_of(self.path / MANIFEST) == serial
        except (CheckpointError, OSError):
            return False

    def _write_changed(
        self, serial: int, changed: list[str], parts: Mapping[str, Part], written: list[str]
    ) -> Iterator[tuple[str, list[str]]]:
        """Write what has changed, some parts a file, so that few are in memory at a time."""
        arrays: Arrays = {}
        encoded: dict[str, Any] = {}
        for i, name in enumerate(changed):
            encoded[name] = encode(parts[name][1](), f"p{i}", arrays)
            size = sum(array.nbytes for array in arrays.values())
            full = size >= _BYTES_OF_A_FILE or len(encoded) == _PARTS_OF_A_FILE
            if not full and i + 1 < len(changed):
                continue
            file = f"part-{serial:08d}-{secrets.token_hex(4)}.vivace"
            written.append(file)
            header = {"format": PART_FORMAT, "format_version": FORMAT_VERSION, "parts": encoded}
            with replacing(self.path / file) as out:
                write_container(out, header, arrays)
            yield file, list(encoded)
            arrays, encoded = {}, {}

    def _sweep(self, keep: set[str]) -> None:
        """Remove what no manifest names."""
        with contextlib.suppress(OSError):
            for entry in os.listdir(self.path):
                if _LEFT_OVER.fullmatch(entry) or (_PART.fullmatch(entry) and entry not in keep):
                    with contextlib.suppress(OSError):
                        os.unlink(self.path / entry)


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the state in a folder's checkpoint and the names of its files, to look at only.

    Raises
    ------
    CheckpointError
        There is none, or it is damaged.
    """
    path = Path(folder) / MANIFEST
    if not path.exists():
        raise CheckpointError(f"{folder}: holds no checkpoint ({MANIFEST}). Remedy: name a model")
    record, arrays = _read(path, FORMAT)
    with _damage(path):
        return {"state": decode(record["state"], arrays), "files": list(record["files"])}


def _serial_of(path: Path) -> int:
    """Return the number of a manifest."""
    serial = _read(path, FORMAT, with_arrays=False)[0].get("serial")
    if type(serial) is not int:
        raise CheckpointError(f"{path}: expected a vivace checkpoint, got one without a number")
    return serial


def _read(path: Path, wanted: str, *, with_arrays: bool = True) -> tuple[dict[str, Any], Arrays]:
    try:
        with open(path, "rb") as file, _damage(path), zipfile.ZipFile(file) as archive:
            record, members = read_header(archive)
            found, version = record.get("format"), record.get("format_version")
            if found != wanted:
                raise ValueError("it is no part of a checkpoint")
            if version != FORMAT_VERSION:
                raise CheckpointError(
                    f"{path}: a checkpoint of format version {str(version)[:20]}; this vivace "
                    f"reads {FORMAT_VERSION}. Remedy: go on with the version that wrote it"
                )
            return record, read_arrays(archive, members) if with_arrays else {}
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path}: is missing, so the checkpoint is not whole. Remedy: copy the folder again, "
            "or begin afresh in another"
        ) from error


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except CheckpointError:
        raise
    except (*DAMAGE, TypeError) as error:
        reason = str(error) or type(error).__name__
        raise CheckpointError(
            f"{path}: expected a vivace checkpoint, got something else or a damaged copy "
            f"({reason}). Remedy: copy the folder again, or begin afresh in another"
        ) from error


def _locked(folder: Path) -> IO[bytes] | None:
    """Take the folder's lock; the system lets it go when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover (no such locks on this system)
        return None
    file = open(folder / "lock", "ab")  # noqa: SIM115 (held until close)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise CheckpointError(
            f"{folder}: another process is at work with this checkpoint. Remedy: wait for it or "
            "end it, or name another folder"
        ) from error
    return file

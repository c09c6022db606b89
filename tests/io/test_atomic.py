"""Readers see the old file or the new one, and nothing is left beside it."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from vivace.io.atomic import replacing


def write_and_raise(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as file:
        file.write(b"after")
        raise error


@pytest.mark.parametrize("before", [None, b"before"])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt, SystemExit])
def test_replaced_only_on_success(
    tmp_path: Path, before: bytes | None, error: type[BaseException] | None
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    if error is None:
        with replacing(path) as file:
            file.write(b"after")
            assert not path.exists() if before is None else path.read_bytes() == before
        expected: bytes | None = b"after"
    else:
        with pytest.raises(error):
            write_and_raise(path, error)
        expected = before
    assert (path.read_bytes() if path.exists() else None) == expected
    assert os.listdir(tmp_path) == ([] if expected is None else ["file"])


def test_permissions(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    plain = tmp_path / "plain"
    plain.touch()
    old.touch()
    old.chmod(0o640)
    for path in (new, old):
        with replacing(path) as file:
            file.write(b"x")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == plain.stat().st_mode


def test_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"before")
    link.symlink_to(target)
    with replacing(link) as file:
        file.write(b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"


def test_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    with replacing(path) as file:
        file.write(b"-fter")
        file.seek(0)
        file.write(b"a")
    reader.join(timeout=10)
    assert found == [b"after"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_names_that_do_not_work(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="name a file"), replacing(tmp_path):
        pass
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "no" / "file"):
        pass
    with replacing(tmp_path / ("é" * 120)) as file:  # as long as the system allows, nearly
        file.write(b"x")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "none" / "x"):
        pass
    assert caught.value.filename == str(tmp_path / "none")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The system does not say which file; whoever asked for it reads its name."""
    path = tmp_path / "model.vivace"
    with pytest.raises(OSError, match="No space left") as caught, replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []

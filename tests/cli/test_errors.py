"""No failure shows a traceback, unless it is asked for."""

from __future__ import annotations

import errno
import warnings
from pathlib import Path
from typing import Any

import click
import pytest

from vivace.cli.errors import Terminated, reporting


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("vivace.io.load_model", fail)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("wrong"), 1, "vivace: wrong\n"),
        (MemoryError("8 GB"), 1, "vivace: not enough memory (8 GB). Remedy: "),
        (FileNotFoundError(2, "No such file", "a"), 1, "vivace: a: no such file\n"),
        (PermissionError(13, "Permission denied"), 1, "vivace: permission denied\n"),
        (OSError("odd"), 1, "vivace: odd\n"),
        (ZeroDivisionError("a/b"), 1, "vivace: unexpected ZeroDivisionError: a/b. Remedy: "),
        (RecursionError("deep"), 1, "vivace: unexpected RecursionError: deep. Remedy: "),
        (KeyboardInterrupt(), 130, "vivace: interrupted; nothing was written\n"),
        (Terminated(), 143, "vivace: terminated; nothing was written\n"),
    ],
)
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_one_line(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    message: str,
    debug: tuple[str, ...],
) -> None:
    failing(monkeypatch, error)
    result = run("score", "model.vivace", "data.npy", *debug)
    assert result.exit_code == code
    assert result.stdout == ""
    if debug:
        assert f"{type(error).__name__}" in result.stderr
        assert "Traceback (most recent call last)" in result.stderr
        assert message in result.stderr
    else:
        assert result.stderr.startswith(message)
        assert result.stderr.count("\n") == 1


def test_debug_before_the_command(run: Any) -> None:
    assert "Traceback" in run("--debug", "score", "none", "none").stderr.replace("--debug", "")


def test_gone_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has what it wanted: the command ends quietly and well."""
    with open(tmp_path / "out", "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        with pytest.raises(click.exceptions.Exit, match="0"), reporting(lambda: False):
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        print("goes nowhere")
    assert (tmp_path / "out").read_text() == ""


def test_exit_passes() -> None:
    with pytest.raises(SystemExit, match="7"), reporting(lambda: False):
        raise SystemExit(7)
    with pytest.raises(click.UsageError), reporting(lambda: False):
        raise click.UsageError("x")


class OldWay(UserWarning, DeprecationWarning):
    pass


def test_only_warnings_for_users(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(lambda: False):
        warnings.warn("read this", UserWarning, stacklevel=1)
        warnings.warn("and this", RuntimeWarning, stacklevel=1)
        warnings.warn("not this", DeprecationWarning, stacklevel=1)
        warnings.warn("nor this", OldWay, stacklevel=1)
    lines = "vivace: warning: read this\nvivace: warning: and this\n"
    assert capsys.readouterr().err == lines

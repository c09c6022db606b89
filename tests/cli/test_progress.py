"""Progress: a moving line on a terminal, plain lines elsewhere, silence when asked for."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from vivace.cli import progress
from vivace.cli.progress import FitMeter, Meter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(n_iter: int) -> SimpleNamespace:
    return SimpleNamespace(n_iter=n_iter, elbo=-100.0 + n_iter, elapsed=0.1)


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_MOVES", 0.0)
    with FitMeter(10, quiet=False) as meter:
        for i in range(1, 4):
            meter(told(i))
    assert "3 iterations [00:00, bound per row -9.700000, +1.0e-01]" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()


def test_terminal_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with Meter("rows", 1000, quiet=False) as meter:
        meter.update(500)
    assert terminal.getvalue() == "500 of 1,000 rows, 0 s\n"


def test_plain_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with FitMeter(10, quiet=False) as meter:
        meter(told(1))
        meter(told(2))
    assert capsys.readouterr().err == (
        "1 iteration, 0 s, bound per row -9.900000\n"
        "2 iterations, 0 s, bound per row -9.800000, +1.0e-01\n"
    )


def test_lines_are_rare(capsys: pytest.CaptureFixture[str]) -> None:
    with FitMeter(10, quiet=False) as meter:
        for i in range(100):
            meter(told(i))
    assert capsys.readouterr().err == ""


def test_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with FitMeter(10, quiet=True) as meter:
        meter(told(1))
    assert terminal.getvalue() == ""

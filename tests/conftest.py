"""Settings that every test shares."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# No deadlines: the machine may be busy. In continuous integration, the same examples every time.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

# Tests press Ctrl-C, which shells let jobs in the background ignore.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> str:
    from vivace import _core

    return f"vivace: instruction set {_core.isa()} of {', '.join(_core.available_isas())}"

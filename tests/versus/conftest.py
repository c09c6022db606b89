"""The benchmarks are no part of a source distribution: these tests need a checkout."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

if (ROOT / "benchmarks").is_dir():
    sys.path.append(str(ROOT))
else:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def c_code(tmp_path_factory, monkeypatch):
    """C code of the benchmarks is compiled, out of the user's cache."""
    from benchmarks import data

    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    monkeypatch.setattr(data, "CACHE", tmp_path_factory.getbasetemp() / "benchmarks")

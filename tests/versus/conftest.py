"""The benchmarks are no part of a source distribution: these tests need a checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

if (ROOT / "benchmarks").is_dir():
    sys.path.append(str(ROOT))
else:
    collect_ignore_glob = ["test_*.py"]

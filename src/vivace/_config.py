"""What this installation runs on: the first thing to quote in a report."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "threadpoolctl", "joblib")


def config() -> dict[str, str]:
    """Versions, instruction set and threads.

    Returns
    -------
    dict of str to str
        `vivace`, `instruction set` (in use), `instruction sets` (that this processor can run),
        `threads` (the default of `n_jobs`), `python`, `system`, `processor`, and the version of
        each library that the package stands on.
    """
    from vivace import _core
    from vivace.engine import default_threads

    found = {
        "vivace": _version("vivace"),
        "instruction set": _core.isa(),
        "instruction sets": ", ".join(_core.available_isas()),
        "threads": str(default_threads()),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
    }
    found.update((library, _version(library)) for library in _LIBRARIES)
    return found


def show_config() -> None:
    """Print version, instruction set, threads and library versions.

    The environment variable `VIVACE_ISA` forces an instruction set; `n_jobs` of an estimator
    changes its number of threads.
    """
    found = config()
    width = max(map(len, found))
    for name, value in found.items():
        print(f"{name:<{width}}  {value}")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The processor's own name where the system tells it, else its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

"""How many threads to use, and keeping BLAS to one of its own."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# More are a slip of the hand: each costs memory, and beyond the processors none is of use.
MOST_THREADS = 1024


def default_threads() -> int:
    """Return the number of threads that this process may use.

    That is the least of the processor affinity and the control group's quota; and 1 inside a
    joblib worker, where the other workers use the other processors.
    """
    if _inside_joblib_worker():
        return 1
    return max(1, math.ceil(min(_affinity(), _cgroup_quota())))


def resolve_n_jobs(n_jobs: int | None) -> int:
    """Return a number of threads for scikit-learn's `n_jobs`.

    None and -1 mean `default_threads()`, -2 one fewer and so on (never less than 1); a
    positive number means itself.

    Raises
    ------
    ValueError
        `n_jobs` is 0 or more than `MOST_THREADS`.
    """
    if n_jobs is None:
        return default_threads()
    if n_jobs == 0:
        raise ValueError("n_jobs: expected a positive number, a negative number or None, got 0")
    if n_jobs > MOST_THREADS:
        raise ValueError(
            f"n_jobs: expected at most {MOST_THREADS}, got {n_jobs}; None takes the "
            f"processors there are ({default_threads()})"
        )
    return int(n_jobs) if n_jobs > 0 else max(1, default_threads() + 1 + int(n_jobs))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _inside_joblib_worker() -> bool:
    # Whoever runs in a worker has joblib loaded; never import it just to ask.
    parallel = sys.modules.get("joblib.parallel")
    if parallel is None:
        return False
    backend, _ = parallel.get_active_backend()
    return (getattr(backend, "nesting_level", 0) or 0) > 0


def _cgroup_quota(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> float:
    """Return the processors that the control groups grant, infinity without a limit."""
    quota = math.inf
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return quota
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            base, read = root, _quota_v2
        elif "cpu" in controllers.split(","):
            base, read = root / controllers, _quota_v1
        else:
            continue
        # Every ancestor limits too; in a container the path may not exist below the root.
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder == base or base in folder.parents:
                quota = min(quota, read(folder))
    return quota


def _quota_v2(folder: Path) -> float:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf


def _quota_v1(folder: Path) -> float:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return math.inf if quota <= 0 else quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep BLAS to one thread meanwhile: the blocks are what runs in parallel.

    OpenBLAS has one limit for the whole process. When calls overlap in several threads,
    threadpoolctl 3.8 and later let the first one decide; earlier ones may leave the limit at 1.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


_cached: tuple[int, Any] = (-1, None)


def _controller() -> Any:
    """Return a controller of all BLAS libraries loaded by now."""
    # Making one scans all loaded libraries (0.7 ms, against 0.01 ms for a use). A new BLAS
    # comes with new modules.
    global _cached
    if _cached[0] != len(sys.modules):
        from threadpoolctl import ThreadpoolController

        _cached = (len(sys.modules), ThreadpoolController())
    return _cached[1]

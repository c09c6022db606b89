"""How many threads, and BLAS kept to one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import threadpoolctl

from vivace.cli.options import threads_option
from vivace.engine import ThreadExecutor, default_threads, resolve_n_jobs, single_threaded_blas
from vivace.engine.threads import MOST_THREADS, _cgroup_quota


def test_default_follows_affinity() -> None:
    allowed = len(os.sched_getaffinity(0))
    assert 1 <= default_threads() <= allowed
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from vivace.engine import default_threads; assert default_threads() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_engine_imports_nothing_heavy() -> None:
    code = (
        "import sys, vivace.engine;"
        "bad = {'scipy', 'sklearn', 'threadpoolctl', 'joblib', 'numba'} & set(sys.modules);"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_n_jobs() -> None:
    assert resolve_n_jobs(None) == resolve_n_jobs(-1) == default_threads()
    assert resolve_n_jobs(3) == 3
    assert resolve_n_jobs(-2) == max(1, default_threads() - 1)
    assert resolve_n_jobs(-1000) == 1
    with pytest.raises(ValueError, match="got 0"):
        resolve_n_jobs(0)
    kind = threads_option(lambda: None).__click_params__[0].type  # type: ignore[attr-defined]
    assert kind.max == MOST_THREADS
    with pytest.raises(ValueError, match="expected at most 1024, got 100000"):
        resolve_n_jobs(100_000)


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_one_thread_inside_a_joblib_worker(backend: str) -> None:
    counts = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(default_threads)() for _ in range(2)
    )
    assert counts == [1, 1]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_quota_of_version_2_is_the_least_of_all_ancestors(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "0::/user/job\n")
    root = tmp_path / "fs"
    for group, limit in {
        "": "max 100000",
        "user": "150000 100000",
        "user/job": "max 100000",
    }.items():
        write(root / group / "cpu.max", limit + "\n")
    assert _cgroup_quota(root, tmp_path / "cgroup") == 1.5
    write(root / "cpu.max", "50000 100000")  # a container's own limit shows at its root
    assert _cgroup_quota(root, tmp_path / "cgroup") == 0.5


def test_quota_of_version_1(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "5:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n")
    folder = tmp_path / "fs" / "cpu,cpuacct"
    write(folder / "cpu.cfs_quota_us", "300000\n")
    write(folder / "cpu.cfs_period_us", "100000\n")
    assert _cgroup_quota(tmp_path / "fs", tmp_path / "cgroup") == 3.0
    write(folder / "cpu.cfs_quota_us", "-1\n")
    assert _cgroup_quota(tmp_path / "fs", tmp_path / "cgroup") == np.inf


def test_no_quota_without_control_groups(tmp_path: Path) -> None:
    assert _cgroup_quota(tmp_path, tmp_path / "none") == np.inf
    write(tmp_path / "cgroup", "0::/\n")
    write(tmp_path / "cpu.max", "nonsense\n")
    assert _cgroup_quota(tmp_path, tmp_path / "cgroup") == np.inf


def blas_threads() -> set[int]:
    info = threadpoolctl.threadpool_info()
    return {library["num_threads"] for library in info if library["user_api"] == "blas"}


def test_blas_limit_nests_and_is_lifted() -> None:
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        with ThreadExecutor(2), single_threaded_blas():
            assert blas_threads() == {1}
        assert blas_threads() == {2}

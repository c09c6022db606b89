"""The fits of `benchmarks.large`: pass times and peak memory, each in a process of its own.

python -m benchmarks.large_fits table FOLDER/table.parquet
python -m benchmarks.large_fits documents FOLDER/documents.npz
python -m benchmarks.large_fits table FOLDER/table.parquet memoized stream 1      # one of them
python -m benchmarks.large_fits table FOLDER/table.npy memoized stream 1          # memory: a map
python -m benchmarks.large_fits stored FOLDER/documents.npz 180 FOLDER/job        # checkpoints
python -m benchmarks.large_fits stored FOLDER/documents.npz 180 FOLDER/job cvb0   # or gibbs
python -m benchmarks.large_fits stored FOLDER/table.parquet 180 FOLDER/job table-online
python -m benchmarks.large_fits checksum FOLDER/table.parquet                     # all values
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMPONENTS, PASSES, MEMORY = 64, 3, 180_000_000
TOPICS, BATCH_DOCUMENTS = 50, 320_000
STORED_DOCUMENTS = 400_000


def child(*arguments: str) -> dict[str, Any]:
    """Run one measurement."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, "1")}
    command = [sys.executable, "-m", "benchmarks.large_fits", *arguments]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(" ".join(arguments), found, file=sys.stderr, flush=True)
    return found


class Clock:
    """Wall and CPU seconds of each pass; give it to a fit as a callback."""

    def __init__(self) -> None:
        self.marks = [self._now()]

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def __call__(self, progress: Any) -> None:
        """Note the end of a pass."""
        self.marks.append(self._now())

    def record(self) -> dict[str, Any]:
        """Return the quickest pass after the first, and the peak of the process."""
        steps = list(zip(self.marks[1:-1], self.marks[2:], strict=True))
        return {
            "pass": min(b[0] - a[0] for a, b in steps),
            "cpu": min(b[1] - a[1] for a, b in steps),
            "before and first": self.marks[1][0] - self.marks[0][0],
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def read(path: Path) -> dict[str, Any]:
    """Time pyarrow reading the file alone, row group by row group, one thread."""
    from pyarrow import parquet

    wall, cpu = time.perf_counter(), time.process_time()
    with parquet.ParquetFile(path) as file:
        for i in range(file.num_row_groups):
            file.read_row_group(i, use_threads=False)
    return {"pass": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def table(path: Path, method: str, where: str, threads: str) -> dict[str, Any]:
    """Fit the mixture, from memory or streamed."""
    from vivace import BayesianGaussianMixture
    from vivace.io import open_table, read_table

    rows = read_table(path).values if where == "memory" else open_table(path, memory=MEMORY)
    model = BayesianGaussianMixture(
        n_components=COMPONENTS,
        learning_method=method,
        max_iter=PASSES,
        tol=0.0,
        n_jobs=int(threads),
        random_state=0,
    )
    clock = Clock()
    model.fit(rows, callbacks=clock)
    return clock.record() | {"bound": model.lower_bound_}


def documents(path: Path, method: str, where: str, threads: str) -> dict[str, Any]:
    """Fit the topics, from memory or streamed."""
    import numpy as np

    from vivace import LatentDirichletAllocation
    from vivace.io import open_documents, read_corpus

    given: Any
    if where == "memory":
        given = read_corpus(path, dtype=np.float32)
    else:
        given = open_documents(path, dtype=np.float32, memory=MEMORY)
    model = LatentDirichletAllocation(
        n_components=TOPICS, learning_method=method, batch_size=BATCH_DOCUMENTS, max_iter=PASSES,
        n_jobs=int(threads), random_state=0, init="random",
    )  # fmt: skip
    clock = Clock()
    model.fit(given, callbacks=clock)
    return clock.record() | {"bound": model.elbo_}


def jobs() -> dict[str, Callable[[Path], tuple[Any, Any]]]:
    """Long fits by name: each opens its data and makes the model."""
    import numpy as np

    from vivace import BayesianGaussianMixture, LatentDirichletAllocation
    from vivace.io import open_table, read_corpus

    def topics(**settings: Any) -> Callable[[Path], tuple[Any, Any]]:
        def opened(path: Path) -> tuple[Any, Any]:
            counts = read_corpus(path, dtype=np.float32).counts[:STORED_DOCUMENTS]
            given = {"n_components": 100, "max_iter": 1000, "random_state": 0, **settings}
            return LatentDirichletAllocation(**given), counts

        return opened

    def mixture(method: str) -> Callable[[Path], tuple[Any, Any]]:
        def opened(path: Path) -> tuple[Any, Any]:
            model = BayesianGaussianMixture(
                n_components=COMPONENTS, learning_method=method, max_iter=1000, tol=0.0,
                random_state=0,
            )  # fmt: skip
            return model, open_table(path, memory=MEMORY)

        return opened

    return {
        "memoized": topics(learning_method="memoized", batch_size=25_000, init="random"),
        "cvb0": topics(inference="cvb0"),
        "gibbs": topics(inference="gibbs"),
        "table-online": mixture("online"),
        "table-memoized": mixture("memoized"),
    }


def stored(path: Path, seconds: str, folder: str, kind: str = "memoized") -> dict[str, Any]:
    """What checkpoints take from a fit of one of `jobs`, at the default interval."""
    from vivace import Checkpoint

    model, data = jobs()[kind](path)
    began = time.perf_counter()
    checkpoint = Checkpoint(folder)

    def enough(progress: Any) -> bool:
        return time.perf_counter() - began >= float(seconds)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit is stopped before it has converged
        model.fit(data, checkpoint=checkpoint, callbacks=enough)
    elapsed = time.perf_counter() - began
    found = {
        "passes": model.n_iter_,
        "seconds": elapsed,
        "written": checkpoint.written,
        "MB": sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6,
        "taken": checkpoint.seconds,
        "share": checkpoint.seconds / elapsed,
        "left out at the end": checkpoint.left_out,
    }
    checkpoint.clear()
    return found


def checksum(path: Path) -> dict[str, Any]:
    """What recognising the values of a table takes, beside decoding it: CPU, one thread."""
    from zlib import crc32

    from vivace.io import open_table

    rows = open_table(path, memory=MEMORY)
    size, took, began = rows.piece_rows, 0.0, time.process_time()
    runs = range(0, len(rows), size)
    for start in runs:
        values = rows[start : start + size].reshape(-1).view("u1").data
        entered = time.process_time()
        crc32(values)
        took += time.process_time() - entered
    both = time.process_time() - began
    megabytes = rows.dtype.itemsize * rows.shape[0] * rows.shape[1] / 1e6
    return {
        "MB of a piece": megabytes * size / len(rows),
        "ms a piece": took / len(runs) * 1e3,
        "seconds a GB": took / megabytes * 1e3,
        "seconds": took,
        "seconds of reading": both - 2 * took,
    }


def compare(kind: str, path: Path) -> None:
    """Print pass times, streamed against in memory and reading alone."""
    alone = child("read", str(path)) if kind == "table" else {"pass": 0.0, "cpu": 0.0}
    print(f"pyarrow alone: {alone['pass']:.1f} s, CPU {alone['cpu']:.1f} s")
    for method in ("online", "memoized"):
        for threads in ("1", "2"):
            held = child(kind, str(path), method, "memory", threads)
            streamed = child(kind, str(path), method, "stream", threads)
            limit = 1.15 * max(alone["pass"], held["pass"])
            if threads == "2":
                limit = 1.1 * (alone["cpu"] + held["cpu"]) / 2
            print(
                f"{method:9} threads {threads}: pass {streamed['pass']:.1f} s streamed, "
                f"{held['pass']:.1f} s in memory, limit {limit:.1f} s; CPU "
                f"{streamed['cpu']:.1f} and {held['cpu']:.1f} s; peak "
                f"{streamed['peak MB']:.0f} and {held['peak MB']:.0f} MB; "
                f"the same bound: {streamed['bound'] == held['bound']}"
            )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    what, name, *rest = sys.argv[1:]
    works = {"table": table, "documents": documents, "stored": stored}
    if rest:
        print(json.dumps(works[what](Path(name), *rest)))
    elif what in ("read", "checksum"):
        print(json.dumps({"read": read, "checksum": checksum}[what](Path(name))))
    else:
        compare(what, Path(name))

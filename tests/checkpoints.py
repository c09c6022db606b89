"""Fits for the tests of checkpoints; run as a script, in processes that get killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, save_npz

from vivace import (
    BayesianGaussianMixture,
    BayesianMixture,
    BayesianStudentTMixture,
    Checkpoint,
    LatentDirichletAllocation,
)
from vivace.engine import writing
from vivace.io import open_documents, open_table, save_model


def rows() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(6000, 3)) + 1.2 * rng.integers(-1, 2, size=(6000, 1))


def documents() -> csr_array:
    rng = np.random.default_rng(4)
    topics = rng.dirichlet(np.full(300, 0.05), 8)
    shares = rng.dirichlet(np.full(8, 0.2), 600)
    return csr_array(rng.poisson(30 * shares @ topics).astype(np.float64))


_MIXTURE = {"n_components": 6, "random_state": 1, "tol": 0.0, "n_jobs": 1}
_TOPICS = {"n_components": 8, "random_state": 1, "n_jobs": 1}

#: name -> estimator; each takes some tenths of a second.
JOBS: dict[str, Any] = {
    "batch": lambda: BayesianGaussianMixture(**_MIXTURE, max_iter=60, n_init=2),
    "tied": lambda: BayesianGaussianMixture(**_MIXTURE, covariance_type="tied", max_iter=100),
    "online": lambda: BayesianGaussianMixture(
        **_MIXTURE, learning_method="online", max_iter=12, batch_size=500
    ),
    "memoized": lambda: BayesianGaussianMixture(
        **_MIXTURE, learning_method="memoized", max_iter=12, batch_size=500
    ),
    "held out": lambda: BayesianGaussianMixture(
        **_MIXTURE,
        learning_method="memoized",
        max_iter=12,
        batch_size=500,
        validation_fraction=0.2,
        n_iter_no_change=5,
        n_init=2,
    ),
    "online held out": lambda: BayesianGaussianMixture(
        **_MIXTURE, learning_method="online", max_iter=12, batch_size=500, validation_fraction=0.2
    ),
    "lda batch": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=40, evaluate_every=7, perp_tol=0.0, doc_topic_prior="auto"
    ),
    "lda online": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=12, learning_method="online", batch_size=60, topic_word_prior="auto"
    ),
    "lda memoized": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=12, learning_method="memoized", batch_size=60
    ),
    "lda held out": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=15, validation_fraction=0.1, learning_method="online", batch_size=60
    ),
    "lda collapsed": lambda: LatentDirichletAllocation(**_TOPICS, max_iter=25, inference="cvb0"),
    "lda collapsed held out": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=20, inference="cvb0", cvb0_store="lean", validation_fraction=0.1
    ),
    "lda sampled": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=25, inference="gibbs", doc_topic_prior="auto"
    ),
    "lda streamed": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=12, learning_method="memoized", batch_size=60
    ),
    "beside memoized": lambda: BayesianGaussianMixture(
        **_MIXTURE, learning_method="memoized", max_iter=30, batch_size=500
    ),
    "lda beside": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=30, validation_fraction=0.1, learning_method="memoized", batch_size=60
    ),
    "table": lambda: BayesianMixture(
        n_components=6, random_state=1, tol=0.0, n_jobs=1, max_iter=15, learning_method="memoized"
    ),
    "table held out": lambda: BayesianMixture(
        n_components=6, random_state=1, tol=0.0, n_jobs=1, max_iter=15, validation_fraction=0.1
    ),
    "parquet online": lambda: BayesianGaussianMixture(
        **_MIXTURE, learning_method="online", max_iter=12, batch_size=500
    ),
    "parquet memoized": lambda: BayesianGaussianMixture(
        **_MIXTURE, learning_method="memoized", max_iter=12, batch_size=500
    ),
    "lda npz memoized": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=12, learning_method="memoized", batch_size=60
    ),
    "lda npz sampled": lambda: LatentDirichletAllocation(**_TOPICS, max_iter=25, inference="gibbs"),
    "student": lambda: BayesianStudentTMixture(**_MIXTURE, max_iter=30),
}


@cache
def files() -> tempfile.TemporaryDirectory[str]:
    """A table and documents, removed when the process ends."""
    folder = tempfile.TemporaryDirectory()
    save_npz(f"{folder.name}/documents.npz", documents())
    if find_spec("pyarrow") is not None:
        import pyarrow
        from pyarrow import parquet

        columns = {f"x{j}": column for j, column in enumerate(rows().T)}
        where = f"{folder.name}/rows.parquet"
        parquet.write_table(pyarrow.table(columns), where, row_group_size=400)
    return folder


def data(name: str) -> Any:
    if name.startswith("parquet"):  # a part of the pieces fits into memory
        return open_table(f"{files().name}/rows.parquet", memory=70_000)
    if name.startswith("lda npz"):
        return open_documents(f"{files().name}/documents.npz", memory=70_000_000)
    if name == "lda streamed":
        counts = documents()
        return lambda: (counts[i : i + 100] for i in range(0, counts.shape[0], 100))
    return documents() if name.startswith("lda") else rows()


def arrays(model: Any) -> dict[str, Any]:
    """All that a model file holds, and the trace."""
    meta, found = model._to_record()
    kept = {f"array {name}": array for name, array in found.items()}
    for name in ("lower_bound_", "elbo_", "elbo_trace_", "validation_trace_", "best_iter_"):
        if hasattr(model, name):
            kept[name] = np.asarray(getattr(model, name))
    kept["n_iter_"], kept["parameters"] = model.n_iter_, repr(meta["parameters"])
    return kept


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Equal to the last bit."""
    return a.keys() == b.keys() and all(
        np.asarray(a[name]).tobytes() == np.asarray(b[name]).tobytes() for name in a
    )


def fit(folder: Path, out: Path, name: str) -> None:
    """Fit with a checkpoint after every step, and save the model.

    Those with "beside" in their names are written in a thread, as often as that has ended.
    """
    every = 1e-9 if "beside" in name else 0.0
    writing.LARGEST_SHARE = 1e9
    model = JOBS[name]().fit(data(name), checkpoint=Checkpoint(folder, every=every, resume=True))
    save_model(model, out)


def _version(manifest: Path) -> tuple[int, int] | None:
    """What another manifest in its place differs by."""
    try:
        found = os.stat(manifest)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _kill(child: int, manifest: Path, after: int, share: float) -> int:
    """Kill a fit; return its exit status.

    Once it has written so many checkpoints, and then a share of the time has passed that it took
    from one to the next, the work between them and the writing.
    """
    seen, times = _version(manifest), [time.monotonic()]
    end = None
    while True:
        found = os.waitpid(child, os.WNOHANG)
        if found[0] != 0:
            return found[1]
        now = time.monotonic()
        if len(times) <= after and (version := _version(manifest)) != seen:
            seen = version
            times.append(now)
        if len(times) > after and end is None:
            gap = times[-1] - times[-2] if after else 0.5  # most of it is the start of the fit
            end = now + share * min(gap, 0.5)
        if end is not None and now >= end:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]
        time.sleep(0.0002)


def serve() -> None:
    """Run the fits that standard input asks for, a process each, and kill them after a while.

    A line holds folder, out, name and what `_kill` takes (none: let it end); the answer is its exit
    status. The imports are made once, here.
    """
    files()
    for line in sys.stdin:
        folder, out, name, moment = json.loads(line)
        child = os.fork()
        if child == 0:
            warnings.simplefilter("ignore")
            fit(Path(folder), Path(out), name)
            os._exit(0)
        if moment is None:
            status = os.waitpid(child, 0)[1]
        else:
            status = _kill(child, Path(folder) / "checkpoint.vivace", *moment)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()

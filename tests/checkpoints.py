"""Fits for the tests of checkpoints; run as a script, in processes that get killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from vivace import (
    BayesianGaussianMixture,
    BayesianMixture,
    BayesianStudentTMixture,
    Checkpoint,
    LatentDirichletAllocation,
)
from vivace.engine import writing
from vivace.io import save_model


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
        **_MIXTURE, learning_method="memoized", max_iter=12, batch_size=500
    ),
    "lda beside": lambda: LatentDirichletAllocation(
        **_TOPICS, max_iter=15, validation_fraction=0.1, learning_method="memoized", batch_size=60
    ),
    "table": lambda: BayesianMixture(
        n_components=6, random_state=1, tol=0.0, n_jobs=1, max_iter=15, learning_method="memoized"
    ),
    "table held out": lambda: BayesianMixture(
        n_components=6, random_state=1, tol=0.0, n_jobs=1, max_iter=15, validation_fraction=0.1
    ),
    "student": lambda: BayesianStudentTMixture(**_MIXTURE, max_iter=30),
}


def data(name: str) -> Any:
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


def serve() -> None:
    """Run the fits that standard input asks for, a process each, and kill them after a while.

    A line holds folder, out, name and seconds (none: let it end); the answer is its exit status.
    The imports are made once, here.
    """
    for line in sys.stdin:
        folder, out, name, seconds = json.loads(line)
        child = os.fork()
        if child == 0:
            warnings.simplefilter("ignore")
            fit(Path(folder), Path(out), name)
            os._exit(0)
        end = time.monotonic() + (1e9 if seconds is None else seconds)
        status = 0
        while (found := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() >= end:
                os.kill(child, signal.SIGKILL)
                found = os.waitpid(child, 0)
                break
            time.sleep(0.001)
        status = os.waitstatus_to_exitcode(found[1])
        print(status, flush=True)


if __name__ == "__main__":
    serve()

"""transform at the same topics: documents a second of one thread, and the bound they reach."""

from __future__ import annotations

import argparse

from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, verdict
from benchmarks.versus.task import Task

N_COMPONENTS = 100
TIMES_SCIKIT = 15.0
SLACK = 1e-4  # nats a token that a faster one may be below scikit-learn
# A document's step of vivace ends at a higher bound; with this tolerance still no lower than
# scikit-learn's at its default of 1e-3.
LOOSE = {"mean_change_tol": 1e-2}
ENTRIES: dict[str, tuple[str, str, int, dict[str, float]]] = {
    "vivace/float32": ("ours", "float32", 15, {}),
    "vivace/float64": ("ours", "float64", 15, {}),
    "vivace/float32, tol 0.01": ("ours", "float32", 15, LOOSE),
    "vivace/float64, tol 0.01": ("ours", "float64", 15, LOOSE),
    "scikit-learn/float64": ("scikit", "float64", 5, {}),
    "scikit-learn/float32": ("scikit", "float32", 5, {}),
}
BASE = "scikit-learn/float64"


def key_of(corpus: str, name: str) -> str:
    """Return the key of a measurement."""
    return f"transform/{corpus}/{name}"


def plan(options: argparse.Namespace) -> list[Task]:
    """Return the measurements."""
    corpus = options.corpora[0]
    return [
        Task(
            key_of(corpus, name),
            f"topics.peers.{module}:transform",
            {
                "corpus": corpus,
                "share": options.share,
                "n_components": N_COMPONENTS,
                "repeats": repeats,
                "dtype": dtype,
            }
            | settings,
        )
        for name, (module, dtype, repeats, settings) in ENTRIES.items()
    ]


def tables(store: Store, options: argparse.Namespace) -> list[Table]:
    """Return documents a second and bounds."""
    corpus = options.corpora[0]
    table = Table(
        f"transform of the test documents of {corpus}, K = {N_COMPONENTS}, one thread (CPU time)",
        ("library", "documents/s", "times scikit-learn", "bound a token", "target"),
        notes=[
            "the same topics (vivace's, vb) and prior (1 / K) for all; default tolerances, "
            "but where one is named: with it the bound is still above scikit-learn's."
        ],
    )
    base, least = _rate(store, key_of(corpus, BASE)), store.value(key_of(corpus, BASE), "bound")
    for name in ENTRIES:
        key = key_of(corpus, name)
        rate, bound, target = _rate(store, key), store.value(key, "bound"), ""
        if rate is None:
            if key in store.results:
                table.rows.append((name, store.why_missing(key), "", "", ""))
            continue
        if "vivace" in name and base and least is not None:
            target = verdict(rate / base, TIMES_SCIKIT)
            if bound < least - SLACK:
                target += f", bound short by {least - bound:.2g}"
        table.rows.append((name, f"{rate:,.0f}", ratio(rate, base), f"{bound:.5f}", target))
    return [table]


def _rate(store: Store, key: str) -> float | None:
    spent, documents = store.value(key, "seconds"), store.value(key, "documents")
    return None if spent is None else documents / spent

"""Peak memory of fits beyond the documents, beside the size of one table of topics."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.versus.store import Store
from benchmarks.versus.table import Table
from benchmarks.versus.task import Task

N_COMPONENTS = 100  # unless told otherwise
ITERATIONS = 3
# Few sweeps a document: they take time and no memory.
SCIKIT = {"dtype": "float64", "max_doc_update_iter": 2}
ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "vivace/vb batch": ("ours", {"dtype": "float32"}),
    "vivace/vb online": ("ours", {"dtype": "float32", "learning_method": "online"}),
    "vivace/vb memoized": ("ours", {"dtype": "float32", "learning_method": "memoized"}),
    "vivace/cvb0": ("ours", {"dtype": "float32", "inference": "cvb0"}),
    "vivace/cvb0, lean store": (
        "ours",
        {"dtype": "float32", "inference": "cvb0", "cvb0_store": "lean"},
    ),
    "vivace/gibbs": ("ours", {"dtype": "float32", "inference": "gibbs"}),
    "scikit-learn/batch": ("scikit", SCIKIT | {"learning_method": "batch"}),
    "scikit-learn/online": ("scikit", SCIKIT | {"learning_method": "online", "batch_size": 2048}),
    "tomotopy": ("tomotopy_peer", {}),
    "gensim/LdaModel": ("gensim_peer", {}),
}


def key_of(corpus: str, name: str, n_components: int) -> str:
    """Return the key of a measurement."""
    more = "" if n_components == N_COMPONENTS else f"/{n_components}"
    return f"memory/{corpus}{more}/{name}"


def plan(options: argparse.Namespace) -> list[Task]:
    """Return the measurements."""
    where = {"share": options.share, "n_components": options.topics, "iterations": ITERATIONS}
    return [
        Task(
            key_of(corpus, name, options.topics),
            f"topics.peers.{module}:peak_memory",
            {"corpus": corpus} | where | settings,
        )
        for corpus in corpora_of(options)
        for name, (module, settings) in ENTRIES.items()
    ]


def corpora_of(options: argparse.Namespace) -> list[str]:
    """Return those that are asked for, without the one that is deb in another split."""
    corpora: list[str] = options.corpora
    return [corpus for corpus in corpora if corpus != "deb-packages" or "deb" not in corpora]


def tables(store: Store, options: argparse.Namespace) -> list[Table]:
    """Return peaks in MB and in tables of topics."""
    return [_table(store, corpus, options.topics) for corpus in corpora_of(options)]


def _table(store: Store, corpus: str, n_components: int) -> Table:
    table = Table(
        f"Peak memory beyond the documents, {corpus}, K = {n_components}, {ITERATIONS} passes",
        ("library", "MB", "tables of K V in the fit's type"),
        notes=[
            "the kernel's high-water mark less what was resident with the documents loaded in the "
            "form that the library takes. tomotopy's and gensim's are the process that calls.",
        ],
    )
    for name in ENTRIES:
        key = key_of(corpus, name, n_components)
        peak, size = store.value(key, "peak_mb"), store.value(key, "table_mb")
        if peak is not None:
            table.rows.append((name, peak, f"{peak / size:.1f}"))
        elif key in store.results:
            table.rows.append((name, store.why_missing(key), ""))
    return table

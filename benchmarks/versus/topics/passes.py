"""Throughput: tokens and nonzeros a second in a pass over the documents, by number of topics."""

from __future__ import annotations

import argparse
import statistics

from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds, verdict
from benchmarks.versus.task import Task

# The part of the documents that is used: scikit-learn would take minutes a pass.
SHARE = {20: 1.0, 100: 0.3, 500: 0.1}
SWEEPS = 10  # of a document's step, the same number for both: nobody stops earlier
EQUAL = {"max_doc_update_iter": SWEEPS, "mean_change_tol": 0.0}
ITERATIONS = 6
TIMES_SCIKIT, SPEEDUP, CVB0_NONZEROS = 8.0, 1.7, 12e6

OURS = {"vb": EQUAL, "cvb0": {"inference": "cvb0"}, "gibbs": {"inference": "gibbs"}}


def key_of(corpus: str, n_components: int, n_jobs: int, name: str) -> str:
    """Return the key of a measurement."""
    return f"passes/{corpus}/{n_components}/{n_jobs}/{name}"


def plan(options: argparse.Namespace) -> list[Task]:
    """Return the measurements."""
    tasks, corpus = [], options.corpora[0]
    for n_components, part in SHARE.items():
        where = {
            "corpus": corpus,
            "share": part * options.share,
            "n_components": n_components,
        }
        for n_jobs in (1, 2):
            for name, settings in OURS.items():
                # Cheap: all documents, so that the table of counts is as large as it gets.
                whole = {"share": options.share} if name != "vb" else {}
                args = where | whole | settings | {"iterations": ITERATIONS, "n_jobs": n_jobs}
                key = key_of(corpus, n_components, n_jobs, f"vivace/{name}")
                tasks.append(Task(key, "topics.peers.ours:passes", args))
        args = where | EQUAL | {"iterations": 1}
        key = key_of(corpus, n_components, 1, "scikit-learn")
        tasks.append(Task(key, "topics.peers.scikit:passes", args))
        for workers in (1, 2):
            args = where | {"share": options.share, "iterations": ITERATIONS, "workers": workers}
            key = key_of(corpus, n_components, workers, "tomotopy")
            tasks.append(Task(key, "topics.peers.tomotopy_peer:passes", args))
    return tasks


def tables(store: Store, options: argparse.Namespace) -> list[Table]:
    """Return the rates and what they are beside scikit-learn's and one thread's."""
    corpus = options.corpora[0]
    table = Table(
        f"A pass over {corpus} (one thread: CPU time; two: wall time)",
        (
            "K",
            "threads",
            "fit",
            "pass",
            "M tokens/s",
            "M nonzeros/s",
            "ratio",
            "target",
            "between cores",
        ),
        notes=[
            f"vb: {SWEEPS} sweeps a document on both sides (vivace float32, scikit-learn "
            "float64, its faster type); ratio to scikit-learn with one thread, to one thread "
            "with two (of vivace fits of one and of two take turns).",
            "cvb0 and Gibbs sampling: one update of each nonzero or token.",
            "between cores: what a word takes from one to the other, the median after passes. Of a "
            "virtual machine it changes; cores that share no cache need 150 ns and more, and what "
            "threads hand over in small pieces (cvb0) suffers.",
        ],
    )
    for n_components in SHARE:
        theirs = _rate(store, key_of(corpus, n_components, 1, "scikit-learn"), "tokens")
        for name in ("vivace/vb", "vivace/cvb0", "vivace/gibbs", "scikit-learn", "tomotopy"):
            for n_jobs in (1, 2):
                key = key_of(corpus, n_components, n_jobs, name)
                if key not in store.results:
                    continue
                if store.value(key, "seconds") is None:
                    reason = store.why_missing(key)
                    table.rows.append((n_components, n_jobs, name, reason, "", "", "", "", ""))
                    continue
                tokens, nonzeros = (_rate(store, key, unit) for unit in ("tokens", "nonzeros"))
                beside, target = theirs, ""
                if n_jobs == 2:
                    beside = _rate(store, key, "tokens", "one_thread_seconds") or _rate(
                        store, key_of(corpus, n_components, 1, name), "tokens"
                    )
                    target = verdict(_over(tokens, beside), SPEEDUP) if "vivace" in name else ""
                elif name == "vivace/vb" and n_components == 100:
                    target = verdict(_over(tokens, theirs), TIMES_SCIKIT)
                elif name == "vivace/cvb0" and n_components != 20:
                    least = CVB0_NONZEROS / (1 if n_components == 100 else 4)
                    target = verdict(nonzeros, least)
                table.rows.append(
                    (
                        n_components,
                        n_jobs,
                        name,
                        seconds(store.value(key, "seconds")),
                        _millions(tokens),
                        _millions(nonzeros),
                        ratio(tokens, beside),
                        target,
                        _apart(store.value(key, "between_cores_ns")),
                    )
                )
    return [table]


def _rate(store: Store, key: str, unit: str, name: str = "seconds") -> float | None:
    spent, amount = store.value(key, name), store.value(key, unit)
    return None if spent is None or amount is None else amount / spent


def _over(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first / second


def _apart(samples: list[float] | None) -> str:
    return f"{statistics.median(samples):.0f} ns" if samples else ""


def _millions(value: float | None) -> str:
    return "-" if value is None else f"{value / 1e6:.3g}"

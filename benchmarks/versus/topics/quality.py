"""Time to quality: curves of held-out quality against seconds of fitting, one judge for all."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.versus.store import Store
from benchmarks.versus.table import Table, ratio, seconds
from benchmarks.versus.task import Task

PART = "quality"
OURS = "vivace"


@dataclass(frozen=True)
class Entry:
    """A way to fit; `patience` is the part of the time asked for that it is worth waiting for."""

    name: str
    peer: str
    settings: dict[str, Any] = field(default_factory=dict)
    patience: float = 1.0
    short: bool = True  # whether it is part of the shorter run


CVB0 = {"inference": "cvb0", "doc_topic_prior": 0.01, "topic_word_prior": 0.03}
VB = {"doc_topic_prior": 0.05, "topic_word_prior": 0.1}
ONLINE, MEMOIZED = {"learning_method": "online"}, {"learning_method": "memoized"}
SAMPLED = CVB0 | {"inference": "gibbs", "doc_topic_prior": "auto"}
GIBBS = {"alpha": 0.1, "eta": 0.03}
SPARSE = {"alpha_sum": 5.0, "beta": 0.02, "optimize_interval": 10, "burn_in": 20, "num_threads": 2}
TOPICA_VB = {"alpha_sum": 5.0, "beta": 0.1}
TOPICA_CVB0 = {"sampler": "cvb0", "alpha_sum": 5.0, "beta": 0.02}

# Where a library's own defaults are poor, it is shown with tuned settings too. Two cores: what can
# use two threads to its advantage does.
ENTRIES = (
    Entry("start", "unigram:fit"),
    Entry("vivace/vb batch", "ours:fit", {}, 0.3),
    Entry("vivace/vb batch, tuned", "ours:fit", VB, 0.3, False),
    Entry("vivace/vb online", "ours:fit", ONLINE, 0.3),
    Entry("vivace/vb online, tuned", "ours:fit", ONLINE | VB, 0.3),
    Entry("vivace/vb memoized, tuned", "ours:fit", MEMOIZED | VB, 0.3),
    Entry("vivace/cvb0", "ours:fit", {"inference": "cvb0"}, 0.3),
    Entry("vivace/cvb0, tuned", "ours:fit", CVB0, 0.3),
    # Documents with siblings in training want the smallest priors.
    Entry("vivace/cvb0, small priors", "ours:fit", CVB0 | {"doc_topic_prior": 0.005}, 0.3),
    Entry("vivace/gibbs, tuned", "ours:fit", SAMPLED, 0.3),
    Entry("vivace/cvb0 lean, tuned", "ours:fit", CVB0 | {"cvb0_store": "lean"}, 0.6, False),
    Entry("vivace/vb batch, random", "ours:fit", {"init": "random"} | VB, 0.6, False),
    Entry("vivace/cvb0, random", "ours:fit", {"init": "random"} | CVB0, 0.3, False),
    Entry("tomotopy/2 workers", "tomotopy_peer:fit", {"workers": 2}, 0.6, False),
    Entry("tomotopy/2 workers, tuned", "tomotopy_peer:fit", {"workers": 2} | GIBBS),
    Entry("tomotopy/1 worker, tuned", "tomotopy_peer:fit", {"workers": 1} | GIBBS, 0.5, False),
    Entry("topica/sparse", "topica_peer:sampler", SPARSE),
    Entry("topica/cvb0", "topica_peer:sampler", TOPICA_CVB0, 0.5, False),
    Entry("topica/online", "topica_peer:online", {"batch_size": 2048} | TOPICA_VB, 0.3, False),
    Entry("scikit-learn/online", "scikit:fit", ONLINE, 0.2, False),
    Entry("scikit-learn/online, tuned", "scikit:fit", {"batch_size": 2048} | ONLINE | VB, 0.6),
    Entry("scikit-learn/batch, tuned", "scikit:fit", {"n_jobs": 2} | VB, 0.6),
    Entry("gensim/LdaModel", "gensim_peer:single", {}, 0.25, False),
    Entry("gensim/LdaMulticore", "gensim_peer:multicore", {"workers": 2}, 0.6),
    Entry("vowpal wabbit", "vowpal_peer:fit", {}, 0.3, False),
    Entry("lda", "lda_peer:fit", {"alpha": 0.05, "eta": 0.02}, 0.4, False),
)

LEVELS = {
    "deb": (-7.5, -7.4, -7.3, -7.25, -7.2, -7.17, -7.15, -7.13, -7.12, -7.11, -7.1, -7.09),
    "deb-packages": (-7.5, -7.3, -7.2, -7.1, -7.06, -7.04, -7.02, -7.0, -6.98, -6.96, -6.94),
    "syn": (-8.25, -8.2, -8.15, -8.1, -8.05, -8.0, -7.95, -7.9, -7.87, -7.8),
}
# Elsewhere: parts of the way from single words to the best that anybody reaches.
SHARES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


def key_of(corpus: str, entry: Entry) -> str:
    """Return the key of a measurement."""
    return f"{PART}/{corpus}/{entry.name}"


def plan(options: argparse.Namespace) -> list[Task]:
    """Return the curves to measure."""
    tasks = []
    for corpus in options.corpora:
        for entry in ENTRIES:
            if options.short and not entry.short:
                continue
            allowed = entry.patience * options.seconds
            args = {
                "peer": entry.peer,
                "corpus": corpus,
                "seconds": allowed,
                "share": options.share,
                "n_components": options.topics,
                "settings": entry.settings,
            }
            # Fits of growing length come to three times the longest; then there is the judging.
            timeout = 6 * allowed + 180
            tasks.append(Task(key_of(corpus, entry), "topics.record:curve", args, timeout=timeout))
    return tasks


def time_to(curve: Sequence[dict[str, float]], level: float) -> float | None:
    """Return the seconds until a level, linear in the logarithm of time between two looks."""
    for before, after in zip([None, *curve], curve, strict=False):
        if after["score"] < level:
            continue
        if before is None or after["score"] == before["score"]:
            return after["seconds"]
        part = (level - before["score"]) / (after["score"] - before["score"])
        first, last = math.log(before["seconds"] + 1e-9), math.log(after["seconds"])
        return math.exp(first + part * (last - first))
    return None


def _levels(corpus: str, results: dict[str, dict[str, Any]]) -> Sequence[float]:
    best = max(result["best"] for result in results.values())
    low = results.get("start", {}).get("best", min(r["best"] for r in results.values()))
    return LEVELS.get(corpus) or tuple(low + share * (best - low) for share in SHARES)


def tables(store: Store, options: argparse.Namespace) -> list[Table]:
    """Return, for each corpus, seconds to each level and how much sooner vivace is there."""
    return [table for corpus in options.corpora for table in _tables_of(store, corpus)]


def _tables_of(store: Store, corpus: str) -> list[Table]:
    found = {entry.name: store.results.get(key_of(corpus, entry), {}) for entry in ENTRIES}
    measured = {name: result for name, result in found.items() if "curve" in result}
    if not measured:
        return []
    levels = _levels(corpus, measured)
    first = next(iter(measured.values()))["parameters"]["args"]
    part = f", {first['share']:.0%} of the documents" if first["share"] < 1 else ""
    times = Table(
        f"Seconds to held-out quality, {corpus}{part}, K = {first['n_components']}",
        ("library", *(f"{level:.3f}" for level in levels), "best", "last", "passes"),
        notes=[
            "nats a token, one judge for all (completion.py); between two looks the time is "
            "interpolated. `last` below `best`: quality decays.",
        ],
    )
    for name, result in found.items():
        if name in measured and name != "start":
            reached = [time_to(result["curve"], level) for level in levels]
            ends = (f"{result['best']:.4f}", f"{result['last']:.4f}")
            passes = f"{result['curve'][-1]['passes']:g}"
            times.rows.append((name, *(_short(time) for time in reached), *ends, passes))
        elif name not in measured and key_of(corpus, _entry(name)) in store.results:
            reason = store.why_missing(key_of(corpus, _entry(name)))
            times.rows.append((name, *["" for _ in levels], reason, "", ""))
    return [times, _ratios(corpus, levels, measured)]


def _entry(name: str) -> Entry:
    return next(entry for entry in ENTRIES if entry.name == name)


def _ratios(corpus: str, levels: Sequence[float], measured: dict[str, dict[str, Any]]) -> Table:
    """Return the fastest peer and the fastest vivace entry at each level."""
    table = Table(
        f"Sooner than the fastest peer, {corpus}",
        ("nats a token", "fastest peer", "seconds", "fastest of vivace", "seconds", "sooner"),
    )
    for level in levels:
        best: dict[bool, tuple[float, str]] = {}
        for name, result in measured.items():
            time = time_to(result["curve"], level) if name != "start" else None
            ours = name.startswith(OURS)
            if time is not None and time < best.get(ours, (math.inf, ""))[0]:
                best[ours] = (time, name)
        if best:
            theirs, ours_ = best.get(False, (None, "-")), best.get(True, (None, "-"))
            table.rows.append(
                (
                    f"{level:.3f}",
                    theirs[1],
                    seconds(theirs[0]),
                    ours_[1],
                    seconds(ours_[0]),
                    ratio(theirs[0], ours_[0]),
                )
            )
    return table


def _short(time: float | None) -> str:
    return "" if time is None else f"{time:.3g}"

"""What starts, priors, stores and sampling are worth to topic models: the tables of the user guide.

    python -m benchmarks.topic_settings starts            # priors, stores, sampling; or all
    python -m benchmarks.topic_settings priors --corpus deb-packages --seeds 2 --folder DIR

Held-out nats a token after so many passes, judged as in `versus/topics/completion.py`; means over
some seeds, whose spread is shown. Passes do not depend on the machine, so that nothing is timed.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.versus import corpora
from benchmarks.versus.table import Table
from benchmarks.versus.topics.completion import Judge
from benchmarks.versus.topics.peers.ours import Passes
from vivace import LatentDirichletAllocation

CVB0 = {"inference": "cvb0", "doc_topic_prior": 0.01, "topic_word_prior": 0.03}
VB = {"doc_topic_prior": 0.05, "topic_word_prior": 0.1}
GIBBS = {"inference": "gibbs", "doc_topic_prior": "auto", "topic_word_prior": 0.02}
STARTS: tuple[tuple[str, str, dict[str, Any], tuple[int, ...]], ...] = (
    ("cvb0", "random", CVB0, (1, 3, 10, 30, 60)),
    ("cvb0", "documents", CVB0, (1, 3, 10, 30, 60)),
    ("vb online", "random", VB | {"learning_method": "online"}, (1, 4)),
    ("vb online", "documents", VB | {"learning_method": "online"}, (1, 4)),
    ("vb memoized", "documents", VB | {"learning_method": "memoized"}, (1, 4)),
    ("vb batch", "random", VB, (1, 10)),
    ("vb batch", "documents", VB, (1, 10)),
)
PRIORS = (
    (0.005, 0.03),
    (0.01, 0.03),
    (0.01, 0.05),
    (0.02, 0.05),
    (0.05, 0.1),
    (0.1, 0.1),
)
PRIOR_PASSES = (10, 25)
STORE_PASSES = (2, 8, 16, 30)
SAMPLED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cvb0", CVB0),
    ("gibbs", CVB0 | {"inference": "gibbs"}),
    ("gibbs, learned doc_topic_prior", GIBBS),
)
SAMPLED_PASSES = (12, 30, 60, 100, 130)


class Looks:
    """Scores topics after given passes."""

    def __init__(self, judge: Judge, passes: tuple[int, ...]) -> None:
        self.judge, self.passes = judge, passes
        self.scores: list[float] = []

    def __call__(self, topics: Callable[[], Any], passes: int) -> None:
        """Take the place of a `Watch`."""
        if passes in self.passes:
            self.scores.append(self.judge.score(topics())[0])


class Bench:
    """Fits one corpus with several seeds."""

    def __init__(self, corpus: corpora.Corpus, n_components: int, seeds: int) -> None:
        self.X = corpus.train.astype(np.float32)
        self.tokens = float(corpus.train.sum())
        self.judge = Judge(corpus.test, threads=2)
        self.n_components, self.seeds = n_components, seeds
        self.name = f"{corpus.name}, K = {n_components}, {seeds} seeds"

    def scores(self, passes: tuple[int, ...], **settings: Any) -> tuple[list[str], str]:
        """Return the scores after each number of passes, and the bound at the end."""
        found, bounds = [], []
        for seed in range(self.seeds):
            looks = Looks(self.judge, passes)
            model = LatentDirichletAllocation(
                self.n_components, max_iter=passes[-1], random_state=seed, **settings
            )
            model.set_callbacks(Passes(looks))  # type: ignore[arg-type]
            model.fit(self.X)
            found.append(looks.scores)
            bounds.append(getattr(model, "elbo_", np.nan) / self.tokens)
        cells = [_spread(column) for column in zip(*found, strict=True)]
        return cells, "" if np.isnan(bounds[0]) else _spread(bounds)


def _spread(values: Any) -> str:
    return f"{np.mean(values):.3f} ±{np.std(values):.3f}"


def starts(bench: Bench) -> Table:
    """Starts by inference and passes."""
    table = Table(
        f"Where a fit starts: {bench.name}",
        ("fit", "start", "passes: held out", "bound a token"),
    )
    for name, init, settings, passes in STARTS:
        cells, bound = bench.scores(passes, init=init, **settings)
        looks = ", ".join(f"{n}: {cell}" for n, cell in zip(passes, cells, strict=True))
        table.rows.append((name, init, looks, bound))
    return table


def priors(bench: Bench) -> Table:
    """Priors of collapsed inference."""
    columns = ("doc_topic_prior", "topic_word_prior", *(f"{n} passes" for n in PRIOR_PASSES))
    table = Table(f"Priors of inference='cvb0': {bench.name}", columns)
    for alpha, eta in PRIORS:
        settings = {"inference": "cvb0", "doc_topic_prior": alpha, "topic_word_prior": eta}
        table.rows.append((f"{alpha:g}", f"{eta:g}", *bench.scores(PRIOR_PASSES, **settings)[0]))
    return table


def stores(bench: Bench) -> Table:
    """What is kept of responsibilities."""
    table = Table(
        f"Stores of inference='cvb0': {bench.name}",
        ("store", *(f"{n} passes" for n in STORE_PASSES)),
    )
    for store in ("full", "lean"):
        table.rows.append((store, *bench.scores(STORE_PASSES, **CVB0, cvb0_store=store)[0]))
    return table


def sampling(bench: Bench) -> Table:
    """Both kinds of collapsed inference."""
    table = Table(
        f"Collapsed inference: {bench.name}", ("fit", *(f"{n} passes" for n in SAMPLED_PASSES))
    )
    for name, settings in SAMPLED:
        table.rows.append((name, *bench.scores(SAMPLED_PASSES, **settings)[0]))
    return table


PARTS = {"starts": starts, "priors": priors, "stores": stores, "sampling": sampling}


def corpus_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what benchmarks of topics on one corpus share."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--corpus", default="deb", choices=list(corpora.BUILDERS))
    parser.add_argument("--folder", type=Path, help="where corpora are (to be) kept")
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--share", type=float, default=1.0, help="part of the documents")
    return parser


def load_corpus(options: argparse.Namespace) -> corpora.Corpus:
    """Load the corpus that was asked for; warnings of fits that are cut short are no news."""
    if options.folder:
        os.environ[corpora.VARIABLE] = str(options.folder.resolve())
    warnings.filterwarnings("ignore", category=UserWarning)
    return corpora.load(options.corpus, share=options.share)


def main() -> None:
    parser = corpus_parser("topic_settings", __doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    bench = Bench(load_corpus(options), options.topics, options.seeds)
    for part in options.parts or PARTS:
        print(PARTS[part](bench).markdown(), flush=True)


if __name__ == "__main__":
    main()

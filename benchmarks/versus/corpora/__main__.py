"""Build corpora: `python -m benchmarks.versus.corpora deb --folder DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.versus import corpora


def unigram_level(corpus: corpora.Corpus, smoothing: float = 0.01) -> float:
    """Return nats a test token under the training documents' word frequencies."""
    seen = np.asarray(corpus.train.sum(axis=0)).ravel() + smoothing
    asked = np.asarray(corpus.test.sum(axis=0)).ravel()
    return float(asked @ np.log(seen / seen.sum()) / asked.sum())


def main() -> None:
    lines = "".join(f"\n  {name}: {what}" for name, (_, what) in corpora.BUILDERS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.versus.corpora",
        description=corpora.__doc__ + lines,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", choices=list(corpora.BUILDERS), metavar="NAME")
    parser.add_argument("--folder", type=Path, help="where the files are (to be) kept")
    options = parser.parse_args()
    for name in options.names:
        try:
            corpus = corpora.load(name, options.folder)
        except (RuntimeError, ModuleNotFoundError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        sizes = ", ".join(f"{key} {value:,}" for key, value in corpus.describe().items())
        print(f"{name}: {sizes}, unigram {unigram_level(corpus):.4f} nats a token")


if __name__ == "__main__":
    main()

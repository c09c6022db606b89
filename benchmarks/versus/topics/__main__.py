"""Compare topic models with other libraries in one run: `python -m benchmarks.versus.topics`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.versus import corpora, driver
from benchmarks.versus.store import Store
from benchmarks.versus.topics import memory, passes, quality, transform

PARTS = {"quality": quality, "passes": passes, "transform": transform, "memory": memory}
QUICK_SHARE, QUICK_SECONDS = 0.1, 5.0


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versus.topics", description=__doc__)
    driver.add_arguments(parser, list(PARTS), minutes=60.0)
    parser.add_argument(
        "--corpora",
        nargs="+",
        default=["deb", "deb-packages"],
        choices=list(corpora.BUILDERS),
        help="deb and deb-packages by default; passes and transform use the first",
    )
    parser.add_argument("--folder", type=Path, help="where corpora are (to be) kept")
    parser.add_argument(
        "--topics", type=int, default=100, help="number of topics of `quality` and `memory`"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="most of one fit of `quality`")
    parser.add_argument("--short", action="store_true", help="the most telling entries alone")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_SHARE:.0%}% of the documents, {QUICK_SECONDS:g} s a fit, to try the scripts",
    )
    options = driver.parse(parser, list(PARTS), argv)
    options.share = QUICK_SHARE if options.quick else 1.0
    if options.quick:
        options.seconds = min(options.seconds, QUICK_SECONDS)
    if options.folder:
        # Read by the processes of the tasks; no part of what is stored with the results.
        os.environ[corpora.VARIABLE] = str(options.folder.resolve())
    suffix = "-topics" + ("-quick" if options.quick else "")
    store = Store(options.results or driver.default_results(suffix))
    tasks = [task for part in options.parts for task in PARTS[part].plan(options)]
    if not (options.list or options.table):
        for name in options.corpora:
            corpora.load(name)  # built before anything is timed
    driver.follow(
        options,
        store,
        tasks,
        lambda: [table for part in options.parts for table in PARTS[part].tables(store, options)],
    )


if __name__ == "__main__":
    main()

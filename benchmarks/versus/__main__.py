"""Compare with other libraries in one run: `python -m benchmarks.versus --help`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.versus import (
    driver,
    families,
    isa,
    iteration,
    memory,
    peak,
    predict,
    threads,
    whole_fit,
)
from benchmarks.versus.store import Store

PARTS = {
    "peak": peak,
    "iteration": iteration,
    "predict": predict,
    "threads": threads,
    "isa": isa,
    "whole_fit": whole_fit,
    "memory": memory,
    "families": families,
}
QUICK_SHARE = 0.05


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versus", description=__doc__)
    driver.add_arguments(parser, list(PARTS), minutes=30.0)
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_SHARE:.0%}% of the rows, to try the scripts: the figures mean nothing",
    )
    options = driver.parse(parser, list(PARTS), argv)
    share = QUICK_SHARE if options.quick else 1.0
    store = Store(options.results or driver.default_results("-quick" if options.quick else ""))
    tasks = [task for part in options.parts for task in PARTS[part].plan(share)]
    driver.follow(
        options,
        store,
        tasks,
        lambda: [table for part in options.parts for table in PARTS[part].tables(store)],
        memory.clean,
    )


if __name__ == "__main__":
    main()

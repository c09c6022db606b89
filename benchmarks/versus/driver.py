"""What the comparisons share: the command line, measuring one task after the other, the report."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.versus import machine
from benchmarks.versus.store import Store
from benchmarks.versus.table import Table
from benchmarks.versus.task import Task, run

RESULTS = Path(__file__).with_name("results")


def add_arguments(parser: argparse.ArgumentParser, parts: Sequence[str], minutes: float) -> None:
    """Add the options that every comparison has."""
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all by default")
    parser.add_argument(
        "--only", metavar="REGEX", default="", help="measurements whose key matches"
    )
    parser.add_argument("--again", action="store_true", help="measure what is already stored, too")
    parser.add_argument(
        "--minutes", type=float, default=minutes, help="start nothing after so long"
    )
    parser.add_argument("--list", action="store_true", help="print the measurements and stop")
    parser.add_argument("--table", action="store_true", help="print the stored results and stop")
    parser.add_argument("--results", type=Path, help="file to read and write")


def parse(
    parser: argparse.ArgumentParser, parts: Sequence[str], argv: Sequence[str] | None
) -> argparse.Namespace:
    """Parse, and fill in all parts where none is named."""
    options = parser.parse_args(argv)
    unknown = set(options.parts) - set(parts)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: choose from {', '.join(parts)}")
    options.parts = options.parts or list(parts)
    return options


def default_results(suffix: str) -> Path:
    """Return the file of this machine's results."""
    return RESULTS / f"{machine.slug(machine.describe())}{suffix}.json"


def follow(
    options: argparse.Namespace,
    store: Store,
    tasks: Iterable[Task],
    tables: Callable[[], list[Table]],
    clean: Callable[[], None] = lambda: None,
) -> None:
    """Do what the options ask for: list, measure what is missing, report."""
    wanted = [task for task in tasks if re.search(options.only, task.key)]
    if options.list:
        print("\n".join(task.key for task in wanted))
        return
    if not options.table:
        stale = machine.why_stale()
        if stale:
            sys.exit(f"The installed vivace is not the working tree's: {stale}. Install it again.")
        try:
            _measure(wanted, store, options.again, options.minutes)
        except KeyboardInterrupt:
            sys.exit("\nstopped: what was measured is stored, run again to go on")
        finally:
            clean()
    print(_report(store, tables()))


def _measure(tasks: list[Task], store: Store, again: bool, minutes: float) -> None:
    deadline = time.monotonic() + 60 * minutes
    for number, task in enumerate(tasks, 1):
        if not again and store.current(task):
            continue
        if time.monotonic() > deadline:
            print(f"{minutes:g} minutes are over: run again to go on", file=sys.stderr)
            return
        print(f"[{number}/{len(tasks)}] {task.key} ", end="", file=sys.stderr, flush=True)
        load = os.getloadavg()[0]
        result = run(task)
        store.put(task, result, load)
        outcome = result.get("error") or (f"no {result['missing']}" if "missing" in result else "")
        print(f"{result['took_seconds']:.1f} s {outcome}", file=sys.stderr)


def _report(store: Store, tables: list[Table]) -> str:
    about = store.machine
    runs = sorted({result["run"] for result in store.results.values()})
    lines = [
        f"{about['processor']} (family {about['family']}), {about['cores']} cores, "
        f"Python {about['python']}; vivace at {store.commit}; "
        + (f"measured {runs[0]}" + (f" to {runs[-1]}" if runs[1:] else "") if runs else "no runs"),
        "",
    ]
    return "\n".join(lines + [table.markdown() for table in tables if table.rows])

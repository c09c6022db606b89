"""Compare with other libraries in one run: `python -m benchmarks.versus --help`."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.versus import (
    isa,
    iteration,
    machine,
    memory,
    peak,
    predict,
    threads,
    whole_fit,
)
from benchmarks.versus.store import Store
from benchmarks.versus.task import Task, run

PARTS = {
    "peak": peak,
    "iteration": iteration,
    "predict": predict,
    "threads": threads,
    "isa": isa,
    "whole_fit": whole_fit,
    "memory": memory,
}
RESULTS = Path(__file__).with_name("results")
QUICK_SHARE = 0.05


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versus", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument(
        "--only", metavar="REGEX", default="", help="measurements whose key matches"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_SHARE:.0%} of the rows, to try the scripts: the figures mean nothing",
    )
    parser.add_argument("--again", action="store_true", help="measure what is already stored, too")
    parser.add_argument("--minutes", type=float, default=30.0, help="start nothing after so long")
    parser.add_argument("--list", action="store_true", help="print the measurements and stop")
    parser.add_argument("--table", action="store_true", help="print the stored results and stop")
    parser.add_argument("--results", type=Path, help="file to read and write")
    options = parser.parse_args(argv)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    return options


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


def _report(store: Store, parts: Sequence[str]) -> str:
    about = store.machine
    runs = sorted({result["run"] for result in store.results.values()})
    lines = [
        f"{about['processor']} (family {about['family']}), {about['cores']} cores, "
        f"Python {about['python']}; vivace at {store.commit}; "
        + (f"measured {runs[0]}" + (f" to {runs[-1]}" if runs[1:] else "") if runs else "no runs"),
        "",
    ]
    for part in parts:
        lines += [table.markdown() for table in PARTS[part].tables(store) if table.rows]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    options = _arguments(argv)
    parts = options.parts or list(PARTS)
    share = QUICK_SHARE if options.quick else 1.0
    name = machine.slug(machine.describe()) + ("-quick" if options.quick else "")
    store = Store(options.results or RESULTS / f"{name}.json")
    tasks = [task for part in parts for task in PARTS[part].plan(share)]
    tasks = [task for task in tasks if re.search(options.only, task.key)]
    if options.list:
        print("\n".join(task.key for task in tasks))
        return
    if not options.table:
        stale = machine.why_stale()
        if stale:
            sys.exit(f"The installed vivace is not the working tree's: {stale}. Install it again.")
        try:
            _measure(tasks, store, options.again, options.minutes)
        except KeyboardInterrupt:
            sys.exit("\nstopped: what was measured is stored, run again to go on")
        finally:
            memory.clean()
    print(_report(store, parts))


if __name__ == "__main__":
    main()

"""Results of one machine in one JSON file, written after every measurement."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from benchmarks.versus import machine
from benchmarks.versus.task import Task

FORMAT = 1
REASON_LENGTH = 60  # of an error in a table; the file holds it all


class Store:
    """Results by key; `current` says whether a stored one still answers a task."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        self.path = path
        self.machine = machine.describe()
        self.commit = machine.commit()
        self.run = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self.results: dict[str, dict[str, Any]] = {}
        if path.exists() and not fresh:
            stored = json.loads(path.read_text())
            if stored.get("format") == FORMAT:
                self.results = stored["results"]

    def current(self, task: Task) -> bool:
        """Whether the stored result has this task's parameters and, if ours, this commit."""
        result = self.results.get(task.key)
        if result is None or "error" in result or "missing" in result:
            return False
        if result["parameters"] != json.loads(json.dumps(task.describe())):
            return False
        unchanged = result["commit"] == self.commit and not self.commit.endswith(machine.CHANGED)
        return unchanged or not task.ours

    def put(self, task: Task, result: dict[str, Any], load: float) -> None:
        """Store a result with what it was measured with, and write the file."""
        self.results[task.key] = result | {
            "parameters": task.describe(),
            "commit": self.commit,
            "run": self.run,
            "load_before": round(load, 2),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        content = {"format": FORMAT, "machine": self.machine, "results": self.results}
        partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        partial.rename(self.path)

    def value(self, key: str, name: str) -> Any:
        """Return one field of a result, or None if it was not (or could not be) measured."""
        return self.results.get(key, {}).get(name)

    def why_missing(self, key: str) -> str:
        """Return a short reason why a result has no figures."""
        result = self.results.get(key)
        if result is None:
            return "not run"
        if "missing" in result:
            return f"no {result['missing']}"
        reason = result.get("error", "")
        return reason if len(reason) <= REASON_LENGTH else reason[:REASON_LENGTH] + " ..."

"""The process of one task: `python -m benchmarks.versus.child module:function args answer.json`."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

# What a result may depend on; only what a task has really imported is recorded.
LIBRARIES = (
    *("vivace", "numpy", "scipy", "sklearn"),
    *("pypmc", "torch", "pomegranate", "mlpack"),
    *("stepmix", "bayespy", "bnpy"),
    *("gensim", "tomotopy", "topica", "lda", "vowpalwabbit"),
)
DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def versions() -> dict[str, str]:
    """Return the versions of the libraries that this process has imported."""
    found = {}
    for name in LIBRARIES:
        if name in sys.modules:
            try:
                found[name] = importlib.metadata.version(DISTRIBUTIONS.get(name, name))
            except importlib.metadata.PackageNotFoundError:
                found[name] = "not installed (imported from a folder)"
    return found


def call(function: str, args: dict[str, Any]) -> dict[str, Any]:
    """Call "module:name" below benchmarks.versus; missing libraries and errors are answers."""
    module, name = function.split(":")
    try:
        result = getattr(importlib.import_module(f"benchmarks.versus.{module}"), name)(**args)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and str(error.name) in LIBRARIES:
            return {"missing": error.name}
        return {"error": f"{type(error).__name__}: {error}"}
    return result | {"versions": versions()}


def main() -> None:
    warnings.simplefilter("ignore")  # fits are cut short on purpose: they warn that they are
    function, args, answer = sys.argv[1:]
    partial = Path(answer + ".partial")
    partial.write_text(json.dumps(call(function, json.loads(args))))
    partial.rename(answer)
    # At once, and with all that it started: pools of a library whose fit was broken off would keep
    # this process, or its parent's pipe, open. The parent makes it the leader of its group.
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()

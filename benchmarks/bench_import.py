"""Start-up: seconds of a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

START = [sys.executable, "-c"]


def _run(code: str) -> None:
    subprocess.run([*START, code], check=True, stdout=subprocess.DEVNULL)


class Startup:
    """Wall time of a process that imports so much and ends; `nothing` is the interpreter alone."""

    params = (["nothing", "vivace", "sklearn.mixture", "estimator", "help"],)
    param_names = ("what",)
    number = 1
    warmup_time = 0.0
    code = {  # noqa: RUF012 - asv reads class attributes
        "nothing": "pass",
        "vivace": "import vivace",
        "sklearn.mixture": "from sklearn.mixture import BayesianGaussianMixture",
        "estimator": "from vivace import BayesianGaussianMixture",
        "help": "import sys; sys.argv = ['vivace', '--help']; from vivace.cli import main; main()",
    }

    def time_import(self, what: str) -> None:
        _run(self.code[what])

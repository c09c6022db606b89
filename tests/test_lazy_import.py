"""Names load when they are used, and loading is cheap; CPU seconds of fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vivace


def seconds(statement, setup="pass"):
    """The least CPU time of three processes."""
    code = (
        f"import time; {setup}; start = time.process_time(); {statement}; "
        "print(time.process_time() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    return min(float(run.stdout) for run in runs)


def test_import_of_the_package():
    assert seconds("import vivace") < 0.1


def test_first_estimator_beyond_scikit_learn():
    fit = "BayesianGaussianMixture().fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])"
    setup = "import sklearn.mixture"
    assert seconds(f"from vivace import BayesianGaussianMixture; {fit}", setup) < 0.3


@pytest.mark.parametrize("name", vivace.__all__)
def test_every_name_is_there(name):
    assert getattr(vivace, name) is not None
    assert name in dir(vivace)


def test_names_are_kept():
    assert vivace.BayesianGaussianMixture is vivace.BayesianGaussianMixture
    assert vars(vivace)["BayesianGaussianMixture"] is vivace.BayesianGaussianMixture


def test_unknown_name():
    with pytest.raises(AttributeError, match="'vivace' has no attribute 'GaussianProcess'"):
        vivace.GaussianProcess  # noqa: B018


def test_version_is_the_installed_one():
    from importlib.metadata import version

    assert vivace.__version__ == version("vivace")


def test_show_config(capsys):
    vivace.show_config()
    out = capsys.readouterr().out
    for line in ("vivace", "instruction set", "threads", "numpy", "scikit-learn", "processor"):
        assert f"\n{line} " in f"\n{out}"

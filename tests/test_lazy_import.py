"""Names load when they are used, and loading is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vivace


def loaded_by(statement: str, setup: str = "pass") -> set[str]:
    """Packages that a fresh process loads for a statement, those of `setup` aside."""
    code = (
        f"import sys; {setup}; before = set(sys.modules); {statement}; "
        "print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()} - set(sys.stdlib_module_names)


def test_the_package_loads_nothing_else():
    assert loaded_by("import vivace") == {"vivace"}


def test_first_estimator_loads_little_beyond_scikit_learn():
    """How long it takes is measured in benchmarks/bench_import.py."""
    fit = "BayesianGaussianMixture().fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])"
    found = loaded_by(
        f"from vivace import BayesianGaussianMixture; {fit}", "import sklearn.mixture"
    )
    assert not found & {"numba", "llvmlite", "pandas", "pyarrow", "matplotlib", "tqdm", "click"}


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

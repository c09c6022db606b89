"""`vivace fit`: what it writes and prints, and how it fails."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import vivace
from vivace.cli import progress

FIT = ("fit", "gaussian-mixture")
SPARE = {"data.csv", "data.npy", "model.vivace"}


def test_same_as_in_python(run: Any, folder: Path) -> None:
    result = run(*FIT, "data.npy", "-k", 5, "--out", "m", "--seed", 3, "--threads", 1)
    assert result.exit_code == 0
    expected = vivace.BayesianGaussianMixture(n_components=5, random_state=3, n_jobs=1)
    expected.fit(np.load("data.npy"))
    found = vivace.load("m")
    assert found.lower_bound_ == expected.lower_bound_
    np.testing.assert_array_equal(found.means_, expected.means_)
    assert found.get_params() == expected.get_params()


def test_summary(run: Any) -> None:
    result = run(*FIT, "data.csv", "-k", 6, "--out", "m", "--columns", "income,age")
    for part in ("3 in use of 6", "converged", "400 rows, 2 columns", "income", "m: written"):
        assert part in result.stdout
    assert "fitting 6 components to 400 rows of 2 columns" in result.stderr
    assert list(vivace.load("m").feature_names_in_) == ["income", "age"]


def test_json(run: Any) -> None:
    result = run(*FIT, "data.csv", "-k", 6, "--out", "m", "--json")
    record = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    model = vivace.load("m")
    assert record["model"] == "m"
    assert record["lower_bound"] == model.lower_bound_
    assert record["n_iter"] == model.n_iter_
    assert record["converged"] is True
    assert record["feature_names"] == ["id", "age", "income"]
    assert len(record["components"]) == 6
    assert record["columns_left_out"] == ["town"]
    assert set(record["seconds"]) == {"read", "fit"}
    assert "left out: town;" in result.stderr


def test_quiet(run: Any) -> None:
    """No progress; but that a column is not used is a warning."""
    arguments = (*FIT, "data.csv", "-k", 3, "--out", "m", "-q")
    assert run(*arguments, "--columns", "age,income").stderr == ""
    lines = run(*arguments).stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: ")
    assert "left out: town;" in lines[0]


def test_no_names_from_npy(run: Any) -> None:
    run(*FIT, "data.npy", "-k", 3, "--out", "m", "--columns", "x1")
    model = vivace.load("m")
    assert model.n_features_in_ == 1
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_options_and_settings(run: Any, method: str) -> None:
    result = run(
        *FIT, "data.npy", "-k", 4, "--out", "m", "--learning-method", method, "--covariance-type",
        "tied", "--set", "max_iter=2", "--set", "weight_concentration_prior=1e3", "--set",
        "init_params=random", "--set", "mean_prior=[30, 40.5]",
    )  # fmt: skip
    assert result.exit_code == 0
    parameters = vivace.load("m").get_params()
    assert parameters["learning_method"] == method
    assert parameters["covariance_type"] == "tied"
    assert parameters["max_iter"] == 2
    assert parameters["weight_concentration_prior"] == 1000.0
    assert parameters["init_params"] == "random"
    assert list(parameters["mean_prior"]) == [30, 40.5]
    assert "NOT converged" in result.stdout
    assert result.stderr.count("vivace: warning: ") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["data.npy", "--out", "m"], 2, "--n-components"),
        (["data.npy", "-k", "3"], 2, "--out"),
        (["data.npy", "-k", "0", "--out", "m"], 2, "0 is not in the range"),
        (["data.npy", "-k", "x", "--out", "m"], 2, "'x' is not a valid integer"),
        (["data.npy", "-k", "3", "--out", "m", "--seed", "-1"], 2, "--seed"),
        (["data.npy", "-k", "3", "--out", "m", "--threads", "0"], 2, "--threads"),
        (["data.npy", "-k", "3", "--out", "m", "--learning-method", "fast"], 2, "'fast' is not"),
        (["data.npy", "-k", "3", "--out", "m", "--colums", "a"], 2, "No such option"),
        (["data.npy", "-k", "3", "--out", "m", "--columns", "a,,b"], 2, "names between commas"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "tol"], 2, "expected key=value"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "tlo=1"], 2, "did you mean tol?"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "tol=abc"], 2, "'tol' parameter.*'abc'"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "max_iter=2.5"], 2, "'max_iter' par.*2.5"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "mean_prior=[1,"], 2, "mean_prior: .*JSON"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "n_jobs=2"], 2, "own option, --threads"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "tol=1", "--set", "tol=2"], 2, "twice"),
        (["data.npy", "-k", "3", "--out", "no/m"], 1, "no/m: the folder .* does not exist"),
        (["data.npy", "-k", "3", "--out", "."], 1, "is a folder"),
        (["data.npy", "-k", "3", "--out", "data.npy"], 1, "is the input itself"),
        (["none.npy", "-k", "3", "--out", "m"], 1, "none.npy: no such file"),
        (["model.vivace", "-k", "3", "--out", "m"], 1, "ends in .npy, .csv"),
        (["data.csv", "-k", "3", "--out", "m", "--columns", "agee"], 1, "no column 'agee'"),
        (["data.csv", "-k", "3", "--out", "m", "--columns", "town"], 1, "column 'town', row 1"),
        (["data.npy", "-k", "401", "--out", "m"], 1, "401"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "mean_prior=[1]"], 2, r"shape \(2,\)"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "mean_prior=[1,null]"], 2, "mean_prior"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "covariance_prior=[[1,2],[2,1]]"], 2,
         "covariance_prior must be positive definite"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "degrees_of_freedom_prior=0.5"], 2,
         "greater than 1"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "means_init=[[1,2]]"], 2, "means_init"),
        (["data.npy", "-k", "3", "--out", "m", "--set", "n_init=true"], 2, "'n_init'.*Got True"),
    ],
)  # fmt: skip
def test_failures(run: Any, folder: Path, arguments: list[str], code: int, message: str) -> None:
    result = run(*FIT, *arguments)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    with_breaks = " ".join(result.stderr.split())
    assert re.search(message, with_breaks), result.stderr
    assert set(os.listdir(folder)) == SPARE


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_entry_to_blame_is_named(run: Any, bad: float) -> None:
    values = np.load("data.npy").copy()
    values[100_000 % len(values), 1] = bad
    np.save("bad.npy", values)
    result = run(*FIT, "bad.npy", "-k", 3, "--out", "m")
    assert result.exit_code == 1
    assert "column 'x1', row 1 of the data: expected a finite number" in result.stderr
    assert "Remedy" in result.stderr


def interrupt_after(n_iter: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(self: progress.FitMeter, told: Any) -> None:
        if told.n_iter >= n_iter:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.FitMeter, "__call__", call)


def test_interrupt_keeps_the_model_beside(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "model.vivace").read_bytes()
    interrupt_after(3, monkeypatch)
    result = run(*FIT, "data.npy", "-k", 6, "--out", "model.vivace")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "interrupted; the model after " in result.stderr
    assert "is in model.vivace.interrupted; model.vivace is as it was" in result.stderr
    assert (folder / "model.vivace").read_bytes() == before
    kept = vivace.load("model.vivace.interrupted")
    assert not kept.converged_
    assert kept.predict(np.load("data.npy")).shape == (400,)
    assert "400 rows" in run("inspect", "model.vivace.interrupted").stdout


def test_interrupt_before_there_is_a_model(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(vivace.BayesianGaussianMixture, "fit", fit)
    result = run(*FIT, "data.npy", "-k", 6, "--out", "m")
    assert result.exit_code == 130
    assert "nothing was saved: the fit had only begun; m was not written" in result.stderr
    assert set(os.listdir(folder)) == SPARE


def test_failure_at_the_end_leaves_the_old_model(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "m.part")

    before = (folder / "model.vivace").read_bytes()
    monkeypatch.setattr("vivace.io.model_file.write_container", full)
    result = run(*FIT, "data.npy", "-k", 6, "--out", "model.vivace")
    assert result.exit_code == 1
    assert "m.part: no space left on device" in result.stderr
    assert (folder / "model.vivace").read_bytes() == before
    assert set(os.listdir(folder)) == SPARE


def test_warnings_are_lines(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the filters are, a warning is a line and no error."""
    result = run(*FIT, "data.npy", "-k", 6, "--out", "m", "--set", "max_iter=1")
    assert result.exit_code == 0
    assert "vivace: warning: " in result.stderr
    assert ConvergenceWarning.__name__ not in result.stderr


def test_gaps_are_filled_where_they_are_asked_for(run: Any) -> None:
    rows = np.load("data.npy")
    rows[::7, 0] = np.nan
    np.save("holes.npy", rows)
    result = run(*FIT, "holes.npy", "-k", 3, "--out", "m", "-q")
    assert result.exit_code == 1
    assert "--missing marginalize" in result.stderr
    ask = ("--missing", "marginalize", "--covariance-type", "tied_diag")
    assert run(*FIT, "holes.npy", "-k", 3, "--out", "m", "-q", *ask).exit_code == 0
    model = vivace.load("m")
    assert (model.missing, model.covariance_type) == ("marginalize", "tied_diag")
    assert run("impute", "m", "holes.npy", "--out", "filled.npy", "-q").exit_code == 0
    np.testing.assert_array_equal(np.load("filled.npy"), model.impute(rows))
    assert run("impute", "m", "holes.npy", "--out", "d.csv", "--sample", "-q").exit_code == 0
    assert np.isfinite(np.genfromtxt("d.csv", delimiter=",", skip_header=1)).all()
    assert run("predict", "m", "holes.npy", "--out", "p.csv", "-q").exit_code == 0
    names = (*FIT, "data.csv", "-k", 2, "--out", "named", "--missing", "marginalize", "-q")
    assert run(*names, "--columns", "age,income").exit_code == 0
    result = run("impute", "named", "data.csv", "--out", "f.csv", "-q", "--columns", "age,income")
    assert (result.exit_code, result.stderr) == (0, "")

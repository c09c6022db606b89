"""`vivace predict`, `transform` and `score` give what the estimator gives."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vivace
from vivace.cli import apply
from vivace.io import read_table


@pytest.fixture
def expected(folder: Path) -> dict[str, np.ndarray]:
    model = vivace.load("model.vivace")
    values = np.load("data.npy")
    del model.feature_names_in_
    return {
        "predict": model.predict(values),
        "transform": model.predict_proba(values),
        "score": model.score_samples(values),
    }


@pytest.mark.parametrize("data", ["data.csv", "data.npy"])
@pytest.mark.parametrize("command", ["predict", "transform"])
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "csv.gz", "parquet"])
def test_results(
    run: Any, expected: dict[str, np.ndarray], data: str, command: str, suffix: str
) -> None:
    result = run(command, "model.vivace", data, "--out", f"out.{suffix}")
    assert result.exit_code == 0
    assert result.stdout == f"out.{suffix}: written, 400 rows\n"
    assert result.stderr == ""
    if suffix == "npz":
        with np.load("out.npz") as file:
            found, names = file["values"], list(file["names"])
    elif suffix == "npy":
        found, names = np.load("out.npy"), None
    else:
        found, names, *_ = read_table(f"out.{suffix}")
    np.testing.assert_array_equal(found.reshape(expected[command].shape), expected[command])
    if names is not None:
        numbers = range(vivace.load("model.vivace").n_components)
        columns = [f"component_{k}" for k in numbers]
        assert names == (["label"] if command == "predict" else columns)


def test_parts_make_no_difference(
    run: Any, expected: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.tile(np.load("data.npy"), (7, 1))
    np.save("long.npy", values)
    monkeypatch.setattr(apply, "_NUMBERS_AT_A_TIME", 1)
    for command in ("predict", "transform"):
        assert run(command, "model.vivace", "long.npy", "--out", "out.npy").exit_code == 0
        found = np.load("out.npy")
        np.testing.assert_array_equal(found[-400:], expected[command])
        assert len(found) == 2800
    record = json.loads(run("score", "model.vivace", "long.npy", "--json").stdout)
    assert record["log_density"] == pytest.approx(7 * expected["score"].sum(), rel=1e-12)


def test_score(run: Any, expected: dict[str, np.ndarray]) -> None:
    record = json.loads(run("score", "model.vivace", "data.csv", "--json").stdout)
    assert record["n_rows"] == 400
    assert record["log_density_per_row"] == pytest.approx(expected["score"].mean(), rel=1e-12)
    result = run("score", "model.vivace", "data.csv")
    assert result.stdout == f"{expected['score'].mean():.9g} nats a row, mean of 400 rows\n"
    assert result.stderr == ""


def test_columns_by_name_and_by_order(run: Any, expected: dict[str, np.ndarray]) -> None:
    values = np.load("data.npy")
    rows = [f"{b!r},{a!r}" for a, b in values.tolist()]
    Path("swapped.csv").write_text("\n".join(["income,age", *rows, ""]))
    assert run("predict", "model.vivace", "swapped.csv", "--out", "out.npy").exit_code == 0
    np.testing.assert_array_equal(np.load("out.npy"), expected["predict"])
    named = ("--columns", "income,age")
    assert run("predict", "model.vivace", "data.csv", "--out", "out.npy", *named).exit_code == 0
    np.testing.assert_array_equal(np.load("out.npy"), expected["predict"])
    Path("renamed.csv").write_text("\n".join(["einkommen,alter", *rows, ""]))
    result = run("predict", "model.vivace", "renamed.csv", "--out", "out2.npy")
    assert result.exit_code == 1
    assert "renamed.csv: no column 'age'" in result.stderr
    arguments = ("--columns", "alter,einkommen")
    assert (
        run("predict", "model.vivace", "renamed.csv", "--out", "out2.npy", *arguments).exit_code
        == 0
    )
    np.testing.assert_array_equal(np.load("out2.npy"), expected["predict"])


def test_model_without_names(run: Any) -> None:
    run("fit", "gaussian-mixture", "data.npy", "-k", 3, "--out", "m")
    result = run("predict", "m", "data.csv", "--out", "out.npy")
    assert result.exit_code == 1
    assert "expected the 2 columns that m was fitted to, got 3 (id, age, income)" in result.stderr
    assert "left out: town;" in result.stderr
    assert (
        run("predict", "m", "data.csv", "-o", "out.npy", "--columns", "age,income").exit_code == 0
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["predict", "model.vivace", "data.csv"], 2, "--out"),
        (["predict", "model.vivace"], 2, "DATA"),
        (["predict", "none", "data.csv", "--out", "o.npy"], 1, "none: no such file"),
        (["predict", "data.npy", "data.csv", "--out", "o.npy"], 1, "data.npy: expected a vivace"),
        (["predict", ".", "data.csv", "--out", "o.npy"], 1, "a folder"),
        (["predict", "model.vivace", "none.csv", "--out", "o.npy"], 1, "none.csv: no such file"),
        (["predict", "model.vivace", "data.csv", "--out", "o.xls"], 2, "'o.xls'"),
        (["predict", "model.vivace", "data.csv", "--out", "data.csv"], 1, "is the input itself"),
        (["predict", "model.vivace", "data.csv", "--out", "no/o.npy"], 1, "does not exist"),
        (["predict", "model.vivace", "data.csv", "--out", "o.npy", "--columns", "age"], 1, "got 1"),
        (["score", "model.vivace", "gap.npy"], 1, "column 'x0', row 6 of the data"),
        (["score", "model.vivace", "wide.npy"], 1, "expected the 2 columns (age, income)"),
    ],
)  # fmt: skip
def test_failures(run: Any, folder: Path, arguments: list[str], code: int, message: str) -> None:
    gap = np.load("data.npy").copy()
    gap[5, 0] = np.nan
    np.save("gap.npy", gap)
    np.save("wide.npy", np.zeros((3, 3)))
    before = set(os.listdir(folder))
    data = Path("data.csv").read_bytes()
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())
    assert set(os.listdir(folder)) == before
    assert Path("data.csv").read_bytes() == data


def test_old_output_is_kept_on_failure(run: Any) -> None:
    Path("out.csv").write_text("before")
    gap = np.load("data.npy").copy()
    gap[5, 0] = np.nan
    np.save("gap.npy", gap)
    result = run("predict", "model.vivace", "gap.npy", "--out", "out.csv")
    assert result.exit_code == 1
    assert "Remedy: fill or remove such rows\n" in result.stderr
    assert Path("out.csv").read_text() == "before"
    assert run("predict", "model.vivace", "data.npy", "--out", "out.csv").exit_code == 0
    assert Path("out.csv").read_text().startswith("label\n")

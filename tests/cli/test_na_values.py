"""Text tables with dirty cells: what is said of them, and `--na-values`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace.io import TableError, load_model, open_frame, open_table
from vivace.io.text_table import TextTable

from .conftest import Run

pytest.importorskip("pyarrow")
pytest.importorskip("pandas")


@pytest.fixture
def dirty(folder: Path) -> Path:
    """Numbers with two question marks, a quoted cell of two lines, and an empty line."""
    rng = np.random.default_rng(0)
    lines = ["age,income,note"]
    for i in range(300):
        group = int(rng.integers(2))
        age, income = 30.5 + 20 * group + rng.normal(), 10.0 * group + rng.normal()
        cells = [f"{age:.2f}", f"{income:.3f}", "a" if group else "b"]
        if i == 40:
            cells[2] = '"a\nb"'
        if i in (57, 190):
            cells[1] = "?"
        lines += [",".join(cells)] + [""] * (i == 20)
    Path("dirty.csv").write_text("\n".join(lines) + "\n")
    Path("clean.csv").write_text("\n".join(lines).replace("?", "") + "\n")
    return folder


WHERE = "dirty.csv: column 'income', row 58 of the data (line 61)"
REMEDY = "--na-values '?'"


def test_a_gaussian_mixture(run: Run, dirty: Path) -> None:
    fit = ["fit", "gaussian-mixture", "dirty.csv", "-k", "3", "-o", "m.vivace"]
    found = run(*fit)
    assert "columns with values that are not numbers are left out: income, note" in found.stderr
    fit += ["--columns", "age,income"]
    found = run(*fit)
    assert found.exit_code == 1
    for part in (WHERE, "expected a number, got '?'", REMEDY, "(--exclude)"):
        assert part in found.stderr
    assert "pandas" not in found.stderr
    found = run(*fit, "--na-values", "?")
    assert found.exit_code == 1
    assert "a gap" in found.stderr
    fit += ["--missing", "marginalize"]
    assert run(*fit, "--na-values", "?", "--na-values", "none").exit_code == 0
    clean = [one.replace("dirty", "clean").replace("m.vivace", "c.vivace") for one in fit]
    assert run(*clean).exit_code == 0
    traces = [load_model(name).elbo_trace_ for name in ("m.vivace", "c.vivace")]
    assert np.array_equal(*traces)


def test_tables_of_mixed_columns(run: Run, dirty: Path) -> None:
    fit = ["fit", "mixture", "dirty.csv", "-k", "3", "-o", "m.vivace", "--columns", "age,income"]
    found = run(*fit)
    assert found.exit_code == 1
    for part in (
        "dirty.csv: row 58 of the data (line 61)",
        "'income'",
        "'?'",
        REMEDY,
        "--families",
    ):
        assert part in found.stderr
    assert "pandas" not in found.stderr
    fit += ["--na-values", "?"]
    dry = json.loads(run(*fit, "--dry-run", "--json").stdout)
    assert dry["columns"] == {"age": "number", "income": "number"}
    found = run(*fit)
    assert found.exit_code == 0, found.stderr
    assert load_model("m.vivace").families_ == {"gaussian": ["age", "income"]}


@pytest.mark.parametrize("command", ["predict", "transform", "impute", "score", "report"])
def test_commands_that_apply_a_model(command: str, run: Run, dirty: Path) -> None:
    fit = ["fit", "mixture", "clean.csv", "-k", "3", "-o", "m.vivace", "--columns", "age,income"]
    assert run(*fit).exit_code == 0
    arguments: list[Any] = [command, "m.vivace", "dirty.csv"]
    if command == "report":
        arguments = [command, "m.vivace", "--data", "dirty.csv", "--out", "page.html"]
    elif command != "score":
        arguments += ["--out", "out.csv"]
    found = run(*arguments)
    assert found.exit_code == 1
    for part in (WHERE, "expected a number, got '?'", REMEDY):
        assert part in found.stderr
    assert not Path("out.csv").exists()
    found = run(*arguments, "--na-values", "?")
    assert found.exit_code == 0, found.stderr
    if command == "impute":
        lines = Path("out.csv").read_text().splitlines()
        assert not any("?" in line for line in lines)


def test_convert(run: Run, dirty: Path) -> None:
    convert = ["convert", "dirty.csv", "out.npy", "--columns", "age,income"]
    found = run(*convert)
    assert found.exit_code == 1
    assert WHERE in found.stderr
    assert run(*convert, "--na-values", "?").exit_code == 0
    assert np.flatnonzero(np.isnan(np.load("out.npy")[:, 1])).tolist() == [57, 190]


def test_files_of_configuration_and_standard_input(run: Run, dirty: Path, process: Any) -> None:
    Path("job.toml").write_text(
        'data = "dirty.csv"\nn-components = 2\nout = "m.vivace"\ncolumns = ["age", "income"]\n'
        'missing = "marginalize"\nna-values = ["?", "-"]\n'
    )
    found = run("fit", "gaussian-mixture", "--config", "job.toml")
    assert found.exit_code == 0, found.stderr
    piped = process(
        "predict", "m.vivace", "-", "--out", "out.csv", input=Path("dirty.csv").read_text()
    )
    assert piped.returncode == 1
    assert "standard input: column 'income', row 58 of the data" in piped.stderr
    piped = process(
        "predict", "m.vivace", "-", "--out", "out.csv", "--na-values", "?",
        input=Path("dirty.csv").read_text(),
    )  # fmt: skip
    assert piped.returncode == 0, piped.stderr


def test_what_is_no_text(run: Run, dirty: Path) -> None:
    for command in (
        ["fit", "gaussian-mixture", "data.npy", "-k", "2", "-o", "m"],
        ["fit", "gaussian-mixture", "data.npy", "-k", "2", "-o", "m", "--dry-run"],
        ["fit", "mixture", "data.npy", "-k", "2", "-o", "m"],
        ["predict", "model.vivace", "data.npy", "--out", "out.npy"],
        ["convert", "data.npy", "out.csv"],
    ):
        found = run(*command, "--na-values", "?")
        assert found.exit_code == 1
        assert "is for text tables" in found.stderr
    Path("notes.txt").write_text("some words\nother words\n")
    found = run("convert", "notes.txt", "notes.npz", "--na-values", "?")
    assert found.exit_code == 2
    assert "--na-values is for tables, but notes.txt holds documents" in found.stderr


def test_no_such_file(run: Run) -> None:
    """Before anything is said of its name."""
    for command in ("gaussian-mixture", "mixture"):
        for name in ("nothere", "nothere.parquet", "nothere.npy"):
            found = run("fit", command, name, "-k", "2", "-o", "m")
            assert found.exit_code == 1
            assert f"vivace: {name}: no such file or directory" in found.stderr


def test_in_python(dirty: Path) -> None:
    with pytest.raises(TableError, match=r"row 58 of the data \(line 61\).*na_values=\['\?'\]"):
        open_table("dirty.csv", ["age", "income"])
    assert np.isnan(open_table("dirty.csv", ["income"], na_values=["?"])[:]).sum() == 2
    assert open_frame("dirty.csv", ["income"], na_values=["?"]).kinds == ["float"]
    with pytest.raises(TypeError, match="a list of texts"):
        open_table("dirty.csv", na_values="?")


def test_places(dirty: Path) -> None:
    """Of the second of several files, and of packed ones."""
    Path("a").mkdir()
    for i, name in enumerate(("clean.csv", "dirty.csv")):
        Path(f"a/{i}.csv").write_text(Path(name).read_text())
    frame = open_frame("a/*.csv", ["income"])
    assert frame.place(0, "?") == "a/1.csv: row 58 of the data (line 61)"
    Path("b.csv.gz").write_bytes(gzip.compress(Path("dirty.csv").read_bytes()))
    assert TextTable("b.csv.gz").place(58) == "row 58 of the data (line 61)"
    assert TextTable("b.csv.gz").place(10**9) == "row 1000000000 of the data"

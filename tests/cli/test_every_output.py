"""What commands that apply a model write: order, ids and types in every kind of file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vivace
from vivace.cli import apply, impute
from vivace.cli.app import cli

from .conftest import runner

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
csv = pytest.importorskip("pyarrow.csv")

ENDS = ["parquet", "npy", "csv", "npz"]
N = 90


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Tables with a column of names, gaps and documents; a model of each."""
    folder, before = tmp_path_factory.mktemp("stored"), Path.cwd()
    rng = np.random.default_rng(1)
    group = rng.integers(0, 2, N)
    table = pd.DataFrame(
        {
            "name": [f"{i:03d}" for i in rng.permutation(N)],
            "a": rng.normal(5.0 * group, 1.0),
            "b": rng.normal(-3.0 * group, 1.0),
        }
    )
    os.chdir(folder)
    try:
        table.to_parquet("t.parquet", row_group_size=40)
        table.assign(a=table["a"].mask(rng.random(N) < 0.2)).to_parquet("gaps.parquet")
        words = np.array(["oslo", "bergen", "fjord", "boat", "rain"])
        lines = [
            f'{{"key": "{name}", "text": "{" ".join(rng.choice(words, 6))}"}}\n'
            for name in table["name"]
        ]
        Path("d.jsonl").write_text("".join(lines))
        for name, data, *more in (
            ("gaussian-mixture", "t.parquet", "--columns", "a,b"),
            ("mixture", "t.parquet", "--columns", "a,b"),
            ("lda", "d.jsonl"),
        ):
            fit = ["fit", name, data, "-k", "3", "--passes", "5", "-q", "-o", f"{name}.vivace"]
            assert runner().invoke(cli, [*fit, *more]).exit_code == 0
    finally:
        os.chdir(before)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def here(folder: Path, stored: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in stored.items():
        Path(name).write_bytes(content)
    monkeypatch.setattr(apply, "_NUMBERS_AT_A_TIME", 1)  # several runs of rows
    monkeypatch.setattr(impute, "_ROWS_AT_A_TIME", 16)
    monkeypatch.setattr("vivace.cli.documents._NUMBERS_AT_A_TIME", 1)
    return folder


def read(path: str) -> Any:
    """A written file as a frame."""
    text = {"name": pa.string(), "key": pa.string()}
    names = csv.ConvertOptions(column_types=text)
    readers: dict[str, Callable[[], Any]] = {
        "parquet": lambda: pd.read_parquet(path),
        "csv": lambda: csv.read_csv(path, convert_options=names).to_pandas(),
        "npy": lambda: pd.DataFrame(np.load(path)),
    }
    end = path.rpartition(".")[2]
    if end != "npz":
        return readers[end]()
    with np.load(path) as file:
        values = file["values"]
        return pd.DataFrame(values.reshape(len(values), -1), columns=file["names"].tolist())


def applied(estimator: str, command: str) -> tuple[Any, str, str, np.ndarray]:
    """Model, data, column of names, and what the estimator itself says."""
    model = vivace.load(f"{estimator}.vivace")
    if estimator == "lda":
        return model, "d.jsonl", "key", model.transform(Path("d.jsonl"))
    rows = pd.read_parquet("t.parquet")[["a", "b"]]
    found = model.predict(rows) if command == "predict" else model.predict_proba(rows)
    return model, "t.parquet", "name", found


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("top", [None, 2])
@pytest.mark.parametrize("command", ["predict", "transform"])
@pytest.mark.parametrize("estimator", ["gaussian-mixture", "mixture", "lda"])
def test_applied(
    estimator: str, command: str, top: int | None, ids: bool, end: str, here: Path, run: Any
) -> None:
    _, data, key, expected = applied(estimator, command)
    more = ["--top", top] if top else []
    more += ["--id-column", key] if ids else []
    found = run(command, f"{estimator}.vivace", data, "-o", f"o.{end}", *more)
    wrong = {
        "--top: predict writes": command == "predict" and top is not None,
        "can hold numbers only. Remedy": ids and end in ("npy", "npz"),
        "has no labels to predict. Remedy": command == "predict" and estimator == "lda",
    }
    if any(wrong.values()):
        assert found.exit_code in (1, 2)
        said = " ".join(found.stderr.split())
        assert any(message in said for message, is_so in wrong.items() if is_so), said
        assert not Path(f"o.{end}").exists()
        return
    assert found.exit_code == 0, found.stderr
    table = read(f"o.{end}")
    assert len(table) == N
    if ids:
        with open("d.jsonl") as file:
            names = [line.split('"')[3] for line in file]
        assert table.pop(key).tolist() == names
    if command == "predict":
        assert table.to_numpy()[:, 0].tolist() == expected.tolist()
        assert set(table.dtypes) == {np.dtype(np.int64)}
    elif top is None:
        assert np.array_equal(table.to_numpy(expected.dtype), expected)
    else:
        order = np.argsort(-expected, axis=1, kind="stable")[:, :2]
        shares = np.take_along_axis(expected, order, axis=1)
        assert np.array_equal(table.iloc[:, :2].to_numpy(np.int64), order)
        assert np.array_equal(table.iloc[:, 2:].to_numpy(expected.dtype), shares)
        if end in ("parquet", "csv"):
            assert set(table.dtypes[:2]) == {np.dtype(np.int64)}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("ids", [False, True])
def test_imputed(ids: bool, end: str, here: Path, run: Any) -> None:
    more = ["--id-column", "name"] if ids else []
    found = run("impute", "mixture.vivace", "gaps.parquet", "-o", f"o.{end}", "--only", *more)
    if ids and end in ("npy", "npz"):
        assert found.exit_code in (1, 2)
        assert "numbers only" in found.stderr
        assert "Remedy: " in found.stderr
        assert not Path(f"o.{end}").exists()
        return
    assert found.exit_code == 0, found.stderr
    table, gaps = read(f"o.{end}"), pd.read_parquet("gaps.parquet")
    if ids:
        assert table.pop("name").tolist() == gaps["name"].tolist()
    filled = vivace.load("mixture.vivace").impute(gaps[["a", "b"]])
    assert np.array_equal(table.to_numpy(), filled.to_numpy())


def test_what_has_no_such_option(here: Path, run: Any) -> None:
    for arguments in (
        ["score", "mixture.vivace", "t.parquet", "--id-column", "name"],
        ["score", "mixture.vivace", "t.parquet", "--top", 2],
        ["score", "mixture.vivace", "t.parquet", "-o", "o.csv"],
        ["impute", "mixture.vivace", "t.parquet", "-o", "o.csv", "--top", 2],
    ):
        found = run(*arguments)
        assert found.exit_code == 2
        assert "No such option" in found.stderr
    found = run("transform", "mixture.vivace", "t.parquet", "-o", "o.csv", "--top", 4)
    assert found.exit_code == 2
    assert "expected at most 3, the components of mixture.vivace, got 4" in found.stderr
    found = run("transform", "lda.vivace", "d.jsonl", "-o", "o.csv", "--top", 4)
    assert found.exit_code == 2

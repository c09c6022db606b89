"""`vivace fit mixture` and `vivace impute`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import vivace


@pytest.fixture
def table(folder: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 300)
    frame = pd.DataFrame(
        {
            "age": rng.normal(30.0 + 20.0 * z, 4.0).round(2),
            "visits": rng.poisson(1.0 + 6.0 * z).astype(float),
            "town": np.where(z, "a", "b"),
        }
    )
    frame.loc[::7, "visits"] = np.nan
    frame.loc[3::11, "town"] = None
    frame.to_csv("holes.csv", index=False)
    frame.to_parquet("holes.parquet", index=False)
    (folder / "families.json").write_text(
        json.dumps({"gaussian": ["age"], "poisson": ["visits"], "categorical": ["town"]})
    )
    return frame


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_fit_and_use(run: Any, table: pd.DataFrame, suffix: str) -> None:
    data = f"holes.{suffix}"
    result = run("fit", "mixture", data, "-k", "4", "-o", "m.vivace", "--json",
                 "--families", "families.json", "--set", "tol=1e-6")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["families"] == {
        "gaussian": ["age"],
        "poisson": ["visits"],
        "categorical": ["town"],
    }
    assert record["n_effective_components"] == 2
    model = vivace.load("m.vivace")
    result = run("predict", "m.vivace", data, "--out", "labels.npy", "-q")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(np.load("labels.npy"), model.predict(pd.read_csv("holes.csv")))
    assert run("transform", "m.vivace", data, "--out", "r.csv", "-q").exit_code == 0
    assert "nats a row" in run("score", "m.vivace", data, "-q").stdout
    shown = run("inspect", "m.vivace")
    assert "P(a)" in shown.stdout
    lines = shown.stdout.splitlines()
    start = lines.index("component  weight  what sets it apart")
    assert all("town = " in line and "age " in line for line in lines[start + 1 : start + 3])
    assert lines[start + 3] == "not shown: 2 unused components; see vivace inspect --json"
    assert shown.stdout.isascii()  # for any terminal
    assert json.loads(run("inspect", "m.vivace", "--json").stdout)["profiles"]


def test_summary_of_many_levels_shows_components(run: Any, folder: Path) -> None:
    """Not one line a level: what sets components apart, of the heaviest."""
    rng = np.random.default_rng(0)
    group = rng.integers(3, size=600)
    lines = [f"{9 * g + rng.normal():.4f},t{rng.integers(100)}" for g in group]
    (folder / "levels.csv").write_text("\n".join(["x,town", *lines]) + "\n")
    shown = run("fit", "mixture", "levels.csv", "-k", 5, "-o", "m.vivace", "-q").stdout
    assert re.search(r"  x 1[78]\.\d \(high\)", shown)
    assert "P(t1)" not in shown
    assert "parameters with credible intervals: vivace inspect --json" in shown
    found = json.loads(run("inspect", "m.vivace", "--json").stdout)
    assert [one["weight"] for one in found["components"]] == sorted(
        (one["weight"] for one in found["components"]), reverse=True
    )
    assert len(found["components"]) == found["n_effective_components"] == 3


def test_impute(run: Any, table: pd.DataFrame) -> None:
    run("fit", "mixture", "holes.csv", "-k", "4", "-o", "m.vivace", "-q",
        "--families", "families.json")  # fmt: skip
    assert run("impute", "m.vivace", "holes.csv", "--out", "filled.csv", "-q").exit_code == 0
    filled = pd.read_csv("filled.csv")
    assert filled.notna().all().all()
    there = table["visits"].notna()
    np.testing.assert_allclose(filled["visits"][there], table["visits"][there])
    assert run("impute", "m.vivace", "holes.csv", "--out", "d.parquet", "--sample").exit_code == 0
    assert pd.read_parquet("d.parquet").notna().all().all()
    result = run("impute", "model.vivace", "data.csv", "--out", "x.csv")
    assert result.exit_code == 1
    assert "fills no gaps" in result.stderr


def test_auto_and_complaints(run: Any, table: pd.DataFrame) -> None:
    result = run("fit", "mixture", "holes.csv", "-k", "2", "-o", "m.vivace", "-q", "--json")
    assert json.loads(result.stdout)["families"] == {
        "gaussian": ["age"],
        "poisson": ["visits"],
        "categorical": ["town"],
    }
    result = run("fit", "mixture", "holes.csv", "-k", "2", "-o", "m.vivace", "--columns", "no")
    assert result.exit_code == 1
    assert "no column 'no'" in result.stderr
    arguments = ["fit", "mixture", "holes.csv", "-k", "2", "-o", "m.vivace"]
    Path("bad.json").write_text("{")
    result = run(*arguments, "--families", "bad.json")
    assert result.exit_code == 2
    Path("bad.json").write_text('{"poisson": ["age"], "categorical": ["town", "visits"]}')
    result = run(*arguments, "--families", "bad.json")
    assert result.exit_code == 1
    assert "must hold counts" in result.stderr
    for given, message in [
        ('[{"family": "poisson", "columns": ["visits"], "shap": 1}]', "'shap'"),
        ('[{"family": "poison", "columns": ["visits"]}]', "Did you mean 'poisson'?"),
    ]:
        Path("bad.json").write_text(given)
        result = run(*arguments, "--families", "bad.json")
        assert result.exit_code == 2
        assert message in result.stderr


def test_damaged_tables_are_refused(run: Any, table: pd.DataFrame, folder: Path) -> None:
    import gzip

    whole = (folder / "holes.csv").read_bytes()
    (folder / "short.csv").write_bytes(whole[: whole.rindex(b",")].rsplit(b",", 1)[0] + b"\n")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(whole)[:-40])
    for name in ("short.csv", "cut.csv.gz"):
        result = run("fit", "mixture", name, "-k", 2, "-o", "m.vivace")
        assert result.exit_code == 1, result.stderr
        assert f"{name}: expected a table" in result.stderr
        assert not (folder / "m.vivace").exists()


@pytest.mark.parametrize("dtype", ["string", "boolean", "Int64", "category"])
def test_gaps_of_pandas_own_types(dtype: str) -> None:
    values = [True, False, None, True] * 25 if dtype == "boolean" else [1, 2, None, 1] * 25
    text = dtype in ("string", "category")
    column = pd.Series([None if v is None else str(v) for v in values] if text else values)
    frame = pd.DataFrame({"a": column.astype(dtype), "b": np.arange(100.0)})
    model = vivace.BayesianMixture(
        n_components=2, families={"categorical": ["a"], "gaussian": ["b"]}, random_state=0
    ).fit(frame)
    assert model.predict(frame.astype(object)).shape == (100,)
    assert not pd.isna(model.impute(frame)["a"]).any()


@pytest.mark.parametrize("json_", [False, True])
def test_intervals_are_worked_out_once(
    json_: bool, run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column of very many levels: the intervals take longer than all else."""
    from vivace.families import Categorical

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"town": [f"t{i}" for i in rng.integers(100, size=600)]})
    model = vivace.BayesianMixture(n_components=3, families="categorical", random_state=0)
    model.fit(frame).save(folder / "m.vivace")
    asked, describe = list[float](), Categorical.describe

    def counting(self: Any, posterior: Any, level: float) -> Any:
        asked.append(level)
        return describe(self, posterior, level)

    monkeypatch.setattr(Categorical, "describe", counting)
    shown = run("inspect", "m.vivace", *(["--json"] if json_ else []))
    assert shown.exit_code == 0, shown.stderr
    assert asked == [0.95]
    n = model.n_effective_components_ * (1 + frame["town"].nunique())
    if json_:
        told = json.loads(shown.stdout)
        assert told["n_profiles"] == len(told["profiles"]) == n
        assert told["profiles"] == model.profiles().to_dict(orient="records")
    else:
        assert f"{n:,} parameters with credible intervals: vivace inspect --json" in shown.stdout
    asked.clear()
    assert run("report", "m.vivace", "--out", "m.html").exit_code == 0
    assert asked == [0.95]


def test_what_columns_were_taken_for_is_told(run: Any, folder: Path) -> None:
    """Whole numbers become counts under auto, and columns of one value say nothing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 60, 200),
            "visits": rng.poisson(3.0, 200),
            "x": rng.normal(size=200),
            "year": 2024,
            "country": "NO",
        }
    )
    frame.to_csv(folder / "t.csv", index=False)
    fit = ["fit", "mixture", "t.csv", "-k", "2", "-o", "m.vivace", "-q"]
    lines = run(*fit).stdout.splitlines()
    assert "columns taken as counts: age, visits; --families to change" in lines
    assert "columns of one value, which set nothing apart: year, country" in lines
    told = json.loads(run(*fit, "--json").stdout)
    assert [line for line in lines if line.startswith("columns ")] == told["remarks"]
    (folder / "f.json").write_text(
        json.dumps({"gaussian": ["age", "visits", "x"], "categorical": ["country"]})
    )
    given = run(*fit, "--families", "f.json", "--columns", "age,visits,x,country")
    assert given.exit_code == 0, given.stderr
    assert "counts" not in given.stdout
    assert "columns of one value, which set nothing apart: country" in given.stdout
    np.save("n.npy", frame[["age", "visits"]].to_numpy())
    shown = run("fit", "mixture", "n.npy", "-k", "2", "-o", "m.vivace", "-q").stdout
    assert "columns taken" not in shown  # .npy is read as numbers with fractions

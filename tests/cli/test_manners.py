"""What the commands say to people who do not know Python, and what they carry over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

FIT = ["fit", "gaussian-mixture", "data.npy", "-k", "3", "-o", "m.vivace", "--set", "tol=0"]


def test_what_has_not_converged_is_told_in_options(run: Any) -> None:
    found = run(*FIT, "--passes", "2")
    assert found.exit_code == 0
    assert "has not converged in 2 iterations. Remedy: --passes of more than 2" in found.stderr
    assert "max_iter" not in found.stderr
    assert "initialization" not in found.stderr
    assert "1 iteration." in run(*FIT, "--passes", "1").stderr
    assert run(*FIT, "--passes", "2", "--quiet").stderr == ""
    assert "converged" not in run(*FIT[:-2], "--set", "tol=1e-2").stderr


def test_strict_with_a_time_limit_has_one_remedy(run: Any) -> None:
    found = run(*FIT, "--time-limit", "0.001s", "--strict", "-q")
    assert found.exit_code == 3
    assert found.stderr.count("Remedy") == 1
    assert "a longer --time-limit" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "model.vivace", "data.csv", "-o", "x.npy", "--top", "2"], "transform --top 2"),
        (["predict", "model.vivace", "data.csv", "-o", "x.txt"], "expected a name that ends in"),
        (["impute", "model.vivace", "data.csv", "-o", "x.txt"], "expected a name that ends in"),
        (["fit", "mixture", "data.csv", "-k", "2", "-o", "m", "--families", "poison"],
         "did you mean poisson?"),
        ([*FIT, "--every", "5s"], "--every: say where checkpoints go"),
        ([*FIT, "--batch-size", "5"], "Remedy: --learning-method online or memoized"),
        ([*FIT, "--set", "batch_size=5"], "batch goes through all data at once"),
        ([*FIT, "--set", "foo=1"], "has no parameter 'foo'. It has"),
    ],
)  # fmt: skip
def test_wrong_options_are_usage_errors(arguments: list[str], message: str, run: Any) -> None:
    found = run(*arguments)
    assert found.exit_code == 2, found.stderr
    assert message in " ".join(found.stderr.split())


@pytest.fixture
def holes(folder: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    z = rng.integers(2, size=120)
    frame = pd.DataFrame(
        {
            "id": [f"{i:04d}" for i in range(120)],
            "visits": rng.poisson(1 + 6 * z).astype(float),
            "age": rng.normal(30 + 20 * z, 4).round(2),
            "note": "as it was",
        }
    )
    frame.loc[::7, "visits"] = np.nan
    frame.to_csv(folder / "holes.csv", index=False)
    frame.astype({"visits": "Int64"}).to_parquet(folder / "holes.parquet", index=False)
    return frame


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_impute_carries_columns_over_and_rounds_counts(
    suffix: str, holes: pd.DataFrame, run: Any
) -> None:
    data, read = f"holes.{suffix}", {"csv": pd.read_csv, "parquet": pd.read_parquet}[suffix]
    assert run("fit", "mixture", data, "-k", "2", "-o", "m.vivace", "-q",
               "--columns", "age,visits", "--set", "tol=1e-4").exit_code == 0  # fmt: skip
    found = run("impute", "m.vivace", data, "-o", f"f.{suffix}", "-q")
    assert found.exit_code == 0, found.stderr
    filled = read(f"f.{suffix}")
    assert list(filled.columns) == list(holes.columns)
    assert filled["visits"].dtype == np.int64
    there = holes["visits"].notna()
    assert (filled["visits"][there] == holes["visits"][there]).all()
    assert (filled["note"] == "as it was").all()
    text = Path("f.csv").read_text() if suffix == "csv" else "0007"
    assert "0007" in text
    assert run("impute", "m.vivace", data, "-o", f"o.{suffix}", "-q", "--only",
               "--fractions").exit_code == 0  # fmt: skip
    only = read(f"o.{suffix}")
    assert list(only.columns) == ["age", "visits"]
    assert (only["visits"] % 1 != 0).any()


def test_impute_keeps_true_and_false(run: Any, folder: Path) -> None:
    rng = np.random.default_rng(0)
    flags = pd.array(rng.random(200) < 0.5, dtype="boolean")
    flags[::7] = pd.NA
    frame = pd.DataFrame({"age": rng.normal(size=200), "member": flags})
    frame.to_parquet("flags.parquet")
    fit = ["fit", "mixture", "flags.parquet", "-k", "2", "-o", "m.vivace", "-q", "--passes", "3"]
    assert run(*fit).exit_code == 0
    assert run("impute", "m.vivace", "flags.parquet", "-o", "f.parquet", "-q").exit_code == 0
    filled = pd.read_parquet("f.parquet")["member"]
    assert filled.dtype == bool
    assert (filled[frame["member"].notna()] == frame["member"].dropna()).all()


def test_dry_runs_of_documents_tell_memory_and_tokens(run: Any, folder: Path) -> None:
    (folder / "a.txt").write_text("one two three\ntwo three four\n")
    fit = ["fit", "lda", "a.txt", "-k", "2", "-o", "m", "--dry-run"]
    assert "tokens     6" in run(*fit).stdout
    record = json.loads(run(*fit, "--json").stdout)
    assert record["n_tokens"] == 6
    assert record["memory_megabytes"] > 100

"""What `--dry-run` says of checkpoints and of columns from the names of folders."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from vivace.io import load_model, write_table

GAUSSIAN = ["gaussian-mixture", "rows.npy"]
TOPICS = ["lda", "counts.npz"]
FITS = [
    [*GAUSSIAN],
    [*GAUSSIAN, "--learning-method", "online", "--validation", "0.1"],
    [*GAUSSIAN, "--learning-method", "memoized", "--covariance-type", "diag"],
    ["mixture", "rows.csv", "--learning-method", "memoized", "--batch-size", "400"],
    [*TOPICS],
    [*TOPICS, "--learning-method", "online", "--dtype", "float64"],
    [*TOPICS, "--learning-method", "memoized", "--batch-size", "100"],
    [*TOPICS, "--inference", "cvb0"],
    [*TOPICS, "--inference", "cvb0", "--set", "cvb0_store=lean"],
    [*TOPICS, "--inference", "gibbs", "--validation", "0.1"],
]


@pytest.mark.parametrize("fit", FITS, ids=" ".join)
def test_size_of_a_checkpoint(fit: list[str], run: Any, folder: Path) -> None:
    rng = np.random.default_rng(0)
    np.save("rows.npy", rng.normal(size=(4000, 6)))
    write_table("rows.csv", np.load("rows.npy"), list("abcdef"))
    counts = rng.poisson(0.05, size=(800, 900)).astype(np.float32)
    sparse.save_npz("counts.npz", sparse.csr_array(counts))
    fit = ["fit", *fit, "-k", "12", "-o", "m", "--passes", "6"]
    told = json.loads(run(*fit, "--dry-run", "--json").stdout)["checkpoint_megabytes"]
    assert "MB of a --checkpoint" in run(*fit, "--dry-run").stdout
    assert run(*fit, "--checkpoint", "job").exit_code == 0
    size = sum(os.path.getsize(entry) for entry in Path("job").iterdir()) / 1e6
    assert 0.6 * size < told < 1.6 * size


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("name", ["gaussian-mixture", "mixture"])
def test_columns_from_folders(name: str, suffix: str, run: Any, folder: Path) -> None:
    """They are columns like others, but nobody is left to find that out."""
    pa = pytest.importorskip("pyarrow")
    parquet, feather = (pytest.importorskip(f"pyarrow.{one}") for one in ("parquet", "feather"))
    write = parquet.write_table if suffix == ".parquet" else feather.write_feather
    X = np.load("data.npy")
    for year, part in ((2023, X[:150]), (2024, X[150:])):
        where = Path("sales", f"year={year}")
        where.mkdir(parents=True)
        write(pa.table({"age": part[:, 0], "income": part[:, 1]}), where / f"p{suffix}")
    fit = ["fit", name, "sales", "-k", "2", "-o", "m.vivace"]
    found = json.loads(run(*fit, "--dry-run", "--json").stdout)
    assert list(found["columns"]) == ["age", "income", "year"]
    assert found["columns_from_folders"] == ["year"]
    assert "from the names of folders: year" in run(*fit, "--dry-run").stdout
    told = run(*fit, "--quiet").stderr
    assert "warning: columns from the names of folders are fitted like others: year" in told
    assert "--columns" in told
    assert list(load_model("m.vivace").feature_names_in_) == ["age", "income", "year"]
    # The file alone, as its place in the folder says.
    one = ["fit", name, f"sales/year=2024/p{suffix}", "-k", "2", "-o", "m.vivace", "-q"]
    assert "names of folders" in run(*one).stderr
    for columns in ("age,income", "age,income,year"):
        found = run(*fit, "--quiet", "--columns", columns)
        assert "folders" not in found.stderr
        assert list(load_model("m.vivace").feature_names_in_) == columns.split(",")

"""What `--dry-run` says of columns, memory, time and checkpoints; `--exclude`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from vivace.cli.dry_run_tables import sample_rows
from vivace.cli.dry_run_timing import split
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


PARTITIONS = {
    "month": [1, 2, 12],  # the first alone would be a flag
    "store": [7, 2000],  # ... a count
    "region": ["5", "north"],  # ... a number
    "leap": [0, 1],
}


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("column", PARTITIONS)
@pytest.mark.parametrize("listed", [False, True], ids=["folder", "files"])
def test_families_of_columns_from_folders(
    column: str, suffix: str, listed: bool, run: Any, folder: Path
) -> None:
    """All values of a column from folders count, and the first rows hold one of them."""
    pa = pytest.importorskip("pyarrow")
    parquet, feather = (pytest.importorskip(f"pyarrow.{one}") for one in ("parquet", "feather"))
    write = parquet.write_table if suffix == ".parquet" else feather.write_feather
    rng, files = np.random.default_rng(0), []
    # A folder of no rows is no value.
    for value, rows in [*((value, 100) for value in PARTITIONS[column]), (5000, 0)]:
        where = Path("sales", f"{column}={value}")
        where.mkdir(parents=True)
        files.append(str(where / f"p{suffix}"))
        write(pa.table({"age": rng.normal(size=rows)}), files[-1])
    data = files if listed else ["sales"]
    fit = ["fit", "mixture", *data, "-k", "2", "-o", "m.vivace"]
    told = json.loads(run(*fit, "--dry-run", "--json").stdout)
    assert told["n_rows"] == 100 * len(PARTITIONS[column])
    assert told["seconds_a_map"] > 0.0
    assert run(*fit, "--quiet").exit_code == 0
    fitted = load_model("m.vivace").families_
    assert told["families"] == {name: family for family in fitted for name in fitted[family]}
    numbers = ["fit", "gaussian-mixture", *data, "-k", "2", "-o", "m.vivace", "--dry-run"]
    if column != "region":
        assert json.loads(run(*numbers, "--json").stdout)["seconds_a_map"] > 0.0


def test_dates_from_folders(run: Any, folder: Path) -> None:
    """What the fit would refuse, and the first rows do not show."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for day in range(1, 29):
        where = Path("days", f"day=2024-02-{day:02}")
        where.mkdir(parents=True)
        parquet.write_table(pa.table({"age": np.arange(100.0)}), where / "p.parquet")
    fit = ["fit", "mixture", "days", "-k", "2", "-o", "m.vivace"]
    told, refused = run(*fit, "--dry-run").stdout, run(*fit).stderr
    for message in (told, refused):
        assert "column 'day' is text that holds dates" in message


def mixed(n: int = 400) -> Any:
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": np.arange(n),
            "age": rng.normal(size=n),
            "visits": rng.poisson(3.0, n),
            "town": rng.choice(["a", "b"], n),
            "paid": rng.random(n) < 0.5,
        }
    )
    frame.loc[::9, "age"] = np.nan
    return frame


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_are_listed_with_their_families(suffix: str, run: Any, folder: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = mixed()
    frame.to_csv("t.csv", index=False) if suffix == ".csv" else frame.to_parquet("t.parquet")
    fit = ["fit", "mixture", f"t{suffix}", "-k", "3", "-o", "m", "--dry-run"]
    found = json.loads(run(*fit, "--json", "--exclude", "number").stdout)
    families = {"age": "gaussian", "visits": "poisson", "town": "categorical", "paid": "bernoulli"}
    assert found["families"] == families
    assert found["timed_rows"] == found["n_rows"] == 400
    assert found["seconds_a_map"] > 0.0
    told = run(*fit).stdout
    for part in ("number: ", "visits: ", "poisson", "timed on the first 400 rows"):
        assert part in told


def test_many_columns_are_counted(run: Any, folder: Path) -> None:
    np.save("wide.npy", np.random.default_rng(0).normal(size=(300, 45)))
    fit = ["fit", "gaussian-mixture", "wide.npy", "-k", "2", "-o", "m", "--dry-run"]
    told = run(*fit).stdout
    assert "x39: float64, gaussian" in told
    assert "x40:" not in told
    assert "and 5 more" in told
    assert len(json.loads(run(*fit, "--json").stdout)["families"]) == 45


def test_rows_that_cannot_be_fitted(run: Any, folder: Path) -> None:
    """The estimate says so, instead of a time."""
    np.save("gaps.npy", np.array([[1.0, np.nan], [2.0, 3.0], [4.0, 5.0]]))
    fit = ["fit", "gaussian-mixture", "gaps.npy", "-k", "2", "-o", "m", "--dry-run"]
    assert "time     not known: the first rows cannot be fitted: " in run(*fit).stdout
    assert json.loads(run(*fit, "--json").stdout)["seconds_a_map"] is None


def test_memory_for_rows_is_what_was_promised(run: Any, folder: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    X = np.random.default_rng(0).normal(size=(20_000, 8))
    table = pa.table(dict(zip("abcdefgh", X.T, strict=True)))
    parquet.write_table(table, "rows.parquet", row_group_size=1000)
    fit = ["fit", "gaussian-mixture", "rows.parquet", "-k", "2", "-o", "m", "--dry-run"]
    found = json.loads(run(*fit, "--memory", "1M", "--json").stdout)
    assert found["memory_for_rows_megabytes"] <= 1.0
    both = found["memory_for_rows_megabytes"] + found["memory_beside_megabytes"]
    assert found["memory_megabytes"] == pytest.approx(both)
    assert "--memory allows 1" in run(*fit, "--memory", "1M").stdout


@pytest.mark.parametrize("name", ["gaussian-mixture", "mixture"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_too_little_memory_for_rows(name: str, suffix: str, run: Any, folder: Path) -> None:
    """The dry run says what the fit would."""
    pytest.importorskip("pyarrow")
    write_table(
        f"rows{suffix}", np.random.default_rng(0).normal(size=(20_000, 8)), list("abcdefgh")
    )
    fit = ["fit", name, f"rows{suffix}", "-k", "2", "-o", "m", "--memory", "1M"]
    estimated, fitted = run(*fit, "--dry-run"), run(*fit, "--quiet")
    assert estimated.exit_code == fitted.exit_code == 1
    assert estimated.stderr == fitted.stderr
    assert "Remedy: more memory (--memory)" in fitted.stderr


@pytest.mark.parametrize("n_rows", [65_536, 200_000])
def test_smaller_pieces_are_smaller(n_rows: int, run: Any, folder: Path) -> None:
    """Where `vivace convert` is the remedy it helps; it is none for what has such pieces."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(
        pa.table({"a": np.arange(float(n_rows)), "b": np.ones(n_rows)}), "t.parquet"
    )
    fit = ["fit", "gaussian-mixture", "-k", "2", "-o", "m", "--dry-run", "--memory"]
    found = run(*fit, "1M" if n_rows < 100_000 else "5M", "t.parquet")
    assert found.exit_code == 1
    assert ("vivace convert" in found.stderr) == (n_rows > 65_536)
    if n_rows > 65_536:
        assert run("convert", "t.parquet", "small.parquet", "-q").exit_code == 0
        assert run(*fit, "5M", "small.parquet").exit_code == 0


@pytest.mark.parametrize(("n_rows", "work"), [(100, 1e3), (10**9, 1e3), (10**9, 1e9)])
def test_rows_of_a_sample(n_rows: int, work: float) -> None:
    n = sample_rows(n_rows, 16, work)
    assert n <= n_rows
    assert n in (100, 2048) or n * work <= 1e10


def test_time_of_steps_and_rows() -> None:
    each, step = split(0.5 + 1000 * 2e-3, 1000, 0.5 + 250 * 2e-3, 250)
    assert (each, step) == pytest.approx((2e-3, 0.5))
    assert split(1.0, 100, 1.5, 25) == (0.0, 1.0)  # all of it is the step
    assert split(1.0, 100, 0.0, 25) == (0.01, 0.0)


@pytest.mark.parametrize("more", [[], ["--learning-method", "online"], ["--inference", "cvb0"]])
def test_topics_are_timed(more: list[str], run: Any, folder: Path) -> None:
    counts = np.random.default_rng(0).poisson(0.3, size=(900, 200)).astype(np.float32)
    sparse.save_npz("counts.npz", sparse.csr_array(counts))
    fit = ["fit", *TOPICS, "-k", "5", "-o", "t", "--dry-run", *more]
    found = json.loads(run(*fit, "--json").stdout)
    assert found["seconds_a_pass"] > 0.0
    assert found["timed_documents"] == 900
    assert "timed on the first 900 documents" in run(*fit).stdout


def test_too_little_memory_for_documents(run: Any, folder: Path) -> None:
    """Said by the dry run, and by the fit before all is read."""
    counts = np.random.default_rng(0).poisson(0.3, size=(900, 200)).astype(np.float32)
    sparse.save_npz("counts.npz", sparse.csr_array(counts))
    fit = ["fit", *TOPICS, "-k", "5", "-o", "t", "--memory", "10M"]
    for found in (run(*fit, "--dry-run"), run(*fit)):
        assert found.exit_code == 1
        assert "900 documents need at least 68 MB of memory, got 10" in found.stderr


@pytest.mark.parametrize("data", ["data.csv", "table.parquet", "-"])
@pytest.mark.parametrize("name", ["gaussian-mixture", "mixture"])
def test_columns_that_are_excluded(name: str, data: str, process: Any, folder: Path) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.read_csv("data.csv").to_parquet("table.parquet")
    fit = ["fit", name, data, "-k", "2", "-o", "m.vivace", "--passes", "3"]
    with open("data.csv", "rb") as file:
        found = process(*fit, "--exclude", "id", "--exclude", "town", stdin=file)
    assert found.returncode == 0, found.stderr
    assert list(load_model("m.vivace").feature_names_in_) == ["age", "income"]


def test_exclude_in_other_commands(run: Any, folder: Path) -> None:
    found = run("convert", "data.csv", "o.csv", "--exclude", "id")
    assert "left out: town" in found.stderr
    assert Path("o.csv").read_text().startswith("age,income\n")
    for command in ("predict", "transform"):
        assert run(command, "model.vivace", "data.csv", "-o", f"{command}.npy", "-q").exit_code == 0
        more = ["-o", "o.npy", "-q", "--exclude", "id,town"]
        assert run(command, "model.vivace", "data.csv", *more).exit_code == 0
        assert (np.load("o.npy") == np.load(f"{command}.npy")).all()
    assert run("score", "model.vivace", "data.csv", "-q", "--exclude", "town").exit_code == 0
    page = ["report", "model.vivace", "--data", "data.csv", "-o", "o.html", "-q"]
    assert run(*page, "--exclude", "id").exit_code == 0
    fit = ["fit", "gaussian-mixture", "data.csv", "-k", "2", "-o", "gaps.vivace", "--passes", "5"]
    assert run(*fit, "--missing", "marginalize", "--exclude", "id").exit_code == 0
    fill = ["impute", "gaps.vivace", "data.csv", "-o", "filled.csv", "-q", "--exclude", "id"]
    found = run(*fill)
    assert found.exit_code == 0, found.stderr


def test_exclude_that_cannot_be(run: Any, folder: Path) -> None:
    fit = ["fit", "gaussian-mixture", "data.csv", "-k", "2", "-o", "m"]
    for more, code, message in (
        (["agee"], 1, "no column 'agee'; expected some of its 4"),
        (["id,,age"], 2, "expected names between commas"),
        (["id,age,income"], 1, "--exclude leaves no column"),
        (["id", "--columns", "age"], 2, "--columns and --exclude: expected one of them"),
    ):
        for mode in ([], ["--dry-run"]):
            found = run(*fit, "--exclude", *more, *mode)
            assert (found.exit_code, message in found.stderr) == (code, True), found.stderr
    found = run("fit", "lda", "data.csv", "--exclude", "a", "-k", "2", "-o", "m")
    assert found.exit_code == 2

"""What every `vivace fit` and every command that applies a model shares."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_files import random_counts
from scipy import sparse

import vivace
from vivace.cli.dry_run import mixture_work
from vivace.families.kinds import n_features
from vivace.io import read_table

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

ESTIMATORS = {
    "gaussian-mixture": "data.npy",
    "mixture": "mixed.csv",
    "lda": "counts.npz",
}
PASSES = ["--learning-method", "memoized", "--passes", "3", "--batch-size", "100"]

OWN_FAMILY = """
from vivace.families import Poisson

class Counts(Poisson):
    name = "counts"
"""


@pytest.fixture
def files(folder: Path) -> Path:
    rng = np.random.default_rng(3)
    z = rng.integers(0, 2, 400)
    frame = pd.DataFrame(
        {
            "name": [f"00{i}" for i in range(400)],
            "age": rng.normal(30 + 20 * z, 5),
            "visits": rng.poisson(1 + 6 * z),
            "town": np.where(z, "a", "b"),
        }
    )
    frame.loc[::9, "town"] = None
    frame.to_csv("named.csv", index=False)
    frame.drop(columns="name").to_csv("mixed.csv", index=False)
    frame.to_parquet("named.parquet", row_group_size=90)
    sparse.save_npz("counts.npz", random_counts(n_documents=400))
    with open("texts.jsonl", "w") as file:
        for i in range(60):
            words = " ".join(f"word{j}" for j in rng.integers(0, 20, 12))
            file.write(json.dumps({"id": f"doc{i}", "text": words}) + "\n")
    return folder


@pytest.mark.parametrize("name", ESTIMATORS)
def test_options_of_all(name: str, run: Any, files: Path) -> None:
    fit = ["fit", name, ESTIMATORS[name], "-k", "2", "-o", "m.vivace", *PASSES]
    found = run(*fit, "--validation", "0.2", "--verbose", "--events", "e.jsonl", "--json")
    assert found.exit_code == 0, found.stderr
    model = vivace.load("m.vivace")
    assert (model.learning_method, model.max_iter, model.batch_size) == ("memoized", 3, 100)
    lines = [line for line in found.stderr.splitlines() if re.search("iterations?, ", line)]
    assert len(lines) == model.n_iter_
    assert "held out" in lines[0]
    assert "/s, at most" in lines[-1]
    record = json.loads(found.stdout)
    assert {"model", "data", "seconds", "seed"} <= record.keys()
    events = [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][0::4] == ["begin", "end"]
    scores = [event["held_out"] for event in events if event["event"] == "iteration"]
    assert scores == model.validation_trace_.tolist()
    assert (record["held_out"], record["best_iter"]) == (max(scores), model.best_iter_)
    if name != "lda":
        assert record["n_rows"] == 320
    shown = run("inspect", "m.vivace").stdout
    assert f"after iteration {model.best_iter_}, kept" in shown
    assert run(*fit, "--quiet", "--verbose").exit_code == 2
    assert run(*fit, "--set", "max_iter=5").exit_code == 2
    assert run(*fit, "--validation", "0.0001").exit_code == 1


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fit_begins_anew(name: str, run: Any, files: Path) -> None:
    """warm_start goes on from a fit before, which a job of the shell does not know."""
    fit = ["fit", name, ESTIMATORS[name], "-k", "2", "-o", "m.vivace"]
    Path("warm.toml").write_text("[set]\nwarm_start = true\n")
    for given in (["--set", "warm_start=true"], ["--config", "warm.toml"]):
        for more in ([], ["--dry-run"]):
            found = run(*fit, *given, *more)
            assert found.exit_code == 2
            assert "warm_start: expected false, as a fit begins anew here" in found.stderr
    assert not Path("m.vivace").exists()
    assert run(*fit, "--set", "warm_start=false", "--passes", "1").exit_code == 0


@pytest.mark.parametrize("name", ESTIMATORS)
def test_resuming_is_told(name: str, run: Any, files: Path) -> None:
    fit = ["fit", name, ESTIMATORS[name], "-k", "2", "-o", "m.vivace", "--set", "max_iter=100000"]
    if name != "lda":
        fit += ["--set", "tol=0"]
    job = ["--checkpoint", "job", "--resume", "--time-limit", "0.3s", "--events", "e.jsonl", "-q"]
    found = run(*fit, *job)
    assert found.exit_code == 0, found.stderr
    assert "no checkpoint in job: starting afresh" in found.stderr
    kinds = [json.loads(line)["event"] for line in Path("e.jsonl").read_text().splitlines()]
    assert kinds[-3:] == ["checkpoint", "stopped", "end"]
    found = run(*fit, *job)
    assert "resumed from job after iteration" in found.stderr
    events = [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()]
    assert next(event for event in events if event["event"] == "resumed")["n_iter"] > 0
    shown = run("inspect", "job")
    assert shown.exit_code == 0, shown.stderr
    assert "checkpoint of a fit" in shown.stdout
    assert "iteration" in shown.stdout
    record = json.loads(run("inspect", "job", "--json").stdout)
    assert record["n_iter"] > 0
    assert record["parameters"]["n_components"] == "2"
    assert run("inspect", ".").exit_code == 1


def test_gone_reader(files: Path) -> None:
    """The job ends as it should although nobody reads its summary."""
    fit = [sys.executable, "-m", "vivace", "fit", "gaussian-mixture", "data.npy", "-k", "3"]
    fit += ["-o", "m.vivace", "--events", "e.jsonl", "-q"]
    job = subprocess.Popen(fit, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert job.stdout is not None
    assert job.stderr is not None
    job.stdout.close()
    assert job.stderr.read() == ""
    job.stderr.close()
    assert job.wait(timeout=60) == 0
    assert json.loads(Path("e.jsonl").read_text().splitlines()[-1])["event"] == "end"


def test_held_out_rows_take_no_part(run: Any, files: Path) -> None:
    """The same rows, whatever the kind of file; their score is that of the model."""
    fit = ["fit", "gaussian-mixture", "-k", "2", "--validation", "0.25", "--passes", "5", "--json"]
    run("convert", "data.npy", "data.parquet")
    records = []
    for data in ("data.npy", "data.parquet"):
        found = run(*fit, data, "-o", "m.vivace")
        assert found.exit_code == 0, found.stderr
        records.append(json.loads(found.stdout))
    assert records[0]["lower_bound"] == records[1]["lower_bound"]
    assert records[0]["held_out"] == records[1]["held_out"]
    same = vivace.BayesianGaussianMixture(
        n_components=2, max_iter=5, random_state=0, validation_fraction=0.25
    ).fit(np.load("data.npy"))
    assert same.lower_bound_ == records[0]["lower_bound"]
    assert same.validation_trace_.max() == records[0]["held_out"]


@pytest.mark.parametrize("end", ["csv", "csv.gz", "parquet", "feather", "arrow"])
@pytest.mark.parametrize("data", ["named.csv", "named.parquet"])
def test_ids_are_carried_over(data: str, end: str, run: Any, files: Path) -> None:
    fit = ["fit", "mixture", data, "-k", "2", "-o", "m.vivace", "--columns", "age,visits,town"]
    assert run(*fit, "-q").exit_code == 0
    model = vivace.load("m.vivace")
    frame = pd.read_csv("named.csv", dtype={"name": str})
    read = {"parquet": pd.read_parquet, "feather": pd.read_feather, "arrow": pd.read_feather}
    for command, more in (("predict", []), ("transform", ["--top", "1"]), ("impute", [])):
        out = f"{command}.{end}"
        found = run(command, "m.vivace", data, "-o", out, "--id-column", "name", *more)
        assert found.exit_code == 0, found.stderr
        table = read[end](out) if end in read else pd.read_csv(out, dtype={"name": str})
        assert table.columns[0] == "name"
        assert table["name"].tolist() == frame["name"].tolist()
        if command == "predict":
            assert (
                table["label"].tolist() == model.predict(frame[["age", "visits", "town"]]).tolist()
            )
        if command == "impute":
            assert table["town"].notna().all()
    assert run("predict", "m.vivace", data, "-o", "x.npy", "--id-column", "name").exit_code == 2
    assert run("predict", "m.vivace", data, "-o", "x.csv", "--id-column", "no").exit_code == 1


def test_topics_are_applied_in_parts(
    run: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("fit", "lda", "texts.jsonl", "-k", "3", "-o", "t.vivace", "-q").exit_code == 0
    assert run("transform", "t.vivace", "texts.jsonl", "-o", "whole.npy").exit_code == 0
    monkeypatch.setattr("vivace.cli.documents._NUMBERS_AT_A_TIME", 1)
    found = run("transform", "t.vivace", "texts.jsonl", "-o", "s.csv", "--id-column", "id")
    assert found.exit_code == 0, found.stderr
    table = pd.read_csv("s.csv")
    assert table["id"].tolist() == [f"doc{i}" for i in range(60)]
    np.testing.assert_array_equal(
        table.iloc[:, 1:].to_numpy(np.float32), np.load("whole.npy").astype(np.float32)
    )
    assert run("transform", "t.vivace", "texts.jsonl", "-o", "t.npz", "--top", "2").exit_code == 0
    with np.load("t.npz") as file:
        assert np.array_equal(file["values"][:, 0], np.load("whole.npy").argmax(axis=1))


def test_several_files(run: Any, files: Path) -> None:
    lines = Path("mixed.csv").read_text().splitlines(keepends=True)
    Path("p1.csv").write_text("".join(lines[:150]))
    Path("p2.csv").write_text("".join([lines[0], *lines[150:]]))
    models = {}
    for name, data in {
        "whole": ["mixed.csv"],
        "two": ["p1.csv", "p2.csv"],
        "glob": ["p?.csv"],
    }.items():
        fit = ["fit", "mixture", *data, "-k", "2", "-o", f"{name}.vivace", "--passes", "5", "-q"]
        found = run(*fit, "--memory", "60M")
        assert found.exit_code == 0, found.stderr
        models[name] = vivace.load(f"{name}.vivace").lower_bound_
    assert len(set(models.values())) == 1
    found = run("fit", "mixture", "p1.csv", "p2.csv", "-k", "2", "-o", "m", "--dry-run", "--json")
    assert json.loads(found.stdout)["n_rows"] == 400


def test_one_family_for_all(run: Any, files: Path) -> None:
    fit = ["fit", "mixture", "mixed.csv", "-k", "2", "-o", "m.vivace", "--columns", "visits"]
    assert run(*fit, "--families", "poisson", "-q").exit_code == 0
    assert vivace.load("m.vivace").families_ == {"poisson": ["visits"]}
    assert run(*fit, "--families", "none.json").exit_code == 2


def test_memory_is_enforced(run: Any, files: Path) -> None:
    found = run("fit", "mixture", "mixed.csv", "-k", "2", "-o", "m", "--memory", "1M")
    assert found.exit_code == 1
    assert "takes at least 51 MB of memory" in found.stderr
    found = run("fit", "lda", "counts.npz", "-k", "2", "-o", "m", "--memory", "1M")
    assert found.exit_code == 1
    assert "need at least 68 MB of memory" in found.stderr


def test_counts_that_are_none_are_named(run: Any, files: Path) -> None:
    counts = random_counts()
    counts.data[3] = -1.0
    sparse.save_npz("bad.npz", counts)
    found = run("fit", "lda", "bad.npz", "-k", "2", "-o", "m")
    assert found.exit_code == 1
    assert "bad.npz: expected counts that are finite and not negative, got -1.0" in found.stderr
    assert "damaged" not in found.stderr


@pytest.mark.parametrize(("n", "d", "k", "full"), [(1000, 3, 5, True), (400, 20, 7, False)])
def test_estimated_work(n: int, d: int, k: int, full: bool) -> None:
    """Within a factor of two of the multiply-adds of scores and statistics."""
    features = n_features("full" if full else "diag", d)
    least = 2 * n * k * features
    assert least <= mixture_work(n, d, k, full) <= 6 * least


def test_estimated_memory(run: Any, files: Path) -> None:
    """Rows that are held, in memory and beside it."""
    X = np.random.default_rng(0).normal(size=(5000, 4))
    np.savetxt("rows.csv", X, delimiter=",", header="a,b,c,d", comments="")
    fit = ["fit", "gaussian-mixture", "rows.csv", "-k", "2", "-o", "m", "--dry-run", "--json"]
    record = json.loads(run(*fit).stdout)
    assert record["n_rows"] == 5000
    assert record["rows_megabytes"] == pytest.approx(X.nbytes / 1e6, rel=0.1)
    assert record["scratch_megabytes"] == 0
    refused = run(*fit, "--memory", "100K")
    assert refused.exit_code == 1
    assert "reading it takes at least" in refused.stderr
    frame = pd.read_csv("rows.csv")
    frame.to_parquet("rows.parquet", row_group_size=500)
    fit[2] = "rows.parquet"
    small = json.loads(run(*fit, "--memory", "100K").stdout)
    assert small["scratch_megabytes"] == pytest.approx((X.nbytes - 1e5) / 1e6, rel=0.1)
    assert read_table("rows.csv").values.nbytes == X.nbytes


@pytest.mark.parametrize(
    "families",
    [
        {"bounty:Counts": ["visits"]},
        [["bounty:Counts", ["visits"]]],
        [{"family": "bounty:Counts", "columns": ["visits"], "shape": 2.0}],
    ],
)
def test_families_of_their_own(run: Any, files: Path, families: Any) -> None:
    Path("bounty.py").write_text(OWN_FAMILY)
    Path("families.json").write_text(json.dumps(families))
    fit = [sys.executable, "-m", "vivace", "fit", "mixture", "mixed.csv", "--columns", "visits",
           "-k", "2", "-o", "own.vivace", "--families", "families.json", "--json"]  # fmt: skip
    done = subprocess.run(fit, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--trusted bounty" in done.stderr
    assert not Path("own.vivace").exists()
    # Scripts do not look into this folder by themselves.
    fit[:3] = [str(Path(sys.executable).with_name("vivace"))]
    done = subprocess.run([*fit, "--trusted", "bounty"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["families"] == {"counts": ["visits"]}
    predict = [fit[0], "predict", "own.vivace", "mixed.csv", "-o", "o.csv"]
    done = subprocess.run([*predict, "--trusted", "bounty"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_own_families_that_cannot_be(
    run: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("bounty.py").write_text(OWN_FAMILY)
    fit = ["fit", "mixture", "mixed.csv", "-k", "2", "-o", "m", "--trusted", "bounty", "--families"]
    assert "cannot be imported" in run(*fit, "bounty:Nothing").stderr
    record = {"family": "bounty:Counts", "columns": ["visits"], "no_such": 1}
    Path("families.json").write_text(json.dumps([record]))
    result = run(*fit, "families.json")
    assert result.exit_code == 2
    assert "no_such" in result.stderr


def test_trusted_modules(run: Any, files: Path) -> None:
    Path("bounty.py").write_text(OWN_FAMILY)
    script = (
        "import pandas as pd, bounty, vivace\n"
        "X = pd.read_csv('mixed.csv')[['visits']]\n"
        "m = vivace.BayesianMixture(n_components=2, families=[(bounty.Counts(), ['visits'])])\n"
        "m.fit(X).save('own.vivace')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    predict = [sys.executable, "-m", "vivace", "predict", "own.vivace", "mixed.csv", "-o", "o.csv"]
    done = subprocess.run(predict, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--trusted bounty" in done.stderr
    done = subprocess.run([*predict, "--trusted", "bounty"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

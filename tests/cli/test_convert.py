"""`vivace convert`, and fits to tables that are read a piece at a time."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from vivace.io import corpus_of_texts, load_model, open_table, read_corpus, read_table
from vivace.io.writer import writing

pytest.importorskip("pyarrow")


@pytest.mark.parametrize("end", ["npy", "csv", "csv.gz", "parquet", "feather", "arrow"])
@pytest.mark.parametrize("begin", ["npy", "csv", "parquet"])
def test_there_and_back(begin: str, end: str, run: Any, folder: Path) -> None:
    X = np.load("data.npy")
    if begin != "npy":
        assert run("convert", "data.npy", f"begin.{begin}", "-q").exit_code == 0
    found = run("convert", "data.npy" if begin == "npy" else f"begin.{begin}", f"end.{end}")
    assert found.exit_code == 0, found.stderr
    assert "400 rows of 2 columns" in found.stdout
    name = f"end.{end}"
    table = open_table(name) if end in ("feather", "arrow") else read_table(name).values
    assert np.array_equal(table[0:400], X)


def test_text_and_columns(run: Any, folder: Path) -> None:
    with gzip.open("data.csv.gz", "wb") as file:
        file.write(Path("data.csv").read_bytes())
    found = run(
        "convert", "data.csv.gz", "out.npy", "--columns", "income,age", "--dtype", "float32"
    )
    assert found.exit_code == 0, found.stderr
    X = np.load("out.npy")
    assert X.dtype == np.float32
    assert np.array_equal(X, np.load("data.npy")[:, ::-1].astype(np.float32))
    found = run("convert", "data.csv", "out.npy")
    assert "left out: town" in found.stderr
    assert np.load("out.npy").shape == (400, 3)


def test_a_failure_leaves_the_old_file(run: Any, folder: Path) -> None:
    Path("out.npy").write_bytes(b"old")
    with open("data.csv", "a") as file:
        file.write("1,2\n")
    found = run("convert", "data.csv", "out.npy")
    assert found.exit_code == 1
    assert "same number of values in every row" in found.stderr
    assert Path("out.npy").read_bytes() == b"old"
    assert run("convert", "none.csv", "out.npy").exit_code == 1
    assert run("convert", "data.npy", "out.txt").exit_code == 1
    assert run("convert", "data.npy", "data.npy").exit_code == 1
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == []


@pytest.mark.parametrize("shape", [(10,), (10, 1), (10, 3)])
def test_npy_in_runs(shape: tuple[int, ...], tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=shape)
    with writing(tmp_path / "x.npy", ["a"]) as writer:
        writer.append(X[:4])
        writer.append(X[4:])
    assert np.array_equal(np.load(tmp_path / "x.npy"), X)
    with open(tmp_path / "x.npy", "rb") as file:
        assert np.lib.format.read_magic(file) == (1, 0)


def test_fit_to_a_folder_of_files(run: Any, folder: Path) -> None:
    Path("parts").mkdir()
    X = np.load("data.npy")
    for i in range(4):
        np.save("part.npy", X[100 * i : 100 * (i + 1)])
        assert run("convert", "part.npy", f"parts/{i}.parquet", "-q").exit_code == 0
    fit = ["fit", "gaussian-mixture", "-k", "3", "-q", "--set", "max_iter=20"]
    assert run(*fit, "data.npy", "-o", "a.vivace").exit_code == 0
    found = run(*fit, "parts", "-o", "b.vivace", "--memory", "10K", "--threads", "2")
    assert found.exit_code == 0, found.stderr
    found = run(*fit, "parts/*.parquet", "-o", "c.vivace")
    assert found.exit_code == 0, found.stderr
    models = [load_model(f"{name}.vivace") for name in "abc"]
    assert len({model.lower_bound_ for model in models}) == 1
    assert len({model.means_.tobytes() for model in models}) == 1
    found = run(*fit, "parts", "-o", "b.vivace", "--memory", "1K")
    assert found.exit_code == 1
    assert "of memory are needed" in found.stderr
    assert "--memory" in run(*fit, "parts", "-o", "b.vivace", "--memory", "much").stderr
    found = run(*fit, "parts", "-o", "b.vivace", "--dry-run")
    assert "rows     400" in found.stdout


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_results_of_a_stream(run: Any, folder: Path) -> None:
    """In the order of the rows, the same as of an array, for any memory."""
    Path("parts").mkdir()
    X = np.load("data.npy")
    model = load_model("model.vivace")
    for i in range(4):
        with writing(f"parts/{i}.parquet", ["age", "income"]) as writer:
            writer.append(X[100 * i : 100 * (i + 1)])
    small = ["--memory", "10K", "-q"]
    assert run("predict", "model.vivace", "parts", "-o", "labels.npy", *small).exit_code == 0
    assert np.array_equal(np.load("labels.npy"), model.predict(X))
    resp = model.predict_proba(X)
    for out in ("r.npy", "r.parquet", "r.csv", "r.csv.gz"):
        found = run("transform", "model.vivace", "parts", "-o", out, *small)
        assert found.exit_code == 0, found.stderr
        assert np.array_equal(read_table(out).values, resp)
    for out in ("top.npy", "top.parquet", "top.csv", "top.npz"):
        found = run("transform", "model.vivace", "parts", "-o", out, *small, "--top", "2")
        assert found.exit_code == 0, found.stderr
        table = np.load(out)["values"] if out.endswith("z") else read_table(out).values
        assert np.array_equal(table[:, 0], resp.argmax(axis=1))
        assert np.array_equal(table[:, 2:], -np.sort(-resp, axis=1)[:, :2])
    assert read_table("top.csv").names == [
        "top1_component", "top2_component", "top1_probability", "top2_probability"
    ]  # fmt: skip
    assert run("transform", "model.vivace", "parts", "-o", "t.npy", "--top", "99").exit_code == 2
    scores = [run("score", "model.vivace", data).stdout for data in ("parts", "data.npy")]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("memory", ["1G", "68M"])
def test_documents(memory: str, run: Any, folder: Path) -> None:
    """Counts with their words; a fit to them is a fit to the text."""
    rng = np.random.default_rng(0)
    texts = [" ".join(f"word{j}" for j in rng.integers(0, 30, 15)) for _ in range(200)]
    Path("t.txt").write_text("\n".join(texts) + "\n")
    found = run("convert", "t.txt", "t.npz", "--memory", memory)
    assert found.exit_code == 0, found.stderr
    assert "200 documents of 30 words" in found.stdout
    corpus, whole = read_corpus("t.npz", dtype=np.float32), corpus_of_texts(texts, dtype=np.float32)
    assert (corpus.counts != whole.counts).nnz == 0
    assert list(corpus.vocabulary) == list(whole.vocabulary)
    assert corpus.tokenizer == whole.tokenizer
    assert sparse.load_npz("t.npz").shape == (200, 30)
    for data in ("t.txt", "t.npz"):
        fit = ["fit", "lda", data, "-k", "3", "-o", f"{data}.vivace", "-q", "--memory", memory]
        assert run(*fit).exit_code == 0
    models = [load_model(f"{data}.vivace") for data in ("t.txt", "t.npz")]
    assert np.array_equal(models[0].components_, models[1].components_)
    assert run("convert", "t.txt", "t.parquet").exit_code == 1
    assert run("convert", "t.txt", "t.npz", "--columns", "a").exit_code == 2

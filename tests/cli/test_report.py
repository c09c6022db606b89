"""`vivace report` on every kind of model and data, and its failures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vivace

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def page(path: str = "page.html") -> str:
    text = Path(path).read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert len(text.encode()) < 1_000_000
    return text


@pytest.mark.parametrize("data", [None, "data.npy", "data.csv", "data.parquet", "data.csv.gz"])
def test_pages_about_a_mixture(run: Any, folder: Path, data: str | None) -> None:
    if data in ("data.parquet", "data.csv.gz"):
        assert run("convert", "data.npy", data).exit_code == 0
        arguments = ["--columns", "x0,x1"]
    else:
        arguments = []
    if data is not None:
        arguments += ["--data", data]
    result = run("report", "model.vivace", *arguments, "-o", "page.html")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("page.html: written, ")
    assert "warning" not in result.stderr
    text = page()
    assert ("The most unusual rows" in text) == (data is not None)
    assert "fitted to" in text
    assert str(folder / "data.csv") in text or "data.csv" in text


def test_pages_about_a_table(run: Any, folder: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal():.3f},{rng.poisson(2)},{'ab'[i % 2]}" for i in range(200)]
    lines[3] = ",,a"
    (folder / "t.csv").write_text("\n".join(["x,n,town", *lines]) + "\n")
    assert run("fit", "mixture", "t.csv", "-k", "2", "-o", "t.vivace", "-q").exit_code == 0
    result = run("report", "t.vivace", "--data", "t.csv", "-o", "page.html", "--sample", "50")
    assert result.exit_code == 0, result.stderr
    assert "50 of 200 rows, drawn with seed 0" in page()


@pytest.mark.parametrize("kind", ["text", "jsonl", "npz"])
def test_pages_about_topics(run: Any, folder: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    words = np.array(["rain", "wind", "sun", "cloud", "bank", "stock", "price", "trade"])
    notes = [" ".join(rng.choice(words[4 * (i % 2) :][:4], 9)) for i in range(60)]
    (folder / "d.txt").write_text("\n".join(notes) + "\n")
    lines = [f'{{"body": "{note}"}}' for note in notes]
    (folder / "d.jsonl").write_text("\n".join(lines) + "\n")
    if kind == "npz":
        import scipy.sparse

        counts = scipy.sparse.csr_matrix([[note.split().count(w) for w in words] for note in notes])
        scipy.sparse.save_npz(folder / "d.npz", counts)
        (folder / "words.txt").write_text("\n".join(words) + "\n")
    fit = {"text": ["d.txt"], "jsonl": ["d.jsonl", "--text-field", "body"], "npz": ["d.npz"]}[kind]
    assert run("fit", "lda", *fit, "-k", "2", "-o", "d.vivace", "-q").exit_code == 0
    more = ["--vocabulary", "words.txt"] if kind == "npz" else []
    result = run("report", "d.vivace", "-o", "page.html", "--title", "My <topics>", *more)
    assert result.exit_code == 0, result.stderr
    assert "<title>My &lt;topics&gt;</title>" in page()
    assert "stock" in page()
    result = run("report", "d.vivace", "--data", fit[0], "-o", "page.html", *more)
    assert result.exit_code == 0, result.stderr
    text = page()
    assert "Example documents" in text
    if kind != "npz":
        assert any(f"<q>{note}</q>" in text for note in notes)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gone.vivace", "-o", "page.html"], 1, "gone.vivace"),
        (["model.vivace", "-o", "nowhere/page.html"], 1, "does not exist"),
        (["model.vivace", "-o", "model.vivace"], 1, "is the input itself"),
        (["model.vivace", "--data", "gone.csv", "-o", "page.html"], 1, "gone.csv"),
        (["model.vivace", "--data", "model.vivace", "-o", "page.html"], 1, "expected a name"),
        (
            ["model.vivace", "--data", "data.csv", "--columns", "age", "-o", "page.html"],
            1,
            "2 columns",
        ),
        (["model.vivace", "--data", "gaps.csv", "-o", "page.html"], 1, "row 2"),
        (["model.vivace", "--format", "text", "-o", "page.html"], 2, "is for documents"),
        (["data.npy", "-o", "page.html"], 1, "model file"),
        (["model.vivace"], 2, "--out"),
    ],
)
def test_failures_keep_the_old_page(
    run: Any, folder: Path, arguments: list[str], code: int, message: str
) -> None:
    (folder / "page.html").write_text("old")
    (folder / "gaps.csv").write_text("age,income\n1,2\n,3\n")
    before = sorted(path.name for path in folder.iterdir())
    result = run("report", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert (folder / "page.html").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == before


def test_libraries_that_are_missing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = run("report", "model.vivace", "-o", "page.html")
    assert result.exit_code == 1
    assert "pip install 'vivace[report]'" in result.stderr


def test_columns_are_for_tables(run: Any, folder: Path) -> None:
    lda = vivace.LatentDirichletAllocation(n_components=2, random_state=0)
    lda.fit(np.random.default_rng(0).poisson(1.0, (20, 5))).save("t.vivace")
    result = run("report", "t.vivace", "--columns", "a", "-o", "page.html")
    assert result.exit_code == 2
    assert "--columns is for tables" in result.stderr


def test_inspect_shows_what_a_fit_was_made_of(run: Any) -> None:
    shown = run("inspect", "model.vivace").stdout
    assert "400 rows, 2 columns" in shown
    meta = vivace.io.read_record("model.vivace").meta
    assert meta["data"]["fingerprint"] in shown
    for line in (
        "columns          age, income",
        "times            fit ",
        "trace ",
        "instruction set",
    ):
        assert line in shown, line

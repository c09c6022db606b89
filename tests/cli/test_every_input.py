"""Every format that is read, under every `vivace fit`: the bits of the same data in memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import vivace
from vivace import BayesianGaussianMixture, BayesianMixture, LatentDirichletAllocation
from vivace.cli.app import cli
from vivace.io import corpus_of_texts

from ..corpus_files import WRITERS, random_counts
from .conftest import runner

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
feather = pytest.importorskip("pyarrow.feather")
pq = pytest.importorskip("pyarrow.parquet")

N = 150
TABLES = [
    "t.npy",
    "t.csv",
    "t.csv.gz",
    "t.csv.zst",
    "t.parquet",
    "t.feather",
    "t.arrow",
    "many parquet",
    "many csv",
    "glob",
    "hive",
    "-",
]
DOCUMENTS = [*WRITERS, "many.npz", "-"]
TEXTS = ["t.txt", "t.txt.gz", "t.jsonl", "t.jsonl.gz", "many", "-"]
WORDS = ("oslo", "bergen", "fjord", "boat", "rain", "tram", "hill")


def frame() -> Any:
    rng = np.random.default_rng(3)
    group = np.sort(rng.integers(0, 2, N))
    return pd.DataFrame(
        {
            "a": rng.normal(4.0 * group, 1.0),
            "b": rng.normal(-2.0 * group, 1.0),
            "year": np.repeat([2023.0, 2024.0, 2025.0], N // 3),
        }
    )


def stored(form: str, table: Any) -> tuple[list[str], bytes]:
    """Write a table; return what to name on the command line, and standard input."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    csv = table.to_csv(index=False).encode()
    parts = [arrow[i : i + N // 3] for i in range(0, N, N // 3)]
    if form == "t.npy":
        np.save(form, table.to_numpy())
    elif form == "t.parquet":
        pq.write_table(arrow, form, row_group_size=40)
    elif form in ("t.feather", "t.arrow"):
        feather.write_feather(arrow, form, chunksize=40)
    elif form == "t.csv":
        Path(form).write_bytes(csv)
    elif form == "t.csv.gz":
        Path(form).write_bytes(gzip.compress(csv))
    elif form == "t.csv.zst":
        with pa.CompressedOutputStream(form, "zstd") as file:
            file.write(csv)
    elif form == "many csv":
        lines = csv.splitlines(keepends=True)
        Path("p0.csv").write_bytes(b"".join(lines[:61]))
        Path("p1.csv").write_bytes(lines[0] + b"".join(lines[61:]))
        return ["p0.csv", "p1.csv"], b""
    elif form == "hive":
        for part in parts:
            folder = Path("hive") / f"year={int(part['year'][0].as_py())}"
            folder.mkdir(parents=True)
            pq.write_table(part.drop_columns("year"), folder / "rows.parquet")
    elif form == "-":
        return ["-"], csv
    else:
        for i, part in enumerate(parts):
            pq.write_table(part, f"p{i}.parquet", row_group_size=20)
        return (["p?.parquet"] if form == "glob" else [f"p{i}.parquet" for i in range(3)]), b""
    return [form], b""


def fitted(estimator: str, data: list[str], given: bytes, *more: str) -> Any:
    arguments = ["fit", estimator, *data, "-k", "3", "--passes", "4", "-o", "m.vivace", "-q"]
    if estimator == "lda":
        arguments += ["--dtype", "float64"]
    if estimator == "lda" and data == ["-"]:  # read from the process's own descriptor
        command = [sys.executable, "-m", "vivace", *arguments, *more]
        done = subprocess.run(command, input=given, capture_output=True)
        assert done.returncode == 0, done.stderr
    else:
        found = runner().invoke(cli, [*arguments, *more], input=given)
        assert found.exit_code == 0, found.stderr
    return vivace.load("m.vivace")


def assert_same(found: Any, expected: Any, names: tuple[str, ...]) -> None:
    for name in names:
        one, other = np.asarray(getattr(found, name)), np.asarray(getattr(expected, name))
        assert one.tobytes() == other.tobytes(), name


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("estimator", ["gaussian-mixture", "mixture"])
@pytest.mark.filterwarnings("ignore:Best performing", "ignore:.*names of folders")
def test_tables(estimator: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = frame()
    data, given = stored(form, table)
    kind = BayesianGaussianMixture if estimator == "gaussian-mixture" else BayesianMixture
    settings: dict[str, Any] = {"n_components": 3, "random_state": 0, "max_iter": 4}
    if kind is BayesianMixture:
        settings["families"] = "gaussian"
    full = kind(**settings).fit(table.to_numpy())
    names = [] if form == "t.npy" else ["--columns", "a,b,year"]
    families = ["--families", "gaussian"] if kind is BayesianMixture else []
    found = fitted(estimator, data, given, *names, *families)
    assert_same(found, full, ("elbo_trace_", "weights_", "lower_bound_"))
    again = found.predict_proba(table if form != "t.npy" else table.to_numpy())
    assert np.array_equal(again, full.predict_proba(table.to_numpy()))
    if form != "t.npy":
        assert list(found.feature_names_in_) == ["a", "b", "year"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    counts, data, given, more = random_counts(), [name], b"", []
    if name == "many.npz":
        sparse.save_npz("a.npz", counts[:20])
        sparse.save_npz("b.npz", counts[20:])
        data = ["a.npz", "b.npz"]
    elif name == "-":
        WRITERS["c.mtx"](Path("c.mtx"), counts)
        given, more = Path("c.mtx").read_bytes(), ["--format", "mtx"]
    else:
        WRITERS[name](Path(name), counts)
    found = fitted("lda", data, given, *more)
    full = LatentDirichletAllocation(3, random_state=0, max_iter=4).fit(counts)
    assert_same(found, full, ("components_", "elbo_"))


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 9)) for _ in range(40)]
    lines = ["\n".join(part) + "\n" for part in (texts, texts[:11], texts[11:])]
    objects = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    content = (objects if "jsonl" in name else lines[0]).encode()
    data, given, more = [name], b"", []
    if name == "many":
        data = ["a.txt", "b.txt"]
        for path, part in zip(data, lines[1:], strict=True):
            Path(path).write_text(part)
    elif name == "-":
        given, more = content, ["--format", "text"]
    else:
        Path(name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    found = fitted("lda", data, given, *more)
    full = LatentDirichletAllocation(3, random_state=0, max_iter=4).fit(corpus_of_texts(texts))
    assert_same(found, full, ("components_", "elbo_"))
    assert found.vocabulary_.tolist() == sorted(WORDS)


@pytest.mark.parametrize("name", ["c.npz", "c.mtx", "c.docword", "c.ldac", "c.svmlight"])
@pytest.mark.parametrize("estimator", ["gaussian-mixture", "mixture"])
def test_documents_are_no_tables(
    estimator: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what serves; so it does in Python."""
    monkeypatch.chdir(tmp_path)
    WRITERS[name](Path(name), random_counts())
    found = runner().invoke(cli, ["fit", estimator, name, "-k", "2", "-o", "m"])
    if estimator == "mixture":  # it takes counts where it is told their family
        assert found.exit_code == 2
        assert "one of bernoulli, multinomial, poisson; got auto" in found.stderr
    else:
        assert found.exit_code == 1
        assert f"{name}: expected a table" in found.stderr
    assert "vivace fit lda" in found.stderr
    kind = BayesianGaussianMixture if estimator == "gaussian-mixture" else BayesianMixture
    with pytest.raises(ValueError, match="vivace fit lda"):
        kind(n_components=2).fit(name)
    if name == "c.npz":
        BayesianMixture(n_components=2, families="poisson", max_iter=9, tol=1e9).fit(
            sparse.load_npz(name)
        )


@pytest.mark.parametrize("name", ["t.npy", "t.csv", "t.csv.zst", "t.parquet", "t.feather"])
def test_tables_are_no_documents(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(name, frame())
    found = runner().invoke(cli, ["fit", "lda", name, "-k", "2", "-o", "m"])
    assert found.exit_code == 1
    assert f"{name}: expected documents, got the name of a table" in found.stderr
    with pytest.raises(ValueError, match="vivace fit mixture"):
        LatentDirichletAllocation(2).fit(name)

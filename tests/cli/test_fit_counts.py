"""`vivace fit mixture` of sparse counts, and what applies such a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_files import docword, lda_c, mtx, npz, svmlight, write
from scipy import sparse

import vivace
from vivace import BayesianMixture
from vivace.io.corpora import Corpus, write_corpus

WRITERS = {
    "counts.npz": npz,
    "counts.mtx": mtx,
    "counts.mtx.gz": mtx,
    "docword.counts.txt": docword,
    "counts.ldac": lda_c,
    "counts.svmlight": svmlight,
}
FIT = ("fit", "mixture", "counts.npz", "-k", "3", "--families", "multinomial", "-q")


@pytest.fixture
def counts(folder: Path) -> sparse.csr_array:
    """Documents of three kinds, one of them empty."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(30, 0.2), 3)
    rows = np.array([rng.multinomial(25, shares[i % 3]) for i in range(300)], dtype=float)
    rows[0], rows[7] = 1, 0
    found = sparse.csr_array(rows)
    npz(folder / "counts.npz", found)
    np.save("dense.npy", rows)
    return found


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_the_fit_of_python(
    run: Any, folder: Path, counts: sparse.csr_array, name: str
) -> None:
    WRITERS[name](folder / name, counts)
    result = run("fit", "mixture", name, "-k", 3, "-o", "m", "--families", "multinomial", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["n_rows"], record["n_features"]) == (300, 30)
    mixture = BayesianMixture(3, families="multinomial", random_state=0).fit(counts)
    assert record["lower_bound"] == mixture.lower_bound_
    assert run("predict", "m", name, "-o", "l.npy", "-q").exit_code == 0
    np.testing.assert_array_equal(np.load("l.npy"), mixture.predict(counts))
    assert run("transform", "m", name, "-o", "r.npy", "-q").exit_code == 0
    np.testing.assert_array_equal(np.load("r.npy"), mixture.predict_proba(counts))
    assert run("transform", "m", name, "-o", "top.csv", "-q", "--top", "2").exit_code == 0
    score = json.loads(run("score", "m", name, "--json", "-q").stdout)
    assert score["log_density_per_row"] == pytest.approx(mixture.score(counts), rel=1e-12)
    assert score["n_rows"] == 300


@pytest.mark.parametrize("families", ["poisson", "bernoulli"])
def test_other_families(run: Any, counts: sparse.csr_array, families: str) -> None:
    X = counts if families == "poisson" else sparse.csr_array((counts > 0).astype(float))
    sparse.save_npz("counts.npz", X.tocsc())  # by columns: read as a whole
    result = run(*FIT[:-2], families, "-o", "m", "--json")
    assert result.exit_code == 0, result.stderr
    mixture = BayesianMixture(3, families=families, random_state=0).fit(X)
    assert json.loads(result.stdout)["lower_bound"] == mixture.lower_bound_
    assert run("predict", "m", "counts.npz", "-o", "l.npy", "-q").exit_code == 0
    np.testing.assert_array_equal(np.load("l.npy"), mixture.predict(X))


def test_parameters_of_the_family(run: Any, counts: sparse.csr_array) -> None:
    Path("own.json").write_text('[{"family": "multinomial", "concentration": 0.1}]')
    result = run(*FIT[:-2], "own.json", "-o", "m", "--json")
    assert result.exit_code == 0, result.stderr
    mixture = vivace.BayesianMultinomialMixture(3, concentration=0.1, random_state=0).fit(counts)
    assert json.loads(result.stdout)["lower_bound"] == mixture.lower_bound_
    Path("own.json").write_text('[{"family": "multinomial", "focus": 0.1}]')
    result = run(*FIT[:-2], "own.json", "-o", "m")
    assert result.exit_code == 2
    assert "focus" in result.stderr


def test_words_are_kept_and_matched(run: Any, counts: sparse.csr_array) -> None:
    words = [f"word{j}" for j in range(30)]
    write(Path("words.txt"), "\n".join(words) + "\n")
    result = run(*FIT, "-o", "m", "--vocabulary", "words.txt")
    assert result.exit_code == 0, result.stderr
    assert "multinomial: word0, word1" in result.stdout
    model = vivace.load("m")
    assert list(model.feature_names_in_) == words
    assert model.families_ == {"multinomial": words}
    expected = model.predict(counts)  # no warning: compressed rows have no names
    order = np.random.default_rng(1).permutation(30)
    write_corpus("moved.npz", Corpus(counts[:, order], [words[j] for j in order]))
    assert run("predict", "m", "moved.npz", "-o", "l.npy", "-q").exit_code == 0
    np.testing.assert_array_equal(np.load("l.npy"), expected)
    sparse.save_npz("narrow.npz", counts[:, :20])
    result = run("predict", "m", "narrow.npz", "-o", "l.npy")
    assert result.exit_code == 1
    assert "expected the 30 words that m was fitted to, got 20" in result.stderr


@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_jobs_go_on(run: Any, counts: sparse.csr_array, method: str) -> None:
    arguments = [*FIT, "--learning-method", method, "--validation", "0.2", "--set", "tol=0"]
    arguments += [] if method == "batch" else ["--batch-size", "64"]
    job = ["--checkpoint", "kept", "--every", "0s", "--resume"]
    assert run(*arguments, "-o", "whole", "--passes", "6").exit_code == 0
    first = run(*arguments, "-o", "m", "--passes", "3", *job, "--events", "e.jsonl")
    assert first.exit_code == 0, first.stderr
    result = run(*arguments, "-o", "m", "--passes", "6", *job, "--strict")
    assert result.exit_code == 3
    assert "resumed from kept after iteration 3" in result.stderr
    assert vivace.load("m").lower_bound_ == vivace.load("whole").lower_bound_
    events = [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()]
    assert events[0]["n_rows"] == 240
    assert all("held_out" in event for event in events if event["event"] == "iteration")


def test_time_limit(run: Any, counts: sparse.csr_array) -> None:
    result = run(*FIT[:-1], "-o", "m", "--time-limit", "0.0001", "--set", "tol=0")
    assert result.exit_code == 0, result.stderr
    assert "the time limit was reached" in result.stderr
    assert vivace.load("m").n_features_in_ == 30


def test_memory_names_the_least_that_works(run: Any, counts: sparse.csr_array) -> None:
    result = run(*FIT, "-o", "m", "--memory", "1M", "--validation", "0.1")
    assert result.exit_code == 1
    assert "(--validation keeps a copy), got 1 MB. Remedy: more memory (--memory)" in result.stderr
    least = result.stderr.partition("at least ")[2].partition(" (")[0].replace(" ", "")
    assert run(*FIT, "-o", "m", "--memory", least, "--validation", "0.1").exit_code == 0


@pytest.mark.parametrize("method", ["batch", "online"])
@pytest.mark.parametrize("name", ["counts.npz", "counts.svmlight"])
def test_dry_run(run: Any, folder: Path, counts: sparse.csr_array, name: str, method: str) -> None:
    WRITERS[name](folder / name, counts)
    arguments = [*FIT, "-o", "m", "--dry-run", "--learning-method", method]
    arguments[2] = name
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert f"counts   {counts.nnz:,} that are not zero" in result.stdout
    assert "time     not estimated" in result.stdout
    record = json.loads(run(*arguments, "--json").stdout)
    assert (record["n_rows"], record["n_columns"], record["n_nonzeros"]) == (300, 30, counts.nnz)
    assert not Path("m").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["counts.npz"], 2, "one of bernoulli, multinomial, poisson; got auto. Remedy: --families"),
        (["counts.npz", "--families", "gaussian"], 2, "got gaussian. Remedy: --families multinom"),
        (["counts.npz", "--families", "split.json"], 2, "got those of a file"),
        (["counts.npz", "--families", "bernoulli"], 1, "must hold 0, 1 or truth values"),
        (["counts.npz", "--families", "poisson", "--columns", "a"], 2, "--columns is for tables"),
        (["counts.npz", "--families", "poisson", "--zero-based"], 2, "--zero-based is for svmligh"),
        (["counts.npz", "--families", "poisson", "--text-field", "a"], 2, "--text-field is for"),
        (["counts.npz", "counts.npz", "--families", "poisson"], 1, "takes one file of counts"),
        (["none.npz", "--families", "poisson"], 1, "none.npz: no such file"),
        (["notes.txt", "--families", "multinomial"], 1, "vivace convert notes.txt counts.npz"),
        (["notes.txt", "--format", "text"], 2, "vivace convert notes.txt counts.npz"),
        (["-", "--families", "poisson", "--format", "svmlight"], 2, "Remedy: name a file"),
        (["dense.npy", "--vocabulary", "words.txt"], 2, "--vocabulary is for one file of counts"),
    ],
)
def test_what_is_wrong(
    run: Any, counts: sparse.csr_array, arguments: list[str], code: int, message: str
) -> None:
    write(Path("notes.txt"), "rain and wind\n")
    Path("split.json").write_text('{"poisson": [0, 1], "bernoulli": [2]}')
    result = run("fit", "mixture", *arguments, "-k", "2", "-o", "m")
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert not Path("m").exists()


def test_what_other_commands_say(run: Any, counts: sparse.csr_array) -> None:
    assert run(*FIT, "-o", "m").exit_code == 0
    assert run("inspect", "m").exit_code == 0
    write(Path("notes.txt"), "rain and wind\n")
    for arguments, code, message in (
        (["impute", "m", "counts.npz", "-o", "x.csv"], 1, "was fitted to sparse counts"),
        (["predict", "m", "dense.npy", "-o", "x.csv"], 1, "expected documents, got the name of a"),
        (["predict", "m", "notes.txt", "-o", "x.csv"], 1, "Remedy: give counts"),
        (["predict", "m", "counts.npz", "-o", "x.csv", "--columns", "a"], 2, "of sparse counts"),
        (["predict", "m", "counts.npz", "-o", "x.csv", "--id-column", "a"], 1, "of a table"),
        (["predict", "model.vivace", "data.npy", "-o", "x.csv", "--zero-based"], 2, "documents"),
    ):
        result = run(*arguments)
        assert result.exit_code == code, result.stderr
        assert message in result.stderr
        assert not Path("x.csv").exists()

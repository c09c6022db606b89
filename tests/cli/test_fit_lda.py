"""`vivace fit lda`: what it reads, writes and prints, and how it fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_files import WRITERS, random_counts
from documents import TEXTS, write_documents
from scipy import sparse

import vivace
from vivace.cli import progress
from vivace.cli.summary_topics import print_topics_summary, topics_record
from vivace.io import Tokenizer, read_corpus

FIT = ("fit", "lda")


@pytest.fixture
def docs(folder: Path) -> Path:
    write_documents(folder)
    return folder


def test_same_as_in_python(run: Any, docs: Path) -> None:
    result = run(
        *FIT, "docs.txt", "-k", 3, "-o", "m", "--seed", 3, "--threads", 1, "--stop-words",
        "english", "--min-df", 2, "--max-df", 0.9, "--set", "max_iter=5", "--dtype", "float64",
    )  # fmt: skip
    assert result.exit_code == 0
    tokenizer = Tokenizer(stop_words="english", min_df=2, max_df=0.9)
    corpus = read_corpus("docs.txt", tokenizer=tokenizer)
    expected = vivace.LatentDirichletAllocation(3, random_state=3, max_iter=5, n_jobs=1)
    expected.fit(corpus)
    found = vivace.load("m")
    np.testing.assert_array_equal(found.components_, expected.components_)
    assert found.get_params() == expected.get_params()
    assert found.tokenizer_ == tokenizer
    np.testing.assert_array_equal(found.vocabulary_, corpus.vocabulary)


def test_how_the_fit_ended_is_said(run: Any, docs: Path) -> None:
    looked = ("--set", "evaluate_every=1", "--set")
    for settings, line in [
        ((), "10; convergence was not looked at (--set evaluate_every=1 does)"),
        ((*looked, "perp_tol=1e9"), "converged after 2 passes"),
        ((*looked, "perp_tol=1e-12"), "10, not converged: more passes (--passes 20)"),
    ]:
        result = run(*FIT, "docs.txt", "-k", 2, "-o", "m", *settings)
        assert line in result.stdout
        assert vivace.load("m").converged_ == line.startswith("converged")


@pytest.mark.parametrize(
    ("best", "line"),
    [
        (1, "4, not converged; the held-out score has not risen since iteration 1\n"),
        (4, "4, not converged: more passes (--passes 8), or a higher perp_tol\n"),
    ],
)
def test_no_more_passes_are_advised_where_they_made_it_worse(
    best: int, line: str, run: Any, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*FIT, "docs.txt", "-k", 2, "-o", "m", "--validation", 0.2).exit_code == 0
    record = topics_record(vivace.load("m"))
    print_topics_summary({**record, "n_iter": 4, "best_iter": best, "converged": False})
    assert line in capsys.readouterr().out


def test_priors_that_read_alike_are_one(capsys: pytest.CaptureFixture[str]) -> None:
    lda = vivace.LatentDirichletAllocation(2, max_iter=1).fit(np.ones((3, 4)))
    for alpha, shown in [([0.1, 0.10000001], "0.1,"), ([0.1, 0.2], "0.1 to 0.2,"), (0.5, "0.5,")]:
        print_topics_summary({**topics_record(lda), "doc_topic_prior": alpha})
        assert f"document-topic {shown} topic-word" in capsys.readouterr().out


def test_stop_words_are_hinted_at(run: Any, docs: Path) -> None:
    hint = "--stop-words english"
    assert hint in run(*FIT, "docs.txt", "-k", 1, "-o", "m").stdout
    assert hint not in run(*FIT, "docs.txt", "-k", 1, "-o", "m", "--stop-words", "english").stdout
    (docs / "one.txt").write_text("sun wind\n")
    result = run(*FIT, "one.txt", "-k", 1, "-o", "m")
    assert hint not in result.stdout
    assert "1 document, 2 tokens, 2 words" in result.stdout
    assert "fitting 1 topic to 1 document of 2 tokens, 2 words" in result.stderr


def test_summary_and_json(run: Any, docs: Path) -> None:
    result = run(*FIT, "docs.txt", "-k", 14, "-o", "m")
    n_words = vivace.load("m").n_features_in_
    for part in ("100 documents, ", f"{n_words} words", "topic  share  words", "m: written",
                 "not shown: 2 smaller topics", "priors"):  # fmt: skip
        assert part in result.stdout
    assert "reading docs.txt" in result.stderr
    assert "fitting 14 topics to 100 documents of " in result.stderr
    result = run(*FIT, "docs.txt", "-k", 3, "-o", "m", "--json", "-q")
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert record["model"] == "m"
    assert record["n_documents"] == len(TEXTS)
    assert [len(topic["words"]) for topic in record["topics"]] == [10, 10, 10]
    shares = [topic["share"] for topic in record["topics"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert set(record["seconds"]) == {"read", "fit"}
    if record["lower_bound"] is not None:
        per_token = record["lower_bound"] / record["n_tokens"]
        assert record["lower_bound_per_token"] == pytest.approx(per_token)


def test_collapsed(run: Any, docs: Path) -> None:
    arguments = (*FIT, "docs.txt", "-k", 3, "-o", "m", "--inference", "cvb0")
    result = run(*arguments, "--set", "validation_fraction=0.2")
    assert "(cvb0, batch)" in result.stdout
    assert re.search(r"likelihood +-\d\.\d+ nats a token, each predicted", result.stdout)
    assert re.search(r"held out +-\d\.\d+ nats a token after iteration \d+, kept", result.stdout)
    record = json.loads(run(*arguments, "--json").stdout)
    assert record["lower_bound"] is None
    model = vivace.load("m")
    assert record["log_likelihood_per_token"] == model.log_likelihood_
    assert "each predicted" in run("inspect", "m").stdout


@pytest.mark.parametrize("name", [*WRITERS, "odd"])
def test_every_format(run: Any, docs: Path, name: str) -> None:
    counts = random_counts()
    WRITERS["c.docword" if name == "odd" else name](docs / name, counts)
    form = ["--format", "docword"] if name == "odd" else []
    result = run(*FIT, name, "-k", 3, "-o", "m", *form)
    assert result.exit_code == 0, result.stderr
    assert vivace.load("m").n_features_in_ == 30
    assert "50 documents" in result.stdout
    assert run("transform", "m", name, "--out", "shares.npy", *form).exit_code == 0
    assert np.load("shares.npy").shape == (50, 3)


def test_words_from_files(run: Any, docs: Path) -> None:
    Path("stop.txt").write_text("cat\nmat\n")
    Path("words.txt").write_text("cat\ndog\nmarket\n")
    run(
        *FIT,
        "docs.txt",
        "-k",
        2,
        "-o",
        "m",
        "--stop-words",
        "stop.txt",
        "--token-pattern",
        "[a-z]+",
    )
    model = vivace.load("m")
    assert model.tokenizer_ == Tokenizer(stop_words=["cat", "mat"], pattern="[a-z]+")
    assert "cat" not in model.vocabulary_
    run(*FIT, "docs.txt", "-k", 2, "-o", "m", "--vocabulary", "words.txt")
    assert list(vivace.load("m").vocabulary_) == ["cat", "dog", "market"]


def test_vocabulary_beside_is_told(run: Any, docs: Path) -> None:
    WRITERS["c.docword"](docs / "docword.x.txt", random_counts(n_words=2))
    Path("vocab.x.txt").write_text("cat\ndog\n")
    result = run(*FIT, "docword.x.txt", "-k", 2, "-o", "m")
    assert "words are those of vocab.x.txt" in result.stderr
    assert list(vivace.load("m").vocabulary_) == ["cat", "dog"]


def test_standard_input(docs: Path) -> None:
    command = [sys.executable, "-m", "vivace", *FIT, "-", "--format", "text", "-k", "2", "-o", "m"]
    with open("docs.txt", "rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "100 documents" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["docs.txt", "--out", "m"], 2, "--n-components"),
        (["docs.txt", "-k", "3"], 2, "--out"),
        (["docs.txt", "-k", "3", "-o", "m", "--min-df", "x"], 2, "number of documents .* got 'x'"),
        (["docs.txt", "-k", "3", "-o", "m", "--max-df", "1.5"], 2, "--max-df"),
        (["docs.txt", "-k", "3", "-o", "m", "--token-pattern", "("], 2, "regular expression"),
        (["docs.txt", "-k", "3", "-o", "m", "--text-field", "a"], 2, r"--text-field is for .jsonl"),
        (["docs.txt", "-k", "3", "-o", "m", "--zero-based"], 2, "--zero-based is for svmlight"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "max_itr=3"], 2, "did you mean max_iter"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "max_iter=x"], 2, "'max_iter' parameter"),
        (["docs.txt", "-k", "3", "-o", "m", "--batch-size", "5"], 2, "all data at once"),
        (["docs.txt", "-k", "3", "-o", "m", "--inference", "cvb0", "--learning-method", "online"],
         2, "Use inference='vb'"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "n_jobs=2"], 2, "own option, --threads"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "doc_topic_prior=[0.1,0.2]"], 2,
         r"^Usage.*shape \(3,\) \(one value a topic\), got \(2,\)\. Give .* one number for all\.$"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "topic_word_prior=[0.1,0.2]"], 2,
         r"topic_word_prior must have shape .* got \(2,\)\. Give"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", 'topic_word_prior=[0.1,"a"]'], 2, "'a'"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "topic_word_prior=1e9"], 2, "must be at most"),
        (["docs.txt", "-k", "3", "-o", "m", "--set", "topics_init=[[1]]"], 2, "topics_init"),
        (["c.ldac", "-k", "3", "-o", "m", "--min-df", "2"], 2, "--min-df is for text"),
        (["docs.txt", "-k", "3", "-o", "m", "--min-df", "2", "--vocabulary", "v"], 2, "all kept"),
        (["docs.txt", "-k", "3", "-o", "m", "--format", "pdf"], 2, "'pdf' is not one of"),
        (["none.txt", "-k", "3", "-o", "m"], 1, "none.txt: no such file"),
        (["docs.txt", "-k", "3", "-o", "m", "--vocabulary", "none"], 1, "none: no such file"),
        (["docs.txt", "-k", "3", "-o", "m", "--stop-words", "none"], 1, "-words: .*no file 'none'"),
        (["docs.txt", "-k", "3", "-o", "no/m"], 1, "no/m: the folder .* does not exist"),
        (["docs.txt", "-k", "3", "-o", "docs.txt"], 1, "is the input itself"),
        (["data.csv", "-k", "3", "-o", "m"], 1, "data.csv: expected documents, got the name of"),
        (["docs.txt", "-k", "3", "-o", "m", "--format", "lda-c"], 1, "docs.txt, line 1: expected"),
        (["docs.txt", "-k", "3", "-o", "m", "--min-df", "999"], 1, "at least one word"),
        (["docs.jsonl", "-k", "3", "-o", "m"], 1, "docs.jsonl, line 1: .*--text-field"),
        (["docs.txt", "-k", "3", "-o", "m", "--events", "no/e"], 1, "no/e: .*another file, --ev"),
        (["docs.txt", "-k", "3", "-o", "m", "--checkpoint", "docs.txt/c"], 1, "another folder"),
    ],
)  # fmt: skip
def test_failures(run: Any, docs: Path, arguments: list[str], code: int, message: str) -> None:
    before = set(os.listdir(docs))
    result = run(*FIT, *arguments)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert re.search(message, " ".join(result.stderr.split())), result.stderr
    assert set(os.listdir(docs)) == before


def test_parts_of_counts_are_not_sampled(run: Any, docs: Path) -> None:
    sparse.save_npz("parts.npz", sparse.csr_array(np.full((3, 4), 0.5)))
    result = run(*FIT, "parts.npz", "-k", 2, "-o", "m", "--inference", "gibbs")
    assert result.exit_code == 1
    assert "got a count of 0.5. Use inference='cvb0'" in result.stderr


def test_a_vocabulary_of_other_counts(run: Any, docs: Path) -> None:
    sparse.save_npz("counts.npz", sparse.csr_array(np.ones((3, 4))))
    Path("few").write_text("one\ntwo\n")
    result = run(*FIT, "counts.npz", "-k", 2, "-o", "m", "--vocabulary", "few")
    assert result.exit_code == 1
    assert "counts.npz: expected the 2 words of the vocabulary, got 4 columns" in result.stderr
    assert result.stderr.count("Remedy") == 1


def test_progress_is_per_fitted_token(run: Any, docs: Path) -> None:
    result = run(*FIT, "docs.txt", "-k", 2, "-o", "m", "--validation", 0.4, "--passes", 3, "-v")
    lines = re.findall(r"bound per token (-[0-9.]+)", result.stderr)
    model = vivace.load("m")
    expected = model.elbo_trace_ / model.topic_sizes_.sum()
    assert [float(line) for line in lines] == pytest.approx(list(expected), rel=1e-4)


def test_interrupt_keeps_the_model_beside(
    run: Any, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(self: progress.FitMeter, told: Any) -> None:
        if told.n_iter >= 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.FitMeter, "__call__", call)
    result = run(*FIT, "docs.txt", "-k", 3, "-o", "m")
    assert result.exit_code == 130
    assert "is in m.interrupted; m was not written" in result.stderr
    assert not Path("m").exists()
    result = run("inspect", "m.interrupted")
    assert "100 documents" in result.stdout
    assert "docs.txt" in result.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small.csv", "did you mean 'vivace fit gaussian-mixture small.csv"),
        ("data.npy", "did you mean 'vivace fit gaussian-mixture data.npy"),
        ("docs.txt", "did you mean 'vivace fit lda docs.txt"),
        ("docword.x.txt.gz", "did you mean 'vivace fit lda docword.x.txt.gz"),
        ("model.vivace", "did you mean 'vivace fit gaussian-mixture model.vivace"),
        ("gmm", "No such estimator 'gmm'; did you mean gaussian-mixture"),
        ("GaussianMixture", "did you mean gaussian-mixture"),
        ("gausian-mixture", "did you mean gaussian-mixture"),
        ("latent_dirichlet_allocation", "did you mean lda"),
        ("LDA", "did you mean lda"),
        ("ldaa", "did you mean lda"),
        ("xyzzy", "No such estimator 'xyzzy'. There are: gaussian-mixture, lda"),
    ],
)
def test_suggestions(run: Any, docs: Path, name: str, message: str) -> None:
    result = run("fit", name, "--n-components", 3)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())

"""Topic models on the command line: transform, score, topics, inspect."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_files import WRITERS, random_counts
from documents import write_documents
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

import vivace
from vivace.io import Corpus, read_corpus, write_corpus


@pytest.fixture
def topics(run: Any, folder: Path) -> Path:
    """A folder with documents and the model t of them."""
    write_documents(folder)
    assert run("fit", "lda", "docs.txt", "-k", 3, "-o", "t").exit_code == 0
    return folder


def test_transform(run: Any, topics: Path) -> None:
    result = run("transform", "t", "docs.txt", "--out", "shares.npy")
    assert result.stdout == "shares.npy: written, 100 documents\n"
    assert "1 document without a word that t knows" in result.stderr
    model = vivace.load("t")
    expected = model.transform(Path("docs.txt").read_text().splitlines())
    np.testing.assert_array_equal(np.load("shares.npy"), expected)
    run("transform", "t", "docs.jsonl", "--out", "other.npy", "--text-field", "body")
    np.testing.assert_array_equal(np.load("other.npy"), expected)
    run("transform", "t", "docs.txt", "--out", "shares.csv")
    names = Path("shares.csv").read_text().splitlines()[0].replace('"', "").split(",")
    assert names == ["topic_0", "topic_1", "topic_2"]  # the numbers of `vivace topics`


def test_text_field_is_remembered(run: Any, topics: Path) -> None:
    fit = run("fit", "lda", "docs.jsonl", "-k", 3, "-o", "u", "--text-field", "body")
    assert fit.exit_code == 0
    run("transform", "u", "docs.jsonl", "--out", "a.npy")
    run("transform", "t", "docs.txt", "--out", "b.npy")
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))


def test_zero_based_is_remembered(run: Any, topics: Path) -> None:
    counts = random_counts()
    dump_svmlight_file(sparse.csr_matrix(counts), np.zeros(50), "c.svmlight", zero_based=True)
    WRITERS["c.npz"](topics / "c.npz", counts)
    run("fit", "lda", "c.svmlight", "-k", 3, "-o", "u", "--zero-based")
    dump_svmlight_file(sparse.csr_matrix(counts[:, 1:]), np.zeros(50), "d.svmlight")
    assert run("transform", "u", "c.svmlight", "--out", "a.npy").exit_code == 0
    assert run("transform", "u", "c.npz", "--out", "b.npy").exit_code == 0
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))


def test_words_of_text_that_are_not_known_are_counted(run: Any, topics: Path) -> None:
    text = Path("docs.txt").read_text().splitlines()
    Path("new.txt").write_text("".join(f"{line} unseenword unseenword\n" for line in text))
    for command in (["transform", "t", "new.txt", "--out", "a.npy"], ["score", "t", "new.txt"]):
        said = run(*command).stderr
        assert f"{2 * len(text):,} tokens (" in said
        assert "are words that t does not know" in said
    assert "does not know" not in run("score", "t", "docs.txt").stderr


def test_columns_are_matched_by_word(run: Any, topics: Path) -> None:
    corpus = read_corpus("docs.txt")
    order = np.random.default_rng(0).permutation(corpus.n_words)
    words = np.append(corpus.vocabulary[order], "unseenword")
    counts = sparse.hstack([corpus.counts[:, order], np.full((100, 1), 2.0)], format="csr")
    write_corpus("other.npz", Corpus(sparse.csr_array(counts), words))
    result = run("transform", "t", "other.npz", "--out", "a.npy")
    assert "200 tokens (" in result.stderr
    assert "are words that t does not know" in result.stderr
    run("transform", "t", "docs.txt", "--out", "b.npy")
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))
    Path("words.txt").write_text("".join(f"{word}\n" for word in words))
    sparse.save_npz("plain.npz", counts)
    result = run("score", "t", "plain.npz")
    assert result.exit_code == 1
    assert re.search(r"expected the \d+ words that t was fitted to, got \d+", result.stderr)
    assert run("score", "t", "plain.npz", "--vocabulary", "words.txt").exit_code == 0


def test_score(run: Any, topics: Path) -> None:
    model = vivace.load("t")
    corpus = read_corpus("docs.txt", vocabulary=model.vocabulary_, tokenizer=model.tokenizer_)
    result = run("score", "t", "docs.txt", "--json", "-q")
    record = json.loads(result.stdout)
    completion = model.document_completion(corpus, return_details=True)
    assert record["document_completion"] == completion.score
    assert record["n_documents_scored"] == completion.n_documents
    assert record["n_documents_left_out"] == completion.n_left_out == 1
    assert record["bound_per_token"] == pytest.approx(model.score(corpus) / corpus.n_tokens)
    assert record["n_tokens"] == corpus.n_tokens
    other = json.loads(run("score", "t", "docs.txt", "--json", "--seed", 1).stdout)
    assert other["document_completion"] != completion.score
    text = run("score", "t", "docs.txt").stdout
    assert f"{completion.score:.6f} nats a token: " in text
    assert "1 too short" in text
    Path("short.txt").write_text("cat\nunseenword\n")
    assert "none: no document has two tokens" in run("score", "t", "short.txt").stdout


def test_topics(run: Any, topics: Path) -> None:
    model = vivace.load("t")
    record = json.loads(run("topics", "t", "--json", "--n-words", 4, "--relevance", 1).stdout)
    words = model.top_words(4)
    assert [topic["words"] for topic in record["topics"]] == [
        words[topic["topic"]] for topic in record["topics"]
    ]
    sizes = [topic["tokens"] for topic in record["topics"]]
    assert sizes == sorted(model.topic_sizes_, reverse=True)
    lines = run("topics", "t", "--n-words", 2).stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["topic", "share", "tokens", "words"]


def test_topics_of_a_model_without_words(run: Any, topics: Path) -> None:
    WRITERS["c.npz"](topics / "c.npz", random_counts())
    run("fit", "lda", "c.npz", "-k", 2, "-o", "u")
    assert re.search(r"%  +[\d,]+  \d+ \d+", run("topics", "u").stdout)
    Path("words.txt").write_text("".join(f"word{i}\n" for i in range(30)))
    assert "word" in run("topics", "u", "--vocabulary", "words.txt").stdout
    Path("words.txt").write_text("a\n")
    result = run("topics", "u", "--vocabulary", "words.txt")
    assert result.exit_code == 1
    assert "words.txt: expected 30 words" in result.stderr


def test_inspect(run: Any, topics: Path) -> None:
    text = run("inspect", "t").stdout
    for part in (
        "LatentDirichletAllocation",
        "100 documents",
        "docs.txt",
        "min_df=1",
        "vocabulary",
    ):
        assert part in text
    record = json.loads(run("inspect", "t", "--json").stdout)
    assert record["n_documents"] == 100
    assert record["meta"]["tokenizer"]["lowercase"] is True
    assert len(record["topics"]) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["transform", "t", "docs.txt", "--out", "x.npy", "--columns", "a"], 2, "is for tables"),
        (["transform", "model.vivace", "data.npy", "--out", "x.npy", "--format", "npz"], 2,
         "--format is for documents"),
        (["transform", "t", "docs.txt", "--out", "x.npy", "--vocabulary", "v"], 2, "--vocabulary"),
        (["predict", "t", "docs.txt", "--out", "x.npy"], 1, "has no labels to predict"),
        (["topics", "model.vivace"], 1, "holds a BayesianGaussianMixture, which has no topics"),
        (["topics", "docs.txt"], 1, "expected a vivace model file"),
        (["topics", "t", "--relevance", "2"], 2, "--relevance"),
        (["score", "t", "none.txt"], 1, "none.txt: no such file"),
        (["score", "t", "docs.jsonl"], 1, "--text-field"),
        (["score", "t", "data.csv"], 1, "data.csv: expected documents, got the name of a table"),
        (["score", "counts", "docs.txt"], 1, "does not know how text becomes words"),
        (["transform", "t", "docs.txt", "--out", "x.pdf"], 2, "expected a name that ends in"),
    ],
)  # fmt: skip
def test_failures(run: Any, topics: Path, arguments: list[str], code: int, message: str) -> None:
    WRITERS["c.npz"](topics / "c.npz", random_counts())
    run("fit", "lda", "c.npz", "-k", 2, "-o", "counts")
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())
    assert not list(topics.glob("x.*"))

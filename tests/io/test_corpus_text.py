"""Text into counts: the same words as scikit-learn's CountVectorizer finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_files import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from vivace.io import (
    CorpusError,
    Tokenizer,
    corpus_of_texts,
    open_corpus,
    read_corpus,
    write_vocabulary,
)
from vivace.io.corpora import text as text_module

TEXTS = [
    "The cat sat on the mat.",
    "",
    "Dogs and cats: the best of pets!",
    "naïve Zoë paid 30 € for a cat_flap",
    "The the THE mat",
]


def same_as_sklearn(texts: list[str], corpus: Any, **parameters: Any) -> None:
    vectorizer = CountVectorizer(**parameters)
    expected = vectorizer.fit_transform(texts)
    assert list(corpus.vocabulary) == list(vectorizer.get_feature_names_out())
    np.testing.assert_array_equal(corpus.counts.toarray(), expected.toarray())
    assert corpus.counts.has_canonical_format


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"min_df": 2},
        {"max_df": 0.5},
        {"min_df": 0.3, "max_df": 3},
        {"lowercase": False},
        {"stop_words": "english"},
        {"stop_words": ["the", "mat"], "min_df": 1},
        {"token_pattern": r"(?u)[a-z]+"},
        {"token_pattern": r"(?u)\b(\w)\w+\b"},
    ],
)
def test_as_scikit_learn(parameters: dict[str, Any]) -> None:
    given = dict(parameters)
    given["pattern"] = given.pop("token_pattern", Tokenizer().pattern)
    same_as_sklearn(TEXTS, corpus_of_texts(TEXTS, tokenizer=Tokenizer(**given)), **parameters)


line = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=30)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(line | st.sampled_from(TEXTS), min_size=1), st.integers(1, 5), st.booleans())
def test_files(tmp_path: Path, texts: list[str], n: int, packed: bool) -> None:
    """A file and a list of texts, a whole read and blocks, plain text and JSON: the same."""
    texts = [*texts, "at least one word"]
    end = ".gz" if packed else ""
    write(tmp_path / f"a.txt{end}", "".join(f"{text}\n" for text in texts))
    records = "\n".join(json.dumps({"id": 1, "body": text}) for text in texts)
    write(tmp_path / f"a.jsonl{end}", records)
    expected = corpus_of_texts(texts)
    if not texts[0].startswith("\ufeff"):
        same_as_sklearn(texts, expected)
    for name, options in ((f"a.txt{end}", {}), (f"a.jsonl{end}", {"text_field": "body"})):
        corpus = read_corpus(tmp_path / name, **options)
        np.testing.assert_array_equal(corpus.counts.toarray(), expected.counts.toarray())
        assert list(corpus.vocabulary) == list(expected.vocabulary)
        assert corpus.tokenizer == Tokenizer()
        reader = open_corpus(tmp_path / name, **options)
        blocks = [block.toarray() for block in reader.blocks(n)]
        np.testing.assert_array_equal(np.concatenate(blocks), expected.counts.toarray())
        assert (reader.n_documents, reader.n_words) == expected.counts.shape
        assert list(reader.vocabulary) == list(expected.vocabulary)


def test_pieces_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = TEXTS * 20
    write(tmp_path / "a.txt", "\n".join(texts))
    expected = read_corpus(tmp_path / "a.txt")
    monkeypatch.setattr(text_module, "_TEXTS", 3)
    monkeypatch.setattr(text_module, "_CHUNK", 10)
    found = read_corpus(tmp_path / "a.txt")
    np.testing.assert_array_equal(found.counts.toarray(), expected.counts.toarray())


def test_given_vocabulary(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "\n".join(TEXTS))
    words = ["mat", "unseen", "cat", "the"]
    write_vocabulary(tmp_path / "v.txt", words)
    tokenizer = Tokenizer(stop_words=["the"])
    corpus = read_corpus(tmp_path / "a.txt", vocabulary=tmp_path / "v.txt", tokenizer=tokenizer)
    assert list(corpus.vocabulary) == words
    expected = CountVectorizer(vocabulary=words, stop_words=["the"]).transform(TEXTS)
    np.testing.assert_array_equal(corpus.counts.toarray(), expected.toarray())
    assert corpus.n_documents == 5
    again = corpus_of_texts(TEXTS, corpus.vocabulary, tokenizer)
    np.testing.assert_array_equal(corpus.counts.toarray(), again.counts.toarray())


def test_settings() -> None:
    tokenizer = Tokenizer(stop_words="english", min_df=2, max_df=0.5)
    assert set(tokenizer.stop_words) == ENGLISH_STOP_WORDS
    assert Tokenizer.from_settings(json.loads(json.dumps(tokenizer.settings()))) == tokenizer
    assert Tokenizer(stop_words={"b", "a"}) == Tokenizer(stop_words=["a", "b", "a"])
    assert Tokenizer(stop_words=["the"]).tokens("The cat, the mat") == ["cat", "mat"]
    for bad, message in (
        ({"pattern": "("}, "expected a regular expression"),
        ({"pattern": "(a)(b)"}, "at most one group, got 2"),
        ({"pattern": 3}, "expected text"),
        ({"pattern": "a" * 20_000}, "expected text"),
        ({"lowercase": "no"}, "expected True or False"),
        ({"stop_words": "german"}, "expected 'english' or a list of words"),
        ({"stop_words": [3]}, "expected text, got 3"),
        ({"min_df": -1}, "min_df: expected a number"),
        ({"max_df": 1.5}, "max_df: expected a number"),
        ({"min_df": True}, "min_df: expected a number"),
        ({"min_df": "2"}, "min_df: expected a number"),
    ):
        with pytest.raises(ValueError, match=message):
            Tokenizer(**bad)
    with pytest.raises(ValueError, match="expected the settings"):
        Tokenizer.from_settings({"pattern": "a"})


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"a cat\nb\xff\n", r"a\.txt, line 2: expected text in UTF-8.*iconv"),
        ("a.txt", b"", r"a\.txt: expected at least one document"),
        (
            "a.txt",
            b"\n\n",
            r"a\.txt: expected at least one word.*2 documents hold none: they are e",
        ),
        ("a.jsonl", b'{"text": "a cat"}\n{"text"\n', r"line 2: expected a JSON object, got '{"),
        ("a.jsonl", b'{"text": "a cat"}\n\n', r"line 2: .* an empty line\. Remedy: leave it out"),
        ("a.jsonl", b'{"text": "a cat"}\n[1]\n', r"line 2: expected a JSON object with a field"),
        ("a.jsonl", b'{"body": "a", "n": 1}\n', r"line 1: .* fields body, n.*--text-field"),
        ("a.jsonl", b'{"text": 3}\n', r"line 1: field 'text': expected text, got 3"),
        ("a.jsonl", b"[" * 100_000, r"line 1: expected a JSON object"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    for read in (read_corpus, lambda path: list(open_corpus(path).blocks(3))):
        with pytest.raises(CorpusError, match=message):
            read(tmp_path / name)


def test_missing_text_is_an_empty_document(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", '{"text": null}\n{"text": "some words"}\n')
    assert read_corpus(tmp_path / "a.jsonl").counts.sum(axis=1).tolist() == [0, 2]


def test_texts_that_cannot_be_counted() -> None:
    with pytest.raises(CorpusError, match="document 1: expected text, got int"):
        corpus_of_texts(["a cat", 3])  # type: ignore[list-item]
    with pytest.raises(CorpusError, match="expected at least one document"):
        corpus_of_texts([])
    with pytest.raises(CorpusError, match="none of the 2 in 1 document is in as many as min_df"):
        corpus_of_texts(["a cat sat"], tokenizer=Tokenizer(min_df=2))
    with pytest.raises(CorpusError, match="expected at least one document"):
        corpus_of_texts([], ["cat"])
    with pytest.raises(CorpusError, match="Remedy: a lower min_df"):
        corpus_of_texts(["a cat"], tokenizer=Tokenizer(min_df=2))

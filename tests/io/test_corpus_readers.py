"""Files of counts: what is read is what was written, as a whole and in blocks."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from corpus_files import WRITERS, docword, lda_c, npz, random_counts, svmlight, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import io as scipy_io
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from vivace.io import (
    Corpus,
    CorpusError,
    Tokenizer,
    corpus_of_texts,
    open_corpus,
    read_corpus,
    read_vocabulary,
    write_corpus,
    write_vocabulary,
)
from vivace.io.corpora import lines as lines_module
from vivace.io.corpora import npz as npz_module

PLACE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def same(a: sparse.csr_array, b: sparse.csr_array) -> None:
    assert a.shape == b.shape
    assert a.has_canonical_format
    np.testing.assert_array_equal(a.indptr, b.indptr)
    np.testing.assert_array_equal(a.indices, b.indices)
    np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole(tmp_path: Path, name: str, dtype: type) -> None:
    counts = random_counts()
    WRITERS[name](tmp_path / name, counts)
    corpus = read_corpus(tmp_path / name, dtype=dtype)
    same(corpus.counts, counts)
    assert corpus.counts.dtype == dtype
    assert (corpus.n_documents, corpus.n_words) == counts.shape
    assert corpus.n_tokens == counts.sum()
    assert corpus.vocabulary is None
    assert corpus.tokenizer is None


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 18])
@pytest.mark.parametrize("n", [1, 7, 50, 1000])
def test_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, chunk: int, n: int
) -> None:
    """Blocks depend neither on the chunks of the file nor on anything but their size."""
    counts = random_counts()
    WRITERS[name](tmp_path / name, counts)
    monkeypatch.setattr(lines_module.Lines.chunks, "__defaults__", (chunk,))
    monkeypatch.setattr(npz_module, "_ENTRIES", chunk)
    reader = open_corpus(tmp_path / name)
    reader.scan()
    assert (reader.n_documents, reader.n_words) == counts.shape
    blocks = list(reader.blocks(n))
    assert [block.shape[0] for block in blocks[:-1]] == [n] * (len(blocks) - 1)
    for i, block in enumerate(blocks):
        same(block, counts[i * n : (i + 1) * n])
    assert sum(block.shape[0] for block in blocks) == 50


@PLACE
@given(
    st.lists(st.lists(st.integers(0, 3_000_000_000), min_size=4, max_size=4), min_size=1),
    st.sampled_from(sorted(WRITERS)),
    st.integers(1, 40),
)
def test_round_trip(tmp_path: Path, rows: list[list[int]], name: str, chunk: int) -> None:
    """Whatever the documents are, a whole read and blocks bring them back."""
    counts = sparse.csr_array(np.array([[1, 1, 1, 1], *rows], dtype=float))
    WRITERS[name](tmp_path / name, counts)
    same(read_corpus(tmp_path / name).counts, counts)
    stacked = sparse.vstack(list(open_corpus(tmp_path / name).blocks(chunk)), format="csr")
    same(sparse.csr_array(stacked), counts)


def test_any_order_of_lines(tmp_path: Path) -> None:
    counts = random_counts()
    rng = np.random.default_rng(1)
    docword(tmp_path / "a.docword", counts)
    lines = (tmp_path / "a.docword").read_text().splitlines()
    shuffled = [lines[3 + i] for i in rng.permutation(len(lines) - 3)]
    write(tmp_path / "b.docword", "\n".join([*lines[:3], *shuffled]))
    same(read_corpus(tmp_path / "b.docword").counts, counts)
    with pytest.raises(CorpusError, match=r"b\.docword, line \d+: expected documents in order"):
        list(open_corpus(tmp_path / "b.docword").blocks(5))


def test_duplicates_and_zeros(tmp_path: Path) -> None:
    write(tmp_path / "a.docword", "2\n3\n4\n1 3 1\n1 1 0\n1 3 2\n2 2 5\n")
    expected = sparse.csr_array(np.array([[0.0, 0, 3], [0, 5, 0]]))
    same(read_corpus(tmp_path / "a.docword").counts, expected)
    write(tmp_path / "a.ldac", "3 2:1 0:0 2:2\n1 1:5\n")
    same(read_corpus(tmp_path / "a.ldac").counts, expected)


def test_matrix_market_of_others(tmp_path: Path) -> None:
    """Real and pattern entries, comments, columns first; the same as scipy reads."""
    head = "%%MatrixMarket matrix coordinate"
    for kind, body in (
        ("real", "2 3 3\n1 2 1e1\n2 2 .5\n1 3 2.25\n"),
        ("pattern", "2 3 3\n1 2\n2 2\n1 3\n"),
        ("integer", "% more\n%\n2 3 3\n\n 1\t2  7 \n2 2 1\n\n1 3 9"),
    ):
        write(tmp_path / "a.mtx", f"{head} {kind} general\n%comment\n{body}")
        found = read_corpus(tmp_path / "a.mtx").counts
        same(found, sparse.csr_array(scipy_io.mmread(tmp_path / "a.mtx")).astype(float))


def test_svmlight_as_scikit_learn(tmp_path: Path) -> None:
    counts = random_counts() * 0.37
    for zero_based in (True, False):
        path = tmp_path / f"{zero_based}.svmlight"
        dump_svmlight_file(
            sparse.csr_matrix(counts), np.zeros(50), str(path), zero_based=zero_based
        )
        expected = load_svmlight_file(str(path), zero_based=zero_based)[0]
        same(read_corpus(path, zero_based=zero_based).counts, sparse.csr_array(expected))
    with pytest.raises(CorpusError, match=r"line 1: expected words from 1 .* zero_based"):
        read_corpus(tmp_path / "True.svmlight")


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("kind", [np.float32, np.int64, np.int8, np.uint16, bool])
def test_npz_of_any_kind(tmp_path: Path, form: str, kind: type) -> None:
    counts = sparse.csr_array(random_counts() > 3).astype(kind)
    for make, compressed in ((sparse.csr_array, True), (sparse.csr_matrix, False)):
        npz(tmp_path / "a.npz", make(counts).asformat(form))
        sparse.save_npz(tmp_path / "a.npz", make(counts).asformat(form), compressed=compressed)
        same(read_corpus(tmp_path / "a.npz").counts, counts.astype(float))
    if form != "csr":
        with pytest.raises(CorpusError, match=f"got {form}"):
            list(open_corpus(tmp_path / "a.npz").blocks(5))


def test_npz_in_any_order(tmp_path: Path) -> None:
    counts = sparse.csr_array(
        (np.array([1.0, 2, 0, 3, 4]), np.array([2, 0, 1, 1, 1]), np.array([0, 3, 5])), shape=(2, 3)
    )
    npz(tmp_path / "a.npz", counts)
    expected = sparse.csr_array(np.array([[2.0, 0, 1], [0, 7, 0]]))
    same(read_corpus(tmp_path / "a.npz").counts, expected)
    (block,) = open_corpus(tmp_path / "a.npz").blocks(9)
    same(block, expected)


def test_write_corpus(tmp_path: Path) -> None:
    texts = ["the cat\u2028sat", "", "the dog \ud800 sat", "Zoë, naïve!"]
    for corpus in (
        corpus_of_texts(texts, tokenizer=Tokenizer(stop_words=["the"], max_df=0.9)),
        Corpus(random_counts()),
    ):
        write_corpus(tmp_path / "a.npz", corpus)
        first = (tmp_path / "a.npz").read_bytes()
        write_corpus(tmp_path / "a.npz", corpus)
        assert (tmp_path / "a.npz").read_bytes() == first
        found = read_corpus(tmp_path / "a.npz")
        same(found.counts, corpus.counts)
        np.testing.assert_array_equal(found.vocabulary, corpus.vocabulary)
        assert found.tokenizer == corpus.tokenizer
        same(sparse.load_npz(tmp_path / "a.npz"), corpus.counts)
    with pytest.raises(CorpusError, match=r"a\.mtx: expected a name that ends in \.npz"):
        write_corpus(tmp_path / "a.mtx", corpus)


def test_vocabularies(tmp_path: Path) -> None:
    words = ["zebra", "ant", "Ärger"]
    write_vocabulary(tmp_path / "v.txt", words)
    np.testing.assert_array_equal(read_vocabulary(tmp_path / "v.txt"), words)
    write(tmp_path / "v.gz", "\ufeffzebra\r\n ant \r\nÄrger\n\n\n")
    np.testing.assert_array_equal(read_vocabulary(tmp_path / "v.gz"), words)
    lda_c(tmp_path / "a.ldac", sparse.csr_array(np.array([[1.0, 2, 0]])))
    corpus = read_corpus(tmp_path / "a.ldac", vocabulary=tmp_path / "v.txt")
    assert corpus.n_words == 3
    assert list(corpus.vocabulary) == words
    for bad in (["a", ""], ["a ", "b"], ["a\nb"], ["a", "a"]):
        with pytest.raises(CorpusError, match="expected"):
            write_vocabulary(tmp_path / "w.txt", bad)
    assert not (tmp_path / "w.txt").exists()


def test_vocabulary_beside_docword(tmp_path: Path) -> None:
    counts = random_counts(n_words=3)
    docword(tmp_path / "docword.x.txt.gz", counts)
    write(tmp_path / "vocab.x.txt", "a\nb\nc\n")
    assert list(read_corpus(tmp_path / "docword.x.txt.gz").vocabulary) == ["a", "b", "c"]
    write(tmp_path / "vocab.x.txt", "a\nb\n")
    with pytest.raises(CorpusError, match=r"line 3: expected the 2 words of the vocabulary"):
        read_corpus(tmp_path / "docword.x.txt.gz")


def test_alignment() -> None:
    corpus = Corpus(sparse.csr_array(np.array([[1.0, 2, 3], [0, 4, 0]])), ["a", "b", "c"])
    other = corpus.aligned_to(["c", "x", "a"])
    same(other.counts, sparse.csr_array(np.array([[3.0, 0, 1], [0, 0, 0]])))
    assert corpus.aligned_to(iter(["a", "b", "c"])) is corpus
    with pytest.raises(CorpusError, match="not a single word"):
        corpus.aligned_to(["x", "y"])
    with pytest.raises(CorpusError, match="have no names"):
        Corpus(corpus.counts).aligned_to(["a"])
    with pytest.raises(CorpusError, match=r"expected a word for each of 3 columns .* got 2"):
        Corpus(corpus.counts, ["a", "b"])
    with pytest.raises(CorpusError, match="'a' twice"):
        Corpus(corpus.counts, ["a", "b", "a"])


def test_a_pipe(tmp_path: Path) -> None:
    """It can be opened and read only once, as with a shell's <(command)."""
    counts = random_counts()
    docword(tmp_path / "a.docword.gz", counts)
    os.mkfifo(tmp_path / "pipe")
    data = (tmp_path / "a.docword.gz").read_bytes()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    same(read_corpus(tmp_path / "pipe", "docword").counts, counts)
    writer.join()


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = random_counts()
    for name, form, write_file in (
        ("a.docword.gz", "docword", docword),
        ("a.ldac", "lda-c", lda_c),
        ("a.svm", "svmlight", svmlight),
    ):
        write_file(tmp_path / name, counts)
        data = io.BufferedReader(io.BytesIO((tmp_path / name).read_bytes()))
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
        same(read_corpus("-", form).counts, counts)
    with pytest.raises(CorpusError, match="standard input has no ending"):
        read_corpus("-")
    with pytest.raises(CorpusError, match=r"standard input cannot hold \.npz"):
        read_corpus("-", "npz")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"one\ntwo", b"a\n\nbb\n" * 40 + b"c", b"x" * 300 + b"\ny\n"]
)
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_views_hold_whole_lines(content: bytes, size: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with lines_module.Lines(tmp_path / "a") as lines:
        found = [bytes(view) for view in lines.views(size)]
    assert all(view.endswith(b"\n") for view in found)
    whole = content if content.endswith(b"\n") or not content else content + b"\n"
    assert b"".join(found) == whole


def test_documents_out_of_order_far_into_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(rng.random((900, 300)) < 0.3)
    order = np.arange(len(rows))
    order[70_000:] = rng.permutation(order[70_000:])
    rows, columns = rows[order] + 1, columns[order] + 1
    values = rng.integers(1, 2_000_000, len(order))
    with open(tmp_path / "a.docword", "w") as file:
        file.write(f"900\n300\n{len(order)}\n")
        np.savetxt(file, np.column_stack([rows, columns, values]), fmt="%d")
    expected = sparse.coo_array((values, (rows - 1, columns - 1)), shape=(900, 300)).tocsr()
    found = read_corpus(tmp_path / "a.docword").counts
    assert (found != expected).nnz == 0
    assert found.has_canonical_format

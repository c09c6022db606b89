"""Files that are damaged, cut or hostile: a clean error with file and line, or documents."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_files import WRITERS, random_counts, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from vivace.io import CorpusError, open_corpus, read_corpus, read_vocabulary

HEAD = "%%MatrixMarket matrix coordinate integer general\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.docword", "", r"a\.docword, line 1: expected the number of documents, got ''"),
        ("a.docword", "3\nx\n1\n", r"line 2: expected the number of words, got 'x'"),
        ("a.docword", "3\n2\n-1\n", r"line 3: expected the number of entries, got '-1'"),
        ("a.docword", "0\n2\n0\n", r"expected 1 to 2147483647 documents"),
        ("a.docword", "9999999999\n2\n0\n", r"expected 1 to 2147483647 documents"),
        ("a.docword", "2147483647\n2\n1\n1 1 1\n", r"line 1: expected documents .* not nearly all"),
        ("a.docword", "2\n2\n3\n1 1 1\n", r"line 4: expected 3 entries, .* got 1"),
        ("a.docword", "2\n2\n1\n1 1 1\n1 2 1\n", r"expected 1 entries, .* got more"),
        ("a.docword", "2\n2\n1\n\n1 1\n", r"line 5: expected document, word and count .* '1 1'"),
        ("a.docword", "2\n2\n1\n1 1 1 1\n", r"line 4: expected .* nothing else, got '1 1 1 1'"),
        ("a.docword", "2\n2\n2\n1 1 1\n3 1 1\n", r"line 5: expected a document from 1 to 2, got"),
        ("a.docword", "2\n2\n1\n1 0 1\n", r"line 4: expected words from 1 to 2, got '1 0 1'"),
        ("a.docword", "2\n2\n1\n1 3 1\n", r"line 4: .* Remedy: the vocabulary that belongs"),
        ("a.docword", "2\n2\n1\n1 1 -1\n", r"line 4: expected counts that are finite and not neg"),
        ("a.docword", "2\n2\n1\n1 1 1.5\n", r"line 4: expected whole numbers for counts"),
        ("a.docword", "2\n2\n1\n1 1 1e999\n", r"line 4: expected document, word and count"),
        ("a.docword", "2\n2\n1\n1 1 nan\n", r"line 4: expected document, word and count"),
        ("a.docword", "2\n2\n1\n1 1 \x00\n", r"line 4: expected document, word and count"),
        ("a.docword", f"2\n2\n1\n{'9' * 30} 1 1\n", r"line 4: expected document, word and count"),
        ("a.docword", f"2\n2\n1\n{'1' * 99}\n", r"line 4: expected .* got '1{60}'"),
        ("a.mtx", "1 1 1\n", r"line 1: expected '%%MatrixMarket matrix coordinate"),
        ("a.mtx", HEAD.replace("coordinate", "array"), r"line 1: expected '%%MatrixMarket"),
        ("a.mtx", HEAD.replace("integer", "complex"), r"got 'complex'"),
        ("a.mtx", HEAD.replace("general", "symmetric"), r"got a symmetric one"),
        ("a.mtx", HEAD + "% a\n2 2\n", r"line 3: expected the numbers of rows, columns, entries"),
        ("a.mtx", HEAD, r"expected the numbers of rows, columns, entries"),
        ("a.mtx", HEAD + "2 2 1\n1 1 1.5\n", r"line 3: expected whole numbers"),
        ("a.ldac", "", r"a\.ldac: expected at least one document"),
        ("a.ldac", "1 0:1\n\n", r"line 2: expected the number of words and as many word:count"),
        ("a.ldac", "1 0:1\n2 0:1\n", r"line 2: expected as many pairs as the first number says"),
        ("a.ldac", "1 0:\n", r"line 1: expected the number"),
        ("a.ldac", "1 0 1\n", r"line 1: expected the number"),
        ("a.ldac", "1 0:1x\n", r"line 1: expected the number"),
        ("a.ldac", "1 0:0.5\n", r"line 1: expected whole numbers"),
        ("a.ldac", "1 2147483647:1\n", r"line 1: expected words from 0 to 2147483646"),
        ("a.svm", "x 1:1\n", r"line 1: expected a label and word:count"),
        ("a.svm", "1 1:1 2:-3\n", r"line 1: expected counts that are finite and not negative"),
        ("a.svm", "1 1:inf\n", r"line 1: expected counts that are finite and not negative"),
        ("a.svm", "# only\n\n", r"expected at least one document"),
        ("a.svm", "1 0:1\n", r"line 1: .* zero_based \(--zero-based\)"),
        ("a.svm", "1 qid:x 1:1\n", r"line 1: expected a label"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", ".gz"])
def test_messages(tmp_path: Path, name: str, text: str, message: str, end: str) -> None:
    path = tmp_path / (name + end)
    write(path, text)
    for ending in ("docword", "ldac"):
        message = message.replace(rf"a\.{ending}", rf"a\.{ending}\S*")
    with pytest.raises(CorpusError, match=message):
        read_corpus(path)


def test_message_shows_the_line_of_a_later_chunk(tmp_path: Path) -> None:
    lines = ["100000", "50", "100000", *(f"{i + 1} 7 1" for i in range(100_000))]
    lines[3 + 77_777] = "77778 7 x"
    write(tmp_path / "a.docword", "\n".join(lines))
    for read in (read_corpus, lambda path: list(open_corpus(path).blocks(1000))):
        with pytest.raises(CorpusError, match=r"line 77781: .* got '77778 7 x'"):
            read(tmp_path / "a.docword")


@pytest.mark.parametrize("name", WRITERS)
def test_cut_and_flipped(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path, random_counts())
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    packed = name.endswith((".gz", ".npz"))
    for n in rng.integers(0, len(whole), 60):
        path.write_bytes(whole[:n])
        # A cut between documents of a format without a head cannot be seen.
        assert attempt(read_corpus, path) or not packed
        changed = bytearray(whole)
        changed[n] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        attempt(read_corpus, path)
        attempt(lambda path: list(open_corpus(path).blocks(7)), path)


def attempt(read: Callable[..., Any], path: Path, *arguments: Any) -> str:
    """What a clean error says; empty without one."""
    message = ""
    try:
        read(path, *arguments)
    except CorpusError as error:
        message = str(error)
    assert not message or str(path) in message
    return message


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=200) | st.text("0123456789 :.-#e\n", max_size=60).map(str.encode),
    st.sampled_from(["docword", "mtx", "lda-c", "svmlight", "text", "jsonl", "npz"]),
    st.booleans(),
)
def test_any_bytes(tmp_path: Path, data: bytes, form: str, head: bool) -> None:
    path = tmp_path / "a"
    start = {"docword": b"9\n9\n9\n", "mtx": HEAD.encode() + b"9 9 9\n"}.get(form, b"")
    path.write_bytes((start if head else b"") + data)
    attempt(read_corpus, path, form)
    attempt(lambda *a: list(open_corpus(*a).blocks(2)), path, form)


def members(counts: sparse.csr_array) -> dict[str, np.ndarray]:
    return {
        "format": np.array(b"csr"),
        "shape": np.array(counts.shape),
        "indptr": counts.indptr,
        "indices": counts.indices,
        "data": counts.data,
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", np.array(b"bsr"), "format 'bsr'"),
        ("format", np.arange(3), "a matrix of format"),
        ("shape", np.array([50]), "two whole numbers"),
        ("shape", np.array([0, 30]), "at least one document"),
        ("shape", np.array([50, 29]), "indices from 0 to below 29"),
        ("shape", np.array([10**12, 30]), "at least one document"),
        ("shape", np.array([51, 30]), "52 whole numbers in indptr"),
        ("indptr", np.zeros(51, int), "rise from 0"),
        ("indptr", np.arange(51)[::-1], "rise from 0"),
        ("indices", np.zeros(3, int), "rise from 0 to 3"),
        ("indices", np.zeros(300), "whole numbers in indices"),
        ("data", np.ones(3), "differ in length"),
        ("data", np.full(5, "x"), "plain numeric"),
        ("data", np.array([object()]), "plain numeric"),
        ("data", -np.ones(5), "not negative, got -1.0 as entry 0"),
        ("data", np.array([1, np.nan]), "not negative, got nan as entry 1"),
        ("data", np.ones((2, 2)), "real numbers|differ|one dimension"),
        ("vocabulary", np.array([1, 2]), "stored as bytes"),
        ("vocabulary", np.frombuffer(b'["a"]', np.uint8), "hold 30 words"),
        ("tokenizer", np.frombuffer(b'{"pattern": "("}', np.uint8), "settings"),
    ],
)  # fmt: skip
def test_hostile_npz(tmp_path: Path, name: str, value: np.ndarray, message: str) -> None:
    arrays = members(random_counts()) | {name: value}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(CorpusError, match=rf"a\.npz: .*({message})"):
        read_corpus(tmp_path / "a.npz")
    if name != "data" or value.dtype != object:
        with pytest.raises(CorpusError, match=r"a\.npz"):
            list(open_corpus(tmp_path / "a.npz").blocks(9))


@pytest.mark.parametrize("name", ["format", "shape", "indptr", "indices", "data"])
def test_npz_without_a_member(tmp_path: Path, name: str) -> None:
    arrays = members(random_counts())
    del arrays[name]
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(CorpusError, match=f"there is no {name}.npy in it"):
        read_corpus(tmp_path / "a.npz")


def test_npz_that_claims_too_much(tmp_path: Path) -> None:
    """No memory is taken for what a directory merely claims."""
    np.savez(tmp_path / "a.npz", **members(random_counts()))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        info = archive.getinfo("data.npy")
        size = info.file_size.to_bytes(4, "little")
    data = (tmp_path / "a.npz").read_bytes().replace(size, (2**32 - 2).to_bytes(4, "little"))
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.npz: .*(claims|take|longer|Overlap|overlap|bytes)"):
        read_corpus(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: expected one word a line, got none"),
        (b"a\n\nb\n", "line 2: expected a word, got an empty line"),
        (b"a\nb\na\n", r"line 3: expected each word once, got 'a' again \(first in line 1\)"),
        (b"a\n\xff\n", "line 2: expected UTF-8"),
        (gzip.compress(b"a\nb\n", mtime=0)[:-5], "damaged or cut copy"),
    ],
)
def test_vocabulary_files(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(CorpusError, match=message):
        read_vocabulary(tmp_path / "v")


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for name in ("none.npz", "none.docword", "none.txt", "none.svm"):
        with pytest.raises(FileNotFoundError):
            read_corpus(tmp_path / name)
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        read_corpus(tmp_path / "folder.txt")


def test_arguments_that_do_not_fit(tmp_path: Path) -> None:
    WRITERS["c.ldac"](tmp_path / "c.ldac", random_counts())
    (tmp_path / "c.dat").write_bytes(b"")
    for settings_, message in (
        ({"format": "lda"}, "format: expected one of npz"),
        ({"zero_based": True}, "zero_based: does not fit"),
        ({"vocabulary": ["a"]}, "line 1: expected words from 0 to 0"),
        ({"vocabulary": ["a"], "n_words": 2}, "expected 2 words, got 1"),
        ({"n_words": 5}, "expected words from 0 to 4"),
    ):
        with pytest.raises(CorpusError, match=message):
            read_corpus(tmp_path / "c.ldac", **settings_)
    with pytest.raises(CorpusError, match=r"c\.dat: the name does not tell the format"):
        read_corpus(tmp_path / "c.dat")
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got int64"):
        read_corpus(tmp_path / "c.ldac", dtype=int)
    with pytest.raises(ValueError, match="n_documents: expected at least 1, got 0"):
        next(open_corpus(tmp_path / "c.ldac").blocks(0))


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivace.io.corpora.lines.LONGEST_LINE", 1 << 20)
    (tmp_path / "a.svm").write_bytes(b"1" * (1 << 21))
    with pytest.raises(CorpusError, match="expected lines of text, got one of over"):
        read_corpus(tmp_path / "a.svm")

"""Documents by position, from files that are read once; and the scratch file behind them."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from corpus_files import WRITERS, npz, random_counts
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import vivace.io.corpora.room as room_module
from vivace.io import CorpusError, Tokenizer, corpus_of_texts, open_documents, read_corpus
from vivace.io import spool as spool_module
from vivace.io.corpora import stream as stream_module
from vivace.io.spool import Scratch, Shelf, Spool, scratch_folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and reserves so small that files of tests do not fit into memory."""
    monkeypatch.setattr(spool_module, "CHUNK", 256)
    for module in (room_module, stream_module):
        monkeypatch.setattr(module, "WORKING", 0)
    monkeypatch.setattr(stream_module, "_ENTRIES", 50)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 90), max_size=12), st.integers(0, 1200), st.sampled_from(["i4", "f8"])
)
def test_spool_returns_what_was_appended(sizes: list[int], memory: int, dtype: str) -> None:
    before, spool_module.CHUNK = spool_module.CHUNK, 64
    try:
        parts = [np.arange(n, dtype=dtype) + 7 * i for i, n in enumerate(sizes)]
        spool = Spool(dtype, memory)
        for part in parts:
            spool.append(part)
        spool.finish()
        whole = np.concatenate([np.zeros(0, dtype), *parts])
        assert len(spool) == len(whole)
        rng = np.random.default_rng(0)
        for _ in range(20):
            start, stop = sorted(rng.integers(0, len(whole) + 1, 2))
            spool.expect(start, stop)
            np.testing.assert_array_equal(spool.read(start, stop), whole[start:stop])
    finally:
        spool_module.CHUNK = before


def test_shelf_uses_places_again() -> None:
    shelf = Shelf(100)
    rng = np.random.default_rng(1)
    kept = {}
    for i in range(200):
        array = rng.normal(size=(int(rng.integers(1, 4)), 5))
        kept[i % 17] = array, shelf.put(array)  # the one before it goes when nobody holds it
    for array, put in kept.values():
        np.testing.assert_array_equal(put.load(), array)
    assert shelf._end < 200 * 40  # 17 arrays at a time of at most 120 bytes, three sizes
    assert shelf._end <= 3 * 18 * 120


def test_shelf_from_many_threads() -> None:
    shelf, wrong = Shelf(0), []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        kept = []
        for _ in range(100):
            array = rng.normal(size=8)
            kept = [*kept[-5:], (array, shelf.put(array))]
            wrong.extend(1 for a, put in kept if not np.array_equal(put.load(), a))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_scratch_files_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    scratch = Scratch()
    scratch.write(np.arange(10, dtype=np.uint8), 0)
    assert scratch_folder() == str(tmp_path)
    assert os.listdir(tmp_path) == []

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match=r"scratch file.*TMPDIR"):
        scratch.write(np.arange(10, dtype=np.uint8), 10)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("memory", [900, 1 << 30])
def test_same_documents(name: str, memory: int, tmp_path: Path) -> None:
    counts = random_counts()
    WRITERS[name](tmp_path / name, counts)
    stream = open_documents(tmp_path / name, memory=memory)
    assert stream.shape == counts.shape
    assert stream.in_memory == (memory > 900)
    assert stream.n_tokens == counts.sum()
    np.testing.assert_array_equal(stream.lengths, counts.sum(axis=1))
    for start, stop in [(0, 50), (0, 0), (2, 3), (7, 40), (49, 50)]:
        offsets, columns, values = stream.rows(start, stop)
        part = counts[start:stop]
        np.testing.assert_array_equal(offsets, part.indptr)
        np.testing.assert_array_equal(columns, part.indices)
        np.testing.assert_array_equal(values, part.data)
    chosen = np.array([3, 4, 5, 9, 20, 21])
    assert (stream.take(chosen) != counts[chosen]).nnz == 0
    again = open_documents(tmp_path / name, memory=1 << 29)
    assert again.fingerprint == stream.fingerprint


@pytest.mark.usefixtures("small")
def test_several_files(tmp_path: Path) -> None:
    counts = random_counts()
    for i, part in enumerate((counts[:20], counts[20:])):
        WRITERS["c.ldac"](tmp_path / f"part-{i}.ldac", part)
    both = [tmp_path / "part-0.ldac", tmp_path / "part-1.ldac"]
    for given_ in (both, str(tmp_path / "part-*.ldac")):
        stream = open_documents(given_, memory=2000)
        assert (stream.take(np.arange(50)) != counts).nnz == 0
    with pytest.raises(FileNotFoundError, match="no file has such a name"):
        open_documents(str(tmp_path / "none-*.ldac"))
    npz(tmp_path / "other.npz", counts[:, :20])
    npz(tmp_path / "more.npz", counts)
    with pytest.raises(CorpusError, match="the same number of words"):
        open_documents([tmp_path / "more.npz", tmp_path / "other.npz"])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("memory", [5000, 1 << 30])
def test_text(memory: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    words = [f"word{i}" for i in range(60)]
    texts = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(80)]
    (tmp_path / "a.txt").write_text("\n".join(texts[:50]) + "\n")
    (tmp_path / "b.txt").write_text("\n".join(texts[50:]) + "\n")
    tokenizer = Tokenizer(min_df=5, max_df=0.4, stop_words=("word3",))
    whole = corpus_of_texts(texts, tokenizer=tokenizer)
    stream = open_documents(
        [tmp_path / "a.txt", tmp_path / "b.txt"], tokenizer=tokenizer, memory=memory
    )
    assert stream.vocabulary is not None
    assert stream.vocabulary.tolist() == whole.vocabulary.tolist()
    assert stream.tokenizer == tokenizer
    assert (stream.take(np.arange(80)) != whole.counts).nnz == 0
    known = open_documents(tmp_path / "a.txt", vocabulary=words[:10], memory=memory)
    expected = read_corpus(tmp_path / "a.txt", vocabulary=words[:10])
    assert (known.take(np.arange(50)) != expected.counts).nnz == 0


@pytest.mark.usefixtures("small")
def test_blocks_of_a_function() -> None:
    counts = random_counts()
    stream = open_documents(lambda: (counts[i : i + 7] for i in range(0, 50, 7)), memory=2000)
    assert (stream.take(np.arange(50)) != counts).nnz == 0
    assert stream.shape == counts.shape
    with pytest.raises(CorpusError, match="30 columns"):
        open_documents(lambda: [counts, counts[:, :3]])
    with pytest.raises(CorpusError, match="expected counts"):
        open_documents(lambda: [["one text", "another"]])
    with pytest.raises(CorpusError, match="not negative"):
        open_documents(lambda: [-counts])
    with pytest.raises(CorpusError, match="at least one document"):
        open_documents(lambda: [])


@pytest.mark.usefixtures("small")
def test_documents_in_no_order(tmp_path: Path) -> None:
    """Read as a whole where that fits, else a clear message."""
    (tmp_path / "a.docword").write_text("2\n3\n3\n2 2 5\n1 3 1\n1 1 2\n")
    stream = open_documents(tmp_path / "a.docword")
    assert stream.take(np.arange(2)).toarray().tolist() == [[2, 0, 1], [0, 5, 0]]
    with pytest.raises(CorpusError, match=r"in order.*at least 1 kB of memory"):
        open_documents(tmp_path / "a.docword", memory=40)
    counts = random_counts()
    sparse.save_npz(tmp_path / "c.npz", sparse.csc_array(counts))
    assert (open_documents(tmp_path / "c.npz").take(np.arange(50)) != counts).nnz == 0


def test_too_little_memory(tmp_path: Path) -> None:
    npz(tmp_path / "c.npz", random_counts())
    with pytest.raises(CorpusError, match="need at least 68 MB of memory, got 1 MB"):
        open_documents(tmp_path / "c.npz", memory=1_000_000)

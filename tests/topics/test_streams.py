"""Topics of documents that are larger than memory: the bits of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import vivace.io.corpora.room as room_module
from vivace import Checkpoint, LatentDirichletAllocation
from vivace.io import Corpus, CorpusStream, open_documents, write_corpus
from vivace.io import spool as spool_module
from vivace.io.corpora import stream as stream_module


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "CHUNK", 1 << 12)
    for module in (room_module, stream_module):
        monkeypatch.setattr(module, "WORKING", 0)


def counts() -> sparse.csr_array:
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(200, 0.05), 8)
    shares = rng.dirichlet(np.full(8, 0.2), 1500)
    return sparse.csr_array(rng.poisson(20 * shares @ topics).astype(np.float64))


FITS: dict[str, dict[str, Any]] = {
    "batch": {"doc_topic_prior": "auto"},
    "online": {"learning_method": "online", "batch_size": 200},
    "memoized": {"learning_method": "memoized", "batch_size": 400},
    "held out": {"learning_method": "online", "batch_size": 200, "validation_fraction": 0.2},
    "random": {"init": "random", "learning_method": "memoized", "batch_size": 100},
    "cvb0": {"inference": "cvb0"},
}


def model(name: str, **more: Any) -> LatentDirichletAllocation:
    settings = {"n_components": 6, "random_state": 0, "max_iter": 4, "evaluate_every": 2}
    return LatentDirichletAllocation(**(settings | FITS[name] | more))


@pytest.mark.parametrize("name", FITS)
def test_same_fit(name: str, tmp_path: Path) -> None:
    X = counts()
    sparse.save_npz(tmp_path / "x.npz", X)
    full = model(name).fit(X)
    memories = (10**9,) if name == "cvb0" else (60_000, 200_000, 10**9)
    for n_jobs, memory in enumerate(memories, 1):
        stream = open_documents(tmp_path / "x.npz", memory=memory)
        assert stream.in_memory == (memory == 10**9)
        found = model(name, n_jobs=n_jobs).fit(stream)
        assert np.array_equal(found.components_, full.components_)
        assert found.n_features_in_ == full.n_features_in_
        for attribute in ("elbo_trace_", "validation_trace_", "log_likelihood_trace_"):
            assert hasattr(found, attribute) == hasattr(full, attribute)
            if hasattr(full, attribute):
                assert np.array_equal(getattr(found, attribute), getattr(full, attribute))
        assert np.array_equal(found.transform(stream), full.transform(X))
        assert found.score(stream) == pytest.approx(full.score(X), rel=1e-12)
        assert found.bound_ == pytest.approx(full.bound_, rel=1e-12)
        assert found.document_completion(stream) == pytest.approx(
            full.document_completion(X), rel=1e-12
        )
        coherence = full.coherence(X)
        assert np.array_equal(found.coherence(stream), coherence, equal_nan=True)
        assert found.elbo(stream) == pytest.approx(full.elbo(X), rel=1e-12)


def test_what_can_be_given(tmp_path: Path) -> None:
    X = counts()
    sparse.save_npz(tmp_path / "x.npz", X)
    weights = np.arange(1500) % 3
    full = model("online").fit(X, sample_weight=weights)
    halves = [tmp_path / "a.npz", tmp_path / "b.npz"]
    sparse.save_npz(halves[0], X[:700])
    sparse.save_npz(halves[1], X[700:])

    def blocks() -> Any:
        return (X[i : i + 100] for i in range(0, 1500, 100))

    for given in (str(tmp_path / "x.npz"), tmp_path / "x.npz", halves, blocks):
        found = model("online").fit(given, sample_weight=weights)
        assert np.array_equal(found.components_, full.components_)
    partial = model("online").partial_fit(X).partial_fit(X)
    streamed = model("online").partial_fit(tmp_path / "x.npz").partial_fit(blocks)
    assert np.array_equal(partial.components_, streamed.components_)


def test_text_and_vocabulary(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    words = np.array([f"w{i}" for i in range(40)])
    texts = [" ".join(rng.choice(words, 15)) for _ in range(60)]
    (tmp_path / "t.txt").write_text("\n".join(texts) + "\n")
    found = LatentDirichletAllocation(3, random_state=0).fit(tmp_path / "t.txt")
    assert found.vocabulary_.tolist() == sorted(words.tolist())
    assert np.array_equal(found.transform(tmp_path / "t.txt"), found.transform(texts))
    by_counts = LatentDirichletAllocation(3, random_state=0).fit(np.eye(4))
    with pytest.raises(ValueError, match="does not know how text becomes words"):
        by_counts.transform(tmp_path / "t.txt")
    write_corpus(tmp_path / "c.npz", Corpus(counts()))
    with pytest.raises(ValueError, match="200 features, but LatentDirichletAllocation is"):
        by_counts.transform(tmp_path / "c.npz")


def test_single_precision(tmp_path: Path) -> None:
    X = counts().astype(np.float32)
    sparse.save_npz(tmp_path / "x.npz", X)
    full = model("memoized").fit(X)
    stream = open_documents(tmp_path / "x.npz", dtype=np.float32, memory=60_000)
    found = model("memoized").fit(stream)
    assert np.array_equal(found.components_, full.components_)
    double = open_documents(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="Open the documents with dtype='float32'"):
        found.transform(double)


def test_collapsed_inference_says_what_it_takes(tmp_path: Path) -> None:
    sparse.save_npz(tmp_path / "x.npz", counts())
    with pytest.raises(ValueError, match="takes at least 2 MB of memory, got 0"):
        model("cvb0").fit(open_documents(tmp_path / "x.npz", memory=60_000))


@pytest.mark.parametrize("name", ["batch", "online", "memoized"])
def test_resumed(name: str, tmp_path: Path) -> None:
    """Stopped after every step; local states come back onto the shelf."""
    sparse.save_npz(tmp_path / "x.npz", counts())

    def stream(memory: int) -> CorpusStream:
        return open_documents(tmp_path / "x.npz", memory=memory)

    full = model(name).fit(counts())
    asked = [0]

    def poll() -> BaseException | None:
        asked[0] += 1
        return KeyboardInterrupt() if asked[0] % 3 == 0 else None

    found = model(name)
    for attempt in range(60):
        checkpoint = Checkpoint(tmp_path / "job", every=0.0, resume=True, poll=poll)
        try:
            found.fit(stream(60_000 if attempt % 2 else 10**9), checkpoint=checkpoint)
            break
        except KeyboardInterrupt:
            continue
    assert asked[0] > 3
    assert np.array_equal(found.components_, full.components_)
    assert np.array_equal(found.elbo_trace_, full.elbo_trace_)

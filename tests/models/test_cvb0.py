"""Collapsed variational Bayes against the slow reference: precisions, instruction sets, threads."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from scipy import sparse

from vivace import _core
from vivace.engine import Block, CsrRows, CsrSource, Layout, ThreadExecutor
from vivace.models.collapsed_table import CollapsedTable, Visited
from vivace.models.cvb0 import (
    BATCH_BYTES,
    FIRST_SWEEPS,
    MOMENTUM,
    CollapsedModel,
    batch_edges,
    store_bytes,
)
from vivace.models.documents import Sweeps
from vivace.models.topics import WordPrior

KEEP = {np.float32: naive.half, np.float64: naive.single}
TOLERANCE = {np.float32: 2e-3, np.float64: 1e-5}


def source_of(counts, dtype=np.float64, weights=None):
    rows = sparse.csr_array(counts)
    return CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), rows.shape[1], weights)


def make_model(n_words, n_topics, dtype, alpha=0.1, eta=0.05):
    values = np.full((1, 1), eta) if np.isscalar(eta) else eta
    prior = WordPrior(np.asarray(values, dtype), n_words, n_topics)
    return CollapsedModel(np.full(n_topics, alpha), prior, Sweeps(100, 1e-3), seed=3)


def start_of(model, seed=0):
    rng = np.random.default_rng(seed)
    return model.start(
        model.prior.values + 3 * rng.random((model.n_words, model.n_topics)).astype(model.dtype)
    )


def fit(model, source, passes, n_threads=1, batch_rows=None):
    """Topics and objective after each pass."""
    executor = ThreadExecutor(n_threads)
    layout = Layout(source.n_rows, batch_rows, source.n_rows)
    work = model.begin_sweeps(source, layout, start_of(model), executor)
    found = []
    with executor:
        for _ in range(passes):
            topics, objective = work.sweep()
            found.append((topics.counts.dense().copy(), topics.totals, objective))
    return found


def reference(model, counts, passes, dtype, batch_rows=None, weights=None, lean=False):
    """The same from the slow implementation, in float64 but for the shares that are kept."""
    order = np.random.default_rng(model.seed).permutation(len(counts))
    stride = _core.topic_stride(model.n_topics, dtype == np.float32)
    sizes = (counts[order] > 0).sum(axis=1)
    edges = batch_edges(sizes, batch_rows, stride * np.dtype(dtype).itemsize)
    batches = [order[a:b] for a, b in pairwise(edges)]
    prior = model.prior.values.astype(np.float64)
    start = start_of(model).parameters().astype(np.float64)
    table, gammas = start.copy(), np.zeros((len(counts), *start.shape))
    expected = np.zeros_like(start)
    tokens = (counts.sum(axis=1) * (1.0 if weights is None else weights)).sum()
    found, last = [], -np.inf
    keep = naive.lean(KEEP[dtype]) if lean else KEEP[dtype]
    for i in range(passes):
        settings = {"sweeps": FIRST_SWEEPS, "fresh": True} if i == 0 else {}
        likelihood = naive.collapsed_pass(
            counts, batches, table, gammas, model.alpha, keep=keep, truncated=lean, weights=weights,
            least=prior.min() / 2, **settings,
        )  # fmt: skip
        objective = likelihood / tokens
        before = expected
        weighted = counts if weights is None else counts * weights[:, None]
        expected = np.einsum("dw,dwk->wk", weighted, gammas)
        step = MOMENTUM if i > 1 and objective > last else 0.0
        last = objective
        table = np.maximum(expected + step * (expected - before), 0.0) + prior
        found.append((expected, objective))
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_topics", [1, 3, 16, 23, 100, 140])
@pytest.mark.parametrize(("scale", "weighted"), [(1.0, False), (0.4, False), (1.0, True)])
def test_passes_match_the_reference(dtype, n_topics, scale, weighted):
    counts = planted(40, n_words=50, seed=n_topics)[0] * scale
    weights = np.random.default_rng(1).choice([0.5, 1.0, 2.0, 0.0], 40) if weighted else None
    model = make_model(50, n_topics, dtype)
    source = source_of(counts, dtype, weights)
    found = fit(model, source, 5, batch_rows=7)
    wanted = reference(model, counts, 5, dtype, 7, weights)
    for (topics, totals, objective), (expected, likelihood) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(topics, expected, atol=TOLERANCE[dtype] * 40)
        assert objective == pytest.approx(likelihood, abs=TOLERANCE[dtype])
        np.testing.assert_allclose(totals, expected.sum(axis=0) + 50 * 0.05, rtol=1e-3)


@pytest.mark.parametrize("n_topics", [3, 12, 13, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_lean_passes_match_the_reference(n_topics, weighted):
    """In float64: rounding may decide which responsibilities are kept."""
    counts = planted(40, n_words=50, seed=n_topics)[0]
    weights = np.random.default_rng(1).choice([0.5, 1.0, 2.0], 40) if weighted else None
    model = make_model(50, n_topics, np.float64)
    model.store = "lean"
    found = fit(model, source_of(counts, np.float64, weights), 5, batch_rows=7)
    wanted = reference(model, counts, 5, np.float64, 7, weights, lean=True)
    for (topics, _, objective), (expected, likelihood) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(topics, expected, atol=1e-3)
        assert objective == pytest.approx(likelihood, abs=1e-4)


def test_lean_stores_in_single_precision():
    counts = np.tile(planted(100)[0], (3, 1))
    for n_topics in (5, 30):
        models = [make_model(60, n_topics, np.float32) for _ in range(2)]
        models[1].store = "lean"
        full, lean = (fit(model, source_of(counts, np.float32), 20)[-1] for model in models)
        assert lean[2] == pytest.approx(full[2], abs=0.05)
        np.testing.assert_allclose(lean[0].sum(axis=1), counts.sum(axis=0), rtol=2e-3)


@pytest.mark.parametrize("isa", _core.available_isas())
def test_every_instruction_set(isa):
    """The tests above, in a process that uses it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__)),
         "-k", "(match_the_reference and (16 or 23 or 100)) or lean"],
        env={**os.environ, "VIVACE_ISA": isa}, capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("shape", ["words", "both"])
def test_priors_of_any_shape(shape):
    counts = planted(60, n_words=30)[0]
    rng = np.random.default_rng(0)
    eta = rng.uniform(0.01, 1.0, (30, 1) if shape == "words" else (30, 4))
    model = make_model(30, 4, np.float64, eta=eta)
    found = fit(model, source_of(counts), 3)
    wanted = reference(model, counts, 3, np.float64)
    for (topics, _, objective), (expected, likelihood) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(topics, expected, atol=1e-3)
        assert objective == pytest.approx(likelihood, abs=1e-5)


def test_large_totals_need_no_division():
    """The expansion of 1 / (total - x) is as good as the division."""
    counts = planted(60, n_words=30)[0] * 40
    for dtype in (np.float32, np.float64):
        model = make_model(30, 3, dtype, eta=100.0 if dtype == np.float32 else 1e4)
        found = fit(model, source_of(counts, dtype), 4)
        wanted = reference(model, counts, 4, dtype)
        for (topics, _, objective), (expected, likelihood) in zip(found, wanted, strict=True):
            np.testing.assert_allclose(topics, expected, atol=TOLERANCE[dtype] * 4000)
            assert objective == pytest.approx(likelihood, abs=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_number_of_threads(dtype):
    source = source_of(np.tile(planted()[0], (5, 1)), dtype)
    model = make_model(60, 20, dtype)
    one = fit(model, source, 4)
    for n_threads in (2, 5):
        for a, b in zip(one, fit(model, source, 4, n_threads), strict=True):
            np.testing.assert_array_equal(a[0], b[0])
            np.testing.assert_array_equal(a[1], b[1])
            assert a[2] == b[2]


def test_counts_are_those_of_the_corpus():
    counts = planted()[0]
    for dtype in (np.float32, np.float64):
        topics = fit(make_model(60, 20, dtype), source_of(counts, dtype), 30)[-1][0]
        np.testing.assert_allclose(topics.sum(axis=1), counts.sum(axis=0), rtol=1e-3)
        assert topics.min() >= 0


def test_one_topic():
    """What is left is the leave-one-out likelihood of the words themselves."""
    counts = planted()[0]
    topics, _, objective = fit(make_model(60, 1, np.float64), source_of(counts), 3)[-1]
    total = counts.sum(axis=0)
    np.testing.assert_allclose(topics[:, 0], total)
    chance = (total - 1 + 0.05) / (total.sum() - 1 + 60 * 0.05)
    seen = total > 0
    assert objective == pytest.approx(total[seen] @ np.log(chance[seen]) / total.sum(), abs=1e-4)


def test_corpora_with_nothing_in_them():
    for counts in (np.zeros((5, 4)), np.eye(5, 4)[:, :4] * np.array([1, 0, 0, 0])):
        model = make_model(4, 3, np.float64)
        topics, _, objective = fit(model, source_of(counts), 3)[-1]
        np.testing.assert_allclose(topics.sum(axis=1), counts.sum(axis=0), atol=1e-6)
        assert np.isfinite(objective)


def test_batches():
    sizes = np.full(10_000, 30)
    edges = batch_edges(sizes, None, 448)
    entries = np.diff(edges) * 30
    assert edges[0] == 0
    assert edges[-1] == 10_000
    assert entries[0] < 300
    assert entries.max() * 448 <= BATCH_BYTES
    assert np.diff(batch_edges(sizes, 50, 448)).max() == 50
    # A document longer than a batch is a batch.
    assert batch_edges(np.array([10**6, 1, 10**6]), None, 448).tolist()[-1] == 3
    assert batch_edges(np.zeros(3, int), None, 448)[-1] == 3


def test_memory_of_the_store():
    model = make_model(5, 100, np.float32)
    assert not model.is_lean(10**6)
    assert model.is_lean(10**8)
    model.store = "full"
    assert not model.is_lean(10**8)
    assert store_bytes(make_model(5, 100, np.float32), 1000) >= 200_000
    assert store_bytes(make_model(5, 100, np.float64), 1000) >= 400_000


def test_bad_arguments_are_refused():
    good = {
        "start": np.array([0, 2]), "words": np.array([0, 1], np.int32), "counts": np.ones(2),
        "weights": None, "n_words": 2, "order": np.array([0]), "batches": np.array([0, 1]),
        "block_entries": 100,
    }  # fmt: skip
    assert _core.Cvb0Corpus(**good).n_entries == 2
    for name, value in [
        ("start", np.array([0, 3])),
        ("start", np.array([1, 2])),
        ("words", np.array([0, 2], np.int32)),
        ("words", np.array([0, -1], np.int32)),
        ("order", np.array([1])),
        ("batches", np.array([0, 2])),
        ("weights", np.ones(3)),
    ]:
        with pytest.raises(ValueError, match=name):
            _core.Cvb0Corpus(**good | {name: value})
    with pytest.raises(TypeError, match="counts"):
        _core.Cvb0Corpus(**good | {"counts": np.ones(2, int)})


@pytest.mark.parametrize("entries", [2**16, 2**16 + 1])
def test_documents_of_any_length(entries):
    """Places of entries within a batch take 16 bits or 32."""
    rows = CsrRows(
        np.array([0, entries]), np.arange(entries, dtype=np.int32), np.ones(entries), entries
    )
    model = make_model(entries, 2, np.float64)
    start = model.start(np.random.default_rng(0).random((entries, 2)) + 0.1)
    table = CollapsedTable.of(start, ThreadExecutor(1))
    before = table.values[:, :2].sum(axis=1)
    visited = Visited(model, Block(rows, None, 0, 1), np.array([0]), np.array([0, 1]))
    table.visit(visited, 1, True, ThreadExecutor(1))
    np.testing.assert_allclose(table.values[:, :2].sum(axis=1) - before, 1.0, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_the_table_holds_beyond_counts_is_made_again(dtype):
    """Expected counts are found again after any step, from those of the two passes before."""
    rng = np.random.default_rng(0)
    words, topics, prior = 6, 5, 0.3
    stride = _core.topic_stride(topics, dtype == np.float32)
    table = np.zeros((words, stride), dtype)
    table[:, :topics] = rng.random((words, topics)) - 0.4  # a start with anything in it
    counts = [np.zeros((words, topics), dtype), table[:, :topics].copy()]
    begun = None
    for step in (0.0, 0.8, 0.8, 0.0):
        added = rng.random((words, topics)).astype(dtype) * (rng.random((words, topics)) < 0.5)
        before = counts[0].copy()
        now = before + added  # in the first pass everything is new, else this much moves
        table[:, :topics] += added
        sums = np.empty((2, topics))
        _core.cvb0_extrapolate(
            table, counts[0], counts[1], np.full((1, 1), prior, dtype), 0, words, begun, step, sums
        )
        counts, begun = counts[::-1], step
        np.testing.assert_allclose(counts[0], now, rtol=1e-5, atol=1e-6)
        ahead = np.maximum(now + step * (now - before), 0.0) + prior
        np.testing.assert_allclose(table[:, :topics], ahead, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(sums, [counts[0].sum(axis=0), ahead.sum(axis=0)], rtol=1e-5)


def test_bad_ranges_and_priors_are_refused():
    stride = _core.topic_stride(3, False)
    good = {
        "table": np.full((4, stride), 2.0), "previous": np.ones((4, 3)),
        "counts": np.zeros((4, 3)), "prior": np.ones((1, 1)),
        "first": 0, "last": 4, "begun": None, "step": 0.5, "sums": np.empty((2, 3)),
    }  # fmt: skip
    _core.cvb0_extrapolate(**good)
    np.testing.assert_array_equal(good["sums"][0], 8.0)
    for name, value in [("first", 5), ("last", 5)]:
        with pytest.raises(ValueError, match="first and last must be a range below 4"):
            _core.cvb0_extrapolate(**good | {name: value})
    for shape in [(3, 1), (1, 2), (4, 4)]:
        with pytest.raises(ValueError, match="prior must have one row or one a word"):
            _core.cvb0_extrapolate(**good | {"prior": np.ones(shape)})

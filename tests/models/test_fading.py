"""Passes that keep nothing of documents, against the slow reference: precisions, parts, threads."""

from __future__ import annotations

from itertools import pairwise

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from scipy import sparse

from vivace import _core
from vivace.engine import CsrSource, ThreadExecutor
from vivace.models import fading
from vivace.models.cvb0 import FIRST_ENTRIES, batch_edges
from vivace.models.documents import Sweeps
from vivace.models.lda import LatentDirichletModel
from vivace.models.topics import WordPrior

KEEP = {np.float32: naive.half, np.float64: naive.single}


def source_of(counts, dtype, weights=None):
    rows = sparse.csr_array(counts)
    return CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), rows.shape[1], weights)


def model_of(n_words, n_topics, dtype, eta=0.05):
    values = np.full((1, 1), eta) if np.isscalar(eta) else eta
    prior = WordPrior(np.asarray(values, dtype), n_words, n_topics)
    return LatentDirichletModel(np.full(n_topics, 0.1), prior, Sweeps(100, 1e-3), seed=3)


def start_of(model):
    noise = np.random.default_rng(0).random((model.n_words, model.n_topics))
    return model.start((model.prior.values + 3 * noise).astype(model.dtype))


def passes(model, source, n, n_threads=1, **more):
    return passes_and_likelihood(model, source, n, n_threads, **more)[0]


def passes_and_likelihood(model, source, n, n_threads=1, **more):
    with ThreadExecutor(n_threads) as executor:
        return fading.fade(model, source, start_of(model), executor, n, **more)


def reference(model, counts, n, dtype, weights, chosen):
    """The same from the slow implementation, in float64 but for the shares that are kept."""
    weights = np.ones(len(counts)) if weights is None else weights
    chosen = np.arange(len(counts)) if chosen is None else chosen
    sizes, tokens = (counts > 0).sum(axis=1), counts.sum(axis=1) * weights
    prior = np.broadcast_to(model.prior.values.astype(np.float64), model.prior.shape)
    table, likelihood = start_of(model).parameters().astype(np.float64), 0.0
    entry_bytes = _core.topic_stride(model.n_topics, dtype == np.float32) * np.dtype(dtype).itemsize
    most = min(
        fading.ENTRIES_PER_WORD * counts.shape[1], sizes[chosen].sum() // fading.FEWEST_GROUPS
    )
    rng = np.random.default_rng(model.seed)
    for i in range(n):
        left, likelihood = list(rng.permutation(chosen)), 0.0
        while left:
            group = [left.pop(0)]
            while left and sizes[group].sum() + sizes[left[0]] <= most:
                group.append(left.pop(0))
            begun = FIRST_ENTRIES if i == 0 and len(left) + len(group) == len(chosen) else most
            edges = batch_edges(sizes[group], None, entry_bytes, begun)
            part = fading.RATE * tokens[group].sum() / tokens[chosen].sum()
            keep = 1.0 if i == 0 else 1.0 - min(part, fading.MOST_FORGOTTEN)
            table = keep * table + (1.0 - keep) * prior
            gammas = np.zeros((len(counts), *table.shape))
            likelihood += naive.collapsed_pass(
                counts, [group[a:b] for a, b in pairwise(edges)], table, gammas, model.alpha,
                keep=KEEP[dtype], sweeps=fading.SWEEPS, fresh=True, weights=weights,
                least=prior.min() / 2,
            )  # fmt: skip
    found = np.maximum(table - prior, 0.0)
    whole = tokens[chosen].sum()
    return found * whole / (table - prior).sum(), likelihood / whole


def test_documents_in_memory_at_a_time_do_not_matter(monkeypatch):
    counts = planted(300, n_words=40, seed=1)[0]
    model, found = model_of(40, 4, np.float32), []
    monkeypatch.setattr(fading, "FEWEST_GROUPS", 2)
    monkeypatch.setattr(fading, "ENTRIES_PER_WORD", 50)
    monkeypatch.setattr(fading, "batch_edges", lambda sizes, *_: np.arange(0, len(sizes) + 1))
    for most in (0.0, 0.5, 3.0, np.inf):
        monkeypatch.setattr(fading, "VISITED_PER_WORD", most)
        found.append(passes_and_likelihood(model, source_of(counts, np.float32), 2))
    for topics, likelihood in found[1:]:
        assert likelihood == found[0][1]
        np.testing.assert_array_equal(topics.counts.values, found[0][0].counts.values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["plain", "weighted", "some", "a prior for each word"])
def test_passes_match_the_reference(dtype, kind):
    counts = planted(60, n_words=40, seed=1)[0]
    weights = np.random.default_rng(1).choice([0.5, 1.0, 2.0], 60) if kind == "weighted" else None
    chosen = np.arange(5, 45) if kind == "some" else None
    eta = 0.05
    if kind == "a prior for each word":
        eta = np.random.default_rng(2).uniform(0.02, 0.2, (40, 1))
    model = model_of(40, 7, dtype, eta)
    source = source_of(counts, dtype, weights)
    topics, likelihood = passes_and_likelihood(model, source, 3, chosen=chosen)
    wanted, expected = reference(model, counts, 3, dtype, weights, chosen)
    assert likelihood == pytest.approx(expected, rel=1e-3)
    found, single = topics.counts.dense(), dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=0.08 if single else 1e-4, rtol=3e-3)
    np.testing.assert_allclose(
        topics.totals, model.prior.totals + found.sum(axis=0, dtype=np.float64), rtol=1e-6
    )


def test_counts_come_to_those_of_the_documents_or_to_what_they_stand_for():
    counts = planted(800)[0]
    model = model_of(60, 5, np.float64)
    source = source_of(counts, np.float64)
    assert passes(model, source, 8).counts.dense().sum() == pytest.approx(counts.sum(), rel=1e-3)
    half = passes(model, source, 8, chosen=np.arange(400), n_tokens=counts.sum())
    assert half.counts.dense().sum() == pytest.approx(counts.sum(), rel=1e-3)


def test_the_same_bits_for_any_number_of_threads():
    for dtype in (np.float32, np.float64):
        source = source_of(np.tile(planted()[0], (5, 1)), dtype)
        model = model_of(60, 20, dtype)
        one = passes(model, source, 2)
        for n_threads in (2, 5):
            other = passes(model, source, 2, n_threads)
            np.testing.assert_array_equal(one.counts.dense(), other.counts.dense())
            np.testing.assert_array_equal(one.totals, other.totals)


def test_corpora_with_nothing_in_them():
    for counts in (np.zeros((5, 4)), np.eye(5, 4) * np.array([1, 0, 0, 0])):
        topics = passes(model_of(4, 3, np.float64), source_of(counts, np.float64), 3)
        assert np.isfinite(topics.counts.dense()).all()
        assert topics.counts.dense().sum() < 40

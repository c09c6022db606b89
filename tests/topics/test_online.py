"""Rates of online learning: what its start counts as, and what is left of the start."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted_csr

import vivace
from vivace import LatentDirichletAllocation
from vivace.engine import Stochastic
from vivace.topics import _starts
from vivace.topics._starts import PASSES_OF_START

SHORT = planted_csr(n_documents=2000, n_words=400, n_topics=20, length=8)
SEEN, HELD_OUT = SHORT[:1000], SHORT[1000:]


def online(**settings):
    settings = {"n_components": 20, "batch_size": 100, "max_iter": 3, "random_state": 0} | settings
    return LatentDirichletAllocation(learning_method="online", n_jobs=1, **settings)


@pytest.fixture
def rates(monkeypatch):
    """The rates of all steps, in their order."""
    found, rate = [], Stochastic.rate
    monkeypatch.setattr(
        Stochastic, "rate", lambda self, step: found.append(rate(self, step)) or found[-1]
    )
    return found


def expected(steps, before=0, decay=0.7):
    """scikit-learn's rates of so many steps that come after others."""
    return (np.arange(1, steps + 1) + before + 10.0) ** -decay


@pytest.mark.parametrize(("n_documents", "n_batches"), [(1000, 10), (750, 8), (300, 3)])
def test_a_start_from_documents_counts_as_passes(n_documents, n_batches, rates):
    lda = online(learning_decay=0.6).fit(SEEN[:n_documents])
    before = PASSES_OF_START * n_batches
    np.testing.assert_allclose(rates, expected(3 * n_batches, before, 0.6), rtol=1e-12)
    assert lda.n_batch_iter_ == 3 * n_batches + 1


def test_it_is_that_offset(monkeypatch):
    found = online().fit(SEEN).components_
    monkeypatch.setattr(_starts, "PASSES_OF_START", 0)
    by_hand = online(learning_offset=10.0 + PASSES_OF_START * 10).fit(SEEN)
    np.testing.assert_array_equal(found, by_hand.components_)
    assert not np.array_equal(found, online().fit(SEEN).components_)


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({"init": "random"}, SEEN),
        ({"topics_init": np.full((20, 400), 0.5)}, SEEN),
        ({}, SEEN[:299]),  # few documents: a random start
    ],
)
def test_other_starts_have_the_rates_of_scikit_learn(settings, counts, rates):
    online(**settings).fit(counts)
    np.testing.assert_allclose(rates, expected(len(rates)), rtol=1e-12)


def test_a_part_that_is_sampled_counts_as_its_own_passes(monkeypatch, rates):
    monkeypatch.setattr(_starts, "MOST_TOKENS", int(SEEN.sum() / 4))
    online(max_iter=1).fit(SEEN)
    np.testing.assert_allclose(rates, expected(10, PASSES_OF_START * 10 / 4), rtol=1e-12)
    rates.clear()
    # A weight is so many documents.
    online(max_iter=1).fit(SEEN, sample_weight=np.full(1000, 2.0))
    np.testing.assert_allclose(rates, expected(10, PASSES_OF_START * 10 / 8), rtol=1e-12)


def test_fits_that_go_on_take_the_next_steps(rates, tmp_path):
    lda = online(max_iter=1, warm_start=True).fit(SEEN).fit(SEEN)
    lda.save(tmp_path / "model")
    loaded = vivace.load(tmp_path / "model").partial_fit(SEEN[:100])
    np.testing.assert_allclose(rates, expected(21, PASSES_OF_START * 10), rtol=1e-12)
    np.testing.assert_array_equal(lda.partial_fit(SEEN[:100]).components_, loaded.components_)
    assert rates[-1] == rates[-2]
    rates.clear()
    # A fit of another kind counts its passes, as in scikit-learn.
    lda.set_params(learning_method="batch", max_iter=2).fit(SEEN).partial_fit(SEEN[:100])
    np.testing.assert_allclose(rates, expected(1, 2), rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_online_learning_keeps_what_its_start_has_found(seed):
    """It lost 0.15 nats a token here at the rates of a random start; the start's own are -5.95."""
    start = online(max_iter=0, random_state=seed).fit(SEEN).document_completion(HELD_OUT)
    later = online(max_iter=3, random_state=seed).fit(SEEN).document_completion(HELD_OUT)
    assert start > -6.0
    assert later > start - 0.06

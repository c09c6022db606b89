"""Means of counts without their zeros against tables of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from vivace.engine import CsrSource, ThreadExecutor
from vivace.models.documents import Sweeps
from vivace.models.sampled import SampledModel, SampledSweeps
from vivace.models.topics import WordPrior

WORDS, TOPICS = 1_300, 70  # two parts of the words; more topics than bits of a word


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (WORDS, 1), (WORDS, TOPICS)])
def test_means_without_their_zeros_are_the_same(dtype, shape):
    rng = np.random.default_rng(0)
    rows = sparse.csr_array(rng.poisson(0.02, (80, WORDS)))
    source = CsrSource(rows.indptr, rows.indices, rows.data.astype(dtype), WORDS)
    prior = WordPrior(rng.uniform(0.05, 0.1, shape).astype(dtype), WORDS, TOPICS)
    model = SampledModel(np.full(TOPICS, 0.1), prior, Sweeps(100, 1e-3), seed=3)
    start = (3.0 * rng.random((WORDS, TOPICS)) + 0.1).astype(dtype)
    plain = SampledSweeps(model, source, model.start(start.copy()), ThreadExecutor(1))
    packed = SampledSweeps(model, source, model.start(start), ThreadExecutor(2), in_place=True)
    for _ in range(4):
        topics, likelihood = plain.sweep()
        totals, found = packed.draw()
        assert likelihood == found
        np.testing.assert_array_equal(topics.totals, totals)
    means = packed.take()
    assert 0.0 < (means != 0.0).mean() < 0.5
    np.testing.assert_array_equal(topics.counts.values, means)

"""Random parameters that documents start from: the reference, and whose they are."""

from __future__ import annotations

import naive_topics as naive
import numpy as np
import pytest
from corpora import planted
from scipy import sparse

from vivace.models.documents import START, START_WIDTH, random_start


def started(counts, n_topics, seed, dtype=np.float64, at=slice(None)):
    rows = sparse.csr_array(counts[at])
    gamma = np.empty((rows.shape[0], n_topics), dtype)
    start = rows.indptr.astype(np.int64)
    random_start(start, rows.indices.astype(np.int32), rows.data.astype(dtype), seed, gamma)
    return gamma


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_topics", [1, 9, 50])
def test_random_starts_match_the_reference(n_topics, dtype):
    counts, _ = planted(30)
    counts[3] = 0.0
    counts[4] *= 0.3
    expected = naive.random_start(counts, n_topics, 2**40 + 4, START, START_WIDTH)
    found = started(counts, n_topics, 2**40 + 4, dtype)
    np.testing.assert_allclose(found, expected, rtol=2 * np.finfo(dtype).eps)


def test_random_starts_belong_to_documents():
    counts, _ = planted(30)
    order = np.random.default_rng(0).permutation(30)
    start = started(counts, 9, 4)
    np.testing.assert_array_equal(started(counts[order], 9, 4), start[order])
    np.testing.assert_array_equal(started(counts, 9, 4, at=slice(7, 20)), start[7:20])
    other = started(counts, 9, 5)
    assert (other != start)[counts.any(axis=1)].all()
    many = started(planted(3000)[0], 9, 4)
    assert many.mean() == pytest.approx(1.0, abs=2e-3)
    assert many.std() == pytest.approx(0.1, rel=0.05)
    assert abs(np.corrcoef(many.T) - np.eye(9)).max() < 0.1

"""Compressed rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from vivace.engine import CsrSource

DENSE = np.array([[0, 2.0, 0, 1], [0, 0, 0, 0], [3, 0, 0, 4], [0, 0, 5, 0], [0, 0, 0, 0]])
ROWS = sparse.csr_array(DENSE)


def source(weights=None, dtype=np.float64):
    return CsrSource(ROWS.indptr, ROWS.indices, ROWS.data.astype(dtype), 4, weights)


@pytest.mark.parametrize(("start", "stop"), [(0, 5), (1, 4), (1, 2), (4, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_hold_their_rows(start, stop, dtype):
    weights = np.arange(5.0)
    block = source(weights, dtype).read(start, stop)
    rows = block.data
    assert rows.start.dtype == np.int64
    assert rows.columns.dtype == np.int32
    assert rows.values.dtype == dtype
    found = sparse.csr_array((rows.values, rows.columns, rows.start), (stop - start, 4))
    np.testing.assert_array_equal(found.toarray(), DENSE[start:stop])
    np.testing.assert_array_equal(block.weights, weights[start:stop])
    assert (block.start, block.stop) == (start, stop)
    assert source().read(start, stop).weights is None


def test_sizes():
    weights = np.array([1.0, 5, 2, 0.5, 7])
    assert (source().n_rows, source().n_columns, source().n_nonzeros) == (5, 4, 5)
    assert source().total_weight == DENSE.sum()
    assert source(weights).total_weight == pytest.approx(DENSE.sum(axis=1) @ weights)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="start must end"):
        CsrSource(ROWS.indptr, ROWS.indices[:-1], ROWS.data, 4)
    with pytest.raises(ValueError, match="sample_weight"):
        source(np.ones(3))
    with pytest.raises(ValueError, match="n_columns"):
        CsrSource(ROWS.indptr, ROWS.indices, ROWS.data, 2**31)

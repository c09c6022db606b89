"""What is kept of documents: packed, and the same bits when it is asked for."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivace import _core
from vivace.engine.aligned import Room
from vivace.io.spool import Shelf
from vivace.models.document_state import DocumentParameters


def drawn(seed, n_rows, n_topics, share, dtype):
    rng = np.random.default_rng(seed)
    common = rng.gamma(1.0, 0.1, n_topics).astype(dtype)
    gamma = np.tile(common, (n_rows, 1))
    other = rng.random(gamma.shape) < share
    gamma[other] += rng.gamma(1.0, 5.0, int(other.sum())).astype(dtype)
    return common, gamma


@given(
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(0, 20),
    n_topics=st.integers(1, 200),
    share=st.sampled_from([0.0, 0.04, 0.5, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    memory=st.sampled_from([None, 0, 2**20]),
)
@settings(max_examples=100)
def test_nothing_is_lost(seed, n_rows, n_topics, share, dtype, memory):
    common, gamma = drawn(seed, n_rows, n_topics, share, dtype)
    kept = DocumentParameters.of(gamma, common, Room(), None if memory is None else Shelf(memory))
    assert kept.shape == gamma.shape
    assert kept.load().tobytes() == gamma.tobytes()
    bits, values = kept.pack()
    np.testing.assert_array_equal(values, gamma[gamma != common])
    assert kept.nbytes == bits.nbytes + values.nbytes


def test_the_smallest_difference_counts_and_room_is_used_again():
    common, gamma = drawn(0, 3, 70, 0.0, np.float32)
    gamma[1, 69] = np.nextafter(common[69], np.float32(9))
    gamma[2, 0] = np.finfo(np.float32).smallest_subnormal
    room = Room()
    kept = DocumentParameters.of(gamma, common, room)
    assert kept.nbytes == 3 * 2 * 8 + 2 * 4
    DocumentParameters.of(gamma + 1, common, room)
    found = kept.load(room)
    assert found.tobytes() == gamma.tobytes()
    assert np.shares_memory(found, kept.load(room))
    assert pickle.loads(pickle.dumps(kept)).load().tobytes() == gamma.tobytes()


def test_what_was_never_packed_is_refused():
    common, gamma = drawn(0, 3, 70, 0.1, np.float64)
    bits, values = DocumentParameters.of(gamma, common, Room()).pack()
    with pytest.raises(ValueError, match="as many as there are values"):
        DocumentParameters(common, bits, values[1:]).load()
    bits[0, 1] ^= np.uint64((1 << 63) | 1)
    with pytest.raises(ValueError, match="as many as there are values"):
        DocumentParameters(common, bits, values).load()
    with pytest.raises(ValueError, match="room must hold 218 numbers, got 217"):
        _core.pack_rows(gamma, common, bits, np.empty(217))

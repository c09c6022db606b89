"""Arrays of models: where they begin, that they are empty at first, and that room is used again."""

import numpy as np
import pytest

from vivace.engine.aligned import CACHE_LINE, HUGE, LARGE, Room, aligned


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE - 1, LARGE, HUGE + 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16])
def test_arrays_begin_with_a_line_of_the_cache(size, dtype):
    columns = 3
    rows = size // columns // np.dtype(dtype).itemsize + 1
    array = aligned((rows, columns), dtype, make=np.zeros)
    assert array.shape == (rows, columns)
    assert array.dtype == dtype
    assert array.ctypes.data % CACHE_LINE == 0
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert not array.any()
    array[...] = 1
    assert array.all()


@pytest.mark.parametrize("size", [HUGE, HUGE + 1, 5 * HUGE - 1])
def test_large_arrays_begin_with_a_huge_page(size):
    array = aligned((size,), np.uint8)
    assert array.ctypes.data % HUGE == 0
    array[[0, -1]] = 1


def test_an_array_outlives_its_name():
    array = aligned((LARGE,), np.uint8)
    array[...] = 7
    part = array[-3:]
    del array
    assert part.tolist() == [7, 7, 7]


def test_no_memory_is_an_error_of_memory():
    with pytest.raises(MemoryError, match="MB of memory"):
        aligned((2**57,), np.uint8)


def test_room_is_used_again():
    room = Room()
    first = room.take("a", (4, 2), np.float32)
    assert np.shares_memory(first, room.take("a", (3, 2), np.float32))
    assert not np.shares_memory(first, room.take("b", (3, 2), np.float32))
    longer = room.take("a", (5, 2), np.float32)
    assert longer.shape == (5, 2)
    assert room.take("a", (2, 3), np.float32).shape == (2, 3)
    assert room.take("a", (2, 3), np.uint16).dtype == np.uint16
    assert not np.shares_memory(first, longer)

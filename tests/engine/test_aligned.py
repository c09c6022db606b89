"""Arrays of models: where they begin, that they are empty at first, and that room is used again."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from vivace.engine.aligned import (
    CACHE_LINE,
    HUGE,
    LARGE,
    Room,
    ThreadRoom,
    aligned,
    discard,
    mapped,
)


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


def resident():
    """Anonymous memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts resident memory")
def test_memory_of_rows_goes_back_to_the_system_before_the_array():
    rows = aligned((8_000, 1_001), np.float32)
    rows[...] = 1.0
    before = resident()
    discard(rows[1_000:7_000, :1_000])
    assert before - resident() > 0.95 * 6_000 * rows.strides[0]
    assert (rows[:1_000] == 1.0).all()
    assert (rows[7_000:] == 1.0).all()
    assert (rows[1_000:7_000, :1_000][1:-1] == 1.0).mean() < 0.01


@pytest.mark.parametrize("size", [0, 3, LARGE])
def test_few_numbers_are_mapped_too(size):
    array = mapped((size, 2), np.float32)
    assert array.shape == (size, 2)
    assert not array.any()
    assert array.ctypes.data % 4096 == 0
    array[...] = 1.0


def test_memory_of_others_is_left_alone():
    small, plain = aligned((10, 10)), np.ones((LARGE, 2))
    small[...] = 1.0
    for rows in (small, small[3:5], plain[:0], plain[:-1], aligned((LARGE, 2))[5:5]):
        discard(rows)
    assert (small == 1.0).all()
    assert (plain == 1.0).all()


def test_threads_have_rooms_of_their_own():
    room, found = ThreadRoom(), []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(room.take("a", (3,), np.float32)))
        thread.start()
        thread.join()
    assert not np.shares_memory(*found)
    own = room.take("a", (3,), np.float32)
    assert np.shares_memory(own, room.take("a", (2,), np.float32))

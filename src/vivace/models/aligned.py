"""Arrays that begin with a line of the cache: whole vectors of theirs lie in one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Bytes of a line of the cache.
CACHE_LINE = 64


def aligned(
    shape: tuple[int, ...],
    dtype: DTypeLike = np.float64,
    make: Callable[..., NDArray[np.uint8]] = np.empty,
) -> NDArray[Any]:
    """Return an array of any content, or with `make=np.zeros` of zeros."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = make(size + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(dtype).reshape(shape)

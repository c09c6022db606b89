"""One array as bytes in NumPy's .npy format, read back without evaluating or trusting anything."""

from __future__ import annotations

import math
import re
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

# What an array in a model file may hold: these are the same on every system and run no code.
_CODES = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16"
DTYPES = frozenset(np.dtype(order + code) for code in _CODES.split() for order in "<>")

_MAGIC = re.compile(rb"\x93NUMPY(?:\x01\x00|\x02\x00)")
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufc][0-9]{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \((|[0-9]+,|[0-9]+(?:, [0-9]+)+)\), \} *\n"
)
_MAX_HEADER = 4096  # 32 dimensions of 19 digits need 700 bytes
_MAX_DIMENSIONS = 32  # NumPy 1's limit
_CHUNK = 1 << 20


def write_array(file: IO[bytes], array: np.ndarray[Any, Any]) -> None:
    """Append `array` to `file`; Fortran order is kept, other strides become C order."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    data = array.T if fortran else np.ascontiguousarray(array).reshape(array.shape)
    header = npy_format.header_data_from_array_1_0(array)
    header["fortran_order"] = bool(fortran)
    npy_format.write_array_header_1_0(file, header)
    if data.size:
        raw = data.reshape(-1).view(np.uint8).data
        for start in range(0, len(raw), _CHUNK):
            file.write(raw[start : start + _CHUNK])


def read_array(file: IO[bytes], size: int) -> np.ndarray[Any, Any]:
    """Read an array that fills exactly `size` bytes of `file`.

    Type and shape are checked against `size` before memory is taken, so that nothing larger than
    the file itself is ever allocated.

    Raises
    ------
    ValueError
        The bytes are not such an array.
    """
    dtype, shape, fortran = read_head(file, size)
    n_bytes = math.prod(shape) * dtype.itemsize
    array = np.empty(shape, dtype, order="F" if fortran else "C")
    if n_bytes:
        flat = array.T if fortran else array
        _fill(file, flat.reshape(-1).view(np.uint8).data)
    if dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise ValueError("a truth value is neither 0 nor 1")
    return array


def read_head(file: IO[bytes], size: int) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Read type, shape and whether the order is Fortran's, of an array of exactly `size` bytes.

    The data follow in `file`.

    Raises
    ------
    ValueError
        The bytes are not the head of such an array.
    """
    start = file.read(8)
    if not _MAGIC.fullmatch(start):
        raise ValueError(f"expected an array in .npy format (version 1 or 2), got {start!r}")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if length > _MAX_HEADER:
        raise ValueError(f"expected a header of at most {_MAX_HEADER} bytes, got {length}")
    header = file.read(length)
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError(f"expected a header of a plain numeric array, got {header[:120]!r}")
    descr, fortran, shape_text = (group.decode("ascii") for group in match.groups())
    shape = tuple(int(part) for part in shape_text.split(",") if part.strip())
    dtype = _dtype(descr)
    if len(shape) > _MAX_DIMENSIONS or max(shape, default=0) >= 2**48:
        raise ValueError(f"expected at most {_MAX_DIMENSIONS} dimensions below 2**48, got {shape}")
    n_bytes = math.prod(shape) * dtype.itemsize
    expected = size - len(start) - width - length
    if n_bytes != expected:
        raise ValueError(
            f"shape {shape} and type {dtype} take {n_bytes} bytes, but {expected} are there"
        )
    return dtype, shape, fortran == "True"


def _dtype(descr: str) -> np.dtype[Any]:
    """The type that `descr` names, if a model file may hold it."""
    try:
        dtype = np.dtype(descr)
    except TypeError:
        dtype = None
    if dtype is None or dtype not in DTYPES or dtype.str != descr:
        names = ", ".join(sorted({d.name for d in DTYPES}))
        raise ValueError(f"expected one of the types {names}, got {descr!r}")
    return dtype


def _fill(file: IO[bytes], view: memoryview) -> None:
    """Fill `view` from `file` chunk by chunk."""
    position = 0
    while position < len(view):
        chunk = file.read(min(_CHUNK, len(view) - position))
        if not chunk:
            raise ValueError(f"the data end after {position} of {len(view)} bytes")
        view[position : position + len(chunk)] = chunk
        position += len(chunk)

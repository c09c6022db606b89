"""A table on standard input: copied once, so that it can be looked at and read again as a file is.

In memory up to a limit, beyond it in a scratch file without a name (`vivace.io.spool`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any

import numpy as np

from vivace.io.arrow import require_pyarrow
from vivace.io.spool import Scratch
from vivace.io.table import TableError

_NAME = "standard input"
_BLOCK = 1 << 20
#: Memory that the copy may take at most; it is not kept when the table has been read.
_MOST_IN_MEMORY = 64 << 20
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}

# Copies that tables are read from piece by piece: as long as the process.
_kept: list[Scratch] = []


class TextInput(str):
    """Path of the copy of a text table; messages show it as "standard input"."""

    copy: Scratch

    def __str__(self) -> str:
        return _NAME


def read_standard_input(memory: int) -> Any:
    """Copy the table on standard input.

    Its first bytes tell what it is: Parquet, an Arrow file or stream, else text, packed by gzip or
    zstd or not.

    Parameters
    ----------
    memory : int
        Bytes; a quarter of them, and 64 MB at most, may hold the copy.

    Returns
    -------
    table : TextInput or pyarrow.dataset.Dataset
        What `open_table`, `open_frame` and `table_runs` take.

    Raises
    ------
    TableError
        There is nothing on it, or it cannot be understood.
    OSError
        No room for the scratch file.
    """
    arrow = require_pyarrow(_NAME)
    room = min(memory // 4, _MOST_IN_MEMORY)
    copy = _copied(_blocks(sys.stdin.buffer), room)
    head = os.pread(copy.descriptor, 8, 0)
    if not head:
        raise TableError(f"{_NAME}: expected a table, got nothing")
    try:
        for magic, packing in _PACKED.items():
            if head.startswith(magic):
                with arrow.input_stream(_path(copy), compression=packing) as stream:
                    copy = _copied(_blocks(stream), room)
        if head.startswith(b"\xff\xff\xff\xff"):
            copy, head = _file_of_stream(arrow, copy), b"ARROW1"
        kind = {b"PAR1": "parquet", b"ARRO": "ipc"}.get(head[:4])
        if kind is None:
            text = TextInput(_path(copy))
            text.copy = copy
            return text
        from pyarrow import dataset

        _kept.append(copy)
        return dataset.dataset([_path(copy)], format=kind)
    except (arrow.ArrowException, OSError) as error:
        reason = str(error).replace(_path(copy), _NAME)[:300]
        raise TableError(
            f"{_NAME}: expected a table, got something else or a cut copy ({reason}). "
            "Remedy: look at what writes to it"
        ) from error


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _copied(blocks: Iterable[bytes], room: int) -> Scratch:
    """Put blocks into a file in memory, or a scratch file where that is too small."""
    copy, size = Scratch(in_memory=True), 0
    for block in blocks:
        if copy.in_memory and size + len(block) > room:
            larger = Scratch()
            for start in range(0, size, _BLOCK):
                held = os.pread(copy.descriptor, min(_BLOCK, size - start), start)
                larger.write(np.frombuffer(held, np.uint8), start)
            copy = larger
        copy.write(np.frombuffer(block, np.uint8), size)
        size += len(block)
    return copy


def _file_of_stream(arrow: Any, copy: Scratch) -> Scratch:
    """Write a stream of record batches as a file of them, which can be read at any place."""
    found = Scratch()
    with (
        arrow.OSFile(_path(copy)) as source,
        arrow.ipc.open_stream(source) as reader,
        arrow.OSFile(_path(found), "wb") as sink,
        arrow.ipc.new_file(sink, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return found


def _path(copy: Scratch) -> str:
    """A name under which this process can open the file, from its beginning."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return f"{folder}/{copy.descriptor}"

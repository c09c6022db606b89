"""How the files of a data set of Arrow are cut into pieces that are read as one."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from vivace.io.pieces import Piece

# Record batches are put together until they have so many rows: small ones cost more than they hold.
_LEAST_ROWS = 1 << 16


def pieces_of(fragment: Any, schema: Any, names: list[str]) -> list[Piece]:
    """Pieces of one file of a data set: row groups, record batches, or the whole."""

    def loader(part: Any) -> Callable[[], Any]:
        return lambda: part.to_table(schema=schema, columns=names, use_threads=False)

    if hasattr(fragment, "split_by_row_group"):
        return [
            Piece(sum(group.num_rows for group in part.row_groups), loader(part))
            for part in fragment.split_by_row_group()
        ]
    if not getattr(fragment, "path", None) or not os.path.exists(fragment.path):
        return [Piece(fragment.count_rows(), loader(fragment))]
    return _batches_of(fragment, schema, names)


def _batches_of(fragment: Any, schema: Any, names: list[str]) -> list[Piece]:
    """Record batches of an Arrow file, a few at a time."""
    import pyarrow
    from pyarrow import dataset as arrow_dataset

    path = fragment.path
    constants = arrow_dataset.get_partition_keys(fragment.partition_expression)

    def load(first: int, last: int) -> Any:
        # Not mapped: a file that is cut short under a map ends the process without a word.
        with pyarrow.OSFile(path) as file:
            reader = pyarrow.ipc.open_file(file, options=wanted)
            batches = [reader.get_batch(i) for i in range(first, last)]
            table = pyarrow.Table.from_batches(batches)
            for name, value in constants.items():
                if name in names and name not in table.column_names:
                    kind = schema.field(name).type
                    column = pyarrow.repeat(pyarrow.scalar(value, kind), table.num_rows)
                    table = table.append_column(name, column)
            return table.select(names)

    with pyarrow.OSFile(path) as file:
        reader = pyarrow.ipc.open_file(file)
        places = [reader.schema.get_field_index(name) for name in names]
        wanted = pyarrow.ipc.IpcReadOptions(included_fields=sorted({*places} - {-1}))
        sizes = [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]
    pieces, first, rows = [], 0, 0
    for i, size in enumerate(sizes):
        rows += size
        if rows >= _LEAST_ROWS or i + 1 == len(sizes):
            pieces.append(Piece(rows, partial(load, first, i + 1)))
            first, rows = i + 1, 0
    return pieces

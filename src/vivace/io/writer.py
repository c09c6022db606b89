"""Tables written a run of rows at a time, so that none has to fit into memory."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from vivace.io.atomic import replacing
from vivace.io.spool import CHUNK, Spool
from vivace.io.table import Array, StrPath, TableError
from vivace.io.tables import table_suffix

#: Suffixes of files that can be written a run of rows at a time.
APPENDABLE = (".npy", ".npz", ".csv", ".csv.gz", ".parquet", ".feather", ".arrow")

#: Rows of a row group or record batch: those of a large batch of online and memoized learning.
ROWS_OF_A_PIECE = 1 << 16

_NPZ_MEMORY = 64 << 20  # bytes of an archive that are held until its length is known
_NPY_HEAD = 128  # bytes of the header, with room for any number of rows


class TableWriter:
    """Appends runs of rows; use `writing`."""

    def __init__(
        self, file: IO[bytes], suffix: str, names: Sequence[str], stack: ExitStack
    ) -> None:
        self._file, self._suffix, self._names = file, suffix, list(names)
        self._stack = stack
        self._writer: Any = None
        self._dtype: np.dtype[Any] | None = None
        self._width: int | None = None
        self._spool: Spool | None = None
        self._types: list[Any] = []
        self.n_rows = 0

    def append(self, columns: Array | Sequence[Any]) -> None:
        """Write rows.

        Parameters
        ----------
        columns : ndarray of shape (n,) or (n, n_columns), or sequence of arrays
            Numbers; a sequence holds one array a column, NumPy's or Arrow's, of any type that the
            file can hold. The types of the first rows are those of all.
        """
        if self._suffix in (".npy", ".npz"):
            assert isinstance(columns, np.ndarray)
            self._append_npy(columns)
            return
        if isinstance(columns, np.ndarray):
            columns = [np.ascontiguousarray(c) for c in columns.reshape(len(columns), -1).T]
        if self._writer is None and not self._begin(columns):
            rows = np.column_stack([np.asarray(column) for column in columns])
            np.savetxt(self._file, rows, fmt="%.17g", delimiter=",")
            self.n_rows += len(rows)
            return
        import pyarrow

        batch = pyarrow.RecordBatch.from_arrays(
            [
                pyarrow.array(column).cast(kind)
                for column, kind in zip(columns, self._types, strict=True)
            ],
            names=self._names,
        )
        for start in range(0, batch.num_rows, ROWS_OF_A_PIECE):
            self._writer.write_batch(batch.slice(start, ROWS_OF_A_PIECE))
        self.n_rows += batch.num_rows

    def _begin(self, columns: Sequence[Any]) -> bool:
        """Make Arrow's writer; False for text without Arrow."""
        from vivace.io.arrow import pyarrow_or_none, require_pyarrow

        if self._suffix.startswith(".csv"):
            if self.n_rows == 0:
                head = io.StringIO()
                csv.writer(head, lineterminator="\n").writerow(self._names)
                self._file.write(head.getvalue().encode("utf-8"))
            if pyarrow_or_none() is None:
                return False
        else:
            require_pyarrow(self._suffix)
        import pyarrow

        fields = []
        for name, column in zip(self._names, columns, strict=True):
            kind = pyarrow.array(column).type
            # Nothing in the first rows: what follows is text, as numbers would be NaN.
            fields.append((name, pyarrow.string() if pyarrow.types.is_null(kind) else kind))
        schema = pyarrow.schema(fields)
        self._types = schema.types
        if self._suffix == ".parquet":
            from pyarrow import parquet

            writer = parquet.ParquetWriter(self._file, schema)
        elif self._suffix.startswith(".csv"):
            from pyarrow import csv as arrow_csv

            options = arrow_csv.WriteOptions(include_header=False)
            writer = arrow_csv.CSVWriter(self._file, schema, write_options=options)
        else:
            writer = pyarrow.ipc.new_file(self._file, schema)
        self._writer = self._stack.enter_context(writer)
        return True

    def _append_npy(self, rows: Array) -> None:
        rows = np.ascontiguousarray(rows if self._dtype is None else rows.astype(self._dtype))
        if self._dtype is None:
            self._dtype = rows.dtype
            self._width = rows.shape[1] if rows.ndim == 2 else None
            if self._suffix == ".npz":
                self._spool = Spool(self._dtype, _NPZ_MEMORY)
            else:
                self._file.write(b" " * _NPY_HEAD)
        if self._spool is not None:
            self._spool.append(rows)
        else:
            self._file.write(rows.reshape(-1).view(np.uint8).data)
        self.n_rows += len(rows)

    def finish(self) -> None:
        """Write what only the end tells."""
        if self._suffix == ".npz" and self._dtype is not None:
            self._finish_npz()
        if self._suffix != ".npy" or self._dtype is None:
            return
        shape = (self.n_rows,) if self._width is None else (self.n_rows, self._width)
        head = io.BytesIO()
        facts = {
            "descr": npy_format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": shape,
        }
        text = repr(facts).replace("}", ", }").encode("latin1")
        length = _NPY_HEAD - 10
        head.write(b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little"))
        head.write(text.ljust(length - 1) + b"\n")
        self._file.seek(0)
        self._file.write(head.getvalue())

    def _finish_npz(self) -> None:
        """Write the archive: how long an array is stands in front of it, so it had to wait."""
        spool = self._spool
        assert spool is not None
        spool.finish()
        shape = (self.n_rows,) if self._width is None else (self.n_rows, self._width)
        with zipfile.ZipFile(self._file, "w") as archive:
            with archive.open("values.npy", "w", force_zip64=True) as member:
                facts = {
                    "descr": npy_format.dtype_to_descr(spool.dtype),
                    "fortran_order": False,
                    "shape": shape,
                }
                npy_format.write_array_header_1_0(member, facts)
                for start in range(0, len(spool), CHUNK):
                    part = spool.read(start, min(start + CHUNK, len(spool)))
                    member.write(part.view(np.uint8).data)
            with archive.open("names.npy", "w") as member:
                names = np.array(self._names, dtype=np.str_)
                npy_format.write_array(member, names, allow_pickle=False)


@contextmanager
def writing(path: StrPath, names: Sequence[str]) -> Iterator[TableWriter]:
    """Write a table; `path` is replaced when the block ends well, else it is as it was.

    Parameters
    ----------
    path : str or path-like
        A file whose name ends in one of `APPENDABLE`.
    names : sequence of str
        Names of the columns.

    Raises
    ------
    TableError
        The name ends otherwise, or a library is missing.
    OSError
        The file cannot be written.
    """
    suffix = table_suffix(path, APPENDABLE, "another name")
    if suffix in (".parquet", ".feather", ".arrow"):
        from vivace.io.arrow import require_pyarrow

        require_pyarrow(path)
    with replacing(path) as file:
        with ExitStack() as stack:
            target: Any = file
            if suffix == ".csv.gz":
                target = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
            writer = TableWriter(target, suffix, names, stack)
            yield writer
        writer.finish()
        if not writer.n_rows:
            raise TableError(f"{path}: expected at least one row to write, got none")

"""Seeded data larger than memory.

    python -m benchmarks.large FOLDER       # table.parquet (3.2 GB), documents.npz (2 GB)

`benchmarks.large_fits` measures fits of them.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from benchmarks import data

TABLE = data.Recipe(50_000_000, 16, 64, 1.2, 7)
ROWS_OF_A_GROUP = 1 << 18

DOCUMENTS, WORDS, TOPICS, SEED = 5_000_000, 50_000, 100, 8
DOCUMENTS_AT_A_TIME = 50_000


def make_table(path: Path, rows: int = TABLE.rows) -> None:
    """Write the table, float32, without ever holding more than a million rows."""
    import pyarrow as pa
    from pyarrow import parquet

    names = [f"x{j}" for j in range(TABLE.columns)]
    schema = pa.schema([(name, pa.float32()) for name in names])
    partial = path.with_suffix(".partial")
    with parquet.ParquetWriter(partial, schema, use_dictionary=False) as writer:
        for chunk in data._chunks(TABLE, rows):
            columns = [np.ascontiguousarray(column, dtype=np.float32) for column in chunk.T]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=ROWS_OF_A_GROUP)
    partial.rename(path)


def documents(n: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]]:
    """Number of words of each document, words and counts: three topics a document."""
    rng = np.random.default_rng(SEED)
    ranks = 1.0 / (np.arange(WORDS) + 10.0)
    tables = []
    for _ in range(TOPICS):
        weights = ranks * rng.gamma(0.05, size=WORDS)
        tables.append(np.cumsum(weights / weights.sum()))
    for start in range(0, n, DOCUMENTS_AT_A_TIME):
        size = min(DOCUMENTS_AT_A_TIME, n - start)
        lengths = rng.integers(20, 100, size)
        document = np.repeat(np.arange(size), lengths)
        pairs = rng.integers(TOPICS, size=(size, 3))
        topic = pairs[document, rng.integers(3, size=len(document))]
        order = np.argsort(topic, kind="stable")
        ends = np.cumsum(np.bincount(topic, minlength=TOPICS))
        words = np.empty(len(document), np.int64)
        draws = rng.random(len(document))
        for k, part in enumerate(np.split(order, ends[:-1])):
            words[part] = np.searchsorted(tables[k], draws[part])
        np.minimum(words, WORDS - 1, out=words)
        keys, counts = np.unique(document * WORDS + words, return_counts=True)
        found = np.bincount(keys // WORDS, minlength=size)
        yield found, (keys % WORDS).astype(np.int32), counts.astype(np.int32)


def make_documents(path: Path, n: int = DOCUMENTS) -> None:
    """Write the documents as scipy.sparse.save_npz(compressed=False) does, a run at a time."""
    lengths = []
    parts = {name: path.with_suffix(f".{name}") for name in ("indices", "data")}
    with open(parts["indices"], "wb") as indices, open(parts["data"], "wb") as values:
        for found, words, counts in documents(n):
            lengths.append(found)
            indices.write(words.data)
            values.write(counts.astype(np.float32).data)
    start = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    small = {
        "format": np.array(b"csr"),
        "shape": np.array([n, WORDS], dtype=np.int64),
        "indptr": start,
        "_is_array": np.array(True),
    }
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in small.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy_format.write_array(member, array)
        for name, dtype in (("indices", "<i4"), ("data", "<f4")):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                head = {"descr": dtype, "fortran_order": False, "shape": (int(start[-1]),)}
                npy_format.write_array_header_1_0(member, head)
                with open(parts[name], "rb") as file:
                    while chunk := file.read(1 << 24):
                        member.write(chunk)
            parts[name].unlink()
    partial.rename(path)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "table.parquet").exists():
        make_table(folder / "table.parquet")
    if not (folder / "documents.npz").exists():
        make_documents(folder / "documents.npz")

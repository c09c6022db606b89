"""Readers of documents beside those of other libraries: CPU seconds, files in the system's cache.

`python -m benchmarks.readers` (half a minute): a seeded corpus of 40,000 documents and 3.2 million
entries; text of every fourth document.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import io, sparse

from benchmarks.versus.stopwatch import repeat

DOCUMENTS, WORDS = 40_000, 20_000


def corpus() -> sparse.csr_array:
    """Counts with words of a long tail, 20 to 200 a document."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 200, DOCUMENTS)
    start = np.concatenate([[0], np.cumsum(lengths)])
    words = np.minimum((rng.pareto(1.0, start[-1]) * 50).astype(np.int64), WORDS - 1)
    values = rng.integers(1, 9, start[-1]).astype(float)
    counts = sparse.csr_array((values, words, start), shape=(DOCUMENTS, WORDS))
    counts.sum_duplicates()
    return counts


def write(folder: Path, counts: sparse.csr_array) -> None:
    """Write the files, text of random words included."""
    from sklearn.datasets import dump_svmlight_file

    coo = counts.tocoo()
    with open(folder / "a.docword", "w") as file:
        file.write(f"{counts.shape[0]}\n{counts.shape[1]}\n{counts.nnz}\n")
        np.savetxt(file, np.column_stack([coo.row + 1, coo.col + 1, coo.data]), fmt="%d")
    labels = np.zeros(counts.shape[0])
    path = str(folder / "a.svmlight")
    dump_svmlight_file(sparse.csr_matrix(counts), labels, path, zero_based=False)
    io.mmwrite(folder / "a.mtx", counts)
    sparse.save_npz(folder / "a.npz", counts)
    with open(folder / "a.txt", "w") as file:
        for i in range(0, counts.shape[0], 4):
            words = counts.indices[counts.indptr[i] : counts.indptr[i + 1]]
            file.write(" ".join(f"word{word}" for word in words) + "\n")


def works(folder: Path) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    import pandas
    from pyarrow import csv
    from sklearn.datasets import load_svmlight_file
    from sklearn.feature_extraction.text import CountVectorizer

    from vivace.io import open_corpus, read_corpus

    docword, svmlight, text = (str(folder / f"a.{end}") for end in ("docword", "svmlight", "txt"))
    numbers = {"sep": " ", "skiprows": 3, "header": None}

    def arrow() -> object:
        options = csv.ReadOptions(skip_rows=3, column_names=["d", "w", "n"], use_threads=False)
        return csv.read_csv(docword, options, csv.ParseOptions(delimiter=" "))

    def count() -> object:
        with open(text) as lines:
            return CountVectorizer().fit_transform(lines)

    return {
        "docword: vivace, to compressed rows": lambda: read_corpus(docword),
        "docword: vivace, in blocks of 1,000": lambda: list(open_corpus(docword).blocks(1000)),
        "docword: pandas, to a table": lambda: pandas.read_csv(docword, **numbers),
        "docword: pandas told the type": lambda: pandas.read_csv(docword, dtype="i4", **numbers),
        "docword: pyarrow, to a table": arrow,
        "svmlight: vivace": lambda: read_corpus(svmlight),
        "svmlight: scikit-learn": lambda: load_svmlight_file(svmlight),
        "mtx: vivace": lambda: read_corpus(folder / "a.mtx"),
        "mtx: scipy": lambda: io.mmread(folder / "a.mtx").tocsr(),
        "npz: vivace": lambda: read_corpus(folder / "a.npz"),
        "npz: scipy": lambda: sparse.load_npz(folder / "a.npz"),
        "text: vivace": lambda: read_corpus(text),
        "text: scikit-learn": count,
    }


def main() -> None:
    """Print a table."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts = corpus()
        write(folder, counts)
        for what, work in works(folder).items():
            found = repeat(work, 5)
            nanoseconds = found["seconds"] / counts.nnz * 1e9
            each = "" if what.startswith("text") else f"{nanoseconds:8.1f} ns an entry"
            print(f"{what:40}{found['seconds']:8.3f} s{each}")


if __name__ == "__main__":
    main()

"""Ways to write documents, each the plain way, to read them back."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import io, sparse


def random_counts(n_documents: int = 50, n_words: int = 30, seed: int = 0) -> sparse.csr_array:
    """Some documents, the third and the last of them empty; every word occurs."""
    rng = np.random.default_rng(seed)
    dense = rng.poisson(0.3, (n_documents, n_words)) * rng.integers(1, 200, (n_documents, n_words))
    dense[0] = 1
    dense[[2, -1]] = 0
    return sparse.csr_array(dense.astype(float))


def entries(counts: sparse.csr_array) -> list[tuple[int, int, int]]:
    coo = counts.tocoo()
    return list(zip(coo.row.tolist(), coo.col.tolist(), coo.data.astype(int).tolist(), strict=True))


def docword(path: Path, counts: sparse.csr_array) -> None:
    head = [*map(str, counts.shape), str(counts.nnz)]
    lines = head + [f"{d + 1} {w + 1} {n}" for d, w, n in entries(counts)]
    write(path, "\n".join(lines) + "\n")


def mtx(path: Path, counts: sparse.csr_array) -> None:
    plain = path.with_name("plain.mtx")
    io.mmwrite(plain, counts, comment="made by a test", field="integer")
    write(path, plain.read_text())


def lda_c(path: Path, counts: sparse.csr_array) -> None:
    lines = []
    for row in counts.toarray().astype(int):
        pairs = [f"{w}:{n}" for w, n in enumerate(row) if n]
        lines.append(" ".join([str(len(pairs)), *pairs]))
    write(path, "\n".join(lines) + "\n")


def svmlight(path: Path, counts: sparse.csr_array) -> None:
    lines = ["# a comment"]
    for i, row in enumerate(counts.toarray().astype(int)):
        pairs = [f"{w + 1}:{n}" for w, n in enumerate(row) if n]
        label = ["-1", "+2.5", "1,2", "3 qid:7"][i % 4]
        lines.append(" ".join([label, *pairs]) + [" # note", "  ", "\r", ""][i % 4])
    write(path, "\n".join(lines))  # no line end at the end


def npz(path: Path, counts: sparse.csr_array) -> None:
    sparse.save_npz(path, counts)


def write(path: Path, text: str) -> None:
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


WRITERS: dict[str, Callable[[Path, sparse.csr_array], None]] = {
    "c.docword": docword,
    "docword.c.txt.gz": docword,
    "c.mtx": mtx,
    "c.mtx.gz": mtx,
    "c.ldac": lda_c,
    "c.lda-c.gz": lda_c,
    "c.svmlight": svmlight,
    "c.svm.gz": svmlight,
    "c.npz": npz,
}

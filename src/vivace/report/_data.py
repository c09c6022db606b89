"""Rows and documents that a report looks at: all, or a sample whose seed is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.io import TableStream
from vivace.plot._table import n_rows_of, take

#: Rows and documents looked at, unless told otherwise: enough for any histogram on a page.
MOST_ROWS, MOST_DOCUMENTS = 50_000, 20_000

Texts = Callable[[Collection[int]], Mapping[int, str]]


@dataclass(frozen=True)
class RowSample:
    """Rows of a table, in the columns of a mixture.

    Attributes
    ----------
    rows : table of shape (n, n_features)
    numbers : ndarray of shape (n,)
        Which rows of the data they are, from 0.
    n_rows : int
        Rows of the data.
    seed : int
        Of the draw, where n is less.
    name : str
        Of the data.
    """

    rows: Any
    numbers: NDArray[np.intp]
    n_rows: int
    seed: int
    name: str = ""


@dataclass(frozen=True)
class DocumentSample:
    """Documents in the words of a topic model.

    Attributes
    ----------
    counts : csr_array of shape (n, n_words)
    numbers : ndarray of shape (n,)
        Which documents of the data they are, from 0.
    n_documents : int
        Documents of the data.
    seed : int
        Of the draw, where n is less.
    name : str
        Of the data.
    texts : callable, optional
        Returns texts by number of the document, for those numbers that it is given.
    """

    counts: Any
    numbers: NDArray[np.intp]
    n_documents: int
    seed: int
    name: str = ""
    texts: Texts | None = None


def drawn(n: int, most: int, seed: int) -> NDArray[np.intp]:
    """Numbers of the rows to look at, in order: all, or `most` drawn without replacement."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def row_sample(X: Any, most: int, seed: int, name: str = "") -> RowSample:
    """Draw rows of a table that is in memory, or of a `vivace.io.TableStream`."""
    n = n_rows_of(X)
    numbers = drawn(n, most, seed)
    whole = len(numbers) == n and not isinstance(X, TableStream)
    rows = X if whole else take(X, numbers)
    return RowSample(rows, numbers, n, seed, name)


def document_sample(
    counts: Any, most: int, seed: int, name: str = "", texts: Texts | None = None
) -> DocumentSample:
    """Draw documents, given as counts of words."""
    from scipy.sparse import csr_array

    rows = csr_array(counts)
    numbers = drawn(rows.shape[0], most, seed)
    if len(numbers) < rows.shape[0]:
        rows = rows[numbers]
    return DocumentSample(rows, numbers, int(counts.shape[0]), seed, name, texts)

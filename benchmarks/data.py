"""Seeded data sets of the benchmarks, made on first use and kept as .npy files in a cache.

A set is a draw from a Gaussian mixture: weights ~ Dirichlet(5), means ~ N(0, separation^2 I),
covariances A A' / (2 D) times U(0.5, 1.5) with A a D x 2 D matrix of standard normals.
The same name and number of rows give the same bytes on every run of one NumPy version.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CACHE = Path(os.environ.get("VIVACE_BENCH_CACHE", Path(__file__).parent / ".cache"))

# Rows drawn at a time: bounds the memory of a draw, so it is part of the recipe.
CHUNK_ROWS = 1_000_000


@dataclass(frozen=True)
class Recipe:
    """Shape and separation of one mixture."""

    rows: int
    columns: int
    components: int
    separation: float
    seed: int


SETS = {
    "a": Recipe(100_000, 10, 20, 1.2, 1),
    "b": Recipe(1_000_000, 2, 8, 3.0, 2),
    "c": Recipe(1_000_000, 16, 32, 1.2, 3),
    "d": Recipe(200_000, 64, 64, 0.6, 4),
    "e": Recipe(1_000_000, 16, 256, 1.2, 5),
    "large": Recipe(20_000_000, 16, 32, 1.2, 6),
}


def _chunks(recipe: Recipe, rows: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(recipe.seed)
    n_components, n_columns = recipe.components, recipe.columns
    weights = rng.dirichlet(np.full(n_components, 5.0))
    means = recipe.separation * rng.standard_normal((n_components, n_columns))
    a = rng.standard_normal((n_components, n_columns, 2 * n_columns))
    spread = rng.uniform(0.5, 1.5, n_components)
    covariances = a @ a.transpose(0, 2, 1) / (2 * n_columns) * spread[:, None, None]
    factors = np.linalg.cholesky(covariances)
    for start in range(0, rows, CHUNK_ROWS):
        size = min(CHUNK_ROWS, rows - start)
        labels = rng.choice(n_components, size=size, p=weights)
        noise = rng.standard_normal((size, n_columns))
        order = np.argsort(labels, kind="stable")
        ends = np.cumsum(np.bincount(labels, minlength=n_components))
        chunk = np.empty((size, n_columns))
        for k, part in enumerate(np.split(order, ends[:-1])):
            chunk[part] = means[k] + noise[part] @ factors[k].T
        yield chunk


def write(name: str, rows: int, path: Path) -> None:
    """Draw a set chunk by chunk into a .npy file, moved to its name only when it is whole."""
    recipe = SETS[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    header = {"descr": "<f8", "fortran_order": False, "shape": (rows, recipe.columns)}
    with partial.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in _chunks(recipe, rows):
            file.write(chunk.data)
    partial.rename(path)


def stored(name: str, rows: int | None = None) -> Path:
    """Return the .npy file of a set; a missing one is made by a process of its own.

    So the caller's memory shows nothing of how the rows were made.
    """
    rows = SETS[name].rows if rows is None else rows
    path = CACHE / f"{name}-{rows}.npy"
    if not path.exists():
        command = [sys.executable, "-m", "benchmarks.data", name, str(rows), str(path)]
        subprocess.run(command, cwd=Path(__file__).parents[1], check=True)
    return path


def load(name: str, rows: int | None = None, dtype: str = "float64") -> NDArray[np.float64]:
    """Return a set as a C-ordered array (rows x columns) in memory."""
    return np.ascontiguousarray(np.load(stored(name, rows)), dtype=dtype)


def rows_of(name: str, share: float = 1.0) -> int:
    """Return the rows of a set, or of a share of it (never fewer than 20 a component)."""
    recipe = SETS[name]
    return max(int(recipe.rows * share), 20 * recipe.components)


def starting_means(
    data: NDArray[np.float64], n_components: int, seed: int = 0
) -> NDArray[np.float64]:
    """Return distinct random rows: a start that every library can be given."""
    picks = np.random.default_rng(seed).choice(len(data), n_components, replace=False)
    return np.array(data[np.sort(picks)], dtype=np.float64)


def nearest(data: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the index of the nearest centre of each row, block by block."""
    offsets = 0.5 * (centres**2).sum(axis=1)
    labels = np.empty(len(data), dtype=np.intp)
    for start in range(0, len(data), 65_536):
        block = slice(start, start + 65_536)
        labels[block] = (data[block] @ centres.T - offsets).argmax(axis=1)
    return labels


def one_hot(labels: NDArray[np.intp], n_components: int) -> NDArray[np.float64]:
    """Return responsibilities (rows x components) that follow labels."""
    resp = np.zeros((len(labels), n_components))
    resp[np.arange(len(labels)), labels] = 1.0
    return resp


def kmeans_labels(name: str, rows: int, seed: int) -> NDArray[np.intp]:
    """Return scikit-learn's k-means labels of a set: how its own mixture starts by default."""
    path = CACHE / f"{name}-{rows}-kmeans-{seed}.npy"
    if not path.exists():
        from sklearn.cluster import KMeans

        model = KMeans(n_clusters=SETS[name].components, n_init=1, random_state=seed)
        np.save(path, model.fit(load(name, rows)).labels_.astype(np.int16))
    return np.load(path).astype(np.intp)


def photographs() -> NDArray[np.float64]:
    """Return the two photographs of scikit-learn: 546,560 rows of red, green, blue, x, y."""
    from sklearn.datasets import load_sample_images

    rows = []
    for image in load_sample_images().images:
        height, width, _ = image.shape
        y, x = np.mgrid[:height, :width]
        rows.append(np.column_stack([image.reshape(-1, 3), x.ravel(), y.ravel()]))
    return np.ascontiguousarray(np.concatenate(rows), dtype=np.float64)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))

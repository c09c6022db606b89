"""A fit goes on with the data that it began with, and with no others: one bit is enough."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from vivace import (
    BayesianGaussianMixture,
    BayesianMixture,
    Checkpoint,
    LatentDirichletAllocation,
)
from vivace.io import open_table

from ..corpus_files import random_counts

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
feather = pytest.importorskip("pyarrow.feather")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.filterwarnings("ignore:Best performing")

N = 2000


def values(changed: bool = False) -> np.ndarray:
    rng = np.random.default_rng(2)
    found = rng.normal(size=(N, 2)) + 4.0 * rng.integers(0, 2, (N, 1))
    if changed:  # far from the rows that a sample would look at, and lost in any sum
        row = int(np.argmin(np.abs(found[:, 1])))
        found[row, 1] = np.nextafter(found[row, 1], 9.0)
    return found


def write(form: str, path: Path, changed: bool = False) -> None:
    table = pa.table({"a": values(changed)[:, 0], "b": values(changed)[:, 1]})
    if form == "parquet":
        pq.write_table(table, path, row_group_size=300)
    elif form == "feather":
        feather.write_feather(table, path)
    elif form == "npy":
        np.save(path, values(changed))
    else:
        table.to_pandas().to_csv(path, index=False)


def model(form: str, passes: int) -> Any:
    settings: dict[str, Any] = {"n_components": 3, "random_state": 0, "max_iter": passes}
    if form.startswith("mixture"):
        return BayesianMixture(families="gaussian", **settings)
    return BayesianGaussianMixture(learning_method="memoized", batch_size=500, **settings)


@pytest.mark.parametrize("form", ["parquet", "feather", "csv", "npy", "mixture", "mixture npy"])
def test_one_bit(form: str, tmp_path: Path) -> None:
    kind = {"mixture": "parquet", "mixture npy": "npy"}.get(form, form)
    path, folder = tmp_path / f"t.{kind}", tmp_path / "job"
    write(kind, path)
    whole = model(form, 6).fit(path)
    model(form, 3).fit(path, checkpoint=Checkpoint(folder, every=0.0))
    write(kind, path, changed=True)
    assert np.sum(values() != values(changed=True)) == 1
    with pytest.raises(ValueError, match="data have changed"):
        model(form, 6).fit(path, checkpoint=folder)
    write(kind, tmp_path / f"again.{kind}")  # the same values, at another place and time
    shutil.move(tmp_path / f"again.{kind}", path)
    found = model(form, 6).fit(path, checkpoint=folder)
    assert found.elbo_trace_.tobytes() == whole.elbo_trace_.tobytes()


IN_MEMORY = {
    "array": np.asarray,
    "by column": np.asfortranarray,
    "frame": lambda X: pd.DataFrame(X, columns=["a", "b"]),
    "mixture": np.asarray,
}


@pytest.mark.parametrize("held", [None, 0.1])
@pytest.mark.parametrize("form", IN_MEMORY)
def test_one_bit_in_memory(form: str, held: float | None, tmp_path: Path) -> None:
    """Arrays, and what is held in parts, go by the same rule as files."""
    make = IN_MEMORY[form]
    estimator = lambda passes: model(form, passes).set_params(validation_fraction=held)  # noqa: E731
    whole = estimator(6).fit(make(values()))
    estimator(3).fit(make(values()), checkpoint=Checkpoint(tmp_path / "job", every=0.0))
    with pytest.raises(ValueError, match="data have changed"):
        estimator(6).fit(make(values(changed=True)), checkpoint=tmp_path / "job")
    found = estimator(6).fit(make(values()), checkpoint=tmp_path / "job")
    assert found.elbo_trace_.tobytes() == whole.elbo_trace_.tobytes()


@pytest.mark.parametrize("form", ["npy", "map", "array", "parquet"])
def test_weights(form: str, tmp_path: Path) -> None:
    """Two weights that changed places, of equal rows: no sum shows it."""
    path = tmp_path / f"t.{'parquet' if form == 'parquet' else 'npy'}"
    X, weights = values(), np.ones(N)
    X[501] = X[500]
    weights[500] = 2.0
    if form == "parquet":
        pq.write_table(pa.table({"a": X[:, 0], "b": X[:, 1]}), path, row_group_size=300)
    else:
        np.save(path, X)
    given = {"map": lambda: np.load(path, mmap_mode="r"), "array": lambda: X}.get(
        form, lambda: path
    )
    store = Checkpoint(tmp_path / "job", every=0.0)
    model(form, 3).fit(given(), sample_weight=weights, checkpoint=store)
    other = weights.copy()
    other[[500, 501]] = 1.0, 2.0
    with pytest.raises(ValueError, match="data have changed"):
        model(form, 6).fit(given(), sample_weight=other, checkpoint=tmp_path / "job")
    model(form, 6).fit(given(), sample_weight=weights, checkpoint=tmp_path / "job")


def test_a_file_and_its_array_are_the_same_data(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    np.save(path, values())
    model("npy", 3).fit(path, checkpoint=Checkpoint(tmp_path / "job", every=0.0))
    for passes, X in ((4, np.load(path, mmap_mode="r")), (5, values()), (6, path)):
        model("npy", passes).fit(X, checkpoint=tmp_path / "job")


@pytest.mark.parametrize("form", ["stream", "in memory"])
def test_one_bit_of_documents(form: str, tmp_path: Path) -> None:
    path, counts = tmp_path / "c.npz", random_counts(200).astype(np.float64)
    other = counts.copy()
    other.data[777] = np.nextafter(other.data[777], 9e9)
    topics = lambda passes: LatentDirichletAllocation(3, max_iter=passes, random_state=0)  # noqa: E731

    def given(found: Any) -> Any:
        sparse.save_npz(path, found)
        return path if form == "stream" else found

    topics(3).fit(given(counts), checkpoint=Checkpoint(tmp_path / "job", every=0.0))
    with pytest.raises(ValueError, match="data have changed"):
        topics(6).fit(given(other), checkpoint=tmp_path / "job")
    found = topics(6).fit(given(counts), checkpoint=tmp_path / "job")
    assert found.components_.tobytes() == topics(6).fit(counts).components_.tobytes()


def test_digest_of_pieces(tmp_path: Path) -> None:
    """The same for any memory, whatever was read before; another for other values or columns."""
    path, other = tmp_path / "t.parquet", tmp_path / "u.parquet"
    write("parquet", path)
    write("parquet", other, changed=True)
    small, large = open_table(path, memory=30_000), open_table(path)
    large[1500:1800]
    assert small.fingerprint == large.fingerprint == open_table(path).fingerprint
    assert open_table(other).fingerprint != large.fingerprint
    assert open_table(path, ["b", "a"]).fingerprint != large.fingerprint
    held = np.array([3, 900])
    assert large.without(held).fingerprint != large.fingerprint
    assert large.without(held).fingerprint == open_table(path).without(held).fingerprint

"""What `fit` takes beside arrays, for each estimator: the bits of the same data in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import vivace
from vivace import BayesianGaussianMixture, BayesianMixture, LatentDirichletAllocation
from vivace.io import TableError, open_table

from ..corpus_files import random_counts

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
ds = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.filterwarnings("ignore:Best performing")

N = 150
NAMES = ["a", "b"]
FORMS = [
    "str",
    "Path",
    "glob",
    "list",
    "strings",
    "dataset",
    "arrays",
    "frames",
    "arrow",
    "npy",
    "map",
]
NAMED = {"str", "Path", "glob", "list", "strings", "dataset", "frames", "arrow"}
SETTINGS: dict[str, Any] = {"n_components": 3, "random_state": 0, "max_iter": 4}


def values() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(N, 2)) + 4.0 * rng.integers(0, 2, (N, 1))


def parts(rows: Any) -> Any:
    return (rows[i : i + 40] for i in range(0, N, 40))


def tables(form: str, folder: Path) -> Any:
    frame = pd.DataFrame(values(), columns=NAMES)
    for i, part in enumerate(parts(frame)):
        pq.write_table(pa.Table.from_pandas(part), folder / f"p{i}.parquet", row_group_size=15)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(arrow, folder / "t.parquet", row_group_size=40)
    np.save(folder / "t.npy", values())
    made: dict[str, Callable[[], Any]] = {
        "str": lambda: str(folder / "t.parquet"),
        "Path": lambda: folder / "t.parquet",
        "glob": lambda: str(folder / "p?.parquet"),
        "list": lambda: [folder / f"p{i}.parquet" for i in range(4)],
        "strings": lambda: [str(folder / f"p{i}.parquet") for i in range(4)],
        "dataset": lambda: ds.dataset([str(folder / f"p{i}.parquet") for i in range(4)]),
        "arrays": lambda: lambda: parts(values()),
        "frames": lambda: lambda: parts(frame),
        "arrow": lambda: arrow.to_batches,
        "npy": lambda: str(folder / "t.npy"),
        "map": lambda: np.load(folder / "t.npy", mmap_mode="r"),
    }
    return made[form]()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [BayesianGaussianMixture, BayesianMixture])
def test_tables(kind: Any, form: str, tmp_path: Path) -> None:
    settings = SETTINGS | ({"families": "gaussian"} if kind is BayesianMixture else {})
    full = kind(**settings).fit(values())
    data = tables(form, tmp_path)
    found = kind(**settings).fit(data)
    assert found.elbo_trace_.tobytes() == full.elbo_trace_.tobytes()
    assert found.weights_.tobytes() == full.weights_.tobytes()
    assert hasattr(found, "feature_names_in_") == (form in NAMED)
    if form in NAMED:
        assert list(found.feature_names_in_) == NAMES
    assert np.array_equal(found.predict(data), full.predict(values()))


def test_data_sets_that_cannot_be_read_in_any_order(tmp_path: Path) -> None:
    data = tables("dataset", tmp_path)
    with pytest.raises(ValueError, match="expected all rows and columns of its files, got a filt"):
        BayesianGaussianMixture(n_components=2).fit(data.filter(ds.field(NAMES[0]) > 0))
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ValueError, match=r"got csv\. Remedy: give the path"):
        BayesianGaussianMixture(n_components=2).fit(ds.dataset(tmp_path / "t.csv", format="csv"))


def documents(form: str, folder: Path) -> Any:
    counts = random_counts(N)
    frame = pd.DataFrame(counts.toarray(), columns=[f"word{j}" for j in range(counts.shape[1])])
    for i, part in enumerate(parts(counts)):
        sparse.save_npz(folder / f"p{i}.npz", part)
    sparse.save_npz(folder / "t.npz", counts)
    np.save(folder / "t.npy", counts.toarray())
    made: dict[str, Callable[[], Any]] = {
        "str": lambda: str(folder / "t.npz"),
        "Path": lambda: folder / "t.npz",
        "glob": lambda: str(folder / "p?.npz"),
        "list": lambda: [folder / f"p{i}.npz" for i in range(4)],
        "sparse": lambda: lambda: parts(counts),
        "arrays": lambda: lambda: parts(counts.toarray()),
        "frames": lambda: lambda: parts(frame),
        "map": lambda: np.load(folder / "t.npy", mmap_mode="r"),
    }
    return made[form]()


@pytest.mark.parametrize(
    "form", ["str", "Path", "glob", "list", "sparse", "arrays", "frames", "map"]
)
def test_documents(form: str, tmp_path: Path) -> None:
    full = LatentDirichletAllocation(**SETTINGS).fit(random_counts(N))
    data = documents(form, tmp_path)
    found = LatentDirichletAllocation(**SETTINGS).fit(data)
    assert found.components_.tobytes() == full.components_.tobytes()
    assert found.elbo_ == full.elbo_
    assert hasattr(found, "feature_names_in_") == (form == "frames")
    if form == "frames":
        assert list(found.feature_names_in_) == [f"word{j}" for j in range(30)]
        found.save(tmp_path / "m.vivace")
        again = vivace.load(tmp_path / "m.vivace")
        assert list(again.feature_names_in_) == list(found.feature_names_in_)
    assert np.array_equal(found.transform(data), full.transform(random_counts(N)))


def test_columns_of_frames_are_found_by_name() -> None:
    frame = pd.DataFrame(values(), columns=NAMES)
    fitted = BayesianGaussianMixture(**SETTINGS).fit(lambda: parts(frame))
    turned = frame.assign(more=0.0)[["more", "b", "a"]]
    assert np.array_equal(fitted.predict(lambda: parts(turned)), fitted.predict(frame))
    assert np.array_equal(open_table(lambda: parts(turned), ["b"])[:], values()[:, 1:])
    with pytest.raises(TableError, match="no column 'b'"):
        fitted.predict(lambda: parts(frame[["a"]]))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda frame: frame[["b", "a"]], "expected the columns a, b in all of them, got b, a"),
        (lambda frame: frame.to_numpy(), "expected the columns a, b in all of them, got none"),
        (lambda frame: frame[["a"]], "expected 2 columns in all of them, got 1"),
        (lambda frame: frame.assign(b="x"), "expected two-dimensional arrays of numbers"),
    ],
)
def test_blocks_that_do_not_fit(second: Any, message: str) -> None:
    frame = pd.DataFrame(values(), columns=NAMES)
    with pytest.raises(TableError, match=message):
        open_table(lambda: iter([frame, second(frame)]))


def test_documents_that_do_not_fit() -> None:
    dense = random_counts(N).toarray()
    for blocks, message in (
        ([pd.DataFrame(dense, columns=[f"w{j}" for j in range(30)]), dense], "of the same names"),
        ([np.array([["one", "two"]])], "expected counts .*, got ndarray"),
        ([dense[0]], "expected counts .*, got ndarray"),
        ([-dense], "not negative"),
    ):
        with pytest.raises(ValueError, match=message):
            LatentDirichletAllocation(2).fit(lambda blocks=blocks: iter(blocks))

"""A fit goes on with the data that it began with, and with no others: one bit is enough."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace import BayesianGaussianMixture, BayesianMixture, Checkpoint
from vivace.io import open_table

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
    else:
        table.to_pandas().to_csv(path, index=False)


def model(form: str, passes: int) -> Any:
    settings: dict[str, Any] = {"n_components": 3, "random_state": 0, "max_iter": passes}
    if form == "mixture":
        return BayesianMixture(families="gaussian", **settings)
    return BayesianGaussianMixture(learning_method="memoized", batch_size=500, **settings)


@pytest.mark.parametrize("form", ["parquet", "feather", "csv", "mixture"])
def test_one_bit(form: str, tmp_path: Path) -> None:
    kind = "parquet" if form == "mixture" else form
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

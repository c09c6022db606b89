"""--memory changes no bit, and what an error names as the least is enough."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import vivace
from vivace.io import spool, stream
from vivace.io.corpora import room

from ..corpus_files import random_counts

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

N = 1500
LEAST = re.compile(r"(?:takes at least|so that at least|need at least) (\d+ [kM]B)")
CASES = {
    "gaussian-mixture of pieces": ("gaussian-mixture", "t.parquet"),
    "gaussian-mixture of text": ("gaussian-mixture", "t.csv"),
    "mixture": ("mixture", "t.parquet"),
    "lda": ("lda", "c.npz"),
}


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 2)) + 4.0 * rng.integers(0, 2, (N, 1))
    table = pa.table({"a": X[:, 0], "b": X[:, 1]})
    pq.write_table(table, "t.parquet", row_group_size=200)
    table.to_pandas().to_csv("t.csv", index=False)
    sparse.save_npz("c.npz", random_counts(300))


def fit(run: Any, estimator: str, data: str, memory: str, method: str) -> Any:
    more = ["--batch-size", "500"] if method != "batch" else []
    return run(
        "fit", estimator, data, "-k", 3, "--passes", 3, "-o", "m.vivace", "-q",
        "--learning-method", method, "--memory", memory, *more,
    )  # fmt: skip


def model() -> dict[str, np.ndarray]:
    found = vivace.load("m.vivace")
    names = ("weights_", "elbo_trace_", "components_", "means_")
    return {name: getattr(found, name) for name in names if hasattr(found, name)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_no_bit_changes(case: str, method: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WORKING", 0)  # so that a few kilobytes are little and not wrong
    monkeypatch.setattr(room, "WORKING", 0)
    monkeypatch.setattr(spool, "CHUNK", 1 << 12)
    models = []
    for memory in ("20kB", "50k", "1G"):
        found = fit(run, *CASES[case], memory, method)
        assert found.exit_code == 0, found.stderr
        models.append(model())
    assert models[0]
    for other in models[1:]:
        for name, array in models[0].items():
            assert other[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("case", CASES)
def test_the_least_that_works(case: str, run: Any) -> None:
    estimator, data = CASES[case]
    found = fit(run, estimator, data, "1k", "batch")
    assert found.exit_code == 1
    least = LEAST.search(found.stderr)
    assert least is not None, found.stderr
    assert not Path("m.vivace").exists()
    number, unit = least[1].split()
    assert fit(run, estimator, data, least[1], "batch").exit_code == 0
    assert fit(run, estimator, data, f"{int(number) - 1} {unit}", "batch").exit_code == 1


def test_without_the_option(run: Any) -> None:
    assert fit(run, "gaussian-mixture", "t.parquet", "nonsense", "batch").exit_code == 2
    found = run("fit", "gaussian-mixture", "t.parquet", "-k", 3, "--passes", 3, "-o", "d", "-q")
    assert found.exit_code == 0
    assert fit(run, "gaussian-mixture", "t.parquet", "1G", "batch").exit_code == 0
    assert vivace.load("d").elbo_trace_.tobytes() == model()["elbo_trace_"].tobytes()

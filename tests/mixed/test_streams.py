"""Mixtures over tables of files that are larger than memory: the bits of those in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace import BayesianMixture, BayesianPoissonMixture, Checkpoint
from vivace.io import TableError
from vivace.io import frame_stream as frame_module
from vivace.io import spool as spool_module
from vivace.io import stream as stream_module
from vivace.io import text_table as text_module
from vivace.io.frame_stream import open_frame

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
ds = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.filterwarnings("ignore:Best performing")

N = 2500
NAMES = ["age", "visits", "member", "town", "code"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "CHUNK", 1 << 10)
    monkeypatch.setattr(stream_module, "WORKING", 0)
    monkeypatch.setattr(text_module, "_BLOCK", 1 << 13)


def frame() -> Any:
    rng = np.random.default_rng(5)
    group = rng.integers(0, 3, N)
    town = np.array(["oslo", "bergen", "å", "NA town"], dtype=object)[
        (group + rng.integers(2, size=N)) % 4
    ]
    town[rng.random(N) < 0.1] = None
    age = rng.normal(30 + 10 * group, 5.0)
    age[rng.random(N) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "id": [f"row{i}" for i in range(N)],
            "age": age,
            "visits": rng.poisson(1 + 4 * group),
            "member": rng.random(N) < 0.2 + 0.3 * group,
            "town": town,
            "code": rng.integers(2, 6, N),
        }
    )


FAMILIES = {
    "gaussian": ["age"],
    "poisson": ["visits"],
    "bernoulli": ["member"],
    "categorical": ["town", "code"],
}


def model(**more: Any) -> BayesianMixture:
    settings = {"n_components": 4, "families": FAMILIES, "random_state": 0, "max_iter": 8}
    return BayesianMixture(**(settings | more))


def given(form: str, folder: Path) -> Any:
    table = frame()[NAMES]
    if form == "csv":
        table.to_csv(folder / "t.csv", index=False)
        return str(folder / "t.csv")
    if form == "function":
        return lambda: (table.iloc[i : i + 300] for i in range(0, N, 300))
    pq.write_table(pa.Table.from_pandas(table), folder / "t.parquet", row_group_size=400)
    return folder / "t.parquet" if form == "parquet" else ds.dataset(folder / "t.parquet")


@pytest.mark.parametrize("form", ["csv", "parquet", "dataset", "function"])
@pytest.mark.parametrize("method", ["batch", "online", "memoized"])
def test_same_fit(form: str, method: str, tmp_path: Path) -> None:
    X = frame()[NAMES]
    full = model(learning_method=method).fit(X)
    data = given(form, tmp_path)
    for memory, n_jobs in ((3000, 2), (1 << 30, 1)):
        stream = open_frame(data, memory=memory)
        assert stream.in_memory == (memory > 3000)
        found = model(learning_method=method, n_jobs=n_jobs).fit(stream)
        assert found.elbo_trace_.tobytes() == full.elbo_trace_.tobytes()
        assert found.families_ == full.families_
    assert np.array_equal(found.predict(stream), full.predict(X))
    assert np.array_equal(found.predict_proba(data), full.predict_proba(X))
    assert np.array_equal(found.score_samples(data), full.score_samples(X))
    assert list(found.feature_names_in_) == NAMES


def test_families_by_type(tmp_path: Path) -> None:
    frame()[NAMES].to_csv(tmp_path / "t.csv", index=False)
    found = model(families="auto").fit(tmp_path / "t.csv")
    assert found.families_ == {
        "gaussian": ["age"],
        "poisson": ["visits", "code"],
        "bernoulli": ["member"],
        "categorical": ["town"],
    }
    counts = BayesianPoissonMixture(n_components=2, max_iter=3, random_state=0)
    pq.write_table(pa.Table.from_pandas(frame()[["visits", "code"]]), tmp_path / "c.parquet")
    assert np.array_equal(
        counts.fit(tmp_path / "c.parquet").weights_,
        counts.fit(frame()[["visits", "code"]]).weights_,
    )


def test_types_that_change_late(tmp_path: Path) -> None:
    rows = [f"{i % 5},{i % 3},\n" for i in range(4000)]
    rows += ["1.5,x,1\n", ",,2\n"]
    (tmp_path / "t.csv").write_text("".join(["a,b,c\n", *rows]))
    stream = open_frame(tmp_path / "t.csv", memory=10_000)
    assert stream.kinds == ["float", "text", "float"]
    assert stream.levels[1] == ["0", "1", "2", "x"]
    assert stream[4000].tolist() == [1.5, 3.0, 1.0]
    assert np.isnan(stream[4001][:2]).all()


def test_unknown_levels_count_as_missing(tmp_path: Path) -> None:
    table = frame()[NAMES]
    fitted = model().fit(table)
    table.loc[3, "town"] = "atlantis"
    pq.write_table(pa.Table.from_pandas(table), tmp_path / "t.parquet", row_group_size=400)
    with pytest.warns(UserWarning, match="'town' holds 1 value"):
        found = fitted.predict_proba(tmp_path / "t.parquet")
    table.loc[3, "town"] = None
    assert np.array_equal(found, fitted.predict_proba(table))


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = frame()
    pq.write_table(pa.Table.from_pandas(X), tmp_path / "t.parquet")
    with pytest.raises(TypeError, match="vivace impute"):
        model().fit(X[NAMES]).impute(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="'town' holds text"):
        model(families="gaussian").fit(open_frame(tmp_path / "t.parquet", ["age", "town"]))
    with pytest.raises(TableError, match="no column 'z'"):
        open_frame(tmp_path / "t.parquet", ["z"])
    times = pa.table({"when": pa.array([0, 1], pa.timestamp("s"))})
    pq.write_table(times, tmp_path / "when.parquet")
    with pytest.raises(TableError, match=r"'when' holds timestamp\[.*leave it out"):
        open_frame(tmp_path / "when.parquet")
    monkeypatch.setattr(frame_module, "MOST_LEVELS", 100)
    with pytest.raises(TableError, match=r"'id' holds more than 100 different texts"):
        open_frame(tmp_path / "t.parquet")
    with pytest.raises(FileNotFoundError):
        model().fit(tmp_path / "none.csv")


def test_resumed(tmp_path: Path) -> None:
    data = given("csv", tmp_path)
    full = model(learning_method="memoized", max_iter=6).fit(frame()[NAMES])
    asked = [0]

    def poll() -> BaseException | None:
        asked[0] += 1
        return KeyboardInterrupt() if asked[0] % 7 == 0 else None

    for attempt in range(60):
        checkpoint = Checkpoint(tmp_path / "job", every=0.0, resume=True, poll=poll)
        found = model(learning_method="memoized", max_iter=6)
        try:
            found.fit(
                open_frame(data, memory=3000 if attempt % 2 else 10**9), checkpoint=checkpoint
            )
            break
        except KeyboardInterrupt:
            continue
    assert asked[0] > 7
    assert found.elbo_trace_.tobytes() == full.elbo_trace_.tobytes()
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace("oslo", "rome"))
    checkpoint.poll = lambda: KeyboardInterrupt()
    with pytest.raises((KeyboardInterrupt, ValueError)):
        model().fit(data, checkpoint=checkpoint)

"""The model file with a stand-in estimator: exact, atomic, and closed to hostile files."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vivace.io import ModelFileError, load_model, model_file, read_record, save_model
from vivace.io.npy import DTYPES


class StandIn:
    """The least an estimator must have."""

    def __init__(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.meta, self.arrays = meta, arrays

    def _to_record(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return self.meta, self.arrays

    @classmethod
    def _from_record(
        cls, meta: dict[str, Any], arrays: dict[str, np.ndarray], trusted: tuple[str, ...]
    ) -> StandIn:
        return cls(meta, arrays)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(model_file.REGISTRY, "StandIn", f"{__name__}:StandIn")


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and a.tobytes() == b.tobytes()
        and (a.flags.c_contiguous or a.flags.f_contiguous)
        == (b.flags.c_contiguous or b.flags.f_contiguous)
    )


def any_array() -> st.SearchStrategy[np.ndarray]:
    """Arrays made from raw bytes: NaN payloads, -0.0 and subnormal numbers are all in reach."""

    def make(dtype: np.dtype, shape: tuple[int, ...], fortran: bool, data: Any) -> np.ndarray:
        n = int(np.prod(shape)) * dtype.itemsize
        raw = data.draw(st.binary(min_size=n, max_size=n))
        if dtype.kind == "b":
            raw = bytes(byte & 1 for byte in raw)
        array = np.frombuffer(raw, dtype).reshape(shape)
        return np.asfortranarray(array) if fortran else array

    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    return st.builds(
        make, st.sampled_from(sorted(DTYPES, key=str)), shapes, st.booleans(), st.data()
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), any_array(), max_size=4)
)
def test_round_trip_bit_for_bit(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    arrays.pop("meta", None)
    path = tmp_path / "m"
    save_model(StandIn({}, arrays), path)
    loaded = load_model(path).arrays
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert same_bits(loaded[name], array)
        assert loaded[name].flags.f_contiguous == array.flags.f_contiguous
        assert loaded[name].flags.writeable


SPECIAL = np.array(
    [0x7FF8000000000001, 0xFFF0DEADBEEF0001, 1 << 63, 1, 0x7FF0000000000000], np.uint64
)


@pytest.mark.parametrize(
    "array",
    [
        SPECIAL.view(np.float64),
        SPECIAL.view(np.uint32).view(np.float32),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(20.0)[::3],
        np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(4, dtype=">f4"),
        np.array(3.5),
        np.zeros((0, 7)),
        np.array([True, False]),
        np.broadcast_to(np.arange(3.0), (2, 3)),
        np.arange(300_000.0),  # several chunks
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_round_trip_of_particular_arrays(tmp_path: Path, array: np.ndarray) -> None:
    save_model(StandIn({}, {"a": array}), tmp_path / "m")
    loaded = load_model(tmp_path / "m").arrays["a"]
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    assert loaded.tobytes() == array.tobytes()
    with np.load(tmp_path / "m") as archive:  # any NumPy reads the members
        assert archive["arrays/a"].tobytes() == array.tobytes()


def values() -> st.SearchStrategy[Any]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(st.characters(codec="utf-8") | st.just("\ud800"))
    )
    keys = st.text(max_size=5).filter(lambda key: not key.startswith("$"))
    return st.recursive(
        leaves,
        lambda v: st.lists(v, max_size=3) | st.tuples(v, v) | st.dictionaries(keys, v, max_size=3),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["parameters", "fitted", "x y"]), values()))
def test_metadata_round_trip(tmp_path: Path, meta: dict[str, Any]) -> None:
    save_model(StandIn(meta, {}), tmp_path / "m")
    loaded = load_model(tmp_path / "m").meta
    assert loaded == meta
    assert repr(loaded) == repr(meta)  # types, -0.0, tuples


def test_metadata_beyond_json(tmp_path: Path) -> None:
    random_state = np.random.RandomState(3)
    random_state.normal(size=7)  # an odd number: one normal deviate is kept back
    meta = {
        "parameters": {
            "means_init": np.eye(2, dtype=np.float32),
            "tol": np.float64(0.1),
            "n": np.int64(3),
            "nan": float("nan"),
            "random_state": random_state,
            "a b": np.arange(3),
            "a-b": np.arange(4),
        }
    }
    save_model(StandIn(meta, {"weights": np.ones(2)}), tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert list(loaded.arrays) == ["weights"]
    parameters = loaded.meta["parameters"]
    assert same_bits(parameters["means_init"], np.eye(2, dtype=np.float32))
    assert type(parameters["tol"]) is float
    assert parameters["tol"] == 0.1
    assert type(parameters["n"]) is int
    assert np.isnan(parameters["nan"])
    assert len(parameters["a b"]) == 3
    assert len(parameters["a-b"]) == 4
    expected = random_state.normal(size=5)
    np.testing.assert_array_equal(parameters["random_state"].normal(size=5), expected)


def test_notes(tmp_path: Path) -> None:
    notes = {"data": "a.csv", "seconds": {"fit": 1.5}, "x": np.arange(2)}
    save_model(StandIn({"k": 1}, {"w": np.ones(2)}), tmp_path / "m", notes)
    loaded = load_model(tmp_path / "m")
    assert loaded.meta == {"k": 1}
    assert list(loaded.arrays) == ["w"]
    found = read_record(tmp_path / "m").notes
    np.testing.assert_array_equal(found.pop("x"), [0, 1])
    assert found == {"data": "a.csv", "seconds": {"fit": 1.5}}
    assert read_record(tmp_path / "m").meta == {"k": 1}


def test_same_model_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_model(StandIn({"x": 1.5}, {"w": np.arange(9.0)}), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_record_says_what_wrote_it(tmp_path: Path) -> None:
    save_model(StandIn({"parameters": {"k": 3}}, {}), tmp_path / "m")
    record = read_record(tmp_path / "m")
    assert record.class_name == "StandIn"
    assert record.format_version == model_file.FORMAT_VERSION
    assert record.versions["numpy"] == np.__version__
    assert record.meta == {"parameters": {"k": 3}}


class Unknown(StandIn):
    pass


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Unknown({}, {}), "expected an instance of .*StandIn"),
        (StandIn({"parameters": {"f": print}}, {}), r"meta\.parameters\.f is a builtin_function"),
        (StandIn({1: 2}, {}), "key 1"),
        (StandIn({"$float": 2}, {}), "key"),
        (StandIn({"r": np.random.default_rng(0)}, {}), "meta.r is a Generator"),
        (StandIn({"r": np.random.RandomState(np.random.PCG64(0))}, {}), "over PCG64"),
        (StandIn({}, {"a": np.array([None])}), "array 'a': expected .* got object"),
        (StandIn({}, {"a": np.array(["x"])}), "array 'a': expected .* got <U1"),
        (StandIn({}, {"a": np.zeros(2, "f8,i4")}), "array 'a'"),
        (StandIn({}, {"a": np.zeros(2, "M8[s]")}), "array 'a'"),
        (StandIn({}, {"../a": np.zeros(2)}), "name of letters"),
        (StandIn({}, {"a" * 101: np.zeros(2)}), "name of letters"),
        (StandIn({}, {"meta.a": np.zeros(2)}), "reserved"),
    ],
)
def test_what_cannot_be_stored(tmp_path: Path, estimator: Any, message: str) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"before")
    with pytest.raises(ModelFileError, match=message):
        save_model(estimator, path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["m"]


def test_endless_metadata_is_refused(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ModelFileError, match="nested"):
        save_model(StandIn({"x": endless}, {}), tmp_path / "m")


@pytest.mark.parametrize(
    "error", [KeyError("a"), TypeError("b"), ValueError("c"), IndexError("d"), MemoryError("e")]
)
def test_content_that_the_class_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(meta: object, arrays: object, trusted: object) -> StandIn:
        raise error

    save_model(StandIn({}, {}), tmp_path / "m")
    monkeypatch.setattr(StandIn, "_from_record", refuse)
    with pytest.raises(ModelFileError, match=f"{tmp_path}.*StandIn.*{type(error).__name__}"):
        load_model(tmp_path / "m")


def test_unknown_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(StandIn({}, {}), tmp_path / "m")
    monkeypatch.delitem(model_file.REGISTRY, "StandIn")
    with pytest.raises(ModelFileError, match=r"holds a 'StandIn'; expected one of .* update"):
        load_model(tmp_path / "m")


def test_newer_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "FORMAT_VERSION", 7)
    save_model(StandIn({}, {}), tmp_path / "m")
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match=r"format version 7, .*newer.*update vivace"):
        read_record(tmp_path / "m")


def test_file_that_does_not_fit_in_the_folder(tmp_path: Path) -> None:
    """A full disk (here: a limit on the size of files) leaves the old file and nothing else."""
    code = """
        import resource, sys
        import numpy as np
        from vivace.io import model_file

        class StandIn:
            def _to_record(self):
                return {}, {"a": np.zeros(1_000_000)}

        model_file.REGISTRY["StandIn"] = "__main__:StandIn"
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            model_file.save_model(StandIn(), sys.argv[1])
        except OSError as error:
            print(type(error).__name__)
    """
    path = tmp_path / "m"
    path.write_bytes(b"before")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "OSError\n"
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["m"]

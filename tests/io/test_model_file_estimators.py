"""Model files of real estimators, tampered with: ModelFileError, or a model that works."""

from __future__ import annotations

import copy
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vivace
from vivace.io import ModelFileError, load_model, save_model
from vivace.io.container import read_arrays, read_header, write_container

Content = tuple[dict[str, Any], dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    path = tmp_path_factory.mktemp("model") / "m"
    X = np.random.default_rng(0).normal(size=(60, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = vivace.BayesianGaussianMixture(
            n_components=3, max_iter=5, random_state=np.random.RandomState(0), mean_prior=[0.0, 1.0]
        ).fit(X)
    save_model(model, path)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        header, members = read_header(archive)
        return header, read_arrays(archive, members)


def places(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a nested header."""
    found = [where] if where else []
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, item in value.items() if isinstance(value, dict) else ():
        found += places(item, (*where, key))
    return found


ODD = [
    None, True, -1, 0, 1, 7, 10**9, 10**30, -0.5, 1e308, "", "x", "full", [], [1, 2], {}, {"a": 1},
    {"$float": "nan"}, {"$float": "-inf"}, {"$tuple": [1]}, {"$array": "centre"},
]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_tampered_metadata(tmp_path: Path, content: Content, data: st.DataObject) -> None:
    header, arrays = copy.deepcopy(content[0]), dict(content[1])
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(places(header["meta"])))
        inner = header["meta"]
        try:
            for key in way:
                inner = inner[key]
            if data.draw(st.booleans()):
                inner[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
            else:
                del inner[last]
        except (KeyError, IndexError, TypeError):  # gone with the first change
            pass
    check(tmp_path / "m", header, arrays)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_tampered_arrays(tmp_path: Path, content: Content, data: st.DataObject) -> None:
    header, arrays = copy.deepcopy(content[0]), dict(content[1])
    name = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays[name]
    change = data.draw(st.sampled_from(["value", "shape", "dtype", "gone"]))
    if change == "value":
        array = array.copy()
        if array.dtype == np.float64:
            odd = data.draw(st.sampled_from([np.nan, np.inf, 0.0, -1.0, 1e300, -1e300, 1e-320]))
            array[...] = (
                odd if data.draw(st.booleans()) else np.where(array == array.max(), odd, array)
            )
        arrays[name] = array
    elif change == "shape":
        arrays[name] = data.draw(
            st.sampled_from([array.reshape(-1)[:0], array[None], array.reshape(-1)[:1]])
        )
    elif change == "dtype":
        arrays[name] = array.astype(data.draw(st.sampled_from(["f4", "i8", ">f8", "c16"])))
    else:
        del arrays[name]
        header["arrays"].remove(name)
    check(tmp_path / "m", header, arrays)


def check(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        write_container(file, header, arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = load_model(path)
        except ModelFileError:
            return
        assert isinstance(model, vivace.BayesianGaussianMixture)
        model.predict(np.zeros((4, model.n_features_in_)))

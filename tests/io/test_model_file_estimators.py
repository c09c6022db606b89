"""A model file that was tampered with: ModelFileError, or a model that works.

All estimators' files are tried in test_fuzz.py, where a forged model may fail when it is applied.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged import Arrays, contents, forged_arrays, forged_metadata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vivace
from vivace.io import ModelFileError, load_model, save_model
from vivace.io.container import write_container

Content = tuple[dict[str, Any], Arrays]


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
    return contents(path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_tampered_metadata(tmp_path: Path, content: Content, data: st.DataObject) -> None:
    header, arrays = content
    meta = forged_metadata(data, header["meta"], data.draw(st.integers(1, 2)))
    check(tmp_path / "m", {**header, "meta": meta}, arrays)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_tampered_arrays(tmp_path: Path, content: Content, data: st.DataObject) -> None:
    check(tmp_path / "m", *forged_arrays(data, *content))


def check(path: Path, header: dict[str, Any], arrays: Arrays) -> None:
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

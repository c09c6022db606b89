"""Model files of every estimator and every format version: readable, exact, on any processor."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import golden
import numpy as np
import pytest

from vivace import _core
from vivace.io.model_file import (
    FORMAT_VERSION,
    REGISTRY,
    ModelFileError,
    load_model,
    read_record,
    save_model,
)
from vivace.mixture._assign import BUILT_IN

pytest.importorskip("pandas")

FILES = sorted(golden.FOLDER.glob("format-*/*.vivace"))


def same(a: Any, b: Any) -> bool:
    """Arrays of the same names, types, shapes and bits."""
    return a.keys() == b.keys() and all(
        a[n].dtype == b[n].dtype and a[n].shape == b[n].shape and a[n].tobytes() == b[n].tobytes()
        for n in a
    )


@pytest.mark.parametrize("folder", sorted(golden.FOLDER.iterdir()), ids=lambda path: path.name)
def test_files_say_what_they_said(folder: Path) -> None:
    assert golden.disagreements(folder) == []


def test_every_version_estimator_and_family_is_there() -> None:
    versions = {int(path.parent.name.removeprefix("format-")) for path in FILES}
    assert versions == set(range(1, FORMAT_VERSION + 1))
    today = golden.FOLDER / f"format-{FORMAT_VERSION}"
    records = [read_record(path) for path in today.glob("*.vivace")]
    assert {record.class_name for record in records} == set(REGISTRY)
    assert {record.format_version for record in records} == {FORMAT_VERSION}
    found = (name for record in records for name in record.meta["fitted"].get("families_", {}))
    assert {re.sub(r"_\d+$", "", name) for name in found} == {*BUILT_IN, "failures"}
    assert {path.stem for path in today.glob("*.vivace")} == set(golden.MODELS)
    assert sum(path.stat().st_size for path in today.glob("*.vivace")) < 500_000


def test_a_family_of_a_users_own_is_loaded_only_where_trusted() -> None:
    """Nor does a file say itself what may be imported."""
    path = golden.FOLDER / f"format-{FORMAT_VERSION}" / "mixture-own.vivace"
    with pytest.raises(ModelFileError, match=r"trusted=\['golden_family'\]"):
        load_model(path)
    code = f"""
import sys, vivace
try:
    vivace.load({str(path)!r})
except ValueError as error:
    assert "--trusted golden_family" in str(error), error
assert "golden_family" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=golden.FOLDER.parent)
    model = load_model(path, golden.TRUSTED)
    assert model.families_ == {"failures": [0, 1], "poisson": [2]}


def test_every_array_that_a_file_can_hold_is_there() -> None:
    """What the record modules write, by name; a new array needs a file that has it."""
    today = golden.FOLDER / f"format-{FORMAT_VERSION}"
    names = {name for path in today.glob("*.vivace") for name in read_record(path).arrays}
    assert {re.sub(r"\d+", "#", name) for name in names} == {
        # mixtures
        "trace", "validation_trace", "centre", "scale", "prior.mean", "prior.covariance",
        "prior.ridge", "statistics.suff", "statistics.shared", "statistics.entropy",
        "statistics.weight",
        # mixtures of parts
        "statistics.counts", "statistics.base", "statistics.#.suff", "statistics.#.gaps",
        "statistics.#.sums", "statistics.#.rows", "statistics.#.log_scale", "statistics.#.latent",
        "gaps.#", "centre.#", "scale.#", "feature_scale.#", "prior.#.mean",
        "prior.#.mean_precision", "prior.#.dof", "prior.#.scale", "prior.#.shape", "prior.#.rate",
        "prior.#.exposure", "prior.#.a", "prior.#.b", "prior.#.start", "prior.#.concentration",
        "prior.#.total",
        # topics
        "counts", "totals", "alpha", "prior", "log_theta", "vocabulary",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["gaussian-partial", "mixture-partial", "lda-partial"])
def test_batches_that_came_and_went_have_no_fingerprint(name: str) -> None:
    """Of `partial_fit` the file says how much there was and how long it took."""
    meta = read_record(golden.FOLDER / f"format-{FORMAT_VERSION}" / f"{name}.vivace").meta
    assert "fingerprint" not in meta["data"]
    seen = meta["data"]["n_documents" if name.startswith("lda") else "weight"]
    assert seen == {"gaussian": 120, "mixture": 60, "lda": 40}[name.split("-")[0]]
    assert set(meta["timings"]) == {"partial_fit"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_read_is_what_is_written(path: Path, tmp_path: Path) -> None:
    """Reading and writing a file of any version changes no bit of an array.

    A number that is made of them again may differ in its last digit where the library that makes
    it is another's version.
    """
    save_model(load_model(path, golden.TRUSTED), tmp_path / "again")
    before, after = read_record(path), read_record(tmp_path / "again")
    assert same(before.arrays, after.arrays)
    skipped = ("instruction_set", "random_state", "parameters")
    made = [record.meta["fitted"].pop("leftover_weight_", 0.0) for record in (before, after)]
    assert made[0] == pytest.approx(made[1], rel=1e-13)
    for name, value in before.meta.items():
        if name not in skipped:
            assert after.meta[name] == value, name


@pytest.mark.parametrize("name", sorted(golden.MODELS))
def test_a_fit_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    model = golden.fitted(name)
    save_model(model, tmp_path / "one")
    loaded = load_model(tmp_path / "one", golden.TRUSTED)
    save_model(loaded, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert golden.says(name, loaded) == golden.says(name, model)
    for attribute, value in vars(model).items():
        if attribute.endswith("_") and attribute not in ("random_state_", "tokenizer_"):
            found = getattr(loaded, attribute)
            assert type(found) is type(value), attribute
            np.testing.assert_array_equal(found, value, err_msg=attribute)
    assert repr(loaded.get_params()) == repr(model.get_params()) or "random_state" in str(
        model.get_params()
    )


@pytest.mark.parametrize("name", sorted(golden.MODELS))
def test_metadata_are_complete(name: str) -> None:
    record = read_record(golden.FOLDER / f"format-{FORMAT_VERSION}" / f"{name}.vivace")
    meta = record.meta
    assert set(record.versions) >= {"python", "vivace", "numpy", "scipy", "scikit-learn"}
    assert meta["parameters"]["n_components"] in (2, 3)
    assert meta["instruction_set"]
    columns = getattr(golden.rows(name), "columns", None)
    assert meta["feature_names"] == (None if columns is None else list(columns))
    if name.endswith("-partial"):
        return
    rows, n = ("n_documents", 40) if name.startswith("lda") else ("n_rows", 60)
    n = 20 if name == "lda-texts" else n
    assert meta["data"][rows] + meta["data"].get("n_held_out", 0) == n
    assert len(meta["data"]["fingerprint"]) == 32
    assert 0.0 < meta["timings"]["fit"] < 60.0
    assert len(record.arrays["trace"]) == meta["fitted"]["n_iter_"]


def test_fingerprints_tell_data_apart() -> None:
    import vivace

    X = golden.numbers()
    other = X.copy()
    other[-1, 0] += 1e-9
    found = []
    for rows, weight in ((X, None), (X, None), (other, None), (X, np.full(len(X), 2.0))):
        model = vivace.BayesianGaussianMixture(random_state=0).fit(rows, sample_weight=weight)
        found.append(model._to_record()[0]["data"]["fingerprint"])
    assert found[0] == found[1]
    assert len(set(found)) == 3


@pytest.mark.parametrize("isa", [isa for isa in _core.available_isas() if isa != _core.isa()])
def test_files_of_another_instruction_set(isa: str, tmp_path: Path) -> None:
    """What was written here is read there, and the other way round."""
    environment = {**os.environ, "VIVACE_ISA": isa}

    def run(*arguments: object) -> str:
        command = [sys.executable, str(Path(golden.__file__)), *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("check", golden.FOLDER / f"format-{FORMAT_VERSION}") == ""
    run(tmp_path)
    for path in tmp_path.glob("*.vivace"):
        assert read_record(path).meta["instruction_set"] == isa
    assert golden.disagreements(tmp_path) == []

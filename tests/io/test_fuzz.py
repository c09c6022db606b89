"""Files of every estimator and checkpoint folders, damaged and forged: clean errors only."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import golden
import numpy as np
import pytest
from forged import Arrays, contents, forged_arrays, forged_metadata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vivace
from vivace.io import ModelFileError, load_model
from vivace.io.checkpoint_folder import MANIFEST, CheckpointError, CheckpointFolder
from vivace.io.container import write_container
from vivace.io.model_file import FORMAT_VERSION

pytest.importorskip("pandas")

PART = "part-00000001-deadbeef.vivace"
FOLDER = golden.FOLDER / f"format-{FORMAT_VERSION}"
NAMES = sorted(golden.MODELS)
CALM = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def bounded(size: int, action: Callable[[], Any]) -> Any:
    """Run an action that must not take much more memory than a file has bytes."""
    tracemalloc.start()
    try:
        return action()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30_000_000 + 30 * size


def load(path: Path) -> Any:
    """The model, or None where the file is refused as it should be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bounded(path.stat().st_size, lambda: load_model(path, golden.TRUSTED))
        except ModelFileError as error:
            said = str(error)
    assert said.startswith(str(path))
    assert len(said) < 2000
    return None


@pytest.mark.parametrize("name", NAMES)
def test_truncated_models(name: str, tmp_path: Path) -> None:
    content = (FOLDER / f"{name}.vivace").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "m"
    for length in [0, 1, len(content) - 1, *rng.integers(0, len(content), 6)]:
        path.write_bytes(content[:length])
        assert load(path) is None


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_of_models(name: str, tmp_path: Path) -> None:
    """Refused, or what was flipped carries no meaning: the model says what it said."""
    content = (FOLDER / f"{name}.vivace").read_bytes()
    expected = load_model(FOLDER / f"{name}.vivace", golden.TRUSTED)._to_record()[1]
    rng = np.random.default_rng(1)
    path = tmp_path / "m"
    for position in rng.integers(0, len(content), 10):
        bad = bytearray(content)
        bad[position] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        model = load(path)
        if model is not None:
            found = model._to_record()[1]
            assert all(found[n].tobytes() == expected[n].tobytes() for n in expected)


def applied(name: str, model: Any) -> None:
    """A forged model that loads may be nonsense, but must end in numbers or in an exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.suppress(Exception):
            golden.says(name, model)


@CALM
@given(st.data())
@pytest.mark.parametrize("name", NAMES)
def test_forged_metadata(name: str, tmp_path: Path, data: st.DataObject) -> None:
    header, arrays = contents(FOLDER / f"{name}.vivace")
    header["meta"] = forged_metadata(data, header["meta"], data.draw(st.integers(1, 2)))
    loaded_and_applied(name, tmp_path / "m", header, arrays)


@CALM
@given(st.data())
@pytest.mark.parametrize("name", NAMES)
def test_forged_arrays(name: str, tmp_path: Path, data: st.DataObject) -> None:
    header, arrays = forged_arrays(data, *contents(FOLDER / f"{name}.vivace"))
    loaded_and_applied(name, tmp_path / "m", header, arrays)


def loaded_and_applied(name: str, path: Path, header: dict[str, Any], arrays: Arrays) -> None:
    with open(path, "wb") as file:
        write_container(file, header, arrays)
    model = load(path)
    if model is not None:
        applied(name, model)


# -- checkpoints ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest and parts, as a fit left it."""
    folder = tmp_path_factory.mktemp("checkpoint") / "c"
    model = vivace.BayesianGaussianMixture(
        n_components=3,
        learning_method="memoized",
        batch_size=20,
        random_state=0,
        max_iter=4,
        tol=0.0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(golden.numbers(), checkpoint=vivace.Checkpoint(folder, every=0.0))
    assert (folder / MANIFEST).exists()
    assert len(list(folder.glob("part-*"))) >= 1
    return folder


def read(folder: Path) -> Any:
    """State and parts; None where they are refused as they should be."""
    size = sum(path.stat().st_size for path in folder.iterdir())

    def all_of_it() -> Any:
        held = CheckpointFolder(folder)
        try:
            return held.read(), sorted(name for name, _ in held.read_parts())
        finally:
            held.close()

    try:
        return bounded(size, all_of_it)
    except CheckpointError as error:
        said = str(error)
    assert str(folder) in said
    assert "Remedy" in said
    return None


def told(found: Any) -> str:
    """A state as text, without addresses in memory."""
    return re.sub(r"at 0x[0-9A-F]+", "", repr(found))


def resumed(folder: Path) -> Any:
    """The fit that goes on from a folder; None where it is refused."""
    model = vivace.BayesianGaussianMixture(
        n_components=3,
        learning_method="memoized",
        batch_size=20,
        random_state=0,
        max_iter=4,
        tol=0.0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.fit(
                golden.numbers(), checkpoint=vivace.Checkpoint(folder, every=1e9, resume=True)
            )
        except CheckpointError:
            return None


def test_the_checkpoint_is_good(checkpoint: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(checkpoint, tmp_path / "c")
    assert read(copied) is not None
    assert resumed(copied) is not None


def test_damaged_checkpoints(checkpoint: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    good = read(shutil.copytree(checkpoint, tmp_path / "good"))
    for i in range(60):
        folder = shutil.copytree(checkpoint, tmp_path / str(i))
        files = sorted(path for path in folder.iterdir() if path.suffix == ".vivace")
        path = files[rng.integers(len(files))]
        content = bytearray(path.read_bytes())
        if i % 3 == 0:
            path.write_bytes(content[: rng.integers(len(content))])
        elif i % 3 == 1:
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
            path.write_bytes(content)
        else:
            path.write_bytes(rng.bytes(rng.integers(300)))
        found = read(folder)
        assert found is None or told(found) == told(good)
        if i % 10 == 0:
            resumed(folder)
        shutil.rmtree(folder)


def test_missing_files_of_checkpoints(checkpoint: Path, tmp_path: Path) -> None:
    for i, name in enumerate(path.name for path in checkpoint.glob("part-*")):
        folder = shutil.copytree(checkpoint, tmp_path / str(i))
        (folder / name).unlink()
        assert read(folder) is None
        assert resumed(folder) is None


@pytest.mark.parametrize(
    "files",
    [
        {"../../etc/passwd": ["a"]}, {"/etc/passwd": ["a"]}, {f"{PART}/x": ["a"]},
        {"..": []}, {PART: {"a": 1}}, {PART: "a"},
        [], None, 7, {PART: ["a"]}, {"lock": ["a"]}, {"": ["a"]},
        {PART: [["a"]]},
    ],
)  # fmt: skip
def test_tricks_with_paths(files: Any, checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "c")
    header, arrays = contents(checkpoint / MANIFEST)
    with open(folder / MANIFEST, "wb") as file:
        write_container(file, {**header, "files": files}, arrays)
    assert read(folder) is None


def stored(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that occur twice
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members:
                archive.writestr(name, content)
    return file.getvalue()


NPY = b"\x93NUMPY\x01\x00\x60\x00{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"


def hostile() -> list[bytes]:
    head = {
        "format": "vivace-checkpoint",
        "format_version": 1,
        "serial": 1,
        "files": {},
        "state": {},
    }
    good = json.dumps(head).encode()
    deep = (
        b'{"format": "vivace-checkpoint", "format_version": 1, "serial": 1, "files": {}, "state": '
    )
    huge = (NPY % b"281474976710655,").ljust(106) + b"\n"
    return [
        stored([("header.json", b" " * 50_000_000)], zipfile.ZIP_DEFLATED),  # a zip bomb
        stored([("header.json", b" " * (17 << 20))]),
        stored([("header.json", good), ("arrays/a.npy", huge)]),
        stored([("header.json", good), ("arrays/a.npy", huge + b"\0" * 80)]),
        stored([("header.json", good), ("header.json", good)]),
        stored([("header.json", good), ("../../x.npy", b"")]),
        stored([("header.json", deep + b"[" * 100_000 + b"]" * 100_000 + b"}")]),
        stored([("header.json", deep + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}")]),
        stored([("header.json", deep + b"9" * 100_000 + b"}")]),
        stored([("header.json", good.replace(b'"serial": 1', b'"serial": "1"'))]),
        stored([("header.json", good.replace(b'"state": {}', b'"state": {"$array": "gone"}'))]),
        stored([("header.json", good.replace(b"_version\": 1", b"_version\": 99"))]),
        stored([("header.json", b"\xff")]),
        b"",
    ]  # fmt: skip


@pytest.mark.parametrize("content", hostile(), ids=range(len(hostile())))
def test_hostile_manifests_and_parts(content: bytes, checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "c")
    (folder / MANIFEST).write_bytes(content)
    assert read(folder) is None
    assert resumed(folder) is None
    folder = shutil.copytree(checkpoint, tmp_path / "d")
    part = next(folder.glob("part-*"))
    part.write_bytes(content.replace(b"vivace-checkpoint", b"vivace-checkpoint-part"))
    assert read(folder) is None
    assert resumed(folder) is None


@CALM
@given(st.data())
def test_forged_states(checkpoint: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Manifests with checksums that are right and content that is not."""
    folder = tmp_path / "c"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkpoint, folder)
    header, arrays = contents(checkpoint / MANIFEST)
    given = {name: header.pop(name) for name in ("state", "files")}
    header |= forged_metadata(data, given)
    with open(folder / MANIFEST, "wb") as file:
        write_container(file, header, arrays)
    read(folder)
    resumed(folder)

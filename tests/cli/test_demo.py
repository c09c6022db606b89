"""`vivace demo`, on photographs made small."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivace.cli import demo_segments
from vivace.cli.demo_figures import painted

FILES = ["elbo.png", "segments-china.png", "segments-flower.png"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    full = demo_segments.photographs()
    monkeypatch.setattr(
        demo_segments, "photographs", lambda: {name: p[::8, ::8] for name, p in full.items()}
    )
    monkeypatch.setattr(demo_segments, "_PRIOR_PIXELS", demo_segments._PRIOR_PIXELS / 64)


def test_photographs() -> None:
    pictures = demo_segments.photographs()
    assert list(pictures) == ["china", "flower"]
    pixels = demo_segments.pixel_table(pictures)
    assert pixels.shape == (546_560, 5)
    assert pixels[:, :3].min() == 0
    assert pixels[:, :3].max() == 1
    height, width = pictures["china"].shape[:2]
    np.testing.assert_array_equal(pixels[0], [*pictures["china"][0, 0] / 255, 0, 0])
    np.testing.assert_array_equal(
        pixels[height * width + width + 1],
        [*pictures["flower"][1, 1] / 255, 1 / width + demo_segments._DISTANCE, 1 / width],
    )


def test_demo(run: Any, folder: Path, small: None) -> None:
    result = run("demo")
    assert result.exit_code == 0
    for part in ("used of 32", "in china", "in flower", "seconds", "lower bound", "a pixel"):
        assert part in result.stdout
    assert sorted(os.listdir("demo-output")) == FILES
    for name in FILES:
        assert (Path("demo-output") / name).read_bytes().startswith(b"\x89PNG")


def test_demo_json(run: Any, small: None) -> None:
    result = run("demo", "--out-dir", "deep/er", "--seed", 1, "--threads", 1, "--json", "-q")
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record["converged"] is True
    assert 2 <= record["n_segments"] <= record["n_components"] == 32
    assert all(Path(path).exists() for path in record["files"])


def test_demo_without_matplotlib(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("demo")
    assert result.exit_code == 1
    assert "pip install matplotlib" in result.stderr
    assert not Path("demo-output").exists()


def test_painted() -> None:
    picture = np.array([[[0, 0, 0], [10, 20, 30]], [[255, 255, 255], [11, 22, 33]]], np.uint8)
    labels = np.array([[7, 3], [7, 3]])
    half = [128, 128, 128]
    np.testing.assert_array_equal(
        painted(picture, labels), [[half, [10, 21, 32]], [half, [10, 21, 32]]]
    )

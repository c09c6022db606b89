"""Pages about models with names that try to be code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_models import EVIL, MODELS

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="session")
def models() -> dict[str, tuple[Any, Any]]:
    return {name: make() for name, make in MODELS.items()}


@pytest.fixture(scope="session")
def pages(
    models: dict[str, tuple[Any, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A page about each model file, with data and without."""
    from vivace.report import write_report

    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, (model, data) in models.items():
        model.save(folder / f"{name}.vivace")
        for suffix, given in (("", None), ("-data", data)):
            path = folder / f"{name}{suffix}.html"
            write_report(folder / f"{name}.vivace", path, given, title=f"{name} {EVIL[0]}")
            found[f"{name}{suffix}"] = path
    return found


@pytest.fixture(params=[f"{name}{suffix}" for name in MODELS for suffix in ("", "-data")])
def page(request: pytest.FixtureRequest, pages: dict[str, Path]) -> Path:
    return pages[request.param]

"""`vivace demo --topics`, on some of the docstrings."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from vivace.cli import demo_topics


@pytest.fixture(scope="module")
def all_docstrings() -> demo_topics.Docstrings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_topics, "PACKAGES", ("numpy", "nosuchpackage"))
        return demo_topics.docstrings()


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch, all_docstrings: demo_topics.Docstrings) -> None:
    part = demo_topics.Docstrings(all_docstrings.texts[::3], all_docstrings.packages[::3])
    monkeypatch.setattr(demo_topics, "docstrings", lambda: part)
    monkeypatch.setattr(demo_topics, "MAX_ITER", 3)


def test_docstrings(all_docstrings: demo_topics.Docstrings) -> None:
    texts, packages = all_docstrings
    assert set(packages) == {"python", "numpy"}
    assert len(set(texts)) == len(texts) == len(packages) > 1000
    assert not any(">>>" in text for text in texts)
    counts = demo_topics.count_words(texts)
    assert "eigenvalues" in counts.vocabulary
    assert not {"the", "parameters", "array"} & set(counts.vocabulary)


def test_table(run: Any, some: None) -> None:
    before = os.listdir()
    result = run("demo", "--topics", "--seed", 1)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "held out" in result.stdout
    table = lines[lines.index("") + 1 :]
    assert table[0].split() == ["topic", "share", "from", "words"]
    assert len(table) == 1 + demo_topics.N_TOPICS
    assert os.listdir() == before


def test_json_and_repetition(run: Any, some: None) -> None:
    records = []
    for threads in (1, 2):
        result = run("demo", "--topics", "--json", "-q", "--threads", threads)
        assert result.stderr == ""
        records.append(json.loads(result.stdout))
        del records[-1]["seconds"]
    assert records[0] == records[1]
    assert records[0]["packages"] == ["numpy", "python"]
    topics = records[0]["topics"]
    assert len(topics) == demo_topics.N_TOPICS
    assert sum(topic["share"] for topic in topics) == pytest.approx(1)
    assert all(len(topic["words"]) == 12 and topic["packages"] for topic in topics)

"""The tables of the user guide, on a draw that takes a second."""

import pytest

from benchmarks import topic_settings
from benchmarks.versus.corpora import Corpus, synthetic

pytest.importorskip("sklearn.callback", reason="a look after each pass needs scikit-learn 1.9")


def bench(seeds=2):
    counts, _ = synthetic.draw(260, 80, 4, 30)
    corpus = Corpus("draw", counts[:220], counts[220:], [f"w{i}" for i in range(80)])
    return topic_settings.Bench(corpus, 4, seeds)


def test_scores_are_those_after_the_passes_asked_for():
    some = bench(seeds=1)
    cells, bound = some.scores((1, 3, 4), **topic_settings.CVB0)
    assert len(cells) == 3
    assert bound == ""
    assert some.scores((4,), **topic_settings.CVB0)[0] == cells[-1:]
    cells, bound = some.scores((1, 2), **topic_settings.VB)
    assert len(cells) == 2
    assert bound.startswith("-")


def test_every_part_makes_its_table(monkeypatch):
    monkeypatch.setattr(topic_settings, "PRIOR_PASSES", (1, 2))
    monkeypatch.setattr(topic_settings, "STORE_PASSES", (1, 2))
    short = tuple((*start[:3], (1, 2)) for start in topic_settings.STARTS)
    monkeypatch.setattr(topic_settings, "STARTS", short)
    for name, part in topic_settings.PARTS.items():
        table = part(bench())
        assert table.rows, name
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert "±" in table.markdown()

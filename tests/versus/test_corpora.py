"""The corpora of Debian's descriptions: what their split keeps apart."""

import pytest

from benchmarks.versus.corpora import debian

SOURCES = [f"source{i}" for i in range(60)]


def stanzas():
    for i, source in enumerate(SOURCES):
        for part in ("bin", "dev", "doc"):
            # Words in five documents and more, no two documents alike.
            words = [f"{part}word"] + [f"word{chr(97 + j)}{part}" for j in range(6) if i >> j & 1]
            yield f"{source}-{part}", source, " ".join(words)


@pytest.fixture
def lists(monkeypatch):
    packages = "\n".join(f"Package: {p}\nVersion: 1\nSource: {s}\n" for p, s, _ in stanzas())
    texts = "\n\n".join(
        f"Package: {p}\nDescription-md5: 0\nDescription-en: short line\n {text}"
        for p, _, text in stanzas()
    )
    monkeypatch.setattr(
        debian, "_lists", lambda kind: iter([packages if kind == "Packages" else texts])
    )


def sides(corpus):
    """The sources that have documents on each side; a document is known by its words."""
    words = set(corpus.vocabulary)
    known = {frozenset(words & set(text.split())): source for _, source, text in stanzas()}
    found = []
    for counts in (corpus.train, corpus.test):
        rows = (counts[[d]].indices for d in range(counts.shape[0]))
        found.append({known[frozenset(corpus.vocabulary[j] for j in row)] for row in rows})
    return found


@pytest.mark.parametrize(("name", "apart"), [("deb", True), ("deb-packages", False)])
def test_packages_of_a_source_are_on_one_side_of_deb_alone(lists, name, apart):
    corpus = debian.build(name)
    assert corpus.test.shape[0] > 0
    train, test = sides(corpus)
    assert train.isdisjoint(test) == apart

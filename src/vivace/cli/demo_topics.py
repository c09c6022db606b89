"""The second demonstration's data and model: topics of docstrings, text that is always at hand."""

from __future__ import annotations

import importlib.util
import re
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

N_TOPICS = 32
MAX_ITER = 100
# Priors found by looking at topics and at document completion: anything near serves as well.
_DOC_TOPIC_PRIOR = 0.03
_TOPIC_WORD_PRIOR = 0.05
_HELD_OUT = 10  # every tenth docstring is not fitted but scored

# Beside the standard library, where they are installed.
PACKAGES = (
    "joblib", "matplotlib", "numba", "numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn",
)  # fmt: skip
_NOT_THEIR_OWN = {
    "site-packages", "dist-packages", "test", "tests", "testing", "idlelib", "lib2to3", "ensurepip",
    "pydoc_data", "externals", "_vendor", "array_api_compat", "array_api_extra",
}  # fmt: skip
_LEAST_CHARACTERS = 200  # shorter ones say little about anything

# Not a parse: the first string of a module and those that follow a colon at the end of a line. It
# takes a tenth of the time, and what it finds beyond docstrings does not matter here.
_OF_MODULES = re.compile(r'\A(?:#[^\n]*\n|\s)*[rRuU]?"""(.*?)"""', re.DOTALL)
_OF_OTHERS = re.compile(r':[ \t]*(?:#[^\n]*)?\n[ \t]*[rRuU]?"""(.*?)"""', re.DOTALL)
_CODE = re.compile(r"^\s*(?:>>>|\.\.\.|\.\. ).*$", re.MULTILINE)

# Words of every docstring, whatever it is about: those of the form of docstrings, of Python's
# syntax, and the names of the packages.
_BOILERPLATE = """
added additional allow allows api arg args argument arguments array arrays attribute attributes
available bar based baz behavior bool breaking called changed class cls com compute computed
considered contained containing contains copy corresponding created creates current data default
defaults different doc documentation dtype dtypes end error example examples exception false
float following foo frac func function functionality functions given ham http https import input
instance instead int joblib keyword kwargs like list math matplotlib method methods module
mpltype name names ndarray need needed needs new none note notes num numba number numpy obj
object objects optional org output pandas param parameter parameters params particular pass
passed polars possible pre provide provided pyarrow python raise raised raises ref reference
references required result results return returned returns rfc rtype scikit scipy second self
set shape similar single sklearn specified specifies specify str string support supported
supports tuple type types unstable use used user using value values version versionadded want
wiki wikipedia www
"""
_MIN_DF, _MAX_DF = 10, 0.1


class Docstrings(NamedTuple):
    """Docstrings and the packages that they are from."""

    texts: list[str]
    packages: list[str]


def docstrings() -> Docstrings:
    """Collect the docstrings of the standard library and the scientific packages, each once."""
    found: dict[str, str] = {}
    for package, path in _files():
        source = path.read_text("utf-8", errors="replace")
        for text in _OF_MODULES.findall(source) + _OF_OTHERS.findall(source):
            if len(text) >= _LEAST_CHARACTERS:
                found.setdefault(_CODE.sub("", text), package)
    return Docstrings(list(found), list(found.values()))


def _files() -> Iterator[tuple[str, Path]]:
    roots = {"python": Path(sysconfig.get_path("stdlib"))}
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            roots[package] = Path(spec.origin).parent
    for package, root in roots.items():
        for path in sorted(root.rglob("*.py")):
            if not _NOT_THEIR_OWN.intersection(path.relative_to(root).parts):
                yield package, path


def count_words(texts: list[str]) -> Any:
    """Return the corpus of the words that can tell something."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    from vivace.io.corpora import Tokenizer, corpus_of_texts

    tokenizer = Tokenizer(
        pattern=r"(?u)\b[^\W\d_]{3,}\b",
        stop_words=tuple(ENGLISH_STOP_WORDS.union(_BOILERPLATE.split())),
        min_df=_MIN_DF,
        max_df=_MAX_DF,
    )
    return corpus_of_texts(texts, tokenizer=tokenizer, dtype=np.float32)


def make_topics(seed: int, threads: int | None) -> Any:
    """Return the estimator."""
    from vivace.topics import LatentDirichletAllocation

    return LatentDirichletAllocation(
        N_TOPICS,
        doc_topic_prior=_DOC_TOPIC_PRIOR,
        topic_word_prior=_TOPIC_WORD_PRIOR,
        inference="cvb0",
        max_iter=MAX_ITER,
        random_state=seed,
        n_jobs=threads,
    )


def fit_topics(lda: Any, corpus: Any, callback: Callable[..., bool | None]) -> Any:
    """Fit the topics to nine of ten docstrings; return the completion of the others."""
    held_out = np.arange(corpus.n_documents) % _HELD_OUT == _HELD_OUT - 1
    lda.fit(part_of(corpus, ~held_out), callbacks=callback)
    return lda.document_completion(part_of(corpus, held_out), return_details=True)


def part_of(corpus: Any, chosen: Any) -> Any:
    """Some documents of a corpus."""
    from vivace.io.corpora import Corpus

    return Corpus(corpus.counts[chosen], corpus.vocabulary, corpus.tokenizer)


def packages_of_topics(lda: Any, corpus: Any, packages: list[str]) -> list[list[str]]:
    """Return for each topic the packages that it is mostly from: two thirds of its tokens."""
    lengths = np.asarray(corpus.counts.sum(axis=1)).ravel()
    tokens = lda.transform(corpus) * lengths[:, None]
    names, index = np.unique(packages, return_inverse=True)
    sums = np.stack([np.bincount(index, tokens[:, k]) for k in range(tokens.shape[1])])
    found = []
    for row in sums / sums.sum(axis=1, keepdims=True):
        order = np.argsort(-row, kind="stable")
        most = int(np.searchsorted(np.cumsum(row[order]), 2 / 3)) + 1
        found.append([str(names[i]) for i in order[:most]])
    return found

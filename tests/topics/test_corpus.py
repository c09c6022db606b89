"""A corpus in the place of counts, and texts after a fit to text."""

from __future__ import annotations

import copy
import json
import zipfile

import numpy as np
import pytest
from scipy import sparse

import vivace
from vivace import LatentDirichletAllocation
from vivace.io import Corpus, ModelFileError, Tokenizer, corpus_of_texts

TEXTS = [
    "cats and dogs are pets",
    "stocks and markets fell",
    "the market for pets",
    "dogs chase cats",
    "markets rose, stocks fell",
] * 4


def fitted(**parameters):
    corpus = corpus_of_texts(TEXTS, tokenizer=Tokenizer(stop_words=["and", "the"]))
    lda = LatentDirichletAllocation(2, random_state=0, max_iter=3, **parameters)
    return lda.fit(corpus), corpus


def test_corpus_is_its_counts():
    lda, corpus = fitted()
    plain = LatentDirichletAllocation(2, random_state=0, max_iter=3).fit(corpus.counts)
    np.testing.assert_array_equal(lda.components_, plain.components_)
    np.testing.assert_array_equal(lda.vocabulary_, corpus.vocabulary)
    assert lda.tokenizer_ == corpus.tokenizer
    assert not hasattr(plain, "vocabulary_")
    for method in ("transform", "score", "perplexity", "elbo", "document_completion"):
        expected = getattr(lda, method)(corpus.counts)
        np.testing.assert_array_equal(getattr(lda, method)(corpus), expected)
        np.testing.assert_array_equal(getattr(lda, method)(TEXTS), expected)
        np.testing.assert_array_equal(getattr(lda, method)(tuple(TEXTS)), expected)


def test_top_words_are_words():
    lda, corpus = fitted()
    assert {type(word) for words in lda.top_words(3) for word in words} == {str}
    assert lda.top_words(3, feature_names=range(corpus.n_words))[0][0] in range(corpus.n_words)


def test_another_fit_forgets():
    lda, corpus = fitted()
    lda.fit(Corpus(corpus.counts, corpus.vocabulary))
    assert hasattr(lda, "vocabulary_")
    assert not hasattr(lda, "tokenizer_")
    lda.fit(corpus.counts)
    assert not hasattr(lda, "vocabulary_")


def test_other_vocabularies():
    lda, corpus = fitted()
    other = corpus_of_texts(["cats and cats", "unseen words"])
    with pytest.raises(ValueError, match=r"another vocabulary \(4 words\).*aligned_to"):
        lda.transform(other)
    with pytest.raises(ValueError, match="another vocabulary"):
        lda.partial_fit(other)
    aligned = lda.transform(other.aligned_to(lda.vocabulary_))
    with pytest.warns(UserWarning, match="1 of 3 texts hold no word that this"):
        found = lda.transform(["cats and cats", "unseen words", " "])
    np.testing.assert_array_equal(aligned, found[:2])
    np.testing.assert_allclose(found[1:], 1 / 2)
    assert lda.transform(Corpus(corpus.counts)).shape == (20, 2)
    lda.partial_fit(corpus)


def test_texts_need_a_tokenizer():
    with pytest.raises(ValueError, match="corpus_of_texts"):
        LatentDirichletAllocation(2).fit(TEXTS)
    lda = LatentDirichletAllocation(2, random_state=0).fit(fitted()[1].counts)
    with pytest.raises(ValueError, match="does not know how text becomes words"):
        lda.transform(TEXTS)


def test_saved_and_loaded(tmp_path):
    lda, _ = fitted()
    lda.save(tmp_path / "m")
    found = vivace.load(tmp_path / "m")
    np.testing.assert_array_equal(found.vocabulary_, lda.vocabulary_)
    assert found.tokenizer_ == lda.tokenizer_
    np.testing.assert_array_equal(found.transform(TEXTS), lda.transform(TEXTS))
    found.save(tmp_path / "n")
    assert (tmp_path / "n").read_bytes() == (tmp_path / "m").read_bytes()
    plain = LatentDirichletAllocation(2, max_iter=1).fit(sparse.csr_array(np.eye(3)))
    plain.save(tmp_path / "p")
    assert not hasattr(vivace.load(tmp_path / "p"), "vocabulary_")


@pytest.mark.parametrize(
    "tokenizer",
    [3, [], {}, {"pattern": "("}, {"pattern": "a" * 20_000}, {"stop_words": [3]}, {"min_df": "x"}],
)
def test_hostile_tokenizer(tmp_path, tokenizer):
    lda, _ = fitted()
    lda.save(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m") as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    header = json.loads(content["header.json"])
    changed = copy.deepcopy(header)
    good = changed["meta"]["tokenizer"]
    changed["meta"]["tokenizer"] = (
        {**good, **tokenizer} if isinstance(tokenizer, dict) and tokenizer else tokenizer
    )
    content["header.json"] = json.dumps(changed).encode()
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ModelFileError):
        vivace.load(tmp_path / "m")

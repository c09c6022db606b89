"""Documents of topics that began formed look for an optimum of few topics."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import planted_csr

import vivace
from vivace import LatentDirichletAllocation
from vivace.models import lda as model

SHORT = planted_csr(n_documents=2000, n_words=400, n_topics=20, length=8)
SEEN, HELD_OUT = SHORT[:1000], SHORT[1000:]


def lda(**settings):
    settings = {"max_iter": 4, "random_state": 0, "n_jobs": 1} | settings
    return LatentDirichletAllocation(20, doc_topic_prior=0.02, topic_word_prior=0.05, **settings)


@pytest.fixture
def passes(monkeypatch):
    """Whether documents were sharpened, pass by pass; `never` turns it off."""
    step = model.document_step

    class Spy(list):
        never = False

        def __call__(self, *arguments, sharpen, **more):
            self.append(sharpen)
            step(*arguments, sharpen=sharpen and not self.never, **more)

        def taken(self):
            found, self[:] = self[:], []
            return found

    found = Spy()
    monkeypatch.setattr(model, "document_step", found)
    return found


def test_every_second_pass_where_documents_are_kept(passes):
    fitted = lda(warm_start=True).fit(SEEN)
    blocks = len(passes) // 4
    assert passes.taken() == ([False] * blocks + [True] * blocks) * 2
    fitted.fit(SEEN)  # goes on, with the documents
    assert passes.taken() == ([False] * blocks + [True] * blocks) * 2
    lda(learning_method="memoized", max_iter=2).fit(SEEN)
    memoized = passes.taken()
    assert memoized == [False] * (len(memoized) // 2) + [True] * (len(memoized) // 2)


def test_every_pass_online_and_what_goes_on_from_it(passes, tmp_path):
    fitted = lda(learning_method="online").fit(SEEN)
    assert all(passes.taken())
    fitted.save(tmp_path / "model")
    loaded = vivace.load(tmp_path / "model").partial_fit(SEEN[:100])
    assert all(passes.taken())
    np.testing.assert_array_equal(fitted.partial_fit(SEEN[:100]).components_, loaded.components_)


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({"init": "random"}, SEEN),
        ({"topics_init": np.full((20, 400), 0.5)}, SEEN),
        ({}, SEEN[:299]),  # few documents: a random start
    ],
)
@pytest.mark.parametrize("method", ["batch", "online"])
def test_not_from_topics_that_may_be_alike(method, settings, counts, passes):
    lda(learning_method=method, **settings).fit(counts).partial_fit(counts)
    assert not any(passes.taken())


def test_it_finds_more(passes):
    """Batch learning a higher bound (.002 nats a token here), online a better score (.005)."""
    found = {}
    for passes.never in (False, True):
        batch = [lda(random_state=seed, max_iter=20).fit(SEEN).elbo_ for seed in range(3)]
        online = [
            lda(random_state=seed, learning_method="online").fit(SEEN).document_completion(HELD_OUT)
            for seed in range(3)
        ]
        found[passes.never] = np.mean(batch) / SEEN.sum(), np.mean(online)
    assert found[False][0] > found[True][0] + 1e-3
    assert found[False][1] > found[True][1] + 2e-3

"""Counts of topics without their zeros: the same bits as with them, whoever reads them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from corpora import planted

from vivace import Checkpoint, LatentDirichletAllocation, _core, load
from vivace.engine import RowTable, ThreadExecutor, storage
from vivace.models import document_groups, lda
from vivace.models.documents import make_table
from vivace.models.topics import Topics, WordPrior, terms

COUNTS, _ = planted(1000)
SHAPES = [(1, 1), (3, 64), (40, 5), (9, 63), (9, 65), (17, 100), (5, 200)]


@pytest.fixture
def packing(monkeypatch):
    """Packs from any share of zeros on, or never."""
    return lambda wanted: monkeypatch.setattr(storage, "MOST_PACKED", 99.0 if wanted else -1.0)


def sparse_counts(n_words, n_topics, dtype, zeros=0.8, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.gamma(1.0, 5.0, (n_words, n_topics)) * (rng.random((n_words, n_topics)) > zeros)
    return values.astype(dtype)


def topics_with(prior, counts):
    n_words, n_topics = counts.shape
    word_prior = WordPrior(prior.astype(counts.dtype), n_words, n_topics)
    totals = word_prior.totals + counts.sum(axis=0, dtype=np.float64)
    return Topics(RowTable(n_words, counts.copy()), word_prior, np.ones(n_topics), totals)


def test_packed_statistics_must_have_the_shape_of_the_topics():
    topics = topics_with(np.ones((1, 1)), sparse_counts(9, 5, np.float32))
    other = RowTable(9, sparse_counts(9, 4, np.float32)).zeros_like(packed=True)
    with pytest.raises(ValueError, match=r"expected shape \(9, 5\), got \(9, 4\)"):
        terms(topics, None, statistics=other.kernel)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prior", ["number", "words", "table"])
def test_kernels_read_packed_counts(packing, shape, dtype, prior):
    packing(True)
    rng = np.random.default_rng(1)
    of = {"number": (1, 1), "words": (shape[0], 1), "table": shape}[prior]
    counts, values = sparse_counts(*shape, dtype), rng.uniform(0.01, 2.0, of)
    dense, packed = (topics_with(values, counts) for _ in range(2))
    packed.counts.pack()
    one, words = ThreadExecutor(1), np.arange(0, shape[0], 2, dtype=np.int32)
    tables = [make_table(topics, words, one) for topics in (dense, packed)]
    settings = {"statistics": sparse_counts(*shape, dtype, seed=2), "own_factor": -1.0}
    sums = [terms(topics, None, log_gamma=True, **settings) for topics in (dense, packed)]
    assert isinstance(packed.kernel[0], _core.PackedTable)  # nobody has asked for the values
    for name in ("rows", "level", "row_sums"):
        found = [getattr(table, name)[..., : shape[1]] for table in tables]
        np.testing.assert_array_equal(*found)
    assert sums[0] == sums[1]
    total = RowTable(shape[0], settings["statistics"]).zeros_like(packed=True)
    total.add_(RowTable(shape[0], settings["statistics"]))
    settings["statistics"] = total.kernel
    assert isinstance(total.kernel, _core.PackedTable)
    assert terms(dense, None, log_gamma=True, **settings) == sums[0]
    np.testing.assert_array_equal(packed.counts.values, counts)
    assert packed.kernel[0] is packed.counts.values  # for good


@pytest.fixture
def orphans(monkeypatch):
    """Numbers of words without weight from any topic, of each group of documents."""
    found, add = [], document_groups.add_word_sums

    def spied(group, *arguments):
        found.append(int((group.weights < 0.0).sum()))
        add(group, *arguments)

    monkeypatch.setattr(document_groups, "add_word_sums", spied)
    return found


SETTINGS = {"init": "random", "max_iter": 4, "random_state": 0, "mean_change_tol": 1e-4}
PRIORS = {"usual": (0.2, 0.02), "small": (1e-3, 1e-4)}


def model_of(priors="usual", **settings):
    alpha, eta = PRIORS[priors]
    settings = SETTINGS | {"doc_topic_prior": alpha, "topic_word_prior": eta} | settings
    return LatentDirichletAllocation(6, **settings)


def state_of(lda, counts=COUNTS):
    """All that a fit leaves behind."""
    return lda.components_.tobytes(), lda.elbo_, lda.transform(counts).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("priors", PRIORS)
def test_fits_are_the_same_with_packing(packing, orphans, dtype, threads, priors):
    counts = COUNTS.astype(dtype)
    # What occurs a thousandth of a time is left without weight where priors are small.
    counts[np.random.default_rng(1).random(counts.shape) < 0.3] *= 1e-3
    found = []
    for wanted in (True, False):
        packing(wanted)
        found.append(state_of(model_of(priors, n_jobs=threads).fit(counts), counts))
    assert found[0] == found[1]
    assert (sum(orphans) > 0) == (priors == "small")


def test_a_fit_packs_topics_that_are_mostly_zeros(monkeypatch):
    seen, step = [], lda.document_step

    def spied(group, at, topics, *arguments, **settings):
        seen.append(isinstance(topics.kernel[0], _core.PackedTable))
        step(group, at, topics, *arguments, **settings)

    monkeypatch.setattr(lda, "document_step", spied)
    apart = np.kron(np.eye(6, dtype=np.float32), np.ones((30, 12), np.float32))
    fitted = model_of("small").fit(apart)
    assert not seen[0]  # a random start
    assert seen[-1]
    assert isinstance(fitted._fitted.topics.kernel[0], np.ndarray)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("prior", ["number", "table"])
def test_counts_that_say_nothing_beside_the_prior_are_zero(dtype, prior):
    apart = np.kron(np.eye(6, dtype=dtype), np.ones((30, 12), dtype))
    eta = 0.02 if prior == "number" else np.random.default_rng(0).uniform(0.015, 0.025, (6, 72))
    topics = model_of(topic_word_prior=eta, max_iter=8).fit(apart)._fitted.topics
    counts = topics.counts.dense()
    few = 2.0**-60 * np.broadcast_to(topics.prior.values, counts.shape)
    assert 0.5 < (counts == 0.0).mean() < 0.9
    assert (counts[counts > 0.0] >= few[counts > 0.0]).all()
    np.testing.assert_allclose(counts.sum(axis=1), apart.sum(axis=0), rtol=1e-6)


@pytest.fixture
def interrupted(monkeypatch):
    """Interrupts documents' steps in the midst of a pass, the third."""

    def fit(model, **settings):
        passes, step, run = [0], lda.document_step, document_groups.GroupedBatch.run

        def counted(self, *arguments):
            passes[0] += 1
            return run(self, *arguments)

        def stopped(group, at, *arguments, **settings):
            if passes[0] == 3 and at.start > 0:
                raise KeyboardInterrupt
            step(group, at, *arguments, **settings)

        with monkeypatch.context() as patch:
            patch.setattr(lda, "document_step", stopped)
            patch.setattr(document_groups.GroupedBatch, "run", counted)
            with pytest.raises(KeyboardInterrupt):
                model.fit(COUNTS, **settings)
        return model

    return fit


@pytest.mark.parametrize(
    "after",
    [lambda x: x, copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), "file"],
    ids=["itself", "copy", "deep copy", "pickled", "file"],
)
def test_an_interrupted_fit_has_the_topics_before(packing, interrupted, after, tmp_path):
    packing(True)
    model = interrupted(model_of())
    if after == "file":
        model.save(tmp_path / "model.vivace")
        found = load(tmp_path / "model.vivace")
    else:
        found = after(model)
    packing(False)
    assert model.n_iter_ == 2
    assert state_of(found) == state_of(model_of(max_iter=2).fit(COUNTS))


def test_an_interrupted_fit_goes_on(packing, interrupted):
    found = []
    for wanted in (True, False):
        packing(wanted)
        model = interrupted(model_of(warm_start=True))
        found.append(state_of(model.fit(COUNTS)))
        found.append(model.partial_fit(COUNTS).components_.tobytes())
    assert found[:2] == found[2:]


def test_a_job_goes_on(packing, interrupted, tmp_path):
    packing(True)
    interrupted(model_of(), checkpoint=Checkpoint(tmp_path, every=0.0))
    found = model_of().fit(COUNTS, checkpoint=Checkpoint(tmp_path, every=0.0, resume=True))
    packing(False)
    assert state_of(found) == state_of(model_of().fit(COUNTS))

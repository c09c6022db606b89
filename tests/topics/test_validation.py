"""Early stopping on held-out documents, warm starts, and who watches a fit."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from corpora import planted_csr
from scipy import sparse
from sklearn.base import clone

import vivace
from vivace import LatentDirichletAllocation

X = planted_csr(n_documents=300)
METHODS = ["batch", "online", "memoized"]


def model(**settings):
    settings = {"n_components": 5, "random_state": 0, "batch_size": 60} | settings
    return LatentDirichletAllocation(**settings)


@pytest.mark.parametrize("method", METHODS)
def test_the_best_topics_on_held_out_documents_are_kept(method):
    seen = []
    lda = model(
        n_components=20, learning_method=method, validation_fraction=0.3, n_iter_no_change=4,
        max_iter=200, doc_topic_prior=0.05, topic_word_prior=0.01,
    )  # fmt: skip
    lda.fit(X, callbacks=lambda progress: seen.append(progress.elbo))
    trace = lda.validation_trace_
    assert len(trace) == lda.n_iter_ == len(seen) < 200
    assert lda.best_iter_ == int(np.argmax(trace)) + 1 == lda.n_iter_ - 4
    assert lda.elbo_ == lda.elbo_trace_[lda.best_iter_ - 1]
    # The same fit, ended where it was best.
    again = clone(lda).set_params(max_iter=lda.best_iter_).fit(X)
    np.testing.assert_allclose(again.components_, lda.components_, rtol=1e-12)
    np.testing.assert_array_equal(again.validation_trace_, trace[: lda.best_iter_])


def test_held_out_documents_are_not_fitted():
    lda = model(validation_fraction=0.25, max_iter=2).fit(X)
    used = np.count_nonzero(X.sum(axis=1) >= 2)
    assert lda.topic_sizes_.sum() < X.sum() * (1 - 0.5 * 0.25)
    assert 0 < round(0.25 * used) < used
    same = [model(validation_fraction=0.25, max_iter=3, n_jobs=n).fit(X) for n in (1, 2)]
    np.testing.assert_array_equal(same[0].validation_trace_, same[1].validation_trace_)
    assert not hasattr(model(max_iter=1).fit(X), "validation_trace_")


def test_what_cannot_be_held_out_is_an_error():
    with pytest.raises(ValueError, match=r"validation_fraction=0\.001 of"):
        model(validation_fraction=0.001).fit(X[:20])
    with pytest.raises(ValueError, match="whole numbers"):
        model(validation_fraction=0.5).fit(0.5 * X)
    for value in (0.0, 1.0, "half"):
        with pytest.raises(ValueError, match="validation_fraction"):
            model(validation_fraction=value).fit(X)


def test_validation_is_saved_and_printed(tmp_path, capsys):
    lda = model(validation_fraction=0.3, max_iter=3, verbose=1, evaluate_every=2).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("iteration: 1 of max_iter: 3, held-out log likelihood per token: -")
    assert "perplexity" in lines[1]
    lda.save(tmp_path / "m")
    loaded = vivace.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.validation_trace_, lda.validation_trace_)
    assert loaded.best_iter_ == lda.best_iter_


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("priors", [{}, {"doc_topic_prior": "auto", "topic_word_prior": "auto"}])
def test_warm_start_goes_on(method, priors):
    settings = {"learning_method": method, "batch_size": 60, **priors}
    lda = model(max_iter=6, warm_start=True, **settings).fit(X)
    first = lda.elbo_
    lda.fit(X)
    assert lda.n_iter_ == 6
    if method == "online":
        return
    assert lda.elbo_trace_[0] >= first
    assert np.diff(lda.elbo_trace_).min() >= -1e-9 * abs(first)
    cold = model(max_iter=12, **settings).fit(X)
    # Local states carried over: the same steps as without the break.
    tolerance = {"batch": 1e-9, "memoized": 3e-3}[method]  # the order of batches differs
    assert lda.elbo_ == pytest.approx(cold.elbo_, rel=tolerance)


def test_warm_start_with_other_documents_and_settings():
    lda = model(max_iter=5, warm_start=True).fit(X)
    before = lda.components_
    lda.set_params(max_iter=1, doc_topic_prior=0.5).fit(X[:100])
    assert lda.doc_topic_prior_ == 0.5
    assert lda.topic_sizes_.sum() == pytest.approx(X[:100].sum())
    lda.fit(X[:100].astype(np.float32))
    assert lda.components_.dtype == np.float32
    with pytest.raises(ValueError, match="n_components must stay 5"):
        lda.set_params(n_components=4).fit(X)
    with pytest.raises(ValueError, match="50 features"):
        lda.set_params(n_components=5).fit(X[:, :50])
    assert lda.n_features_in_ == 60
    fresh = lda.set_params(warm_start=False, doc_topic_prior=None, max_iter=5).fit(X)
    np.testing.assert_array_equal(fresh.components_, before)


def test_a_failed_warm_start_leaves_the_fit():
    for method in METHODS:
        lda = model(max_iter=3, warm_start=True, learning_method=method).fit(X)
        before = lda.components_

        def fail(progress):
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            lda.fit(X, callbacks=fail)
        np.testing.assert_array_equal(lda.components_, before)


def test_copies_and_partial_fit():
    import copy

    lda = model(max_iter=2).fit(X)
    for other in (copy.copy(lda), copy.deepcopy(lda), pickle.loads(pickle.dumps(lda))):
        expected = other.components_
        lda.partial_fit(X[:50])
        np.testing.assert_array_equal(other.components_, expected)
        stepped = other.partial_fit(X[50:90]).components_
        assert (stepped != expected).any()


class Recorder:
    def __init__(self, stop_at=None):
        self.stop_at = stop_at

    def setup(self, estimator, context):
        self.calls, self.kept, self.bounds = [("setup", context.task_name)], [], []

    def on_fit_task_begin(self, estimator, context, *, metadata=None):
        self.calls.append(("begin", context.task_name))
        self.metadata = metadata

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name))
        self.kept.append(fitted_estimator)
        self.bounds.append(fitted_estimator.score(X))
        return len(self.kept) == self.stop_at

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))


@pytest.mark.parametrize("method", METHODS)
def test_callbacks_of_scikit_learn(method):
    pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    recorder = Recorder()
    lda = model(max_iter=4, learning_method=method).set_callbacks(recorder)
    lda.fit(X, sample_weight=np.ones(300))
    tasks = [f"iteration {i}" for i in range(1, 5)]
    inner = [(hook, task) for task in tasks for hook in ("begin", "end")]
    expected = [("setup", "fit"), ("begin", "fit"), *inner, ("end", "fit"), ("teardown", "fit")]
    assert recorder.calls == expected
    np.testing.assert_array_equal(recorder.metadata["sample_weight"], np.ones(300))
    # what was shown stays as it was shown
    assert [kept.score(X) for kept in recorder.kept] == recorder.bounds
    assert recorder.bounds[-1] == lda.score(X)
    assert len(set(recorder.bounds)) == 4
    stopped = model(max_iter=9, learning_method=method).set_callbacks(Recorder(stop_at=2)).fit(X)
    assert stopped.n_iter_ == 2


def test_scikit_learns_scoring_monitor():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    monitor = callback.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    lda = model(max_iter=3).set_callbacks(monitor).fit(X, np.zeros(300))
    scores = [row["score"] for row in monitor.get_logs().data]
    assert len(scores) == lda.n_iter_ + 1
    assert scores[-1] == lda.score(X)


def test_an_interrupt_with_held_out_documents():
    lda = model(validation_fraction=0.3, max_iter=30)

    def interrupt(progress):
        if progress.n_iter == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lda.fit(sparse.csr_matrix(X), callbacks=interrupt)
    assert lda.n_iter_ == 3
    assert len(lda.validation_trace_) == 3

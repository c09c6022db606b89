"""Callables, scikit-learn's callbacks, and verbose output."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from vivace import BayesianGaussianMixture


def data(n=300):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) + 3.0 * rng.integers(0, 3, size=(n, 1))


def test_called_after_each_iteration():
    seen = []
    model = BayesianGaussianMixture(n_components=4, random_state=0)
    model.fit(data(), callbacks=[seen.append])
    assert [progress.n_iter for progress in seen] == list(range(1, model.n_iter_ + 1))
    assert [progress.elbo for progress in seen] == list(model.elbo_trace_)
    assert all(progress.max_iter == 1000 for progress in seen)


@pytest.mark.parametrize("learning_method", ["batch", "online", "memoized"])
def test_true_stops_without_a_warning(learning_method):
    model = BayesianGaussianMixture(
        n_components=4, n_init=3, tol=0.0, learning_method=learning_method, random_state=0
    )
    model.fit(data(), callbacks=lambda progress: progress.n_iter == 5)
    assert model.n_iter_ == 5
    assert model.converged_ is False


def test_none_and_numbers_do_not_stop():
    model = BayesianGaussianMixture(n_components=4, random_state=0)
    expected = model.fit(data()).n_iter_
    assert model.fit(data(), callbacks=[lambda p: None, lambda p: 1]).n_iter_ == expected


def test_errors_of_callbacks_arrive():
    def fail(progress):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        BayesianGaussianMixture().fit(data(), callbacks=fail)


class Recorder:
    """Follows scikit-learn's protocol and writes down what it is told."""

    def __init__(self, stop_at=None):
        self.calls, self.states, self.kept, self.stop_at = [], [], [], stop_at

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        self.calls.append(("begin", context.task_name))
        self.metadata = metadata

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name))
        self.states.append((fitted_estimator.lower_bound_, fitted_estimator.score(X)))
        self.kept.append(fitted_estimator)
        return len(self.states) == self.stop_at

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))


def set_callbacks(model, *callbacks):
    pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    return model.set_callbacks(*callbacks)


def test_callbacks_of_scikit_learn():
    recorder = Recorder()
    model = BayesianGaussianMixture(n_components=4, random_state=0)
    set_callbacks(model, recorder).fit(data())
    tasks = [f"iteration {i}" for i in range(1, model.n_iter_ + 1)]
    inner = [(hook, task) for task in tasks for hook in ("begin", "end")]
    expected = [("setup", "fit"), ("begin", "fit"), *inner, ("end", "fit"), ("teardown", "fit")]
    assert recorder.calls == expected
    assert [bound for bound, _ in recorder.states[:-1]] == list(model.elbo_trace_)
    assert recorder.states[-1] == (model.lower_bound_, model.score(data()))
    # what was shown stays as it was shown
    assert [kept.score(data()) for kept in recorder.kept] == [score for _, score in recorder.states]
    assert recorder.metadata is None
    assert clone(model).fit(data()).lower_bound_ == model.lower_bound_


def test_callbacks_of_scikit_learn_see_initialisations_and_weights():
    recorder = Recorder()
    model = BayesianGaussianMixture(n_components=4, n_init=2, init_params="random", random_state=0)
    set_callbacks(model, recorder).fit(data(), sample_weight=np.ones(300))
    begun = [task for hook, task in recorder.calls if hook == "begin"]
    assert [task for task in begun if "init" in task] == ["initialization 0", "initialization 1"]
    assert begun.count("iteration 1") == 2
    ended = [task for hook, task in recorder.calls if hook == "end"]
    assert sorted(begun) == sorted(ended)
    np.testing.assert_array_equal(recorder.metadata["sample_weight"], np.ones(300))


def test_callbacks_of_scikit_learn_can_stop():
    model = BayesianGaussianMixture(n_components=4, tol=0.0, random_state=0)
    set_callbacks(model, Recorder(stop_at=4)).fit(data())
    assert model.n_iter_ == 4


def test_callbacks_are_torn_down_after_errors():
    recorder = Recorder()
    model = set_callbacks(BayesianGaussianMixture(n_components=4, random_state=0), recorder)

    def fail(progress):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        model.fit(data(), callbacks=fail)
    assert recorder.calls[-1] == ("teardown", "fit")
    model.fit(data())


def test_scikit_learns_scoring_monitor():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    X = data()
    monitor = callback.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    model = BayesianGaussianMixture(n_components=3, random_state=0).set_callbacks(monitor)
    model.fit(X, np.zeros(len(X)))  # the monitor asks for a y
    scores = [row["score"] for row in monitor.get_logs().data]
    assert len(scores) == model.n_iter_ + 1
    assert scores[-1] == model.score(X)


@pytest.mark.parametrize("n_init", [1, 2])
def test_verbose(capsys, n_init):
    model = BayesianGaussianMixture(
        n_components=4, verbose=1, verbose_interval=5, n_init=n_init, init_params="random",
        random_state=0,
    ).fit(data())  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Initialization 0", "  Iteration 5"]
    assert lines[-1] == "Initialization converged."
    assert lines.count("Initialization converged.") == n_init
    model.set_params(verbose=2).fit(data())
    out = capsys.readouterr().out
    assert "time lapse" in out
    assert "lower bound -" in out
    model.set_params(verbose=0).fit(data())
    assert capsys.readouterr().out == ""

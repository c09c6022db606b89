"""Ctrl-C: the best state so far is kept, and the interrupt goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vivace import BayesianGaussianMixture


def data(n=500):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) + 3.0 * rng.integers(0, 3, size=(n, 1))


def raise_at(n_iter):
    def callback(progress):
        if progress.n_iter == n_iter:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize("learning_method", ["batch", "online", "memoized"])
def test_interrupted_fit_is_fitted(learning_method):
    X = data()
    model = BayesianGaussianMixture(
        n_components=5, tol=0.0, random_state=0, learning_method=learning_method, batch_size=100
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, callbacks=raise_at(7))
    assert model.converged_ is False
    assert model.n_iter_ == 7
    assert len(model.elbo_trace_) == 7
    assert model.predict(X).shape == (500,)
    model.set_params(max_iter=7)
    with pytest.warns(match="did not converge"):
        again = model.fit(X)
    assert again.n_iter_ == 7


def test_the_better_of_several_initialisations_is_kept():
    X = data()
    model = BayesianGaussianMixture(n_components=5, n_init=3, random_state=0)
    calls = []

    def in_the_second(progress):
        calls.append(progress.elbo)
        if progress.n_iter == 1 and len(calls) > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, callbacks=in_the_second)
    assert model.lower_bound_ == max(calls)


def test_interrupted_before_the_start_is_not_fitted(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    model = BayesianGaussianMixture()
    monkeypatch.setattr("vivace.mixture._fitting.make_starter", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(data())
    assert not hasattr(model, "means_")


CODE = """
import sys, time
import numpy as np
from vivace import BayesianGaussianMixture
X = np.random.default_rng(0).normal(size=(100_000, 4))
model = BayesianGaussianMixture(n_components=30, tol=0.0, max_iter=100_000, init_params="random")
def ready(progress):
    if progress.n_iter == 3:
        print("ready", flush=True)
try:
    model.fit(X, callbacks=ready)
except KeyboardInterrupt:
    print(time.time(), model.converged_, len(model.elbo_trace_) == model.n_iter_, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_stops_a_long_fit_within_a_second():
    process = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "ready\n"
        sent = time.time()
        process.send_signal(signal.SIGINT)
        stopped, converged, complete = process.stdout.readline().split()
    assert float(stopped) - sent < 1.0
    assert (converged, complete) == ("False", "True")
    assert process.returncode == 0

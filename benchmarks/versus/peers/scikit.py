"""scikit-learn: BayesianGaussianMixture and, as the speed of light, KMeans."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy.special import betaln, multigammaln
from sklearn.cluster import KMeans
from sklearn.mixture import BayesianGaussianMixture

from benchmarks import data, resident
from benchmarks.versus import stopwatch


class TimedMixture(BayesianGaussianMixture):
    """Starts from given labels, notes the CPU time after each iteration, and stops on request.

    Only hooks are overridden that the fit calls between its steps; the work is scikit-learn's own.
    """

    def __init__(self, *, labels=None, iterations=2, n_components=1, covariance_type="full"):
        super().__init__(
            n_components=n_components,
            covariance_type=covariance_type,
            tol=0.0,
            reg_covar=0.0,
            max_iter=iterations,
        )
        self.labels = labels
        self.iterations = iterations

    def _initialize_parameters(self, X, random_state, xp=None):
        self._initialize(X, data.one_hot(self.labels, self.n_components).astype(X.dtype))
        self.marks_ = [time.process_time()]
        self.bounds_ = []

    def _compute_lower_bound(self, log_resp, log_prob_norm):
        bound = super()._compute_lower_bound(log_resp, log_prob_norm)
        self.bounds_.append(float(bound))
        return bound

    def _print_verbose_msg_iter_end(self, n_iter, diff_ll):
        self.marks_.append(time.process_time())
        if n_iter == self.iterations:
            raise stopwatch.EnoughIterations  # saves the last E step of fit

    def run(self, X):
        """Run the iterations asked for and return their CPU seconds."""
        try:
            self.fit(X)
        except stopwatch.EnoughIterations:
            return np.diff(self.marks_)
        raise RuntimeError("scikit-learn stopped before the iterations asked for")


def iteration(
    name: str, rows: int, iterations: int, covariance_type: str = "full"
) -> dict[str, Any]:
    """Seconds an iteration of BayesianGaussianMixture."""
    X, n_components = data.load(name, rows), data.SETS[name].components
    needed = 6.5 * rows * n_components * 8 / 2**30
    if resident.available_gb() < needed:
        raise MemoryError(f"scikit-learn needs about {needed:.0f} GB for this set")
    labels = data.nearest(X, data.starting_means(X, n_components))
    model = TimedMixture(
        labels=labels,
        iterations=iterations,
        n_components=n_components,
        covariance_type=covariance_type,
    )
    return stopwatch.summary(model.run(X))


def kmeans(name: str, rows: int, short: int, long: int, pairs: int) -> dict[str, Any]:
    """Seconds an iteration of Lloyd's algorithm."""
    X, n_components = data.load(name, rows), data.SETS[name].components
    centres = data.starting_means(X, n_components)

    def work(length: int) -> None:
        model = KMeans(n_components, init=centres, n_init=1, max_iter=length, tol=0.0)
        if model.fit(X).n_iter_ != length:
            raise RuntimeError("k-means converged before the iterations asked for")

    return stopwatch.by_difference(work, short, long, pairs)


def predict(name: str, rows: int, repeats: int) -> dict[str, Any]:
    """Seconds of predict_proba on all rows; the model is fitted on a few of them."""
    X, n_components = data.load(name, rows), data.SETS[name].components
    model = BayesianGaussianMixture(
        n_components=n_components, max_iter=3, init_params="k-means++", random_state=0
    )
    model.fit(X[:20_000])
    return stopwatch.repeat(lambda: model.predict_proba(X), repeats)


def exact_constant(model: BayesianGaussianMixture, n_rows: int) -> float:
    """Return what scikit-learn's bound leaves out (`full`, Dirichlet process, no ridge)."""
    K, D = model.n_components, model.mean_prior_.shape[0]
    nu, b = model.degrees_of_freedom_prior_, model.mean_precision_prior_
    log_scale = np.linalg.slogdet(model.covariance_prior_)[1]
    wishart = nu / 2 * log_scale - multigammaln(nu / 2, D) + D * (D - 1) / 4 * np.log(np.pi)
    return float(
        -n_rows * D / 2 * np.log(np.pi)
        + K * (D / 2 * np.log(b) + wishart)
        - (K * nu + n_rows) * D / 2 * np.log(2)
        - K * betaln(1, model.weight_concentration_prior_)
    )


def trajectory(name: str, rows: int, seed: int, iterations: int) -> dict[str, Any]:
    """Exact bounds of the first iterations from k-means labels, and their seconds."""
    X = data.load(name, rows)
    labels = data.kmeans_labels(name, rows, seed)
    model = TimedMixture(
        labels=labels, iterations=iterations, n_components=data.SETS[name].components
    )
    result = stopwatch.summary(model.run(X))
    constant = exact_constant(model, rows)
    return result | {"bounds": [bound + constant for bound in model.bounds_]}


def peak_memory(name: str, rows: int, iterations: int) -> dict[str, Any]:
    """Peak memory beyond the data of a fit with its own initialisation."""
    X, n_components = data.load(name, rows), data.SETS[name].components
    BayesianGaussianMixture(n_components=2, max_iter=1).fit(X[:1000])
    model = BayesianGaussianMixture(
        n_components=n_components, max_iter=iterations, tol=0.0, random_state=0
    )
    with resident.Peak() as peak:
        model.fit(X)
    return peak.result()

"""Small models for the engine's tests, in plain NumPy."""

from __future__ import annotations

import _thread
import time
from typing import Any, NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from vivace.engine import (
    ArraySource,
    Block,
    Fit,
    Infeasible,
    Layout,
    Statistics,
    ThreadExecutor,
    start,
)


class Posterior(NamedTuple):
    eta: np.ndarray
    constant: float
    made_by: np.ndarray


class ToyMixture:
    """A mixture of 1-D Gaussians of variance 1: means ~ N(0, 1/p0), weights ~ Dirichlet(a0)."""

    schedules = frozenset({"batch", "online", "memoized"})

    def __init__(self, n_components: int = 4, n_rows: int = 1, p0: float = 0.01, a0: float = 0.5):
        self.n_components, self.n_rows, self.p0, self.a0 = n_components, n_rows, p0, a0
        self.log: list[Any] = []

    def record(self, x: np.ndarray, resp: np.ndarray, weights: np.ndarray | None) -> Statistics:
        w = np.ones(len(x)) if weights is None else weights
        logs = np.log(resp, where=resp > 0, out=np.zeros_like(resp))
        return Statistics(
            {
                "suff": (w[:, None] * resp).T @ np.column_stack([np.ones_like(x), x]),
                "entropy": -(w[:, None] * resp * logs).sum(0),
                "base": -0.5 * (w * (np.log(2 * np.pi) + x**2)).sum(),
            },
            {"suff": 0, "entropy": 0, "base": None},
        )

    def zero_statistics(self) -> Statistics:
        return self.record(np.zeros(0), np.zeros((0, self.n_components)), None)

    def initial(self, block: Block) -> Statistics:
        """Hard responsibilities: equal slices of [-4, 4]."""
        x = block.data[:, 0].astype(float)
        k = np.clip((x + 4) / 8 * self.n_components, 0, self.n_components - 1).astype(int)
        return self.record(x, np.eye(self.n_components)[k], block.weights)

    def prepare(self, posterior: Posterior) -> np.ndarray:
        return posterior.eta

    def local_step(self, block: Block, eta: np.ndarray, local: Any) -> tuple[Statistics, Any]:
        x = block.data[:, 0].astype(float)
        score = eta[:, 0] + x[:, None] * eta[:, 1]
        resp = np.exp(score - score.max(1, keepdims=True))
        resp /= resp.sum(1, keepdims=True)
        return self.record(x, resp, block.weights), None

    def global_step(self, statistics: Statistics, previous: Posterior | None) -> Posterior:
        counts, sums = statistics["suff"].T
        if (counts < -1e-9 * counts.sum()).any():
            raise Infeasible("a count is negative")
        alpha, p = self.a0 + counts, self.p0 + counts
        mean, k = sums / p, len(counts)
        log_weight = digamma(alpha) - digamma(alpha.sum())
        constant = (
            (mean * sums / 2 - np.log(p) / 2).sum()
            + k * np.log(self.p0) / 2
            + (gammaln(k * self.a0) - k * gammaln(self.a0))
            + (gammaln(alpha).sum() - gammaln(alpha.sum()))
        )
        eta = np.column_stack([log_weight - (mean**2 + 1 / p) / 2, mean])
        return Posterior(eta, float(constant), statistics["suff"].copy())

    def elbo(self, posterior: Posterior, statistics: Statistics) -> float:
        moved = ((statistics["suff"] - posterior.made_by) * posterior.eta).sum()
        own = statistics["entropy"].sum() + statistics["base"]
        return float(posterior.constant + own + moved)

    def standardised(self, statistics: Statistics) -> np.ndarray:
        return statistics["suff"].ravel() / self.n_rows


class Counting(ToyMixture):
    """A toy mixture whose local state counts the committed local steps of each block."""

    def local_step(self, block: Block, eta: np.ndarray, local: Any) -> tuple[Statistics, Any]:
        self.log.append((block.start, local))
        return super().local_step(block, eta, local)[0], (local or 0) + 1


class Scripted(ToyMixture):
    """A toy mixture whose bound follows a script (the first entry is that of the start)."""

    def __init__(self, bounds: list[float], **settings: Any):
        super().__init__(**settings)
        self.bounds = list(bounds)

    def elbo(self, posterior: Posterior, statistics: Statistics) -> float:
        return self.bounds.pop(0)


def rows(n: int = 600, seed: int = 0, spread: float = 1.5) -> np.ndarray:
    """Overlapping clusters, so that coordinate ascent takes its time."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=n) + spread * rng.integers(-1, 2, size=n))[:, None]


class Setup(NamedTuple):
    model: Any
    source: ArraySource
    layout: Layout
    executor: ThreadExecutor

    def start(self, **settings: Any) -> Fit:
        return start(*self, self.model.initial, **settings)


def setup(
    X: np.ndarray | None = None,
    model: Any = None,
    batch_rows: int | None = None,
    block_rows: int = 64,
    n_threads: int = 1,
    sample_weight: np.ndarray | None = None,
) -> Setup:
    X = rows() if X is None else X
    model = ToyMixture(n_rows=len(X)) if model is None else model
    layout = Layout(len(X), batch_rows, block_rows)
    return Setup(model, ArraySource(X, sample_weight), layout, ThreadExecutor(n_threads))


def wait_for_threads(count: int) -> None:
    """Wait until no more than `count` threads of Python's are left: the last takes a moment."""
    deadline = time.monotonic() + 2
    while _thread._count() > count:
        assert time.monotonic() < deadline, "a thread outlives its executor"
        time.sleep(0.001)


def same(a: Statistics, b: Statistics) -> bool:
    """Equal to the last bit."""
    return a.names == b.names and all(np.array_equal(a[name], b[name]) for name in a.names)

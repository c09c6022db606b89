"""Fits: time, peak memory and the bound that the same fit reaches."""

from __future__ import annotations

import warnings
from typing import Any

from benchmarks import data

# What a fit of so many maps is cut short with on purpose.
warnings.filterwarnings("ignore", category=UserWarning)


def _fixed_length(X: Any, n_components: int, covariance_type: str, maps: int) -> Any:
    """Fit so many maps of plain coordinate ascent from random rows as means."""
    from vivace import BayesianGaussianMixture

    model = BayesianGaussianMixture(
        n_components=n_components,
        covariance_type=covariance_type,
        acceleration=None,
        tol=0.0,
        max_iter=maps,
        n_jobs=1,
        means_init=data.starting_means(X, n_components).astype(X.dtype),
    )
    return model.fit(X)


class FixedLength:
    """Five maps of coordinate ascent at one thread: what a map costs, and what it gains."""

    params = (["b", "c", "d"], ["full", "diag"], ["float64", "float32"])
    param_names = ("set", "covariance_type", "dtype")
    maps = 5
    number = 1
    warmup_time = 0.0

    def setup(self, name: str, covariance_type: str, dtype: str) -> None:
        self.X = data.load(name, dtype=dtype)
        self.settings = (data.SETS[name].components, covariance_type, self.maps)

    def time_fit(self, name: str, covariance_type: str, dtype: str) -> None:
        _fixed_length(self.X, *self.settings)

    def peakmem_fit(self, name: str, covariance_type: str, dtype: str) -> None:
        _fixed_length(self.X, *self.settings)

    def track_elbo(self, name: str, covariance_type: str, dtype: str) -> float:
        return _fixed_length(self.X, *self.settings).lower_bound_ / len(self.X)

    track_elbo.unit = "nats a row"  # type: ignore[attr-defined]


class Default:
    """Default fits, the start included, to their own convergence: time, maps and bound."""

    params = (["full", "tied", "diag", "spherical"], ["batch", "online", "memoized"])
    param_names = ("covariance_type", "learning_method")
    number = 1
    warmup_time = 0.0

    def setup(self, covariance_type: str, learning_method: str) -> None:
        self.X = data.load("a")

    def _fit(self, covariance_type: str, learning_method: str) -> Any:
        from vivace import BayesianGaussianMixture

        model = BayesianGaussianMixture(
            n_components=data.SETS["a"].components,
            covariance_type=covariance_type,
            learning_method=learning_method,
            n_jobs=1,
            random_state=0,
        )
        return model.fit(self.X)

    def time_fit(self, covariance_type: str, learning_method: str) -> None:
        self._fit(covariance_type, learning_method)

    def track_elbo(self, covariance_type: str, learning_method: str) -> float:
        return self._fit(covariance_type, learning_method).lower_bound_ / len(self.X)

    track_elbo.unit = "nats a row"  # type: ignore[attr-defined]

    def track_n_iter(self, covariance_type: str, learning_method: str) -> int:
        return self._fit(covariance_type, learning_method).n_iter_

    track_n_iter.unit = "maps or passes"  # type: ignore[attr-defined]


class Photographs:
    """The demonstration's fit: 546,560 pixels, 32 components, every core."""

    number = 1
    warmup_time = 0.0

    def setup(self) -> None:
        self.X = data.photographs()

    def _fit(self) -> Any:
        from vivace import BayesianGaussianMixture

        return BayesianGaussianMixture(n_components=32, max_iter=50, random_state=0).fit(self.X)

    def time_fit(self) -> None:
        self._fit()

    def track_elbo(self) -> float:
        return self._fit().lower_bound_ / len(self.X)

    track_elbo.unit = "nats a row"  # type: ignore[attr-defined]

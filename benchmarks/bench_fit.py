"""Fits: time, peak memory, and the bound that the same fits reach."""

from __future__ import annotations

import time
import warnings
from typing import Any

from benchmarks import data

CASES = {
    "b full float64": ("b", "full", "float64"),
    "c full float64": ("c", "full", "float64"),
    "c full float32": ("c", "full", "float32"),
    "c diag float64": ("c", "diag", "float64"),
    "d full float64": ("d", "full", "float64"),
    "d full float32": ("d", "full", "float32"),
}


def _mixture(**settings: Any) -> Any:
    """Return an estimator; imported here, so that other benchmarks start quickly."""
    from vivace import BayesianGaussianMixture

    # Fits of a fixed length end before they converge, on purpose.
    warnings.filterwarnings("ignore", category=UserWarning)
    return BayesianGaussianMixture(random_state=0, **settings)


class _SameFits:
    """Every fit is made once for its bound and length, which the track_ methods only look up.

    Each class spells out its own `setup_cache`: asv tells them apart by their place in the file.
    """

    params: tuple[Any, ...]
    number = 1
    warmup_time = 0.0
    timeout = 600

    def _case(self, *case: str) -> tuple[Any, Any]:
        """Return the rows and the estimator of a case."""
        raise NotImplementedError

    def _cases(self) -> list[tuple[str, ...]]:
        raise NotImplementedError

    def _reached(self) -> dict[tuple[str, ...], tuple[float, int]]:
        reached = {}
        for case in self._cases():
            X, model = self._case(*case)
            model.fit(X)
            reached[case] = (model.lower_bound_ / len(X), model.n_iter_)
        return reached

    def setup(self, reached: dict, *case: str) -> None:
        self.X, self.model = self._case(*case)

    def time_fit(self, reached: dict, *case: str) -> None:
        self.model.fit(self.X)

    def peakmem_fit(self, reached: dict, *case: str) -> None:
        self.model.fit(self.X)

    def track_elbo(self, reached: dict, *case: str) -> float:
        return reached[case][0]

    track_elbo.unit = "nats a row"  # type: ignore[attr-defined]


class FixedLength(_SameFits):
    """Five maps of coordinate ascent at one thread: what a map costs, and what it gains."""

    params = (list(CASES),)
    param_names = ("case",)
    maps = 5
    timer = time.process_time

    def setup_cache(self) -> dict[tuple[str, ...], tuple[float, int]]:
        return self._reached()

    def _cases(self) -> list[tuple[str, ...]]:
        return [(case,) for case in CASES]

    def _case(self, *case: str) -> tuple[Any, Any]:
        name, covariance_type, dtype = CASES[case[0]]
        X, n_components = data.load(name, dtype=dtype), data.SETS[name].components
        model = _mixture(
            n_components=n_components,
            covariance_type=covariance_type,
            acceleration=None,
            tol=0.0,
            max_iter=self.maps,
            n_jobs=1,
            means_init=data.starting_means(X, n_components).astype(dtype),
        )
        return X, model


class Default(_SameFits):
    """Default fits of set a at one thread, start included, to their own convergence."""

    params = (["full", "diag"], ["batch", "online", "memoized"])
    param_names = ("covariance_type", "learning_method")
    timer = time.process_time

    def setup_cache(self) -> dict[tuple[str, ...], tuple[float, int]]:
        return self._reached()

    def _cases(self) -> list[tuple[str, ...]]:
        return [(kind, method) for kind in self.params[0] for method in self.params[1]]

    def _case(self, *case: str) -> tuple[Any, Any]:
        model = _mixture(
            n_components=data.SETS["a"].components,
            covariance_type=case[0],
            learning_method=case[1],
            n_jobs=1,
        )
        return data.load("a"), model

    def track_n_iter(self, reached: dict, *case: str) -> int:
        return reached[case][1]

    track_n_iter.unit = "maps or passes"  # type: ignore[attr-defined]


class Photographs(_SameFits):
    """The demonstration's rows: 546,560 pixels, 32 components, at most 50 maps, every core."""

    params = (["default"],)
    param_names = ("case",)

    def setup_cache(self) -> dict[tuple[str, ...], tuple[float, int]]:
        return self._reached()

    def _cases(self) -> list[tuple[str, ...]]:
        return [("default",)]

    def _case(self, *case: str) -> tuple[Any, Any]:
        return data.photographs(), _mixture(n_components=32, max_iter=50)

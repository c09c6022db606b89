"""Curves of quality against time: what a library's topics are worth after so many seconds.

A peer is a function (corpus, watch, n_components, seed, **settings) in `peers`. Having put the
documents into its library's own form (not counted), it either calls `watch.start()` and then
`watch(topics, passes)` after each of the library's steps, which keeps a copy of the topics when one
is due and ends the fit when time is over; or, where a library cannot be looked into, it gives
`watch.whole_fits` a function that fits afresh with so many passes. Copies and scores take no time
from the fit: the clock stands still, and topics are judged when the fit is over.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.versus import corpora
from benchmarks.versus.stopwatch import EnoughIterations
from benchmarks.versus.topics.completion import Judge

FIRST = 0.05  # seconds until the first look
GROWTH = 1.4  # of the time from one look to the next


@dataclass(frozen=True)
class Look:
    """Topics (topics x words, not necessarily normalised) after so many seconds and passes."""

    seconds: float
    passes: float
    topics: NDArray[Any]


class Watch:
    """The clock of one fit, which decides when to look at the topics and when to stop."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = seconds
        self.looks: list[Look] = []
        self._clock = clock
        self._due = FIRST

    def start(self) -> None:
        """Start the clock: called just before the fit."""
        self._began = self._clock()

    def __call__(self, topics: Callable[[], NDArray[Any]], passes: float) -> None:
        """Look if a look is due; raise EnoughIterations when the time is over."""
        now = self._clock()
        spent = now - self._began
        over = spent >= self.seconds
        if spent < self._due and not over:
            return
        self.looks.append(Look(spent, passes, np.array(topics(), np.float32)))
        self._due = max(self._due * GROWTH, spent * GROWTH)
        self._began += self._clock() - now
        if over:
            raise EnoughIterations

    def whole_fits(
        self,
        fit: Callable[[int], Callable[[], NDArray[Any]]],
        growth: float,
        least: int = 1,
        step: int = 1,
    ) -> None:
        """Time fits with growing numbers of passes while they end in time.

        `fit` returns what will return the topics, off the clock. `least` is the first number of
        passes, and each is that and a multiple of `step`; the last fit takes about the whole time.
        """
        passes, marginal = least, 0.0
        while True:
            began = self._clock()
            topics = fit(passes)
            spent = self._clock() - began
            if self.looks:
                last = self.looks[-1]
                marginal = max(spent - last.seconds, 0.0) / (passes - last.passes)
            else:
                marginal = spent / passes
            self.looks.append(Look(spent, passes, np.array(topics(), np.float32)))
            fitting = int((self.seconds - spent) / max(marginal, 1e-9)) // step * step
            wanted = max(step, round(passes * (growth - 1) / step) * step)
            if fitting < step:
                return
            # Not a long fit and then one that is hardly longer.
            passes += wanted if fitting >= 2 * wanted else fitting


def curve(
    peer: str,
    corpus: str,
    seconds: float,
    share: float = 1.0,
    n_components: int = 100,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Fit with a peer ("module:function" below `peers`) and judge what it had at each look."""
    module, name = peer.split(":")
    function = getattr(importlib.import_module(f"benchmarks.versus.topics.peers.{module}"), name)
    documents = corpora.load(corpus, share=share)
    watch = Watch(seconds)
    began = time.perf_counter()
    with contextlib.suppress(EnoughIterations):
        function(documents, watch, n_components, seed, **(settings or {}))
    whole = time.perf_counter() - began
    judge = Judge(documents.test, threads=2)
    points = []
    for look in watch.looks:
        score, alpha = judge.score(look.topics)
        points.append(
            {
                "seconds": round(look.seconds, 4),
                "passes": round(look.passes, 3),
                "score": round(score, 5),
                "alpha": alpha,
            }
        )
    if not points:
        raise RuntimeError(f"no topics within {seconds:g} s")
    return {
        "curve": points,
        "best": max(point["score"] for point in points),
        "last": points[-1]["score"],
        "with_preparation": round(whole, 2),
    }


def accepts(function: Callable[..., Any], **settings: Any) -> None:
    """Raise unless a constructor has parameters of these names: older versions have not."""
    unknown = set(settings) - set(inspect.signature(function).parameters)
    if unknown:
        raise NotImplementedError(f"no parameter {', '.join(sorted(unknown))} in this version")

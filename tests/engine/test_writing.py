"""How often checkpoints are written: on a clock of its own."""

from __future__ import annotations

from typing import Any

import pytest

from vivace.engine import writing
from vivace.engine.checkpoint import Checkpoint
from vivace.engine.writing import Writing


class Clock:
    """A fit of steps of a second, whose checkpoints take `each` seconds while it waits."""

    path = "job"

    def __init__(self, each: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.each = 0.0, each
        monkeypatch.setattr(writing, "perf_counter", lambda: self.now)

    def write(self, state: Any, parts: Any) -> None:
        self.now += self.each

    def fit(self, seconds: float, every: float = 60.0) -> Checkpoint:
        """Return what a fit of so much work did about checkpoints."""
        checkpoint = Checkpoint("job", every=every)
        work = Writing(checkpoint, self)  # type: ignore[arg-type]
        for step in range(int(seconds)):
            self.now += 1.0
            work.maybe(lambda step=step: ({"fit": {"n_iter": step}}, {}), in_place=True)  # type: ignore[misc]
        work.end(lambda: ({"fit": {"n_iter": int(seconds)}}, {}))
        return checkpoint


@pytest.mark.parametrize("each", [0.1, 1.5, 10.0, 45.0])
@pytest.mark.parametrize("seconds", [30, 100, 700, 2000, 10_000, 40_000])
def test_share_of_the_time(each: float, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(each, monkeypatch)
    found = clock.fit(seconds)
    assert found.written >= 1
    assert found.ended == (found.left_out is None)
    # One checkpoint there is always; from the second on the share counts.
    if seconds >= 200 * each:
        assert found.seconds <= 0.03 * clock.now
    elif each > writing.SOON_WRITTEN:
        assert found.seconds <= 0.02 * clock.now + each
    if seconds < 60 or each <= writing.SOON_WRITTEN:
        assert found.ended
    if found.left_out is not None:
        assert found.left_out == pytest.approx(each)


def test_where_every_step_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Clock(5.0, monkeypatch).fit(20, every=0.0)
    assert (found.written, found.ended) == (21, True)

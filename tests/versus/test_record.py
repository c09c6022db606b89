"""The clock of the comparison: what counts as time, and when topics are looked at."""

import math

import numpy as np
import pytest

from benchmarks.versus.stopwatch import EnoughIterations
from benchmarks.versus.topics.quality import time_to
from benchmarks.versus.topics.record import Watch


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_looking_takes_no_time_and_the_last_look_ends_the_fit():
    clock, done = Clock(), []

    def topics():
        clock.now += 50.0
        return np.full((2, 3), len(done))

    def fit():
        watch.start()
        while True:
            clock.now += 0.5
            done.append(clock.now)
            watch(topics, len(done))

    watch = Watch(10.0, clock)
    with pytest.raises(EnoughIterations):
        fit()
    seconds = [look.seconds for look in watch.looks]
    assert seconds == pytest.approx([0.5 * look.passes for look in watch.looks])
    assert seconds[0] == 0.5
    assert seconds[-1] == 10.0
    assert len(seconds) < 16
    assert [look.topics[0, 0] for look in watch.looks] == [look.passes for look in watch.looks]


@pytest.mark.parametrize(("least", "step"), [(1, 1), (5, 5)])
def test_whole_fits_grow_to_the_time_allowed(least, step):
    clock, asked = Clock(), []

    def fit(passes):
        asked.append(passes)
        clock.now += 2.0 + 0.25 * passes  # a set-up and passes of one length
        return lambda: np.zeros((1, 1))

    watch = Watch(20.0, clock)
    watch.whole_fits(fit, 1.6, least, step)
    assert asked == sorted(set(asked))
    assert all((passes - least) % step == 0 for passes in asked)
    last = watch.looks[-1].seconds
    assert 20.0 - 0.25 * step - 1e-9 <= last <= 20.0
    assert sum(look.seconds for look in watch.looks) < 4 * last


def test_a_fit_longer_than_allowed_is_made_once():
    clock = Clock()

    def fit(passes):
        clock.now += 9.0
        return lambda: np.zeros((1, 1))

    watch = Watch(5.0, clock)
    watch.whole_fits(fit, 2.0)
    assert [look.passes for look in watch.looks] == [1]


def test_time_to_a_level_is_linear_in_the_logarithm_of_time():
    curve = [
        {"seconds": 1.0, "score": -8.0},
        {"seconds": 4.0, "score": -7.0},
        {"seconds": 8.0, "score": -7.5},
    ]
    assert time_to(curve, -9.0) == 1.0
    assert time_to(curve, -7.5) == pytest.approx(2.0)
    assert time_to(curve, -7.0) == 4.0
    assert time_to(curve, -6.9) is None
    assert not math.isnan(time_to(curve, -8.0))

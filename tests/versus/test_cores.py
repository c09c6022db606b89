"""How far the cores are from each other."""

import pytest

from benchmarks.versus import cores


@pytest.mark.usefixtures("c_code")
def test_a_word_takes_nanoseconds_to_milliseconds():
    assert 1.0 < cores.between() < 1e8

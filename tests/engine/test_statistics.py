"""The algebra of records, and the tree that sums them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vivace.engine import PairwiseSum, Statistics

AXES = {"suff": 0, "pair": 1, "shared": None, "weight": None}
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@st.composite
def records(draw: st.DrawFn, count: int) -> list[Statistics]:
    k = draw(st.integers(1, 4))
    shapes = {"suff": (k, 3), "pair": (2, k), "shared": (5,), "weight": ()}
    arrays = {
        name: hnp.arrays(np.float64, shape, elements=numbers) for name, shape in shapes.items()
    }
    return [
        Statistics({name: draw(array) for name, array in arrays.items()}, AXES)
        for _ in range(count)
    ]


def close(a: Statistics, b: Statistics, scale: float = 1.0) -> None:
    for name in a.names:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-12, atol=1e-8 * scale)


@settings(max_examples=40)
@given(records(2))
def test_add_then_subtract_returns(pair: list[Statistics]) -> None:
    a, b = pair
    total = a.copy()
    assert total.add_(b) is total
    assert all(np.array_equal(total[name], a[name] + b[name]) for name in a.names)
    close(total.subtract_(b), a)


@settings(max_examples=40)
@given(records(2), st.floats(0, 1), st.floats(0.1, 100))
def test_blend_is_the_stochastic_step(pair: list[Statistics], rho: float, factor: float) -> None:
    a, b = pair
    expected = a.copy().scale_(1 - rho).add_(b.copy().scale_(rho * factor))
    before = b.copy()
    close(a.blend_(b, rho, factor), expected)
    close(b, before)


@settings(max_examples=40)
@given(records(2))
def test_blend_at_rate_one_forgets(pair: list[Statistics]) -> None:
    a, b = pair
    a.blend_(b, 1.0)
    assert all(np.array_equal(a[name], b[name]) for name in a.names)


@settings(max_examples=40)
@given(records(3), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_combine_is_linear(three: list[Statistics], coefficients: list[float]) -> None:
    before = [record.copy() for record in three]
    combined = Statistics.combine(coefficients, three)
    for name in combined.names:
        terms = [c * record[name] for c, record in zip(coefficients, three, strict=True)]
        np.testing.assert_allclose(combined[name], sum(terms), rtol=1e-12, atol=1e-6)
    for record, old in zip(three, before, strict=True):
        assert all(np.array_equal(record[name], old[name]) for name in record.names)


@settings(max_examples=40)
@given(records(1), st.data())
def test_take_reorders_components(one: list[Statistics], data: st.DataObject) -> None:
    (a,) = one
    k = a.n_components
    assert k is not None
    index = data.draw(st.lists(st.integers(0, k - 1), max_size=5))
    taken = a.take(index)
    np.testing.assert_array_equal(taken["suff"], a["suff"][index])
    np.testing.assert_array_equal(taken["pair"], a["pair"][:, index])
    np.testing.assert_array_equal(taken["shared"], a["shared"])
    taken["shared"][:] = np.nan
    assert not np.isnan(a["shared"]).any()


@settings(max_examples=40)
@given(records(1))
def test_dict_round_trip_and_zeros(one: list[Statistics]) -> None:
    (a,) = one
    again = Statistics.from_dict(a.to_dict())
    assert again.names == a.names
    assert again.axes == AXES
    assert all(np.array_equal(again[name], a[name]) for name in a.names)
    zero = a.zeros_like()
    assert all(not zero[name].any() and zero[name].shape == a[name].shape for name in a.names)
    assert a.nbytes == sum(a[name].nbytes for name in a.names)
    assert "suff" in a
    assert "other" not in a
    assert "suff" in repr(a)


def test_a_record_without_components() -> None:
    assert Statistics({"weight": 1.0}, {"weight": None}).n_components is None


@pytest.mark.parametrize(
    ("arrays", "axes", "match"),
    [
        ({"a": np.ones(2)}, {}, "missing: a"),
        ({"a": np.ones(2)}, {"a": 0, "b": None}, "not a field: b"),
        ({"a": np.ones(2)}, {"a": 1}, "axis 1 for shape"),
        ({"a": np.ones(2), "b": np.ones(3)}, {"a": 0, "b": 0}, "same length"),
    ],
)
def test_bad_axes(arrays: dict, axes: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Statistics(arrays, axes)


def test_other_fields_are_refused() -> None:
    a = Statistics({"a": np.ones(2)}, {"a": None})
    for other in (
        Statistics({"b": np.ones(2)}, {"b": None}),
        Statistics({"a": np.ones(())}, {"a": None}),  # would broadcast
    ):
        for method in (a.add_, a.subtract_, lambda o: a.blend_(o, 0.5)):
            with pytest.raises(ValueError, match="same fields"):
                method(other)
        with pytest.raises(ValueError, match="same fields"):
            Statistics.combine([1.0, 1.0], [a, other])
    with pytest.raises(ValueError, match="same length"):
        Statistics.combine([1.0], [])
    np.testing.assert_array_equal(a["a"], 1.0)


def tree(values: list[float]) -> float:
    """The sum that PairwiseSum promises, written top down."""
    if len(values) == 1:
        return values[0]
    half = 1 << (len(values) - 1).bit_length() - 1
    return tree(values[:half]) + tree(values[half:])


@given(st.lists(numbers, min_size=1, max_size=40))
def test_pairwise_sum_is_a_fixed_tree(values: list[float]) -> None:
    total = PairwiseSum()
    for _ in range(2):  # usable again after total()
        for value in values:
            total.push(Statistics({"x": value}, {"x": None}))
            assert len(total._partial) <= math.log2(len(values)) + 1
        assert float(total.total()["x"]) == tree(values)


def test_pairwise_sum_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        PairwiseSum().total()

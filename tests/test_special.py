"""Special functions against mpmath and SciPy, on every instruction set of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.extra.numpy as hnp
import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vivace import _core, special

Array = NDArray[Any]
PUBLIC = [special.exp, special.log, special.digamma, special.exp_digamma, special.lgamma]


# ---- grids -------------------------------------------------------------------------------------


def around(*points: float) -> list[float]:
    """Each point, its nearest neighbours and some a little farther off."""
    steps = [0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3]
    return [p * (1 + sign * h) for p in points for h in steps for sign in (1, -1)]


def grid(kind: str) -> Array:
    rng = np.random.default_rng(len(kind))
    wide = 10.0 ** np.linspace(-300, 300, 401)
    if kind == "positive":  # where digamma and lgamma vanish, and where their formulas change
        middle = np.concatenate([rng.uniform(1e-3, 8, 600), 10 ** rng.uniform(-8, 8, 300)])
        return np.concatenate([wide, middle, around(0.5, 1, 1.4616321449683622, 1.5, 2, 2.5, 4)])
    if kind == "log":
        near = np.concatenate([rng.uniform(0.5, 2, 600), 10.0 ** rng.uniform(-323, -300, 50)])
        return np.concatenate([wide, near, around(0.5, 2**-0.5, 1, 2**0.5, 2)])
    if kind == "log1p":
        signed = rng.uniform(-1, 1, 300) * 10 ** rng.uniform(-17, 0, 300)
        return np.concatenate([wide, signed, -1 + 10 ** rng.uniform(-15, 0, 200)])
    if kind == "exp":
        small = rng.choice([-1, 1], 200) * 10 ** rng.uniform(-300, 0, 200)
        return np.concatenate([rng.uniform(-745, 709.7, 1000), rng.uniform(-2, 2, 500), small])
    assert kind == "nonpositive"
    return -np.concatenate([rng.uniform(0, 708, 600), rng.uniform(0, 40, 600), wide[wide < 1]])


def floats(kind: str, dtype: type) -> Array:
    """The grid as far as float32 or float64 reaches."""
    x = grid(kind)
    if dtype is np.float64:
        return x
    if kind in ("exp", "nonpositive"):
        x = x[(x > -103) & (x < 88)]
        return x[(x > -87) | (kind == "exp")].astype(np.float32)
    x = x[(np.abs(x) > 1e-45) & (np.abs(x) < 3e38) & (x != -1)].astype(np.float32)
    return x[x > (-1 if kind == "log1p" else 0)]


# ---- references --------------------------------------------------------------------------------


class Reference(NamedTuple):
    """An exact value as the sum of a double and what rounding left."""

    high: Array
    low: Array

    def error(self, y: Array) -> Array:
        """|y - reference|; 0 where both are the same infinity."""
        with np.errstate(invalid="ignore"):
            return np.where(y == self.high, np.abs(self.low), np.abs((y - self.high) - self.low))


class Case(NamedTuple):
    kind: str
    exact: Callable[[Any], Any]
    quick: Callable[[Array], Array]


CASES = {
    "exp": Case("exp", mpmath.exp, np.exp),
    "log": Case("log", mpmath.log, np.log),
    "log1p": Case("log1p", mpmath.log1p, np.log1p),
    "exp_nonpositive": Case("nonpositive", mpmath.exp, np.exp),
    "digamma": Case("positive", mpmath.digamma, scipy.special.digamma),
    "exp_digamma": Case(
        "positive",
        lambda x: mpmath.exp(mpmath.digamma(x)),
        lambda x: np.exp(scipy.special.digamma(x)),
    ),
    "lgamma": Case("positive", mpmath.loggamma, scipy.special.gammaln),
}
TYPES = {"float64": np.float64, "float32": np.float32}


@pytest.fixture(scope="module")
def references() -> dict[tuple[str, str], Reference]:
    """mpmath for float64; SciPy in float64 for float32."""
    table = {}
    for name, case in CASES.items():
        x = floats(case.kind, np.float64)
        with mpmath.workdps(40):
            exact = [case.exact(mpmath.mpf(value)) for value in x.tolist()]
            high = np.array([float(value) for value in exact])
            low = np.array(
                [
                    float(value - mpmath.mpf(h)) if np.isfinite(h) else 0.0
                    for value, h in zip(exact, high.tolist(), strict=True)
                ]
            )
        table[name, "float64"] = Reference(high, low)
        with np.errstate(under="ignore", over="ignore"):
            quick = case.quick(floats(case.kind, np.float32).astype(np.float64))
        # float32 cannot hold what exceeds its range.
        quick = np.where(np.abs(quick) < 3.4028236e38, quick, np.copysign(np.inf, quick))
        table[name, "float32"] = Reference(quick, np.zeros_like(quick))
    return table


PROGRAM = """
import sys
import numpy as np
from vivace import _core
inputs = np.load(sys.argv[1])
outputs = {key: np.empty_like(x) for key, x in inputs.items()}
for key, out in outputs.items():
    getattr(_core, "special_" + key.rsplit("-", 1)[0])(inputs[key], out)
np.savez(sys.argv[2], isa=_core.isa(), **outputs)
"""


@pytest.fixture(scope="module", params=_core.available_isas())
def computed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Array]:
    """Every function on its grids, by a process that is made to use one instruction set."""
    folder: Path = tmp_path_factory.mktemp("special")
    np.savez(
        folder / "in.npz",
        **{
            f"{name}-{dtype}": floats(case.kind, TYPES[dtype])
            for name, case in CASES.items()
            for dtype in TYPES
        },
    )
    subprocess.run(
        [sys.executable, "-c", PROGRAM, folder / "in.npz", folder / "out.npz"],
        check=True,
        env=os.environ | {"VIVACE_ISA": request.param},
    )
    outputs = np.load(folder / "out.npz")
    assert outputs["isa"] == request.param
    return {(name, dtype): outputs[f"{name}-{dtype}"] for name in CASES for dtype in TYPES}


def unit(reference: Reference, dtype: str) -> Array:
    """One unit in the last place."""
    with np.errstate(invalid="ignore"):
        spacing = np.spacing(np.abs(reference.high).astype(TYPES[dtype])).astype(np.float64)
    return np.where(np.isfinite(spacing), spacing, 1.0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("name", "bound"), [("exp", 1.1), ("log", 1.0), ("log1p", 2.0)])
def test_error_in_units_in_the_last_place(
    name: str, bound: float, dtype: str, computed: Any, references: Any
) -> None:
    reference = references[name, dtype]
    units = reference.error(computed[name, dtype].astype(float)) / unit(reference, dtype)
    assert units.max() < bound, floats(CASES[name].kind, TYPES[dtype])[units.argmax()]


@pytest.mark.parametrize(
    ("name", "dtype", "bound"),
    [
        ("digamma", "float64", 2e-15),
        ("digamma", "float32", 8e-7),
        ("lgamma", "float64", 1e-15),
        ("lgamma", "float32", 5e-7),
    ],
)
def test_error_relative_to_at_least_one(
    name: str, dtype: str, bound: float, computed: Any, references: Any
) -> None:
    reference = references[name, dtype]
    scale = np.maximum(1, np.minimum(np.abs(reference.high), 1e308))
    error = reference.error(computed[name, dtype].astype(float)) / scale
    assert error.max() < bound, floats(CASES[name].kind, TYPES[dtype])[error.argmax()]


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1.5e-15), ("float32", 8e-7)])
def test_exp_digamma_error(dtype: str, bound: float, computed: Any, references: Any) -> None:
    x, reference = floats("positive", TYPES[dtype]), references["exp_digamma", dtype]
    tiny = float(np.finfo(dtype).tiny)
    y = computed["exp_digamma", dtype].astype(float)
    allowed = bound * np.maximum(1, 1 / x.astype(float)) * reference.high
    normal = reference.high > tiny
    assert (reference.error(y) < allowed)[normal].all()
    assert y[~normal].max() <= tiny * (1 + 1e-6)


@pytest.mark.parametrize(
    ("dtype", "bound", "slope"), [("float64", 6e-16, 1.6e-16), ("float32", 3e-7, 6e-8)]
)
def test_exp_nonpositive_error(
    dtype: str, bound: float, slope: float, computed: Any, references: Any
) -> None:
    x, reference = floats("nonpositive", TYPES[dtype]), references["exp_nonpositive", dtype]
    error = reference.error(computed["exp_nonpositive", dtype].astype(float))
    assert (error < (bound + slope * np.abs(x.astype(float))) * reference.high).all()


def test_lgamma_keeps_its_relative_accuracy_near_its_zeros(computed: Any, references: Any) -> None:
    x, reference = floats("positive", np.float64), references["lgamma", "float64"]
    near = (np.abs(x - 1) < 0.1) | (np.abs(x - 2) < 0.1)
    error = reference.error(computed["lgamma", "float64"])
    assert (error <= 2e-15 * np.abs(reference.high))[near].all()


# ---- special values, in the instruction set of this process ------------------------------------

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("function", "x", "y"),
    [
        (special.exp, [0, -0.0, INF, -INF, NAN, 800, -800], [1, 1, INF, 0, NAN, INF, 0]),
        (special.log, [1, 0, -0.0, INF, -INF, NAN, -1], [0, -INF, -INF, INF, NAN, NAN, NAN]),
        (special.digamma, [0, -0.0, INF, -INF, NAN, -1.5], [NAN, NAN, INF, NAN, NAN, NAN]),
        (special.exp_digamma, [0, -0.0, INF, -INF, NAN, -1.5], [0, 0, INF, NAN, NAN, NAN]),
        (special.lgamma, [1, 2, 0, INF, -INF, NAN, -1.5], [0, 0, NAN, INF, NAN, NAN, NAN]),
    ],
)
def test_special_values(function: Any, x: list[float], y: list[float], dtype: str) -> None:
    np.testing.assert_array_equal(function(np.array(x, dtype)), np.array(y, dtype))


def test_limits_of_the_range() -> None:
    least = np.finfo(float).smallest_subnormal
    assert special.exp(709.78) == pytest.approx(np.exp(709.78), rel=1e-15)
    assert special.exp(709.79) == INF
    assert special.exp(-745.1) == least
    assert special.exp(-745.2) == 0
    assert special.log(least) == pytest.approx(-744.4400719213812, rel=1e-15)
    assert special.digamma(least) == -INF
    assert special.lgamma(least) == pytest.approx(744.4400719213812, rel=1e-15)
    assert special.lgamma(2.55e305) < INF
    assert special.lgamma(2.56e305) == INF


@given(
    x=hnp.arrays(
        st.sampled_from([np.float64, np.float32]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=20),
        elements=st.floats(width=32),
    )
)
def test_agrees_with_scipy_anywhere(x: Array) -> None:
    tolerance = 1e-13 if x.dtype == np.float64 else 2e-6
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        psi = np.where(wide > 0, scipy.special.digamma(wide), NAN)
        expected = {
            special.exp: np.exp(wide),
            special.log: np.log(wide),
            special.digamma: psi,
            special.lgamma: np.where(wide > 0, scipy.special.gammaln(wide), NAN),
        }
        for function, values in expected.items():
            y = function(x)
            assert y.dtype == x.dtype
            np.testing.assert_allclose(y, values.astype(x.dtype), tolerance, tolerance)
        y = special.exp_digamma(x)
        expected_y = np.where(wide == 0, 0, np.exp(psi)).astype(x.dtype)
        slack = np.finfo(x.dtype).eps * 20 / np.minimum(wide, 1) + tolerance
        ok = np.abs(y - expected_y) <= slack * expected_y + 1e-37
        assert np.all(ok | (y == expected_y) | (np.isnan(y) & np.isnan(expected_y)))


@given(st.integers(0, 70), st.sampled_from(sorted(TYPES)))
def test_a_value_does_not_depend_on_its_place(n: int, dtype: str) -> None:
    x = np.random.default_rng(n).uniform(0.01, 9, n).astype(dtype)
    for function in PUBLIC:
        np.testing.assert_array_equal(function(x), np.array([function(v) for v in x], dtype))


# ---- manners -----------------------------------------------------------------------------------


def test_types_and_shapes() -> None:
    for function in PUBLIC:
        assert type(function(2)) is np.float64
        assert type(function(np.float32(2))) is np.float32
        assert type(function(np.array(2.0))) is np.float64
        assert function([[1, 2, 3]]).shape == (1, 3)
        assert function(np.ones((0, 3))).shape == (0, 3)
        for dtype in (bool, np.int8, np.uint64, np.float16, np.longdouble, ">f8"):
            assert function(np.ones(3, dtype)).dtype == np.float64
        assert function(np.ones(3, ">f4")).dtype == np.float32


def test_any_layout() -> None:
    x = np.linspace(0.1, 5, 210).reshape(5, 6, 7)
    bytes_ = np.zeros(8 * 10 + 1, np.uint8)
    unaligned = bytes_[1:].view(np.float64)
    unaligned[:] = x[0, 0, 0]
    for function in PUBLIC:
        y = function(x)
        np.testing.assert_array_equal(function(x[::2, ::-1, 1:4]), y[::2, ::-1, 1:4])
        np.testing.assert_array_equal(function(np.asfortranarray(x)), y)
        np.testing.assert_array_equal(function(x.T), y.T)
        np.testing.assert_array_equal(function(unaligned), y[0, 0, 0])
    x.flags.writeable = False
    special.exp(x)


def test_out() -> None:
    x = np.linspace(0.1, 5, 60).reshape(6, 10)
    for function in PUBLIC:
        expected = function(x)
        out = np.empty_like(x)
        assert function(x, out) is out
        np.testing.assert_array_equal(out, expected)
        strided = np.zeros((12, 20))
        function(x, out=strided[::2, ::2])
        np.testing.assert_array_equal(strided[::2, ::2], expected)
        assert not strided[1::2].any()
        in_place = x.copy()
        assert function(in_place, out=in_place) is in_place
        np.testing.assert_array_equal(in_place, expected)
        buffer = np.append(x.ravel(), 0.0)
        function(buffer[:-1], out=buffer[1:])  # as if the input had been copied first
        np.testing.assert_array_equal(buffer[1:], expected.ravel())
        point = np.empty(())
        assert function(1.5, point) is point


@pytest.mark.parametrize(
    ("x", "out", "error", "text"),
    [
        (1j, None, TypeError, "x must be an array of real numbers, but its dtype is complex128"),
        (["a"], None, TypeError, "x must be an array of real numbers, but its dtype is <U1"),
        ([1.0], [0.0], TypeError, r"out must be .* of the shape of x, \(1,\), but .* type list"),
        ([1.0], np.empty(2), ValueError, r"out must be .*, but it is float64 of shape \(2,\)"),
        ([1.0], np.empty(1, "f4"), ValueError, "out must be a writeable float64 .* is float32"),
        ([1.0], np.broadcast_to(0.0, 1), ValueError, "out must be .*, but it is read-only"),
    ],
)
def test_errors(x: Any, out: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        special.exp(x, out)

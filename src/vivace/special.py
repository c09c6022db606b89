"""Elementary and special functions on arrays, with the same branch-free code that the kernels use.

Each function takes anything that NumPy makes an array of, of any shape. float32 stays float32;
every other real type is computed in float64. A scalar gives a scalar. No function warns: a value
outside a domain gives NaN. The stated errors hold on every instruction set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vivace import _core

__all__ = ["digamma", "exp", "exp_digamma", "lgamma", "log"]


def exp(x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
    """
    Exponential function.

    Parameters
    ----------
    x : array_like
        Real numbers.
    out : ndarray, optional
        Array to fill and return: the shape of `x`, float32 for float32 input, else float64. It
        may be `x` itself.

    Returns
    -------
    ndarray or scalar
        e to the power of `x`. Overflow gives infinity, underflow gradually 0.

    Notes
    -----
    Error below 1.1 units in the last place in both precisions.
    """
    return _apply(_core.special_exp, x, out)


def log(x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
    """
    Natural logarithm.

    Parameters
    ----------
    x : array_like
        Real numbers.
    out : ndarray, optional
        Array to fill and return: the shape of `x`, float32 for float32 input, else float64. It
        may be `x` itself.

    Returns
    -------
    ndarray or scalar
        The logarithm of `x`; minus infinity at 0 and NaN below.

    Notes
    -----
    Error below 1 unit in the last place in both precisions.
    """
    return _apply(_core.special_log, x, out)


def digamma(x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
    """
    Logarithmic derivative of the gamma function, for positive numbers.

    Parameters
    ----------
    x : array_like
        Positive real numbers.
    out : ndarray, optional
        Array to fill and return: the shape of `x`, float32 for float32 input, else float64. It
        may be `x` itself.

    Returns
    -------
    ndarray or scalar
        digamma(x); NaN for x <= 0, where `scipy.special.digamma` goes on.

    Notes
    -----
    Relative to max(1, |digamma(x)|) the error is below 2e-15 in float64 and 8e-7 in float32.
    Below 4 the recurrence digamma(x) = digamma(x + 1) - 1/x is applied four times; from there on
    it is the asymptotic series in 1/x**2 [1]_ with coefficients fitted to [4, inf).

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 5.11.2.
    """
    return _apply(_core.special_digamma, x, out)


def exp_digamma(x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
    """
    exp(digamma(x)) without a logarithm, for numbers that are not negative.

    The geometric mean of a Gamma(x, 1) variable, as it appears in the updates of Dirichlet
    parameters.

    Parameters
    ----------
    x : array_like
        Real numbers, not negative.
    out : ndarray, optional
        Array to fill and return: the shape of `x`, float32 for float32 input, else float64. It
        may be `x` itself.

    Returns
    -------
    ndarray or scalar
        exp(digamma(x)); 0 at 0, NaN below. Below x = 0.00142 in float64 and 0.0116 in
        float32 the value is subnormal, then 0.

    Notes
    -----
    The relative error is below 1.5e-15 max(1, 1/x) in float64 and 8e-7 max(1, 1/x) in float32,
    as if `x` were off by a few units in its last place. With h = x - 1/2, exp(digamma(x)) is h
    plus a series in odd powers of 1/h, here with coefficients fitted to x >= 4; below 4 the
    recurrence of digamma is applied four times.
    """
    return _apply(_core.special_exp_digamma, x, out)


def lgamma(x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
    """
    Logarithm of the gamma function, for positive numbers.

    Parameters
    ----------
    x : array_like
        Positive real numbers.
    out : ndarray, optional
        Array to fill and return: the shape of `x`, float32 for float32 input, else float64. It
        may be `x` itself.

    Returns
    -------
    ndarray or scalar
        ln Gamma(x); NaN for x <= 0, where `scipy.special.gammaln` goes on.

    Notes
    -----
    Relative to max(1, |lgamma(x)|) the error is below 1e-15 in float64 and 5e-7 in float32, and
    near the zeros at 1 and 2 the plain relative error is not much larger. From 2.5 on it is
    Stirling's series [1]_ with fitted coefficients; below, a polynomial about 2 and the
    recurrence lgamma(x) = lgamma(x + 1) - ln x.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 5.11.1.
    """
    return _apply(_core.special_lgamma, x, out)


def _apply(
    kernel: Callable[[NDArray[Any], NDArray[Any]], None],
    x: ArrayLike,
    out: NDArray[Any] | None,
) -> Any:
    """Call a kernel, which wants contiguous one-dimensional arrays of one type."""
    given = np.asarray(x)
    if given.dtype.kind not in "fiub":
        raise TypeError(
            f"x must be an array of real numbers, but its dtype is {given.dtype}; "
            "convert it with x.astype(float) if its values are real"
        )
    single = given.dtype.kind == "f" and given.dtype.itemsize == 4
    dtype = np.dtype(np.float32 if single else np.float64)
    flat = np.require(given, dtype, ["C", "ALIGNED"]).reshape(-1)
    if out is None:
        result = np.empty(given.shape, dtype)
        kernel(flat, result.reshape(-1))
        return result[()]  # a scalar where there is no axis

    _check_out(out, given.shape, dtype)
    same = out.ctypes.data == flat.ctypes.data
    direct = out.flags.c_contiguous and out.flags.aligned
    if direct and (same or not np.may_share_memory(flat, out)):
        kernel(flat, out.reshape(-1))
    else:
        result = np.empty(given.shape, dtype)
        kernel(flat, result.reshape(-1))
        out[...] = result
    return out


def _check_out(out: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    wanted = f"out must be a writeable {dtype} array of the shape of x, {shape}"
    remedy = "leave it out to get a new array"
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{wanted}, but it is of type {type(out).__name__}; {remedy}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(f"{wanted}, but it is {out.dtype} of shape {out.shape}; {remedy}")
    if not out.flags.writeable:
        raise ValueError(f"{wanted}, but it is read-only; {remedy}")

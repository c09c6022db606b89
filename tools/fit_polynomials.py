"""Prints the coefficients of cpp/math.hpp: minimax polynomials by Remez' algorithm, in mpmath.

Each line names the function, then the largest weighted error of the fit before its coefficients
are rounded, then the coefficients of rising powers. tests/test_special.py judges the functions
that come of it.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
from mpmath import mp, mpf

mp.dps = 50
Function = Callable[[mpf], mpf]


def remez(f: Function, weight: Function, a: mpf, b: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """Polynomial p of least max |weight (f - p)| on [a, b], and that error."""
    a, b, n = mpf(a), mpf(b), degree + 2
    nodes = [(a + b) / 2 - (b - a) / 2 * mpmath.cos(mpmath.pi * i / (n - 1)) for i in range(n)]
    for _ in range(12):
        matrix, values = mpmath.matrix(n, n), mpmath.matrix(n, 1)
        for i, x in enumerate(nodes):
            for j in range(degree + 1):
                matrix[i, j] = x**j
            matrix[i, degree + 1] = (-1) ** i / weight(x)
            values[i] = f(x)
        solution = mpmath.lu_solve(matrix, values)
        coefficients = [solution[i] for i in range(degree + 1)]
        peaks = extremes(
            lambda x, c=coefficients: weight(x) * (f(x) - mpmath.polyval(c[::-1], x)), a, b, n
        )
        error = max(abs(e) for _, e in peaks)
        if len(peaks) < n:
            break
        while len(peaks) > n:
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        nodes = [x for x, _ in peaks]
        if error < abs(solution[degree + 1]) * mpf("1.001"):
            break
    return coefficients, error


def extremes(error: Function, a: mpf, b: mpf, n: int) -> list[tuple[mpf, mpf]]:
    """The largest error of each run of equal sign on a fine grid, with its place."""
    steps = 30 * n
    peaks: list[tuple[mpf, mpf]] = []
    for i in range(steps + 1):
        x = (a + b) / 2 - (b - a) / 2 * mpmath.cos(mpmath.pi * i / steps)
        e = error(x)
        if peaks and peaks[-1][1] * e > 0:
            if abs(e) > abs(peaks[-1][1]):
                peaks[-1] = (x, e)
        else:
            peaks.append((x, e))
    return peaks


# Each function is followed by its own series where the closed form would cancel.


def exp_linear(f: mpf) -> mpf:
    return mpmath.expm1(f) / f if abs(f) > mpf(10) ** -30 else 1 + f / 2


def exp_quadratic(f: mpf) -> mpf:
    return (mpmath.expm1(f) - f) / f**2 if abs(f) > mpf(10) ** -18 else mpf(1) / 2 + f / 6


def log_ratio(z: mpf) -> mpf:
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) - 2 * s) / (s * z) if z > mpf(10) ** -20 else mpf(2) / 3


def digamma_tail(t: mpf) -> mpf:
    if t < mpf(10) ** -7:
        return mpf(1) / 12 - t / 120 + t**2 / 252 - t**3 / 240 + t**4 / 132
    y = 1 / mpmath.sqrt(t)
    return (mpmath.log(y) - 1 / (2 * y) - mpmath.digamma(y)) / t


def exp_digamma_tail(t: mpf) -> mpf:
    if t < mpf(10) ** -7:
        return mpf(1) / 24 - t * mpf(37) / 5760 + t**2 * mpf(10313) / 2903040
    h = 1 / mpmath.sqrt(t)
    return (mpmath.exp(mpmath.digamma(h + mpf(1) / 2)) - h) * h


def stirling_tail(t: mpf) -> mpf:
    if t < mpf(10) ** -7:
        return mpf(1) / 12 - t / 360 + t**2 / 1260 - t**3 / 1680
    x = 1 / mpmath.sqrt(t)
    stirling = (x - mpf(1) / 2) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2
    return (mpmath.loggamma(x) - stirling) * x


def lgamma_about_2(d: mpf) -> mpf:
    if abs(d) < mpf(10) ** -12:
        return (1 - mp.euler + d * (mpmath.pi**2 / 6 - 1) / 2) / (1 + d)
    return mpmath.loggamma(2 + d) / (d * (1 + d))


def show(name: str, f: Function, weight: Function, a: mpf, b: mpf, degree: int) -> None:
    coefficients, error = remez(f, weight, a, b, degree)
    print(f"{name}: {mpmath.nstr(error, 2)}:", ", ".join(repr(float(c)) for c in coefficients))


def main() -> None:
    ln2, tiny = mpmath.log(2), mpf(10) ** -9

    def relative(f: mpf) -> mpf:
        return abs(f) / mpmath.exp(f) + tiny

    # A little beyond the interval: the reduction rounds.
    for name, parts, degree in [
        ("exp_nonpositive double, no table", 1, 9),
        ("exp_nonpositive float, no table", 1, 4),
        ("exp_nonpositive double", 16, 5),
        ("exp_nonpositive float", 16, 2),
    ]:
        half = ln2 / (2 * parts) * mpf("1.0001")
        show(name, exp_linear, relative, -half, half, degree)
    half = ln2 / 2 * mpf("1.0001")
    for name, degree in [("exp double", 9), ("exp float", 4)]:
        show(
            name, exp_quadratic, lambda f: f * f / mpmath.exp(f) + tiny / 1000, -half, half, degree
        )
    last = (3 - 2 * mpmath.sqrt(2)) ** 2 * mpf("1.0002")
    for name, degree in [("log double", 6), ("log float", 2)]:
        show(name, log_ratio, lambda z: z / 2 + tiny / 10, mpf(0), last, degree)
    for kind, small, degrees in [
        ("double", mpf(10) ** -6, (7, 8, 10)),
        ("float", mpf(10) ** -4, (2, 2, 3)),
    ]:

        def weight(t: mpf, small: mpf = small) -> mpf:
            return t + small

        show(f"digamma {kind}", digamma_tail, weight, mpf(0), mpf(1) / 16, degrees[0])
        show(
            f"exp_digamma {kind}", exp_digamma_tail, weight, mpf(0), 1 / mpf("3.5") ** 2, degrees[1]
        )
        show(
            f"lgamma far {kind}",
            stirling_tail,
            lambda t, small=small: mpmath.sqrt(t) + small,
            mpf(0),
            mpf(4) / 25,
            degrees[2],
        )
    for name, degree in [("lgamma near double", 16), ("lgamma near float", 7)]:
        show(name, lgamma_about_2, lambda d: 1 + d, -mpf(1) / 2, mpf(1) / 2, degree)


if __name__ == "__main__":
    main()

"""The compiled kernels against the slow references, on every instruction set, and their border."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import naive
import naive_kernels
import numpy as np
import pytest

from vivace import _core

KINDS = ["linear", "spherical", "diag", "full"]
WIDTHS = [1, 2, 3, 4, 5, 8, 9, 13, 16, 17, 20, 33]
COMPONENTS = [1, 2, 3, 5, 6, 7, 8, 13, 32]


def draw_block(rng, single):
    n, d = int(rng.integers(1, 700)), int(rng.choice(WIDTHS))
    x = rng.normal(1.0, 3.0, size=(n, d)).astype(np.float32 if single else rng.choice(["f4", "f8"]))
    weights = rng.gamma(1.0, size=n) * (rng.random(n) > 0.1) if rng.random() < 0.5 else None
    return x, weights, rng.normal(size=d), 0.3 + rng.gamma(2.0, size=d)


def check_step(rng, mode, single):
    """One random call of mixture_step against the reference; outputs start as NaN."""
    x, weights, centre, inv_scale = draw_block(rng, single)
    (n, d), k = x.shape, int(rng.choice(COMPONENTS))
    score_kind = str(rng.choice(KINDS))
    stat_kind = score_kind if rng.random() < 0.5 else str(rng.choice(KINDS))
    n_score, n_stat = (
        naive.features(np.zeros((1, d)), kind).shape[1] for kind in (score_kind, stat_kind)
    )
    sharpness = rng.choice([0.01, 0.3] if single else [0.01, 0.3, 3.0])
    eta = rng.normal(size=(k, n_score)) * sharpness / np.sqrt(n_score)
    given = rng.dirichlet(np.ones(k), size=n)
    outputs = []
    for call in (_core.mixture_step, naive.mixture_step_reference):
        suff, entropy = np.full((k, n_stat), np.nan), np.full(k, np.nan)
        resp = given.copy() if mode == "given" else np.full((n, k), np.nan)
        labels = np.full(n, -1, dtype=np.int32)
        lse = np.full(n, np.nan) if mode in ("soft", "score") else None
        call(x, weights, centre, inv_scale, eta, score_kind, stat_kind, mode, single,
             suff, entropy, resp, labels, lse)  # fmt: skip
        outputs.append((suff, entropy, resp, labels, lse))
    ours, theirs = outputs
    tolerance = 2e-3 if single else 1e-11
    if mode != "score":
        z = np.abs(naive.features(naive.standardise(x, centre, inv_scale), stat_kind))
        size = 1.0 + (z if weights is None else z * weights[:, None]).sum(axis=0)
        assert np.all(np.abs(ours[0] - theirs[0]) <= tolerance * size)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=tolerance * (1 + n))
    if mode in ("soft", "score"):
        np.testing.assert_allclose(ours[2], theirs[2], rtol=0, atol=10 * tolerance)
        np.testing.assert_allclose(ours[4], theirs[4], rtol=tolerance, atol=10 * tolerance)
    if mode != "given" and not single:
        np.testing.assert_array_equal(ours[3], theirs[3])


def check_mixed(rng):
    """Quadratic features of some columns, added scores and weighted responsibilities."""
    x, weights, centre, inv_scale = draw_block(rng, single=False)
    (n, d), k = x.shape, int(rng.choice(COMPONENTS))
    q, kind = int(rng.integers(0, d + 1)), str(rng.choice(KINDS))
    width = -(-k // _core.PAD) * _core.PAD + _core.PAD * int(rng.integers(0, 2))
    n_features = naive.features(np.zeros((1, d)), kind, q).shape[1]
    eta = rng.normal(size=(k, n_features)) * 0.3 / np.sqrt(n_features)
    added = rng.normal(size=(n, width))
    outputs = []
    for call in (_core.mixture_step, naive.mixture_step_reference):
        suff, entropy = np.full((k, n_features), np.nan), np.full(k, np.nan)
        weighted = np.full((n, width), np.nan)
        call(x, weights, centre, inv_scale, eta, kind, kind, "soft", False, suff, entropy,
             quadratic=q, added=added, weighted=weighted)  # fmt: skip
        outputs.append((suff, entropy, weighted))
    ours, theirs = outputs
    z = np.abs(naive.features(naive.standardise(x, centre, inv_scale), kind, q))
    size = 1.0 + (z if weights is None else z * weights[:, None]).sum(axis=0)
    assert np.all(np.abs(ours[0] - theirs[0]) <= 1e-11 * size)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=1e-11 * (1 + n))
    np.testing.assert_allclose(ours[2], theirs[2], rtol=0, atol=1e-10)


def check_gather(rng):
    n, levels, width = (
        int(rng.integers(0, 60)), int(rng.integers(1, 20)), _core.PAD * int(rng.integers(1, 8))
    )  # fmt: skip
    start = np.append(0, np.cumsum(rng.integers(0, 5, size=n))).astype(np.int64)
    index = rng.integers(0, levels, size=start[-1]).astype(np.int32)
    values = rng.normal(size=start[-1]) if rng.random() < 0.5 else None
    table, resp = rng.normal(size=(levels, width)), rng.normal(size=(n, width))
    for mine, reference, source, shape in (
        (_core.gather_scores, naive_kernels.gather_scores_reference, table, (n, width)),
        (_core.gather_sums, naive_kernels.gather_sums_reference, resp, (levels, width)),
    ):
        one, two = np.ones(shape), np.ones(shape)
        mine(start, index, values, source, one)
        reference(start, index, values, source, two)
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


def check_student(rng):
    x, _, centre, inv_scale = draw_block(rng, single=False)
    (n, d), k = x.shape, int(rng.choice(COMPONENTS))
    kind = str(rng.choice(["full", "spherical"]))
    eta = np.abs(rng.normal(size=(k, naive.features(np.zeros((1, d)), kind).shape[1])))
    a, b = rng.normal(size=k), rng.gamma(3.0, size=k)
    ours, theirs = np.full(n, np.nan), np.full(n, np.nan)
    _core.mixture_student(x, centre, inv_scale, eta, kind, a, b, ours)
    naive.mixture_student_reference(x, centre, inv_scale, eta, kind, a, b, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)
    means, scales = rng.normal(size=(k, d)), rng.gamma(2.0, size=(k, d))
    b_kd = np.where(rng.random((k, 1)) < 0.5, 1.5, rng.gamma(3.0, size=(k, d)))
    _core.mixture_student_diag(x, centre, inv_scale, means, scales, a, b_kd, ours)
    naive.mixture_student_diag_reference(x, centre, inv_scale, means, scales, a, b_kd, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)


def check_all(rounds=40):
    rng = np.random.default_rng(3)
    for _ in range(rounds):
        for mode in ("soft", "hard", "given", "score"):
            check_step(rng, mode, single=False)
            check_step(rng, mode, single=True)
        check_student(rng)
        check_mixed(rng)
        check_gather(rng)


@pytest.mark.parametrize("isa", _core.available_isas())
def test_every_instruction_set_agrees_with_the_references(isa):
    code = f"import test_core; test_core.check_all(); assert test_core._core.isa() == {isa!r}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "VIVACE_ISA": isa},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_instruction_set_is_refused():
    code = "from vivace import _core; _core.isa()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "VIVACE_ISA": "abacus"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "VIVACE_ISA is 'abacus', but this build on this processor has: " in done.stderr


def test_rows_far_beyond_the_data_get_finite_responsibilities():
    x = np.array([[1e150, -1e150], [0.0, 0.0]])
    eta = np.array([[0.0, 1.0, 0.0, -0.5, 0.0, -0.5], [0.0, -1.0, 0.0, -0.6, 0.0, -0.5]])
    resp = np.empty((2, 2))
    _core.mixture_step(
        x, None, np.zeros(2), np.ones(2), eta, "full", "full", "score", False, None, None, resp
    )
    np.testing.assert_allclose(resp, [[1.0, 0.0], [0.5, 0.5]], atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 3, 300])
def test_column_sums(dtype, d):
    rng = np.random.default_rng(0)
    x, weights, shift = rng.normal(size=(97, d)).astype(dtype), rng.gamma(1.0, size=97), np.ones(d)
    ours, theirs = np.empty((4, d)), np.empty((4, d))
    assert _core.column_sums(x, weights, shift, ours) == -1
    naive_kernels.column_sums_reference(x, weights, shift, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    for bad in (np.nan, np.inf, -np.inf):
        x[41, d - 1] = bad
        assert _core.column_sums(x, None, shift, ours) == 41


def call(**changes):
    arguments = {
        "X": np.zeros((5, 2)), "weights": None, "centre": np.zeros(2), "inv_scale": np.ones(2),
        "eta": np.zeros((3, 6)), "score_kind": "full", "stat_kind": "full", "mode": "soft",
        "single": False, "suff": np.empty((3, 6)), "entropy": np.empty(3),
    }  # fmt: skip
    _core.mixture_step(**(arguments | changes))


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"X": [[1.0, 2.0]]}, TypeError, "X must be a float64 array with two dimensions, got"),
        ({"X": np.zeros((5, 2), dtype=int)}, TypeError, "X must be a float64 array .* got int64"),
        ({"X": np.zeros(5)}, ValueError, r"X must be .* two dimensions, got shape \(5\)"),
        ({"X": np.zeros((2, 5)).T}, ValueError, "X must be C-contiguous"),
        ({"X": np.zeros((0, 2))}, ValueError, "at least one row"),
        ({"centre": np.zeros(3)}, ValueError, r"centre must have shape \(2,\), got \(3\)"),
        ({"eta": np.zeros((3, 5))}, ValueError, r"eta must have shape \(any, 6\), got \(3, 5\)"),
        ({"eta": None}, TypeError, "eta must be a float64 array"),
        ({"weights": np.ones(4)}, ValueError, r"weights must have shape \(5,\), got \(4\)"),
        ({"weights": np.ones(5, dtype=np.float32)}, TypeError, "weights must be a float64 array"),
        ({"suff": np.empty((2, 6))}, ValueError, r"suff must have shape \(3, 6\)"),
        ({"suff": read_only(np.empty((3, 6)))}, ValueError, "suff is an output"),
        ({"resp": np.empty((5, 2))}, ValueError, r"resp must have shape \(5, 3\)"),
        ({"labels": np.empty(5, dtype=np.int64)}, TypeError, "labels must be a int32 array"),
        ({"score_kind": "cubic"}, ValueError, "score_kind must be 'linear'"),
        ({"mode": "loud"}, ValueError, "mode must be 'soft'"),
        ({"mode": "hard", "lse": np.empty(5)}, ValueError, "lse is an output of the modes"),
    ],
)
def test_wrong_arguments_are_named(changes, error, message):
    call()
    with pytest.raises(error, match=message):
        call(**changes)


def test_gather_refuses_entries_outside():
    start, table, scores = np.array([0, 1]), np.zeros((3, 8)), np.zeros((1, 8))
    _core.gather_scores(start, np.array([2], np.int32), None, table, scores)
    for bad in (3, -1):
        with pytest.raises(ValueError, match="index must lie from 0 to below 3"):
            _core.gather_scores(start, np.array([bad], np.int32), None, table, scores)
    with pytest.raises(ValueError, match="start must rise"):
        _core.gather_scores(np.array([0, 2]), np.array([1], np.int32), None, table, scores)
    with pytest.raises(ValueError, match="a multiple of 8"):
        _core.gather_scores(start, np.array([0], np.int32), None, table[:, :5].copy(), scores)

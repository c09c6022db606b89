"""Several groups of correlated Gaussian columns side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from parts import block, correlated, draw, rows_with_gaps
from problems import responsibilities

from vivace.models.mixed import MixedModel
from vivace.models.weights import Dirichlet


def groups(rng, n, gaps):
    """Two correlated parts of two and three columns (and one between them), and their rows."""
    parts, data = [], []
    for d, some in zip((2, 3), gaps, strict=True):
        x = rows_with_gaps(rng, n, d)
        x = x if some else np.where(np.isnan(x), 5.0, x)
        parts.append(correlated(rng, x, gaps=some))
        data.append(x)
    between, rows, _, _ = draw(rng, "gaussian_diag", n, 2, gaps[0])
    return [parts[0], between(2), parts[1]], [data[0], rows, data[1]]


@given(st.integers(0, 2**32 - 1), st.tuples(st.booleans(), st.booleans()), st.booleans())
@settings(max_examples=30)
def test_groups_are_the_sum_of_parts(seed, gaps, weighted):
    rng = np.random.default_rng(seed)
    n, k, weights = 12, 2, Dirichlet(0.8)
    parts, data = groups(rng, n, gaps)
    w = rng.uniform(0.2, 2.0, size=n) if weighted else None
    r, other = responsibilities(rng, n, k), responsibilities(rng, n, k)
    scores, bound, suffs = 0.0, 0.0, {}
    for i, (part, x) in enumerate(zip(parts, data, strict=True)):
        model, rows = MixedModel([part], weights, k), block([x], w)
        posterior = model.global_step(model.given(rows, r))
        statistics = model.given(rows, other)
        own = statistics["counts"] - posterior.counts
        common = weights.term(posterior.counts) + (own * posterior.log_weights).sum()
        common += statistics["entropy"].sum()
        bound += model.elbo(posterior, statistics) - (common if i else 0.0)
        suffs[i] = model.local_step(rows, model.prepare(posterior), None)[0]
        resp = np.empty((n, k))
        model.score(block([x]), model.prepare(posterior), resp=resp)
        assume(
            (resp > 0.0).all()
        )  # of a share that is below the smallest number there is no logarithm
        log_weights = posterior.log_weights
        scores = scores + np.log(resp) - log_weights
    model, rows = MixedModel(parts, weights, k), block(data, w)
    posterior = model.global_step(model.given(rows, r))
    found = model.elbo(posterior, model.given(rows, other))
    assert found == pytest.approx(bound, rel=1e-9, abs=1e-9)
    resp = np.empty((n, k))
    model.score(block(data), model.prepare(posterior), resp=resp)
    scores = scores + log_weights
    scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
    np.testing.assert_allclose(resp, np.exp(scores), rtol=1e-7, atol=1e-12)
    # the statistics of a step: what each part makes of the same responsibilities
    statistics, _ = model.local_step(rows, model.prepare(posterior), None)
    again = model.given(rows, resp)
    np.testing.assert_allclose(statistics["counts"], again["counts"], rtol=1e-9)
    np.testing.assert_allclose(statistics["1.sums"], again["1.sums"], rtol=1e-8, atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.tuples(st.booleans(), st.booleans()))
@settings(max_examples=15)
def test_bound_never_falls(seed, gaps):
    rng = np.random.default_rng(seed)
    parts, data = groups(rng, 30, gaps)
    model, rows, state = MixedModel(parts, Dirichlet(0.5), 2), block(data), None
    posterior = model.global_step(model.given(rows, responsibilities(rng, 30, 2)))
    trace = []
    for _ in range(25):
        statistics, state = model.local_step(rows, model.prepare(posterior), state)
        posterior = model.global_step(statistics)
        trace.append(model.elbo(posterior, statistics))
    trace = np.array(trace)
    assert (np.diff(trace) >= -1e-9 * np.abs(trace[:-1]) - 1e-9).all()


def test_a_group_without_values_says_nothing():
    rng = np.random.default_rng(1)
    parts, data = groups(rng, 12, (True, True))
    lost = [data[0], data[1], np.full_like(data[2], np.nan)]
    model = MixedModel(parts, Dirichlet(0.8), 2)
    posterior = model.global_step(model.given(block(data), responsibilities(rng, 12, 2)))
    fewer = MixedModel(parts[:2], Dirichlet(0.8), 2)
    prepared = model.prepare(posterior)
    statistics, _ = model.local_step(block(lost), prepared, None)
    assert (statistics["2.suff"] == 0.0).all()
    assert (statistics["2.gaps"] == 0.0).all()
    made = fewer.given(block(data[:2]), responsibilities(np.random.default_rng(2), 12, 2))
    own = fewer.global_step(made)
    own = type(own)(own.statistics, posterior.log_weights, posterior.parts[:2])
    one, two = np.empty((12, 2)), np.empty((12, 2))
    model.score(block(lost), prepared, resp=one)
    fewer.score(block(lost[:2]), fewer.prepare(own), resp=two)
    np.testing.assert_allclose(one, two, rtol=1e-10)

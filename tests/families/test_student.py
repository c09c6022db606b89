"""Student-t components: the bound, its maximum, and the degrees of freedom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import block
from problems import responsibilities
from scipy import integrate, stats
from scipy.special import digamma, gammaln, logsumexp

from vivace import BayesianGaussianMixture, BayesianStudentTMixture
from vivace.families import StudentT
from vivace.models.mixed import MixedModel
from vivace.models.parts import StudentPart
from vivace.models.scaling import Scaling
from vivace.models.weights import Dirichlet


def problem(seed, n=20, d=3, k=2, dof=None, gaps=False):
    rng = np.random.default_rng(seed)
    x = rng.standard_t(3.0, size=(n, d)) + 4.0 * rng.integers(0, 2, size=(n, 1))
    if gaps:
        x[rng.random(n) < 0.2] = np.nan
        x[rng.random((n, d)) < 0.2] = np.nan
    a = rng.normal(size=(d, 2 * d))
    prior = {
        "mean": rng.normal(size=d) * 0.3,
        "mean_precision": np.array([0.7]),
        "dof": np.array([d + 1.5]),
        "scale": a @ a.T / d,
    }
    scaling = Scaling(np.full(d, 1.0), np.full(d, 2.0))
    part = StudentPart(StudentT(dof=dof), prior, d, k, None, scaling)
    return MixedModel([part], Dirichlet(0.8), k), x, responsibilities(rng, n, k)


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 4.0]), st.booleans())
@settings(max_examples=30)
def test_bound_never_falls_and_its_own_posterior_is_best(seed, dof, gaps):
    model, x, r = problem(seed, dof=dof, gaps=gaps)
    rows = block([x])
    start = model.given(rows, r)
    posterior, trace = model.global_step(start, None), []
    for _ in range(30):
        statistics, _ = model.local_step(rows, model.prepare(posterior), None)
        before = model.elbo(posterior, statistics)
        posterior = model.global_step(statistics, posterior)
        trace += [before, model.elbo(posterior, statistics)]
    trace = np.array(trace)
    assert (np.diff(trace) >= -1e-8 * np.abs(trace[:-1]) - 1e-8).all()


def test_scores_are_integrals_over_the_scale_of_a_row():
    model, x, r = problem(1, n=6, d=2)
    q = model.global_step(model.given(block([x]), r), None).parts[0]
    part, half = model.parts[0], 0.5 * q.v
    z, scores = part.scaling.to_z(x), np.zeros((6, 8))
    part.add_scores(x, part.prepare(q), scores)
    structure = q.factor
    nu = q.wishart_dof
    log_det = digamma(0.5 * nu) + digamma(0.5 * (nu - 1)) + 2 * np.log(2) - structure.log_det
    for n in range(6):
        for k in range(2):
            e = z[n] - q.means[k]
            square = 2 / q.mean_precision[k] + nu[k] * e @ structure.inverse[k] @ e
            exact = 0.5 * log_det[k] - np.log(2 * np.pi) + half * np.log(half) - gammaln(half)
            exact += np.log(integrate.quad(scale_weight, 0, np.inf, args=(half, square))[0])
            assert scores[n, k] == pytest.approx(exact, abs=1e-8)


def test_scores_of_rows_with_gaps_are_integrals_over_what_is_missing():
    model, x, r = problem(5, n=4, d=2)
    part, gapped = model.parts[0], x.copy()
    gapped[:2, 0], gapped[2:, 1] = np.nan, np.nan
    made = part.prepare(model.global_step(model.given(block([x]), r), None).parts[0])
    scores = np.zeros((4, 8))
    part.add_scores(gapped, made, scores)
    grid = np.linspace(-300.0, 300.0, 60_001)
    for n in range(4):
        rows = np.repeat(x[n : n + 1], len(grid), axis=0)
        rows[:, int(n >= 2)] = grid
        found = np.zeros((len(grid), 8))
        part.add_scores(rows, made, found)
        # the coordinate that is integrated is z
        exact = logsumexp(found, axis=0) + np.log((grid[1] - grid[0]) / 2.0)
        np.testing.assert_allclose(scores[n, :2], exact[:2], atol=1e-5)


def test_gaps_are_filled_from_the_rest_of_the_row():
    rng = np.random.default_rng(6)
    X = tailed(rng, 2000)
    X = np.column_stack([X, X[:, 0] - X[:, 1] + 0.3 * rng.standard_t(4.0, len(X))])
    holes = np.where(rng.random(X.shape) < 0.15, np.nan, X)
    whole = BayesianStudentTMixture(n_components=2, random_state=0, tol=1e-6).fit(X)
    model = BayesianStudentTMixture(n_components=2, random_state=0, tol=1e-6).fit(holes)
    assert model.dof_ == pytest.approx(whole.dof_, rel=0.25)
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()
    filled = model.impute(holes)
    lost = np.isnan(holes[:, 2]) & ~np.isnan(holes[:, :2]).any(axis=1)
    assert np.median(np.abs(filled[lost, 2] - X[lost, 2])) < 0.4
    drawn = model.sample_missing(holes, random_state=0)
    assert np.isfinite(drawn).all()
    np.testing.assert_array_equal(drawn[~np.isnan(holes)], X[~np.isnan(holes)])
    scores = model.score_samples(np.array([[0.0, 0.0, np.nan], [np.nan, np.nan, np.nan]]))
    assert scores[1] == pytest.approx(0.0, abs=1e-12)


def scale_weight(u, half, square):
    """u^(D/2 + v/2 - 1) exp(-u (v + Q) / 2) for D = 2."""
    return u**half * np.exp(-u * (half + 0.5 * square))


def test_many_degrees_of_freedom_are_a_gaussian():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2)) + 5.0 * rng.integers(0, 2, size=(200, 1))
    resp = rng.dirichlet(np.ones(2), 200)
    one = BayesianStudentTMixture(n_components=2, dof=1e5, tol=1e-6).fit(X, resp_init=resp)
    two = BayesianGaussianMixture(n_components=2, tol=1e-9).fit(X, resp_init=resp)
    np.testing.assert_allclose(one.lower_bound_, two.lower_bound_, rtol=1e-3)


def test_evidence_bounds_the_bound():
    """One component and one column: the evidence by integration over mean and precision."""
    model, x, _ = problem(3, n=5, d=1, k=1, dof=4.0)
    rows = block([x])
    posterior = model.global_step(model.given(rows, np.ones((5, 1))), None)
    for _ in range(100):
        statistics, _ = model.local_step(rows, model.prepare(posterior), None)
        posterior = model.global_step(statistics, posterior)
    part = model.parts[0]
    z, p = part.scaling.to_z(x)[:, 0], part.prior
    precision = stats.gamma(p["dof"][0] / 2, scale=2 / p["scale"][0, 0])
    taus = precision.ppf((np.arange(400) + 0.5) / 400)
    means = np.linspace(-12, 12, 4001)
    logs = []
    for tau in taus:
        log_prior = stats.norm(p["mean"][0], 1 / np.sqrt(0.7 * tau)).logpdf(means)
        like = stats.t(4.0).logpdf((z[:, None] - means) * np.sqrt(tau)) + 0.5 * np.log(tau)
        logs.append(logsumexp(log_prior + like.sum(axis=0)) + np.log(means[1] - means[0]))
    evidence = logsumexp(logs) - np.log(len(taus)) - 5 * np.log(2.0)
    bound = model.elbo(posterior, statistics)
    assert evidence - 1.0 < bound < evidence


def tailed(rng, n):
    x = stats.t(3.0).rvs((2 * n, 2), random_state=rng)
    x[n:, 1] += 6.0
    return x


def test_outliers_do_not_pull_and_the_tails_are_found():
    rng = np.random.default_rng(4)
    X = tailed(rng, 3000)
    model = BayesianStudentTMixture(n_components=2, random_state=0, tol=1e-7).fit(X)
    assert 2.2 < model.dof_ < 4.2
    test = tailed(rng, 2000)
    gaussian = BayesianGaussianMixture(n_components=2, random_state=0, tol=1e-7).fit(X)
    assert model.score(test) > gaussian.score(test) + 0.1
    drawn, _ = model.sample(200)
    assert drawn.shape == (200, 2)
    assert set(model.profiles().parameter) == {"weight", "mean", "scale"}

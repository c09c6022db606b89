"""Gaps in correlated Gaussian columns, against integrals and a row-by-row reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import block, correlated, draw, model_of, rows_with_gaps
from problems import responsibilities
from scipy import integrate

from vivace.families import Gaussian, Summary
from vivace.families.gaussian import GaussianFamily, GaussianPrior
from vivace.models.mixed import MixedModel
from vivace.models.mixture import MixtureModel
from vivace.models.starts import given_start
from vivace.models.weights import Dirichlet


def reference_rows(part, posterior, tables_of, z):
    """(E ln p(x | k) + entropy, completed row, covariance) of a row, from the definitions."""
    own = tables_of
    k, d = own.means.shape
    p = np.broadcast_to(own.precisions.expected(own.structure), (k, d, d))
    log_det = own.structure.expected_log_det(own.precisions.dof, own.precisions.factor.log_det)
    log_det = np.broadcast_to(log_det, k)
    u, o = np.flatnonzero(np.isnan(z)), np.flatnonzero(~np.isnan(z))
    scores, filled, spread = np.zeros(k), np.tile(z, (k, 1)), np.zeros((k, d, d))
    for j in range(k):
        m = own.means[j]
        cov = np.linalg.inv(p[j][np.ix_(u, u)])
        filled[j, u] = m[u] - cov @ p[j][np.ix_(u, o)] @ (z[o] - m[o])
        spread[j][np.ix_(u, u)] = cov
        e = filled[j] - m
        value = log_det[j] - d * np.log(2 * np.pi) - d / own.mean_precision[j]
        value -= e @ p[j] @ e + np.trace(p[j] @ spread[j])
        entropy = 0.5 * (len(u) * (np.log(2 * np.pi) + 1) + np.linalg.slogdet(cov)[1])
        scores[j] = 0.5 * value + entropy
    return scores, filled, spread


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans(), st.sampled_from(["full", "tied"])
)
@settings(max_examples=40)
def test_bound_and_statistics_match_the_reference(seed, d, weighted, kind):
    rng = np.random.default_rng(seed)
    n, k = 9, 2
    x = rows_with_gaps(rng, n, d)
    w = rng.uniform(0.2, 2.0, size=n) if weighted else np.ones(n)
    part = correlated(rng, x, kind=kind)
    model = MixedModel([part], Dirichlet(0.8), k)
    rows = block([x], w if weighted else None)
    posterior = model.global_step(model.given(rows, responsibilities(rng, n, k)), None)
    statistics, _ = model.local_step(rows, model.prepare(posterior), None)
    own, z = posterior.parts[0], part.scaling.to_z(x)
    total, suff = 0.0, np.zeros_like(statistics["0.suff"])
    i, j = np.triu_indices(d)
    for row, weight in zip(z, w, strict=True):
        scores, filled, spread = reference_rows(part, posterior, own, row)
        empty = np.isnan(row).all()
        scores = np.zeros(k) if empty else scores
        log_joint = scores + posterior.log_weights
        top = np.logaddexp.reduce(log_joint)
        total += weight * (top - np.log(part.scaling.scale)[~np.isnan(row)].sum())
        if not empty:
            r = weight * np.exp(log_joint - top)
            second = filled[:, :, None] * filled[:, None, :] + spread
            suff += r[:, None] * np.hstack([np.ones((k, 1)), filled, second[:, i, j]])
    np.testing.assert_allclose(statistics["0.suff"], suff, rtol=1e-8, atol=1e-8)
    # right after a local step: sum_n ln sum_k exp(l_nk) - KL of the posterior
    made = posterior.statistics
    kl = -model.weight_model.term(made["counts"]) + (made["counts"] * posterior.log_weights).sum()
    kl += (made["0.suff"] * part.eta(own)).sum() - part.gaussian.log_normaliser(own)
    assert model.elbo(posterior, statistics) == pytest.approx(total - kl, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("kind", ["full", "tied"])
def test_scores_are_integrals_over_what_is_missing(kind):
    """Sum over x_u of exp E ln p(x_o, x_u | k): what mean field over the gaps attains."""
    rng = np.random.default_rng(1)
    x = rows_with_gaps(rng, 12, 2)
    part = correlated(rng, x, kind=kind)
    model = MixedModel([part], Dirichlet(0.8), 2)
    posterior = model.global_step(model.given(block([x]), responsibilities(rng, 12, 2)), None)
    eta, z = part.eta(posterior.parts[0]), np.array([0.4, np.nan])

    def joint(u, k):
        return np.exp(np.array([1.0, z[0], u, z[0] ** 2, z[0] * u, u**2]) @ eta[k])

    pattern = part.tables(posterior.parts[0]).pattern(~np.isnan(z))
    for k in range(2):
        exact = np.log(integrate.quad(joint, -30, 30, args=(k,))[0])
        mine = np.array([1.0, z[0], 0.0, z[0] ** 2, 0.0, 0.0]) @ pattern.eta[k]
        assert mine == pytest.approx(exact, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["full", "tied"]))
@settings(max_examples=20)
def test_bound_never_falls(seed, kind):
    rng = np.random.default_rng(seed)
    x = rows_with_gaps(rng, 30, 3)
    other, data, _, _ = draw(rng, "categorical", 30, 2, True)
    model = MixedModel([correlated(rng, x, kind=kind), other(3)], Dirichlet(0.5), 3)
    rows = block([x, data])
    posterior, state = (
        model.global_step(model.given(rows, responsibilities(rng, 30, 3)), None),
        None,
    )
    trace = []
    for _ in range(25):
        statistics, state = model.local_step(rows, model.prepare(posterior), state)
        posterior = model.global_step(statistics, posterior)
        trace.append(model.elbo(posterior, statistics))
    trace = np.array(trace)
    assert (np.diff(trace) >= -1e-9 * np.abs(trace[:-1]) - 1e-9).all()


def test_without_gaps_nothing_changes():
    """The part that allows gaps, the one that does not, and the Gaussian mixture agree."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 3)) + 2.0 * rng.integers(0, 2, size=(50, 1))
    r = responsibilities(rng, 50, 2)
    part = correlated(rng, x)
    p = part.prior
    prior = GaussianPrior("full", p["mean"], 0.7, float(p["dof"][0]), p["scale"])
    old = MixtureModel(GaussianFamily(prior), Dirichlet(0.8), 2, part.scaling)
    posterior = old.global_step(given_start(old, r)(block([x])._replace(data=x)), None)
    statistics, _ = old.local_step(block([x])._replace(data=x), old.prepare(posterior), None)
    expected = old.elbo(posterior, statistics)
    for gaps in (False, True):
        part.gaps = gaps
        model = MixedModel([part], Dirichlet(0.8), 2)
        posterior = model.global_step(model.given(block([x]), r), None)
        statistics, _ = model.local_step(block([x]), model.prepare(posterior), None)
        assert model.elbo(posterior, statistics) == pytest.approx(expected, rel=1e-12)


def test_rows_with_everything_missing_say_nothing_of_the_columns():
    rng = np.random.default_rng(4)
    x = rows_with_gaps(rng, 10, 3)
    more = np.vstack([x, np.full((4, 3), np.nan)])
    part = correlated(rng, x)
    model = model_of([lambda k: part], Dirichlet(1.0), 2)
    r = responsibilities(rng, 14, 2)
    one = model.given(block([x]), r[:10])
    two = model.given(block([more]), r)
    np.testing.assert_allclose(one["0.suff"], two["0.suff"], rtol=1e-12)
    np.testing.assert_allclose(one["0.gaps"], two["0.gaps"], rtol=1e-12)


def test_prior_of_correlated_columns():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(40, 2)) * [1.0, 20.0]
    ones = np.full(2, 40.0)

    def scatter(centre, inv_scale):
        z = (x - centre) * inv_scale
        return z.T @ z

    summary = Summary(ones, x.mean(0), x.var(0, ddof=1), x.min(0), x.max(0), ones * 0, scatter)
    prior = Gaussian(reg_covar=0.0).prior(summary)
    np.testing.assert_allclose(prior["scale"], np.corrcoef(x.T), rtol=1e-12)
    given_ = Gaussian(mean=x.mean(0), covariance=np.cov(x.T), reg_covar=0.0).prior(summary)
    np.testing.assert_allclose(given_["scale"], prior["scale"], rtol=1e-12)
    with pytest.raises(ValueError, match="mean must be finite, of shape"):
        Gaussian(mean=[0.0]).prior(summary)

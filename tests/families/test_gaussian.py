"""Gaussian components against the slow references: posterior, expectations, bound, predictive."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import FIXED, TYPES, make_family, make_prior, positive, responsibilities, statistics
from scipy.special import logsumexp

from vivace.families.base import ImpossibleStatisticsError
from vivace.families.gaussian import GaussianFamily, GaussianPrior
from vivace.families.gaussian.predictive import GaussianTerms, StudentTerms


@st.composite
def problems(draw):
    covariance_type, fixed = draw(st.sampled_from(TYPES)), draw(st.sampled_from(FIXED))
    n, k, d = draw(st.integers(0, 8)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    prior = make_prior(rng, covariance_type, k, d, fixed)
    x = 2.0 * rng.normal(size=(n, d)) + rng.normal(size=d)
    r = responsibilities(rng, n, k) * rng.uniform(0.0, 3.0, size=(n, 1))
    return prior, x, r


def expected_log_likelihood(family, posterior, x):
    eta, eta_shared = family.expected_natural(posterior)
    scores = naive.features(x, family.score_kind) @ eta.T
    if family.shared_kind is not None:
        scores += (naive.features(x, family.shared_kind) @ eta_shared)[:, None]
    return scores


@given(problems())
@settings(max_examples=150, deadline=None)
def test_posterior_and_expectations_match_the_reference(problem):
    prior, x, r = problem
    family = make_family(prior)
    posterior = family.update(*statistics(family, x, r))
    exact = naive.update(x, r, prior)
    np.testing.assert_allclose(posterior.mean_precision, exact.beta, rtol=1e-12)
    np.testing.assert_allclose(posterior.means, exact.means, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(posterior.dof, exact.dof, rtol=1e-12)
    k, d = exact.means.shape
    scale = naive.matrices(posterior.scale, prior.covariance_type, k, d)
    np.testing.assert_allclose(scale, exact.scale, rtol=1e-8, atol=1e-10)
    scores = expected_log_likelihood(family, posterior, x)
    expected = naive.expected_log_likelihood(x, exact, prior)
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)
    # ln Z ratio = <statistics, eta> - KL
    bound = (r * expected).sum() - naive.kl_components(exact, prior)
    assert family.log_normaliser(posterior) == pytest.approx(bound, rel=1e-9, abs=1e-8)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_predictive_matches_the_reference(problem):
    prior, x, r = problem
    family = make_family(prior)
    posterior = family.update(*statistics(family, x, r))
    exact = naive.update(x, r, prior)
    predictive = family.predictive(posterior)
    points = np.vstack([x, prior.mean, prior.mean + 30.0])
    for k in range(r.shape[1]):
        expected = naive.log_predictive_component(points, *exact.component(k), prior.shape)
        np.testing.assert_allclose(
            log_terms(predictive.components, points)[:, k], expected, rtol=1e-9, atol=1e-9
        )
    assert log_terms(predictive.fresh, points).shape == (len(points), 1)


def log_terms(terms, x):
    """ln p(x | k), (N, K)."""
    if isinstance(terms, GaussianTerms):
        return naive.features(x, terms.score_kind) @ terms.eta.T
    if isinstance(terms, StudentTerms):
        return terms.a - terms.b * np.log1p(naive.features(x, terms.score_kind) @ terms.eta_q.T)
    gap = terms.inv_scale2 * (x[:, None] - terms.means) ** 2
    return terms.a - (terms.b * np.log1p(gap)).sum(axis=2)


@pytest.mark.parametrize("fixed", FIXED)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_one_component_is_the_chain_of_predictives(covariance_type, fixed):
    rng = np.random.default_rng(3)
    prior = make_prior(rng, covariance_type, 1, 3, fixed)
    x = rng.normal(size=(12, 3))
    family = make_family(prior)
    posterior = family.update(*statistics(family, x, np.ones((12, 1))))
    chain = naive.log_marginal(x, [0] * 12, prior, 1)
    assert family.log_normaliser(posterior) == pytest.approx(chain, rel=1e-12)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_hard_labels_are_the_chain_of_predictives(covariance_type):
    rng = np.random.default_rng(4)
    prior = make_prior(rng, covariance_type, 3, 2)
    x, labels = rng.normal(size=(15, 2)), rng.integers(0, 3, size=15)
    family = make_family(prior)
    posterior = family.update(*statistics(family, x, np.eye(3)[labels]))
    chain = naive.log_marginal(x, list(labels), prior, 3)
    assert family.log_normaliser(posterior) == pytest.approx(chain, rel=1e-12)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_envelope_identity(covariance_type):
    """d bound / d r_nk = E ln p(x_n | k), by central differences."""
    rng = np.random.default_rng(5)
    prior = make_prior(rng, covariance_type, 3, 2)
    x, r, h = rng.normal(size=(6, 2)), responsibilities(rng, 6, 3) + 0.1, 1e-5
    family = make_family(prior)

    def bound(r):
        return family.log_normaliser(family.update(*statistics(family, x, r)))

    scores = expected_log_likelihood(family, family.update(*statistics(family, x, r)), x)
    for n in range(6):
        for k in range(3):
            step = np.zeros_like(r)
            step[n, k] = h
            slope = (bound(r + step) - bound(r - step)) / (2 * h)
            assert slope == pytest.approx(scores[n, k], rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_an_empty_component_is_the_prior_exactly(covariance_type):
    rng = np.random.default_rng(6)
    prior = make_prior(rng, covariance_type, 2, 3)
    family = make_family(prior)
    x = rng.normal(size=(9, 3))
    suff, shared = statistics(family, x, np.column_stack([np.ones(9), np.zeros(9)]))
    suff[1] = 1e-16 * rng.normal(size=suff.shape[1])  # what subtraction may leave
    posterior = family.update(suff, shared)
    np.testing.assert_array_equal(posterior.means[1], prior.mean)
    assert posterior.mean_precision[1] == prior.mean_precision
    assert posterior.counts[1] == 0.0
    if not prior.tied:
        assert posterior.dof[1] == prior.dof
        np.testing.assert_array_equal(posterior.scale[1], prior.scale)
        alone = family.update(suff[:1], shared)
        bounds = [family.log_normaliser(p) for p in (alone, posterior)]
        assert bounds[0] == pytest.approx(bounds[1], rel=1e-15)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_far_clusters_keep_their_covariances(covariance_type):
    """Two clusters 1e5 standard deviations apart, a prior far narrower than either."""
    rng = np.random.default_rng(7)
    d, n, spread = 3, 4000, 1e-5
    labels = np.repeat([0, 1], n // 2)
    noise = rng.normal(size=(n, d))
    x = spread * noise + np.where(labels, 0.5, -0.5)[:, None]
    tiny = positive(np.random.default_rng(0), covariance_type, None, d, size=1e-4 * spread**2)
    prior = naive.Prior(covariance_type, np.zeros(d), 1e-14, d + 1.0, tiny)
    family = make_family(prior)
    posterior = family.update(*statistics(family, x, np.eye(2)[labels]))
    centred = naive.update(
        spread * noise + 1e-30, np.eye(2)[labels], naive.Prior(covariance_type, np.zeros(d), 1e-14,
                                                               d + 1.0, tiny)
    )  # fmt: skip
    scale = naive.matrices(posterior.scale, covariance_type, 2, d)
    np.testing.assert_allclose(scale, centred.scale, atol=2e-5 * centred.scale.max())
    # the scores of a cluster's own rows lose no more than the distance costs
    scores = expected_log_likelihood(family, posterior, x)
    exact = naive.expected_log_likelihood(x, naive.update(x, np.eye(2)[labels], prior), prior)
    own = scores[np.arange(n), labels] - exact[np.arange(n), labels]
    assert np.abs(own).max() < 2e-3
    assert logsumexp(-scores[:, 0]) > 1e8  # and the other cluster stays out of reach


@pytest.mark.parametrize("covariance_type", TYPES)
def test_rounding_in_a_scatter_is_clipped_and_more_is_refused(covariance_type):
    prior = naive.Prior(
        covariance_type, np.zeros(2), 1e-12, 3.0,
        positive(np.random.default_rng(1), covariance_type, None, 2, size=1e-13),
    )  # fmt: skip
    family = make_family(prior)
    x = np.full((50, 2), 7.3)  # all rows alike
    suff, shared = statistics(family, x, np.ones((50, 1)))
    target = suff[0] if shared is None else shared
    target[3:] *= 1.0 - 1e-10
    posterior = family.update(suff, shared)
    np.testing.assert_allclose(posterior.means, 7.3)
    assert np.isfinite(family.log_normaliser(posterior))
    target[3:] *= 1.0 - 1e-3
    with pytest.raises(ImpossibleStatisticsError, match="scatter"):
        family.update(suff, shared)


def test_impossible_counts_are_refused():
    family = make_family(make_prior(np.random.default_rng(0), "diag", 2, 2))
    suff = np.array([[5.0, 0, 0, 9, 9], [-1e-3, 0, 0, 1, 1]])
    with pytest.raises(ImpossibleStatisticsError, match="component 1"):
        family.update(suff)
    with pytest.raises(ImpossibleStatisticsError, match="finite"):
        family.update(np.full((2, 5), np.nan))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"covariance_type": "fulll"}, "covariance_type"),
        ({"mean": np.array([np.nan, 0.0])}, "mean"),
        ({"mean_precision": 0.0}, "mean_precision"),
        ({"dof": 1.0}, "dof"),
        ({"scale": np.ones(2)}, "scale must have shape"),
        ({"scale": np.ones((2, 2))}, "positive definite"),
    ],
)
def test_impossible_priors_are_named(change, match):
    good = {
        "covariance_type": "full",
        "mean": np.zeros(2),
        "mean_precision": 1.0,
        "dof": 2.0,
        "scale": np.eye(2),
    }
    with pytest.raises(ValueError, match=match):
        GaussianPrior(**(good | change))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"fixed_means": np.zeros((3, 1))}, "fixed_means"),
        ({"fixed_covariances": np.zeros((3, 2, 2))}, "positive definite"),
        ({"fixed_covariances": np.eye(2)}, "fixed_covariances"),
    ],
)
def test_impossible_constants_are_named(arguments, match):
    prior = GaussianPrior("full", np.zeros(2), 1.0, 2.0, np.eye(2))
    with pytest.raises(ValueError, match=match):
        GaussianFamily(prior, **arguments)

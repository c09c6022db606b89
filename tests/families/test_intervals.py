"""Credible intervals: coverage under draws from the posterior itself, and shapes."""

import naive
import numpy as np
import pytest
from problems import TYPES, make_family, make_prior, statistics
from scipy import stats

from vivace.families.gaussian.intervals import mean_intervals, variance_intervals

SHAPES = {
    "full": (2, 3), "diag": (2, 3), "spherical": (2,),
    "tied": (3,), "tied_diag": (3,), "tied_spherical": (),
}  # fmt: skip


def fitted(covariance_type, fixed="none"):
    rng = np.random.default_rng(11)
    prior = make_prior(rng, covariance_type, 2, 3, fixed)
    x = rng.normal(size=(14, 3))
    r = rng.dirichlet(np.ones(2), size=14)
    return (
        prior,
        naive.update(x, r, prior),
        make_family(prior).update(*statistics(make_family(prior), x, r)),
    )


def draw(rng, exact, shape, n):
    """Means and variances of component 0 drawn from q, (n, D) each."""
    beta, mean, dof, scale = exact.component(0)
    d = len(mean)
    if shape == "full":
        covariances = stats.invwishart(dof, scale).rvs(n, random_state=rng)
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        noise = np.array([rng.multivariate_normal(np.zeros(d), c) for c in covariances])
    else:
        size = (n, 1) if shape == "spherical" else (n, d)
        a, c = dof / 2, np.diag(scale) / 2
        if shape == "spherical":
            a, c = d * a, d * c
        variances = c / rng.gamma(a, size=size)
        noise = np.sqrt(variances) * rng.normal(size=(n, d))
    return mean + noise / np.sqrt(beta), variances


@pytest.mark.parametrize("covariance_type", TYPES)
def test_intervals_hold_their_share_of_draws(covariance_type):
    prior, exact, posterior = fitted(covariance_type)
    means, variances = draw(np.random.default_rng(0), exact, prior.shape, 8000)
    low, high = mean_intervals(posterior, 0.8)
    inside = (means >= low[0]) & (means <= high[0])
    np.testing.assert_allclose(inside.mean(axis=0), 0.8, atol=0.02)
    np.testing.assert_allclose((means < low[0]).mean(axis=0), 0.1, atol=0.015)
    bounds = variance_intervals(posterior, 0.8)
    assert bounds.shape == (2, *SHAPES[covariance_type])
    low, high = bounds if prior.tied else bounds[:, 0]
    inside = (variances >= low) & (variances <= high)
    np.testing.assert_allclose(inside.mean(axis=0), 0.8, atol=0.02)
    np.testing.assert_allclose((variances < low).mean(axis=0), 0.1, atol=0.015)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_constants_are_certain(covariance_type):
    prior, _, posterior = fitted(covariance_type, "both")
    np.testing.assert_array_equal(mean_intervals(posterior, 0.95)[0], prior.fixed_means)
    bounds = variance_intervals(posterior, 0.95)
    np.testing.assert_array_equal(bounds[0], bounds[1])
    assert bounds.shape == (2, *SHAPES[covariance_type])
    # known covariances, unknown means: normal
    prior, exact, posterior = fitted(covariance_type, "covariances")
    low, high = mean_intervals(posterior, 0.95)
    sd = np.sqrt(np.diagonal(exact.scale, axis1=1, axis2=2) / exact.beta[:, None])
    np.testing.assert_allclose(high - low, 2 * stats.norm.ppf(0.975) * sd)


def test_a_level_outside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match="level"):
        mean_intervals(fitted("full")[2], 95)

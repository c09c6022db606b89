"""scikit-learn as an oracle, where it optimises the same objective.

Its `full` bound is ours less a constant. Its `tied` (K > 1), `diag` and `spherical` (D > 1) are
not the bound of their model and no oracle; with one column, or K = 1 for `tied`, they are `full`.
"""

import naive
import numpy as np
import pytest
from problems import block, climb, make_model, scaling_of
from scipy.special import betaln, gammaln, multigammaln
from sklearn.mixture import BayesianGaussianMixture

from vivace.engine import single_threaded_blas
from vivace.models.starts import given_start
from vivace.models.weights import Dirichlet, DirichletProcess

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def constant(n, d, k, b0, nu0, log_det_scale, weights, kind):
    """ELBO - lower_bound_ of scikit-learn, reg_covar = 0."""
    c = -n * d / 2 * np.log(np.pi) + k * d / 2 * np.log(b0)
    c += k * (nu0 / 2 * log_det_scale - multigammaln(nu0 / 2, d))
    c += k * d * (d - 1) / 4 * np.log(np.pi) - (k * nu0 + n) * d / 2 * np.log(2)
    if kind == "dirichlet_distribution":
        return c + gammaln(k * weights) - k * gammaln(weights)
    return c - k * betaln(1.0, weights)


def theirs(x, k, covariance_type, kind, prior, weights, n_iter):
    model = BayesianGaussianMixture(
        n_components=k,
        covariance_type=covariance_type,
        weight_concentration_prior_type=kind,
        weight_concentration_prior=weights,
        mean_precision_prior=prior.mean_precision,
        mean_prior=prior.mean,
        degrees_of_freedom_prior=prior.dof,
        covariance_prior=prior.scale,
        reg_covar=0.0,
        tol=0.0,
        max_iter=n_iter,
        init_params="random",
        random_state=3,
    )
    with single_threaded_blas():  # small matrices: threads would only get in each other's way
        return model.fit(x)


def ours(x, k, kind, prior, weights, n_iter):
    r = np.random.RandomState(3).uniform(size=(len(x), k))  # what init_params="random" draws
    r /= r.sum(axis=1, keepdims=True)
    weight_model = {
        "dirichlet_distribution": Dirichlet,
        "dirichlet_process": DirichletProcess,
    }[kind](weights)
    model = make_model(prior, weight_model, k, scaling_of(x, prior.covariance_type))
    return model, *climb(model, x, given_start(model, r)(block(x)), n_iter)


KINDS = ["dirichlet_distribution", "dirichlet_process"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 2, 4])
def test_full_trajectory_is_theirs_plus_a_constant(kind, d):
    rng = np.random.default_rng(d)
    n, k, w = 150, 4, 0.37
    x = rng.normal(size=(n, d)) + 2.5 * rng.integers(0, 3, size=(n, 1)) + 10.0
    scale = np.cov(x.T).reshape(d, d)
    prior = naive.Prior("full", x.mean(axis=0) + 0.3, 0.8, d + 1.5, scale)
    model, trace, posterior, _ = ours(x, k, kind, prior, w, 40)
    c = constant(n, d, k, 0.8, d + 1.5, np.linalg.slogdet(scale)[1], w, kind)
    for n_iter in (1, 2, 5, 40):
        other = theirs(x, k, "full", kind, prior, w, n_iter)
        assert trace[n_iter - 1] == pytest.approx(other.lower_bound_ + c, rel=1e-10)
    scaling, gaussian = model.scaling, posterior.gaussian
    np.testing.assert_allclose(scaling.from_z(gaussian.means), other.means_, rtol=1e-8)
    covariances = scaling.covariances_from_z(gaussian.covariances, "full")
    np.testing.assert_allclose(covariances, other.covariances_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(gaussian.dof, other.degrees_of_freedom_, rtol=1e-8)
    np.testing.assert_allclose(gaussian.mean_precision, other.mean_precision_, rtol=1e-8)
    np.testing.assert_allclose(
        model.weight_model.concentration(posterior.counts), other.weight_concentration_, rtol=1e-8
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("covariance_type", "k"), [("diag", 3), ("spherical", 3), ("tied", 1)])
def test_other_types_agree_where_they_are_full(covariance_type, k, kind):
    rng = np.random.default_rng(5)
    d, n, w = (3 if k == 1 else 1), 90, 0.8
    x = rng.normal(size=(n, d)) + 2.0 * rng.integers(0, 2, size=(n, 1))
    full = np.cov(x.T).reshape(d, d)
    scale = {"diag": full[0], "spherical": float(full[0, 0]), "tied": full}[covariance_type]
    prior = naive.Prior(covariance_type, x.mean(axis=0), 1.2, d + 0.5, scale)
    _, trace, _, _ = ours(x, k, kind, prior, w, 15)
    c = constant(n, d, k, 1.2, d + 0.5, np.linalg.slogdet(full)[1], w, kind)
    for n_iter in (1, 3, 15):
        other = theirs(x, k, covariance_type, kind, prior, w, n_iter)
        assert trace[n_iter - 1] == pytest.approx(other.lower_bound_ + c, rel=1e-11)

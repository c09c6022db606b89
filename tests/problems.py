"""Small random problems for every covariance type, shared by the tests of the mathematics."""

from __future__ import annotations

import naive
import numpy as np

from vivace.engine import Block
from vivace.families.gaussian import COVARIANCE_TYPES, GaussianFamily, GaussianPrior
from vivace.models.mixture import MixtureModel
from vivace.models.scaling import Scaling
from vivace.models.weights import Dirichlet, DirichletProcess, PitmanYor

TYPES = COVARIANCE_TYPES
FIXED = ["none", "means", "covariances", "both"]


def positive(rng, covariance_type, k, d, size=1.0):
    """Random covariances in the shape of covariances_ (k = None: one of them, as in a prior)."""
    a = rng.normal(size=(k or 1, d, 2 * d + 1))
    full = size * (a @ a.transpose(0, 2, 1)) / (2 * d + 1)
    diag = np.diagonal(full, axis1=1, axis2=2).copy()
    stack = full if covariance_type in ("full", "tied") else diag
    stack = diag[:, 0] if covariance_type.endswith("spherical") else stack
    if k is None or covariance_type.startswith("tied"):
        return stack[0] if stack[0].ndim else float(stack[0])
    return stack


def make_prior(rng, covariance_type, k, d, fixed="none"):
    """A `naive.Prior` with all its numbers drawn."""
    return naive.Prior(
        covariance_type,
        mean=rng.normal(size=d),
        mean_precision=float(rng.uniform(0.1, 2.0)),
        dof=d - 1 + float(rng.uniform(0.5, 4.0)),
        scale=positive(rng, covariance_type, None, d),
        fixed_means=rng.normal(size=(k, d)) if fixed in ("means", "both") else None,
        fixed_covariances=(
            positive(rng, covariance_type, k, d) if fixed in ("covariances", "both") else None
        ),
    )


def make_family(prior):
    """The family of a `naive.Prior`, in the same coordinates."""
    return GaussianFamily(
        GaussianPrior(
            prior.covariance_type, prior.mean, prior.mean_precision, prior.dof, prior.scale
        ),
        prior.fixed_means,
        prior.fixed_covariances,
    )


def statistics(family, x, r):
    """(suff, shared) of weighted responsibilities r, straight from the definition."""
    suff = r.T @ naive.features(x, family.stat_kind)
    if family.shared_kind is None:
        return suff, None
    return suff, r.sum(axis=1) @ naive.features(x, family.shared_kind)


def responsibilities(rng, n, k):
    return rng.dirichlet(np.full(k, 0.5), size=n)


WEIGHTS = {
    "dirichlet": (Dirichlet(0.6), naive.Weights("dirichlet", 0.6)),
    "dirichlet_process": (DirichletProcess(1.3), naive.Weights("sticks", 1.3)),
    "pitman_yor": (PitmanYor(0.4, 0.25), naive.Weights("sticks", 0.4, 0.25)),
}


def make_model(prior, weight_model, k, scaling, single=False):
    """A mixture in z of a `naive.Prior` in the units of the data."""
    kind = prior.covariance_type
    means, covariances = prior.fixed_means, prior.fixed_covariances
    family = GaussianFamily(
        GaussianPrior(
            kind,
            scaling.to_z(prior.mean),
            prior.mean_precision,
            prior.dof,
            scaling.covariances_to_z(prior.scale, kind),
        ),
        None if means is None else scaling.to_z(means),
        None if covariances is None else scaling.covariances_to_z(covariances, kind),
    )
    return MixtureModel(family, weight_model, k, scaling, single)


def scaling_of(x, covariance_type):
    common = covariance_type.endswith("spherical")
    return Scaling.of_columns(x.mean(axis=0), x.var(axis=0), common=common)


def block(x, weights=None):
    """All rows as one block."""
    return Block(np.ascontiguousarray(x), weights, 0, len(x))


def climb(model, x, statistics, n_iter, weights=None):
    """Coordinate ascent, plain: the bound after each map, the last posterior and statistics."""
    trace, posterior, local = [], model.global_step(statistics, None), None
    for _ in range(n_iter):
        prepared = model.prepare(posterior)
        statistics, local = model.local_step(block(x, weights), prepared, local)
        posterior = model.global_step(statistics, posterior)
        trace.append(model.elbo(posterior, statistics))
    return np.array(trace), posterior, statistics

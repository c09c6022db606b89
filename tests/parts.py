"""Small random parts of every family with their slow references."""

from __future__ import annotations

import naive_families as naive
import numpy as np

from vivace import families
from vivace.engine import Block
from vivace.families.gaussian import GaussianFamily, GaussianPrior
from vivace.models.mixed import MixedModel
from vivace.models.parts import FeaturePart, FlagsPart, GaussianPart, LevelsPart
from vivace.models.scaling import Scaling

FEATURE = ["bernoulli", "poisson", "gamma", "exponential", "gaussian_diag", "multinomial"]
ALL = [*FEATURE, "categorical"]


def summary_of(x, levels=None):
    """What a family's default prior would see; these tests give priors of their own."""
    d = x.shape[1]
    return families.Summary(
        np.full(d, float(len(x))),
        np.nanmean(x, axis=0),
        np.nanvar(x, axis=0),
        np.nanmin(x, axis=0),
        np.nanmax(x, axis=0),
        np.zeros(d, np.int64) if levels is None else np.asarray(levels),
    )


def draw(rng, name, n, d, gaps=False, as_features=False):
    """(part for K components, rows, rows for the reference, references) of one family.

    With `as_features` no part of a feature family is looked up.
    """
    x, levels = rows(rng, name, n, d)
    if gaps:
        lost = rng.random((n, 1 if name == "multinomial" else d)) < 0.3
        lost[rng.integers(n)] = False
        x = np.where(lost, np.nan, x)
    given, references = prior(rng, name, d, levels)
    family = {
        "bernoulli": families.Bernoulli(),
        "poisson": families.Poisson(),
        "gamma": families.Gamma(known_shape=2.5),
        "exponential": families.Exponential(),
        "gaussian_diag": families.Normal(),
        "multinomial": families.Multinomial(),
        "categorical": families.Categorical(),
    }[name]

    def part(k):
        if name == "categorical":
            return LevelsPart(family, given, d, k)
        units = family.units(d)
        kind = FlagsPart if family.flags and not as_features else FeaturePart
        return kind(family, given, d, np.full(units, gaps))

    data = x
    if name == "categorical":
        data = np.where(np.isnan(x), -1, x).astype(np.int32)
    return part, np.ascontiguousarray(data), x, references


def rows(rng, name, n, d):
    levels = rng.integers(2, 5, size=d)
    if name == "bernoulli":
        return (rng.random((n, d)) < 0.4).astype(float), None
    if name in ("poisson", "multinomial"):
        return rng.poisson(2.0, size=(n, d)).astype(float), None
    if name in ("gamma", "exponential"):
        return rng.gamma(2.0, size=(n, d)), None
    if name == "gaussian_diag":
        return rng.normal(0.5, 1.5, size=(n, d)), None
    return rng.integers(0, levels, size=(n, d)).astype(float), levels


def prior(rng, name, d, levels):
    """The prior as a family stores it, and one reference a column."""
    a, b = rng.uniform(0.4, 3.0, size=(2, d))
    if name == "bernoulli":
        return {"a": a, "b": b}, [naive.BetaBernoulli(*p) for p in zip(a, b, strict=True)]
    if name == "poisson":
        given = {"shape": a, "rate": b, "exposure": np.ones(d)}
        return given, [naive.GammaPoisson(*p) for p in zip(a, b, strict=True)]
    if name in ("gamma", "exponential"):
        s = 2.5 if name == "gamma" else 1.0
        given = {"shape": a, "rate": b}
        return given, [naive.GammaGamma(s, *p) for p in zip(a, b, strict=True)]
    if name == "gaussian_diag":
        m, dof = rng.normal(size=d), rng.uniform(0.5, 4.0, size=d)
        given = {"mean": m, "mean_precision": a, "dof": dof, "scale": b}
        columns = zip(m, a, dof, b, strict=True)
        return given, [naive.NormalGamma(*column) for column in columns]
    if name == "multinomial":
        given = {"concentration": a, "total": np.array([3.0])}
        return given, [naive.DirichletMultinomial(a)]
    given = {"start": np.append(0.0, np.cumsum(levels)), "concentration": a[:1]}
    return given, [naive.DirichletCategorical(np.full(size, a[0])) for size in levels]


def correlated(rng, x, gaps=True, kind="full"):
    """A correlated Gaussian part of a random prior, for rows x."""
    d = x.shape[1]
    a = rng.normal(size=(d, 2 * d))
    prior = {
        "mean": rng.normal(size=d) * 0.3,
        "mean_precision": np.array([0.7]),
        "dof": np.array([d + 1.5]),
        "scale": a @ a.T / d,
    }
    scaling = Scaling(np.nanmean(x, axis=0), np.nanstd(x, axis=0) + 0.1)
    gaussian = GaussianPrior(kind, prior["mean"], 0.7, d + 1.5, prior["scale"])
    return GaussianPart(families.Gaussian(), prior, d, scaling, gaps, GaussianFamily(gaussian))


def rows_with_gaps(rng, n, d):
    """Correlated rows of two groups with gaps; the first row is complete, some hold nothing."""
    x = (
        5.0
        + rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
        + 3.0 * rng.integers(0, 2, size=(n, 1))
    )
    x[rng.random((n, d)) < 0.35] = np.nan
    x[0] = 5.0 + rng.normal(size=d)
    return x


def model_of(parts, weight_model, k):
    return MixedModel([part(k) for part in parts], weight_model, k)


def block(data, weights=None):
    return Block(tuple(data), weights, 0, len(data[0]))

"""Posterior predictive densities of a mixture over a table, a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from vivace.engine import Block
from vivace.families.base import Array
from vivace.models.mixed import MixedModel
from vivace.models.mixed_state import MixedPosterior


@dataclass(frozen=True)
class TableDensity:
    """The log predictive density, ready to be evaluated.

    ln sum_k E[pi_k] prod_parts p(x | k, data); the expected mass of the components beyond K goes
    to one that has seen no data, so that the density integrates to one.

    Attributes
    ----------
    log_weights : (K,) or (K + 1,)
    fresh : tuple or None
        Posteriors of the parts of a component without data; None where nothing is left over.
    """

    posterior: MixedPosterior
    log_weights: Array
    fresh: tuple[Any, ...] | None


def table_density(model: MixedModel, posterior: MixedPosterior) -> TableDensity:
    """Make a `TableDensity`, once for each posterior."""
    log_mean = model.weight_model.log_mean(posterior.counts)
    if not np.isfinite(log_mean[-1]):
        return TableDensity(posterior, log_mean[:-1], None)
    fresh = [part.fresh(own) for part, own in zip(model.parts, posterior.parts, strict=True)]
    return TableDensity(posterior, log_mean, tuple(fresh))


def log_joint(model: MixedModel, posteriors: Sequence[Any], block: Block) -> Array:
    """Logarithm of p(x_n | k, data) of whole rows, (n, K); gaps are left out."""
    total: Any = 0.0
    for part, posterior, x in zip(model.parts, posteriors, block.data, strict=True):
        total = total + part.log_predictive_rows(posterior, x)
    return np.asarray(total)


def table_score_samples(model: MixedModel, density: TableDensity, block: Block) -> Array:
    """Log predictive density of each row in the units of the data, (n,)."""
    scores = log_joint(model, density.posterior.parts, block)
    if density.fresh is not None:
        scores = np.hstack([scores, log_joint(model, density.fresh, block)])
    return np.asarray(logsumexp(scores + density.log_weights, axis=1))

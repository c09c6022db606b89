"""Responsibilities, labels and log predictive densities of new rows, a block at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import Block
from vivace.families.base import Array
from vivace.families.gaussian.predictive import (
    GaussianTerms,
    StudentDiagTerms,
    StudentTerms,
    Terms,
)
from vivace.models.mixture import MixtureModel, MixturePosterior


class Scoring(Protocol):
    """A model that finds the responsibilities of rows."""

    n_components: int

    def score(self, block: Block, prepared: Any, **outputs: Any) -> None:
        """Fill some of `resp`, `labels` and `lse`."""


def proba(
    model: Scoring, prepared: Any, block: Block, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Responsibilities under the variational posterior, as a local step computes them.

    Parameters
    ----------
    model, prepared
        The model and `model.prepare(posterior)`.
    block : Block
        Rows in the units of the data.
    out : (n, K) of float32 or float64, optional
        Written and returned.
    """
    if out is None:
        out = np.empty((block.stop - block.start, model.n_components), dtype=block.data.dtype)
    model.score(block, prepared, resp=out)
    return out


def labels(
    model: Scoring, prepared: Any, block: Block, out: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """Component with the largest responsibility of each row, (n,)."""
    if out is None:
        out = np.empty(block.stop - block.start, dtype=np.int32)
    model.score(block, prepared, labels=out)
    return out


@dataclass(frozen=True)
class Density:
    """The log predictive density of a posterior, ready to be evaluated.

    ln sum_k E[pi_k] p(x | k, data); the expected mass of the components beyond K goes to one
    that has seen no data, so that the density integrates to one.

    Attributes
    ----------
    terms : tuple of Terms
        Log weights included; the density is the log-sum-exp over all of them.
    """

    terms: tuple[Terms, ...]


def density(model: MixtureModel, posterior: MixturePosterior) -> Density:
    """Make a `Density`, once for each posterior."""
    log_mean = model.weight_model.log_mean(posterior.counts)
    predictive = model.family.predictive(posterior.gaussian)
    terms = [_weighted(predictive.components, log_mean[:-1])]
    if np.isfinite(log_mean[-1]):
        fresh = _weighted(predictive.fresh, log_mean[-1:])
        if type(fresh) is type(terms[0]):
            terms[0] = _joined(terms[0], fresh)
        else:
            terms.append(fresh)
    return Density(tuple(terms))


def score_samples(
    model: MixtureModel, density: Density, block: Block, out: Array | None = None
) -> Array:
    """Log predictive density of each row in the units of the data, (n,)."""
    if out is None:
        out = np.empty(len(block.data))
    _evaluate(model, density.terms[0], block, out)
    for terms in density.terms[1:]:
        other = np.empty_like(out)
        _evaluate(model, terms, block, other)
        np.logaddexp(out, other, out=out)
    out -= model.scaling.log_jacobian
    return out


def _evaluate(model: MixtureModel, terms: Terms, block: Block, out: Array) -> None:
    x, centre, inv_scale = block.data, model.scaling.centre, model.scaling.inv_scale
    if isinstance(terms, StudentTerms):
        _core.mixture_student(
            x, centre, inv_scale, terms.eta_q, terms.score_kind, terms.a, terms.b, out
        )
    elif isinstance(terms, StudentDiagTerms):
        _core.mixture_student_diag(
            x, centre, inv_scale, terms.means, terms.inv_scale2, terms.a, terms.b, out
        )
    else:  # float64 as the Student kernels: densities are asked for their last digits
        kind = terms.score_kind
        _core.mixture_step(
            x, None, centre, inv_scale, terms.eta, kind, kind, "score", False, None, None, lse=out
        )


def _weighted(terms: Terms, log_weights: Array) -> Terms:
    if isinstance(terms, GaussianTerms):
        eta = terms.eta.copy()
        eta[:, 0] += log_weights
        return replace(terms, eta=eta)
    return replace(terms, a=terms.a + log_weights)


def _joined(one: Terms, other: Terms) -> Terms:
    """Terms of the components of both, which are of one kind."""
    fields: dict[str, Any] = {
        name: np.concatenate([value, getattr(other, name)])
        for name, value in vars(one).items()
        if isinstance(value, np.ndarray)
    }
    return replace(one, **fields)

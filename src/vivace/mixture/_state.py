"""What an estimator keeps of a fit, and how its parameters become a model and a schedule."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from vivace.engine import (
    CoordinateAscent,
    Fit,
    Layout,
    Memoized,
    Schedule,
    Stochastic,
    ThreadExecutor,
    resolve_n_jobs,
)
from vivace.estimators.scores import Scores
from vivace.mixture._moments import Moments, scatter
from vivace.mixture._prior import (
    PriorValues,
    make_family,
    make_prior,
    make_scaling,
    make_weight_model,
)
from vivace.mixture._validation import Rows
from vivace.models.incomplete import IncompleteModel
from vivace.models.mixture import MIN_BLOCK_ROWS, MixtureModel
from vivace.models.scaling import Scaling

# Batches of the online and memoized methods, unless batch_size says otherwise: 16 to a data set, so
# that a pass makes progress 16 times, but large enough for the threads and the kernels to work
# well, and small enough to be read at once from a file.
BATCHES = 16
SMALLEST_BATCH = 1024
LARGEST_BATCH = 65_536


# Rounding in float32 moves the bound from map to map, in nats a row with a standard deviation of
# some 3e-8 at 1e5 rows, 7e-8 at 15,000, 1.5e-7 at 2,000 (measured with 2 to 40 columns and 3 to 20
# components): a tol below SINGLE_NOISE + SINGLE_NOISE_OF_ROW / sqrt(rows) might never be met.
SINGLE_NOISE = 1e-7
SINGLE_NOISE_OF_ROW = 1e-5


@dataclass
class Fitted:
    """What an estimator keeps: everything later calls need, nothing as large as the data.

    Attributes
    ----------
    model : MixtureModel or MixedModel
        Prior, weight model and coordinates.
    prior : PriorValues or TablePrior
        The same prior in data units; of a table, what fit fixed of every part.
    fit : Fit
        Posterior and statistics (without local state), bound, trace, counts.
    row_weight : float
        Mean weight of the rows, for what counts as an empty component.
    shape : tuple
        What a warm start must find unchanged: see `shape_of_fit`.
    fingerprint : str
        Recognises the data and the prior that the bound belongs to; empty if there are none.
    seen : float
        Weight of the rows seen by partial_fit; 0 after fit.
    validation : Scores or None
        Scores of the rows that were held out of the fit.
    """

    model: Any
    prior: Any
    fit: Fit
    row_weight: float
    shape: tuple[Any, ...]
    fingerprint: str = ""
    seen: float = 0.0
    validation: Scores | None = None


def make_model(
    parameters: dict[str, Any],
    moments: Moments,
    rows: Rows,
    executor: ThreadExecutor,
) -> tuple[Any, PriorValues]:
    """Make coordinates, prior and model."""
    scaling = make_scaling(moments, parameters["covariance_type"])

    def sums(scaling: Scaling) -> Any:
        if parameters["missing"] == "marginalize":
            from vivace.mixture._gaps import scatter_with_gaps

            return scatter_with_gaps(rows, executor, scaling.centre, 1.0 / scaling.scale)
        return scatter(rows, executor, scaling.centre, 1.0 / scaling.scale)

    prior = make_prior(parameters, moments, sums)
    return model_of(parameters, prior, scaling, single=rows.dtype == np.float32), prior


def model_of(
    parameters: dict[str, Any], prior: PriorValues, scaling: Scaling, single: bool
) -> MixtureModel | IncompleteModel:
    """Put family, weight model and coordinates together."""
    family = make_family(parameters, prior, scaling)
    weights = make_weight_model(parameters, prior.weight_concentration)
    if parameters["missing"] == "marginalize":
        known = [
            name for name in ("fixed_means", "fixed_covariances") if parameters[name] is not None
        ]
        if known:
            raise InvalidParameterError(
                "missing='marginalize' takes no known parameters, got "
                f"{' and '.join(known)}. Leave rows with gaps out, or give priors instead "
                "(mean_prior, covariance_prior)."
            )
        return IncompleteModel(family, weights, parameters["n_components"], scaling)
    return MixtureModel(family, weights, parameters["n_components"], scaling, single)


def make_executor(n_jobs: int | None, n_rows: int) -> ThreadExecutor:
    """Threads for `n_jobs`, but no more than there are blocks to work on."""
    n_threads = 1 if n_rows <= MIN_BLOCK_ROWS else resolve_n_jobs(n_jobs)
    return ThreadExecutor(n_threads)


def make_layout(parameters: dict[str, Any], n_rows: int, block_rows: int) -> Layout:
    """One batch of all rows (learning_method batch), else batches of batch_size rows."""
    if parameters["learning_method"] == "batch":
        return Layout(n_rows, None, block_rows)
    batch_size = parameters["batch_size"]
    if batch_size is None:
        batch_size = min(LARGEST_BATCH, max(SMALLEST_BATCH, -(-n_rows // BATCHES)))
    return Layout(n_rows, min(batch_size, n_rows), block_rows)


def make_schedule(parameters: dict[str, Any], seed: int) -> Schedule:
    """Return the schedule of the learning_method."""
    if parameters["learning_method"] == "online":
        return Stochastic(
            parameters["learning_decay"],
            parameters["learning_offset"],
            seed,
            parameters["total_samples"],
        )
    if parameters["learning_method"] == "memoized":
        return Memoized(seed)
    return CoordinateAscent(parameters["acceleration"])


def tolerance(parameters: dict[str, Any], model: Any, n_rows: int) -> float:
    """Return `tol`, as far as float32 arithmetic can tell."""
    tol = float(parameters["tol"])
    if not model.single or tol == 0.0:
        return tol
    return max(tol, SINGLE_NOISE + SINGLE_NOISE_OF_ROW / math.sqrt(n_rows))


def fingerprint_of(
    parameters: dict[str, Any], moments: Moments, prior: PriorValues, model: Any
) -> str:
    """Digest of all that a bound depends on but the posterior: moments of the data, the model.

    Two data sets with the same weight, means, variances and extremes to the last bit are taken to
    be the same.
    """
    known = [parameters[name] for name in ("fixed_means", "fixed_covariances")]
    parts: list[Any] = [
        *moments.fingerprint,
        prior.weight_concentration,
        parameters["discount"],
        prior.mean_precision,
        prior.mean.tobytes(),
        prior.degrees_of_freedom,
        np.asarray(model.family.prior.scale).tobytes(),
        *(None if value is None else np.asarray(value, dtype=float).tobytes() for value in known),
        model.single,
        parameters["learning_method"],
        parameters["total_samples"],
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def shape_of_fit(parameters: dict[str, Any], n_features: int) -> tuple[Any, ...]:
    """What decides the shape of a posterior."""
    return (
        n_features,
        parameters["n_components"],
        parameters["covariance_type"],
        parameters["weight_concentration_prior_type"],
        parameters["missing"],
        parameters["fixed_means"] is None,
        parameters["fixed_covariances"] is None,
    )

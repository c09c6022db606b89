"""One call of `fit` or `partial_fit` on a table: from columns to prior, model and start."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from vivace.engine import Block, CsrRows, Layout, Statistics, ThreadExecutor, start
from vivace.mixture._assign import Assignment
from vivace.mixture._columns import Columns
from vivace.mixture._fitting import Setup, warm_fit
from vivace.mixture._partial import absorb, go_on
from vivace.mixture._parts import TablePrior, make_part_priors, make_table_model
from vivace.mixture._start import Starter, sample_positions
from vivace.mixture._state import Fitted
from vivace.mixture._streams_table import FrameColumns
from vivace.mixture._table import TableRows
from vivace.mixture._table_look import Look, look
from vivace.mixture._validation import check_resp
from vivace.models.mixed import MixedModel
from vivace.models.starts import Start, given_start, random_start

Array = NDArray[np.float64]

#: Lloyd's iterations of the start.
KMEANS_ITERATIONS = 50


def table_setup(estimator: Any, rows: TableRows, resp_init: Any, executor: ThreadExecutor) -> Setup:
    """Prior, model and start for the rows of `fit`."""
    parameters = estimator.get_params(deep=False)
    assignments = rows.assignments
    looks = look(rows, assignments, executor)
    _check_enough(estimator, rows, parameters["n_components"])
    shape = shape_of_table(parameters, assignments)
    warm_fit(estimator, shape)
    model, prior = _model(parameters, rows, assignments, looks, every_gap=False)
    return Setup(
        model,
        prior,
        shape,
        _fingerprint(parameters, looks, prior),
        lambda: make_table_starter(parameters, rows, looks, model, resp_init),
    )


def partial_table(estimator: Any, rows: TableRows, executor: ThreadExecutor) -> Fitted:
    """Take in one batch and return the new state; the old one is left as it was."""
    parameters = estimator.get_params(deep=False)
    previous: Fitted | None = getattr(estimator, "_fitted", None)
    assignments = rows.assignments
    looks = look(rows, assignments, executor)
    if previous is None:
        _check_enough(estimator, rows, parameters["n_components"])
        model, prior = _model(parameters, rows, assignments, looks, every_gap=True)
        starter = make_table_starter(parameters, rows, looks, model, None)
        rng = check_random_state(parameters["random_state"])
        layout = Layout(rows.n_rows, None, model.block_rows())
        fit = start(model, rows.source, layout, executor, starter.make(rng))
        shape = shape_of_table(parameters, assignments)
        state, before = Fitted(model, prior, fit, 1.0, shape), 0.0
    else:
        if previous.shape != shape_of_table(parameters, assignments):
            raise ValueError(
                "partial_fit goes on from what was fitted, so n_components, the weight prior's "
                "type and the families must not change. Fit a clone to start afresh."
            )
        _check_gaps(previous, looks)
        state, before = go_on(previous, rows.total_weight)
    absorb(state, before, previous is None, rows, parameters, executor)
    return state


def _model(
    parameters: dict[str, Any],
    rows: TableRows,
    assignments: list[Assignment],
    looks: Sequence[Look],
    *,
    every_gap: bool,
) -> tuple[MixedModel, TablePrior]:
    sparse = rows.table.library == "sparse"
    parts = make_part_priors(assignments, looks, sparse=sparse, every_gap=every_gap)
    given = parameters["weight_concentration_prior"]
    concentration = 1.0 / parameters["n_components"] if given is None else float(given)
    prior = TablePrior(concentration, assignments, parts)
    model = make_table_model(parameters, prior)
    model.keeps_codes = not isinstance(rows.table, FrameColumns)
    if sparse:
        model.entries_per_row = rows.source.parts[0].nnz / rows.n_rows
    return model, prior


def _check_gaps(previous: Fitted, looks: Sequence[Look]) -> None:
    for one, fixed, seen in zip(
        previous.prior.assignments, previous.prior.parts, looks, strict=True
    ):
        if not one.family.levels and (seen.gaps[: len(fixed.gaps)] & ~fixed.gaps).any():
            raise ValueError(
                f"this batch has missing values in columns of {one.family.name} that had none in "
                "fit. Begin with partial_fit, which allows for them, instead of fit"
            )


def _check_enough(estimator: Any, rows: TableRows, n_components: int) -> None:
    found, name = rows.n_weighted, type(estimator).__name__
    if found < 2:
        raise ValueError(
            f"Found array with {found} sample(s) (shape=({rows.n_rows}, {rows.table.n_columns})) "
            f"while a minimum of 2 is required by {name}: rows in which everything is missing, or "
            "of weight zero, do not count."
        )
    if found < n_components:
        raise ValueError(
            f"Expected n_samples >= n_components but got n_components = {n_components}, "
            f"n_samples = {found}. Lower n_components."
        )


def shape_of_table(
    parameters: dict[str, Any], assignments: Sequence[Assignment]
) -> tuple[Any, ...]:
    """What decides the shape of a posterior."""
    return (
        parameters["n_components"],
        parameters["weight_concentration_prior_type"],
        *((repr(one.family), tuple(one.columns), len(one.levels)) for one in assignments),
    )


def _fingerprint(parameters: dict[str, Any], looks: Sequence[Look], prior: TablePrior) -> str:
    """Digest of the data's moments and of the prior."""
    parts: list[Any] = [prior.weight_concentration, parameters["discount"]]
    for seen, fixed, one in zip(looks, prior.parts, prior.assignments, strict=True):
        s = seen.summary
        parts += [a.tobytes() for a in (s.weight, s.mean, s.variance, s.low, s.high)]
        parts += [(name, value.tobytes()) for name, value in fixed.prior.items()]
        parts += [fixed.gaps.tobytes(), repr(one.levels)]
    parts += [parameters["learning_method"], parameters["total_samples"]]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def make_table_starter(
    parameters: dict[str, Any],
    rows: TableRows,
    looks: Sequence[Look],
    model: MixedModel,
    resp_init: Any,
) -> Starter:
    """Choose how a fit starts: resp_init, else init_params."""
    k = parameters["n_components"]
    if resp_init is not None:
        first = given_start(model, check_resp(resp_init, rows.n_rows, k))
        return Starter(lambda rng: first, varies=False)
    if parameters["init_params"] == "random":
        return Starter(lambda rng: random_start(model, _seed(rng)), varies=True)
    return Starter(
        lambda rng: _from_sample(parameters["init_params"], rows, looks, model, _seed(rng)),
        varies=True,
    )


def _from_sample(
    init_params: str, rows: TableRows, looks: Sequence[Look], model: MixedModel, seed: int
) -> Start:
    """Groups of a sample make a posterior; rows start with their responsibilities under it."""
    k = model.n_components
    positions = sample_positions(rows, k, _width(rows), seed)
    block = rows.source.take(positions)
    z, weights = _embedding(rows, looks, block), block.weights
    order = np.lexsort(z.T[::-1]) if isinstance(z, np.ndarray) else np.arange(len(positions))
    # In an order of their own: that of the rows, and repeats, make no difference.
    labels = np.empty(len(positions), dtype=np.intp)
    own = None if weights is None else weights[order]
    labels[order] = _groups(init_params, z[order], own, k, seed)
    resp = np.zeros((len(positions), k))
    resp[np.arange(len(positions)), labels] = 1.0
    statistics = model.given(block, resp)
    statistics.scale_(rows.total_weight / float(statistics["weight"]))
    prepared = model.prepare(model.global_step(statistics, None))

    def first(block: Block) -> Statistics:
        return model.local_step(block, prepared, None)[0]

    return first


def _embedding(rows: TableRows, looks: Sequence[Look], block: Block) -> Any:
    """Coordinates in which distances mean something; compressed rows stay compressed."""
    found = []
    for one, seen, x in zip(rows.assignments, looks, block.data, strict=True):
        if isinstance(x, CsrRows):
            from scipy.sparse import csr_array
            from sklearn.preprocessing import normalize

            shape = (len(x.start) - 1, x.n_columns)
            matrix = csr_array(
                (np.sqrt(np.abs(x.values)), x.columns, x.start.astype(np.int32)), shape=shape
            )
            # Hellinger's distance between the rows' shares: lengths of documents do not matter.
            return normalize(matrix) if one.family.joint else matrix
        found.append(one.family.embed(x, seen.summary))
    return np.ascontiguousarray(np.hstack(found))


def _groups(init_params: str, z: Any, weights: Array | None, k: int, seed: int) -> Any:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct rows than components: some start empty, which is no fault here.
        warnings.simplefilter("ignore")
        if init_params == "kmeans":
            from sklearn.cluster import KMeans

            kmeans = KMeans(k, n_init=1, max_iter=KMEANS_ITERATIONS, random_state=seed)
            return kmeans.fit(z, sample_weight=weights).labels_
        from sklearn.metrics import pairwise_distances_argmin

        if init_params == "k-means++":
            from sklearn.cluster import kmeans_plusplus

            centres, _ = kmeans_plusplus(z, k, sample_weight=weights, random_state=seed)
        else:
            n = z.shape[0]
            centres = z[np.sort(np.random.default_rng(seed).choice(n, k, replace=False))]
        return pairwise_distances_argmin(z, centres)


def _width(rows: TableRows) -> int:
    """Numbers of an embedded row, about."""
    table: Columns = rows.table
    if table.library == "sparse":
        return max(1, int(rows.source.parts[0].nnz / rows.n_rows))
    return max(1, table.n_columns)


def _seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(np.iinfo(np.int32).max))

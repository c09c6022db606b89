"""Starting responsibilities. Everything that measures distance does so in z coordinates."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.mixture._validation import Rows, check_resp, check_values
from vivace.models.mixture import MixtureModel
from vivace.models.starts import Start, given_start, hard_start, random_start

Array = NDArray[np.float64]

# k-means sees a sample of this many rows, or this many for each component, whichever is more: the
# centres then lie within a tenth of a standard deviation of those of all rows, which the first
# maps make good, and the start costs less than two or three maps at a million rows.
SAMPLE_ROWS = 20_000
SAMPLE_ROWS_PER_COMPONENT = 256
# ... but no more values than this (32 MB), as long as every component gets a few rows.
SAMPLE_VALUES = 4 << 20
SAMPLE_LEAST_PER_COMPONENT = 4
# Lloyd's iterations of the start: most k-means runs on such samples are done by then.
KMEANS_ITERATIONS = 50


@dataclass(frozen=True)
class Starter:
    """Makes the start of each initialisation.

    Attributes
    ----------
    make : callable
        Takes a seeded generator, returns the start.
    varies : bool
        Whether another draw gives another start: False for given means or responsibilities, when
        a second initialisation would only repeat the first.
    """

    make: Callable[[np.random.RandomState], Start]
    varies: bool


def make_starter(
    parameters: dict[str, Any], rows: Rows, model: MixtureModel, resp_init: Any
) -> Starter:
    """Choose how a fit starts: resp_init, means_init, fixed_means, else init_params."""
    k = parameters["n_components"]
    given = centres_given(parameters, rows.X.shape[1])
    if resp_init is not None:
        start = given_start(model, check_resp(resp_init, rows.n_rows, k))
        return Starter(lambda rng: start, varies=False)
    if given is not None:
        nearest = hard_start(model, model.scaling.to_z(given))
        return Starter(lambda rng: nearest, varies=False)
    if parameters["init_params"] == "random":
        return Starter(lambda rng: random_start(model, _seed(rng)), varies=True)

    def from_rows(rng: np.random.RandomState) -> Start:
        centres = choose_centres(parameters["init_params"], rows, model, k, rng)
        return hard_start(model, centres)

    return Starter(from_rows, varies=True)


def centres_given(parameters: dict[str, Any], n_features: int) -> Array | None:
    """Means that rows start at, in data units: `means_init`, else `fixed_means`, else None."""
    for name in ("means_init", "fixed_means"):
        if parameters[name] is not None:
            shape = (parameters["n_components"], n_features)
            return check_values(parameters[name], name, shape, "n_components, n_features")
    return None


def choose_centres(
    init_params: str, rows: Rows, model: MixtureModel, k: int, rng: np.random.RandomState
) -> Array:
    """K centres (n_components, n_features) in z, chosen from the rows of positive weight."""
    seed = _seed(rng)
    if init_params == "random_from_data":
        chosen = np.random.default_rng(seed).choice(rows.n_weighted, k, replace=False)
        return _in_z(rows, _positions(rows, chosen), model)
    z, weights = _sample(rows, model, k, seed)
    # One thread: with more, scikit-learn's sums depend on who comes first.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct rows than components: some start empty, which is no fault here.
        warnings.simplefilter("ignore")
        if init_params == "k-means++":
            from sklearn.cluster import kmeans_plusplus

            centres, _ = kmeans_plusplus(z, k, sample_weight=weights, random_state=seed)
        else:
            from sklearn.cluster import KMeans

            kmeans = KMeans(k, n_init=1, max_iter=KMEANS_ITERATIONS, random_state=seed)
            centres = kmeans.fit(z, sample_weight=weights).cluster_centers_
    return np.ascontiguousarray(centres, dtype=np.float64)


def _sample(rows: Rows, model: MixtureModel, k: int, seed: int) -> tuple[Array, Array | None]:
    """Draw a seeded sample of rows in z and their weights, sorted by value.

    One row from each of equally long runs, so that it needs no memory beside the sample itself
    and reads a memory-mapped file from front to back. Sorted, so that where all rows are taken
    neither their order nor whether one is repeated or weighted makes a difference.
    """
    positions = sample_positions(rows, k, rows.X.shape[1], seed)
    z = _in_z(rows, positions, model)
    order = np.lexsort(z.T[::-1])
    weights = None if rows.weights is None else rows.weights[positions][order]
    return z[order], weights


def sample_size(k: int, d: int) -> int:
    """Most rows of a sample."""
    wanted = max(SAMPLE_ROWS, SAMPLE_ROWS_PER_COMPONENT * k)
    return max(min(wanted, SAMPLE_VALUES // d), SAMPLE_LEAST_PER_COMPONENT * k)


def sample_positions(rows: Any, k: int, d: int, seed: int) -> NDArray[np.int64]:
    """Positions of a sample of rows of positive weight, with about d values each; all if few."""
    n, wanted = rows.n_weighted, sample_size(k, d)
    if n <= wanted:
        chosen = np.arange(n)
    else:
        jitter = np.random.default_rng(seed).random(wanted)
        chosen = ((np.arange(wanted) + jitter) * (n / wanted)).astype(np.int64)
        np.minimum(chosen, n - 1, out=chosen)
    return _positions(rows, chosen)


def _positions(rows: Any, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions in X of the `chosen` ones among the rows of positive weight."""
    if rows.weights is None or rows.n_weighted == rows.n_rows:
        return chosen
    return np.flatnonzero(rows.weights)[chosen]


def _in_z(rows: Rows, positions: NDArray[np.int64], model: MixtureModel) -> Array:
    # Gaps start at the centre.
    return np.nan_to_num(np.ascontiguousarray(model.scaling.to_z(rows.X[positions])), nan=0.0)


def _seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(np.iinfo(np.int32).max))

"""What the model asks of a part, whatever its family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.families.base import Array, Estimate, Family, NotFiniteError
from vivace.models.scaling import Scaling

Fields = Mapping[str, Array]

#: Counts below this share of all counts are rounding: the component is taken to be empty.
EMPTY = 1e-12


def padded(n: int) -> int:
    """Return the width of rows of n numbers, as the kernels want them."""
    return -(-n // _core.PAD) * _core.PAD


def counts_there(counts: Array, gone: Array) -> Array:
    """Counts (K, G) of the rows that have a unit: all counts (K,) less those without, (G, K)."""
    found = np.asarray(counts[:, None] - gone.T)
    found[np.abs(found) <= EMPTY * counts[:, None]] = 0.0  # rounding
    return found


def patterns(there: NDArray[np.bool_]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """(rows, columns that are there) for each pattern of gaps."""
    if there.all():
        return [(np.arange(len(there)), np.arange(there.shape[1]))]
    found, inverse = np.unique(there, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    return [(np.flatnonzero(inverse == p), np.flatnonzero(found[p])) for p in range(len(found))]


class Part:
    """A family on its own columns; subclasses say how it takes part in a local step.

    A part is one of: columns of features beside those of other parts (`width`, `fill`,
    `scores`), columns of few values that the kernel looks up (`LevelledPart`), or a meeting with
    the rows (`gathers` is True: `add_scores`, `accumulate`).

    Parameters
    ----------
    family : Family
    prior : dict of arrays
        What `family.prior` returned.
    n_columns : int
        Columns of its rows.
    """

    gathers = False
    width = 0
    scaling: Scaling | None = None
    #: What messages call the columns; their places if it is empty.
    labels: Sequence[str] = ()

    def __init__(self, family: Family, prior: Mapping[str, Array], n_columns: int) -> None:
        self.family: Any = family
        self.prior = dict(prior)
        self.n_columns = n_columns

    def fields(self, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """Names of the statistics, with shapes and the axis that runs over components."""
        raise NotImplementedError

    def update(self, counts: Array, statistics: Fields) -> Any:
        """Posterior of all components."""
        raise NotImplementedError

    def bound(
        self, posterior: Any, made: tuple[Array, Fields], counts: Array, statistics: Fields
    ) -> float:
        """Share of the bound; `made` are the counts and statistics that made the posterior."""
        raise NotImplementedError

    def scale(self, name: str) -> float | Array:
        """Return a typical size of a field's entries for a row."""
        return 1.0

    def base(self, x: Any) -> Array | None:
        """Logarithm of the base measure of each row, (n,); None where it is zero."""
        return None

    def finite(self, method: str, found: Any, there: NDArray[np.bool_] | None = None) -> Array:
        """Return the numbers (n or K, U, ...) of a family's method, or a scalar.

        Raises
        ------
        NotFiniteError
            Some are not finite, in units that are `there` (n, U).
        """
        values = np.asarray(found)
        wrong = ~np.isfinite(values)
        if there is not None:
            wrong &= there.reshape(there.shape + (1,) * (values.ndim - 2))
        if not wrong.any():
            return values
        labels = list(self.labels or map(str, range(self.n_columns)))
        if wrong.ndim > 1 and wrong.shape[1] == self.family.units(self.n_columns) > 1:
            by_unit = wrong.any(axis=tuple(axis for axis in range(wrong.ndim) if axis != 1))
            labels = [labels[j] for j in np.flatnonzero(by_unit)]
        raise NotFiniteError(self.family.name, method, values[wrong], labels)

    # -- feature parts ------------------------------------------------------------------------

    def fill(self, x: NDArray[Any], out: Array, check: bool = False) -> None:
        """Write the features of rows x to out (n, width); `check` that they are finite."""
        raise NotImplementedError

    @property
    def gap_columns(self) -> NDArray[np.intp]:
        """Columns of the features that are NaN where one of the G units that may be missing is."""
        raise NotImplementedError

    @property
    def plain(self) -> bool:
        """Whether its features are its columns themselves."""
        return False

    def scores(self, posterior: Any) -> tuple[Array, Array, Array]:
        """Constants (K,), coefficients of the features (K, width), what each gap adds (G, K)."""
        raise NotImplementedError

    def sums(self, features: Array, there: Array) -> dict[str, Array]:
        """Make the fields from sum_n w_n r_nk features (K, width) and the units' counts (K, G)."""
        raise NotImplementedError

    # -- parts that meet the rows -------------------------------------------------------------

    def prepare(self, posterior: Any) -> Any:
        """What `add_scores` and `accumulate` read."""
        return None

    def add_scores(self, x: Any, prepared: Any, out: Array) -> None:
        """Add expected log likelihoods to out (n, padded K)."""
        raise NotImplementedError

    def accumulate(self, x: Any, resp: Array, prepared: Any) -> dict[str, Array]:
        """Statistics of rows with weighted responsibilities resp (n, padded K)."""
        raise NotImplementedError

    # -- predictions --------------------------------------------------------------------------

    def observed(self, x: Any) -> NDArray[np.bool_]:
        """Which units of the rows are there, (n, U)."""
        return np.asarray(self.family.observed(x))

    def log_predictive(self, posterior: Any, x: Any) -> Array:
        """Logarithm of p(x_nu | k) of each unit, zero for gaps, (n, U, K)."""
        found = self.family.log_predictive(posterior, x)
        return np.asarray(np.where(self.observed(x)[:, :, None], found, 0.0))

    def log_predictive_rows(self, posterior: Any, x: Any) -> Array:
        """Logarithm of p(x_n | k) of whole rows, gaps left out, (n, K)."""
        found = self.log_predictive(posterior, x)
        total = np.asarray(found.sum(axis=1))
        if np.isnan(total).any():  # infinite densities can be; a sum of both signs is none
            self.finite("log_predictive", np.where(np.isinf(found), 0.0, found))
        return total

    def fresh(self, posterior: Any) -> Any:
        """Posterior of one component that has seen no data, beside those of `posterior`."""
        nothing = {name: np.zeros(shape) for name, (shape, _) in self.fields(1).items()}
        return self.update(np.zeros(1), nothing)

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Rows from the posterior predictive of the components `labels`, (n, d)."""
        return np.asarray(self.family.draw(posterior, labels, rng))

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Mean and variance of the posterior predictive, (K, d) each."""
        mean, variance = self.family.moments(posterior)
        return np.asarray(mean), np.asarray(variance)

    def conditional(self, posterior: Any, x: Any) -> tuple[Array, Array]:
        """Mean and variance of each value given the row's others, (n or 1, d, K) each."""
        mean, variance = self.moments(posterior)
        return mean.T[None], variance.T[None]

    def draw_given(
        self, posterior: Any, x: Any, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """Rows from the components `labels`, given what is there of rows x, (n, d)."""
        return self.draw(posterior, labels, rng)

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """Parameters with credible intervals, in the units of the data."""
        return [self._in_data_units(found) for found in self.family.describe(posterior, level)]

    def _in_data_units(self, found: Estimate) -> Estimate:
        if self.scaling is None or not found.unit:
            return found
        scale = self.scaling.scale[found.column]
        centre = self.scaling.centre[found.column] if found.unit == "place" else 0.0
        return found._replace(
            mean=centre + scale * found.mean,
            low=centre + scale * found.low,
            high=centre + scale * found.high,
        )


class LevelledPart(Part):
    """Columns of few values, each of which adds K numbers to the scores."""

    @property
    def level_sizes(self) -> NDArray[np.int64]:
        """Number of values of each column, (C,); the gap is the last one where there may be one."""
        raise NotImplementedError

    def values(self, x: NDArray[Any]) -> NDArray[Any]:
        """Values (n, C) of rows, from 0 to below their number; a negative one is the last."""
        raise NotImplementedError

    def level_scores(self, posterior: Any) -> tuple[Array, Array]:
        """Constants (K,) and what each value adds to the scores, (V, K), column by column."""
        raise NotImplementedError

    def level_sums(self, sums: Array, counts: Array) -> dict[str, Array]:
        """Make the fields from the sums of responsibilities (V, K) and all counts (K,)."""
        raise NotImplementedError

"""The contract of a family: the likelihood of one component of a mixture.

A mixture over a table has several *parts* side by side, each a family on its own columns; given
the component, parts are independent. There are two doors, and a family takes one of them:

`FeatureFamily`
    Exponential families. The log likelihood is linear in features of a row, so that the engine's
    two matrix products do the work for all such parts at once. What a family gives: `features`,
    `prior`, `update`, `expected_natural`, `log_normaliser`, and `base_measure` where it is not
    constant.
`GatherFamily`
    Others, and those for which a product wastes work (levels of a category). What a family gives:
    `fields`, `prior`, `update`, `prepare`, `expected_log_likelihood`, `accumulate`, `bound`.

Both may give `log_predictive` (for score_samples, explain), `draw` (sample, sample_missing),
`moments` (impute, profiles), `describe` (profiles, credible_interval) and `n_parameters` (aic,
bic); what is missing is named when it is asked for. Everything is written on NumPy arrays; a loop
over a block may be a numba function at the level of a module (``@njit(nogil=True, cache=True)``),
called from the method.

What a method returns (of units that are there) is finite, or `NotFiniteError` names it.

Shapes: n rows of a block, d columns, K components. A *unit* is what can be missing on its own: a
column, or all columns together where the family is `joint`; U units with m features each.
A prior is a dict of arrays (it is stored in model files); a posterior is whatever `update` returns,
by convention a dict of arrays whose first axis is K.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Prior = Mapping[str, Array]


class ImpossibleStatisticsError(ArithmeticError):
    """Statistics that no data can have: negative counts, a scatter that is not positive."""


class ColumnError(ValueError):
    """A column holds what its family cannot have; estimators put its name in the place of `column`.

    Parameters
    ----------
    column : int
        Of the part.
    complaint : str
        What goes after "column ...": "of a poisson part must hold counts; got ...".
    """

    def __init__(self, column: int, complaint: str) -> None:
        super().__init__(f"column {column} {complaint}")
        self.column = column
        self.complaint = complaint


class NotFiniteError(FloatingPointError):
    """A family returned NaN, or an infinity where none can be.

    Parameters
    ----------
    family, method : str
        Who returned it.
    values : array-like
        What is not finite.
    columns : sequence of str
        The columns in question, as messages call them.
    """

    def __init__(self, family: str, method: str, values: Any, columns: Sequence[str]) -> None:
        what = "NaN" if np.isnan(values).any() else "an infinity"
        shown = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
        super().__init__(
            f"family {family} returned {what} from `{method}` for columns [{shown}]; expected "
            "finite numbers. If the data are to blame, let its `check` refuse them"
        )


class MissingPieceError(NotImplementedError):
    """A family lacks a method that was asked for."""


@dataclass(frozen=True)
class Summary:
    """What a default prior may take from the data, column by column, weighted; gaps left out.

    Attributes
    ----------
    weight, mean, variance, low, high : (d,)
        Weight of the values that are there, their mean, variance and extremes.
    n_levels : (d,) of int
        Number of levels of categorical columns, 0 for others.
    scatter : callable
        Returns sum w z z^T (d, d) with z = (x - centre) * inv_scale for the given centre and
        inv_scale, gaps counted as z = 0.
    """

    weight: Array
    mean: Array
    variance: Array
    low: Array
    high: Array
    n_levels: NDArray[np.int64]
    scatter: Callable[[Array, Array], Array] | None = None


class Estimate(NamedTuple):
    """A parameter of one column, for every component.

    Attributes
    ----------
    column : int
        Of the part.
    name : str or int
        Of the parameter; an int is a level of a categorical column.
    mean, low, high : (K,)
        Posterior mean (or median) and ends of the credible interval.
    unit : {"", "place", "spread"}
        How it changes with the coordinates of a `standardised` family.
    """

    column: int
    name: str | int
    mean: Array
    low: Array
    high: Array
    unit: Literal["", "place", "spread"] = ""


class Family:
    """What both kinds of families share. An instance holds hyper-parameters and nothing else.

    The constructor stores its arguments under their own names, as scikit-learn's estimators do;
    model files hold them.

    Attributes
    ----------
    name : str
        What tables and errors call it; the name of the class by default.
    joint : bool
        Whether the columns of a part depend on one another given the component.
    gaps_inside : bool
        Whether a row of a joint family may have some of its columns; else all or none.
    levels : bool
        Whether columns are categories: `x` is then int32 codes, -1 where missing.
    standardised : bool
        Whether the family works in z = (x - mean) / deviation of each column, as families with
        squares should; all it sees and returns is then in z.
    extra : tuple of str
        Parameters that name a further column (Poisson: "exposure"), appended to `x`.
    """

    name: ClassVar[str] = ""
    joint: ClassVar[bool] = False
    gaps_inside: ClassVar[bool] = False
    levels: ClassVar[bool] = False
    standardised: ClassVar[bool] = False
    extra: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def parameters(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items())
        return f"{type(self).__name__}({given})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and repr(other) == repr(self)

    def __hash__(self) -> int:
        return hash(repr(self))

    # -- data ---------------------------------------------------------------------------------

    def units(self, n_columns: int) -> int:
        """Return the number of units of `n_columns` columns (those of `extra` included)."""
        return 1 if self.joint else n_columns

    def observed(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Which units of the rows are there, (n, U); ValueError for a unit with a gap inside."""
        there: NDArray[np.bool_] = np.asarray((x >= 0) if self.levels else ~np.isnan(x))
        if not self.joint:
            return there
        whole = there.all(axis=1)
        part = there.any(axis=1) & ~whole
        if part.any():
            raise ValueError(
                f"a row of a {self.name} part must be complete or wholly missing; row "
                f"{int(part.argmax())} of the block has a gap inside. Leave the row out, or fill "
                "its gaps"
            )
        return np.reshape(whole, (-1, 1))

    def check(self, low: Array, high: Array, whole: NDArray[np.bool_]) -> None:
        """Raise `ColumnError` (or ValueError) where columns hold what the family cannot have.

        Parameters
        ----------
        low, high : (d,)
            Extremes of the columns.
        whole : (d,)
            Whether all values are whole numbers.
        """

    # -- what both kinds give -----------------------------------------------------------------

    def prior(self, summary: Summary) -> dict[str, Array]:
        """Return the prior of one component as a dict of arrays."""
        self.lacks("prior", "every fit")

    def log_predictive(self, posterior: Any, x: NDArray[Any]) -> Array:
        """Log density of each unit in each component, the parameters integrated out, (n, U, K).

        What it says of units that are not observed is not used.
        """
        self.lacks("log_predictive", "score_samples, score and explain")

    def draw(self, posterior: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Rows from the posterior predictive of the components `labels`, (n, d)."""
        self.lacks("draw", "sample and sample_missing")

    def moments(self, posterior: Any) -> tuple[Array, Array]:
        """Mean and variance of the posterior predictive of each component, (K, d) each."""
        self.lacks("moments", "impute and profiles")

    def describe(self, posterior: Any, level: float) -> list[Estimate]:
        """Parameters of the components with credible intervals that hold `level`."""
        self.lacks("describe", "profiles and credible_interval")

    def n_parameters(self, prior: Prior, n_columns: int) -> int:
        """Return the number of free parameters of one component."""
        self.lacks("n_parameters", "aic and bic")

    def n_shared_parameters(self) -> int:
        """Return the number of free parameters that belong to all components together."""
        return 0

    def embed(self, x: NDArray[Any], summary: Summary) -> Array:
        """Coordinates (n, e) in which Euclidean distances mean something, for starts.

        By default columns about their means in standard deviations, with gaps at the mean.
        """
        spread = np.sqrt(np.where(summary.variance > 0.0, summary.variance, 1.0))
        z = (np.asarray(x, dtype=np.float64) - summary.mean) / spread
        return np.where(np.isnan(z), 0.0, z)

    def lacks(self, piece: str, needed_by: str) -> NoReturn:
        """Raise an error that names a missing piece and who needs it."""
        raise MissingPieceError(f"family {self.name} lacks `{piece}`, needed by {needed_by}")


class FeatureFamily(Family):
    """An exponential family: E[ln p(x | k)] is linear in features of a row, and so is the update.

    Attributes
    ----------
    n_features : int
        m, the number of features of a unit. A joint family overrides `feature_count`.
    strided : bool
        Whether `features` takes an `out` that is not contiguous; it costs a copy where not. (Each
        memory layout would be another type for numba, compiled anew.)
    identity : bool
        Whether the only feature is x itself and vanishes, with the base measure, where x does.
        Such a family also takes sparse rows.
    flags : bool
        Whether all values are 0 or 1, in an `identity` family that is not joint: sums over several
        columns are then looked up.
    keeps_nan : bool
        Whether all features of NaN are NaN, so that gaps need no other value while they are made.
    """

    n_features: ClassVar[int] = 1
    identity: ClassVar[bool] = False
    flags: ClassVar[bool] = False
    keeps_nan: ClassVar[bool] = False
    strided: ClassVar[bool] = False

    def feature_count(self, n_columns: int) -> int:
        """Return m for a part of `n_columns` columns."""
        return self.n_features

    def features(self, x: Array, out: Array) -> None:
        """Write the features of rows x (n, d) to out (n, U, m).

        Gaps hold an arbitrary value of their column; what is written for them is not used.
        """
        self.lacks("features", "every fit (or derive from GatherFamily)")

    def base_measure(self, x: Array) -> Array | None:
        """Return ln h(x) of each unit, (n, U); None where it is zero."""
        return None

    def update(self, prior: Prior, counts: Array, sums: Array) -> Any:
        """Conjugate update of all components.

        Parameters
        ----------
        prior : dict of arrays
        counts : (K, U)
            sum_n w_n r_nk over the rows in which the unit is there.
        sums : (K, U, m)
            sum_n w_n r_nk features.

        Raises
        ------
        ImpossibleStatisticsError
            If no data can have these statistics. Extrapolation proposes such ones now and then.
        """
        self.lacks("update", "every fit")

    def expected_natural(self, posterior: Any) -> Array:
        """Return (K, U, 1 + m): a constant, then one number a feature.

        E[ln p(x_u | k)] = constant + features . numbers + ln h(x_u).
        """
        self.lacks("expected_natural", "every fit")

    def log_normaliser(self, prior: Prior, posterior: Any) -> float:
        """Sum over components and units of ln Z(posterior) - ln Z(prior), in nats."""
        self.lacks("log_normaliser", "the evidence bound of every fit")

    def feature_scale(self, summary: Summary, n_columns: int) -> Array:
        """Return a typical size of each feature, (U, m), for the lengths of accelerated steps."""
        size = np.sqrt(summary.variance + summary.mean**2)[: self.units(n_columns)]
        size = np.where(size > 0.0, size, 1.0)
        return np.repeat(size[:, None], self.feature_count(n_columns), axis=1)


class GatherFamily(Family):
    """A family that meets the rows itself, for scores and for statistics.

    Statistics are fields of its own: arrays that add over rows.
    """

    def fields(self, prior: Prior, n_components: int) -> dict[str, tuple[tuple[int, ...], int]]:
        """Names of the statistics, each with its shape and the axis that runs over components."""
        self.lacks("fields", "every fit")

    def update(self, prior: Prior, counts: Array, statistics: Mapping[str, Array]) -> Any:
        """Posterior of all components; `counts` (K,) are sum_n w_n r_nk of all rows."""
        self.lacks("update", "every fit")

    def prepare(self, prior: Prior, posterior: Any) -> Any:
        """What the two functions on blocks read, made once for each posterior."""
        return posterior

    def expected_log_likelihood(self, x: NDArray[Any], prepared: Any, out: Array) -> None:
        """Add E[ln p(x_n | k)] to out (n, at least K); columns beyond K are padding."""
        self.lacks("expected_log_likelihood", "every fit (or derive from FeatureFamily)")

    def accumulate(
        self, x: NDArray[Any], resp: Array, prepared: Any, statistics: Mapping[str, Array]
    ) -> None:
        """Add the rows' statistics to the fields; resp (n, at least K) holds w_n r_nk."""
        self.lacks("accumulate", "every fit")

    def bound(
        self,
        prior: Prior,
        posterior: Any,
        counts: Array,
        statistics: Mapping[str, Array],
    ) -> float:
        """The part's share of the evidence bound in nats, with every constant.

        -KL(posterior || prior) + sum_n w_n sum_k r_nk E[ln p(x_n | k)], from the counts and
        statistics of r; exact for any pair of posterior and statistics.
        """
        self.lacks("bound", "the evidence bound of every fit")

    def sizes(
        self, prior: Prior, summary: Summary, n_components: int
    ) -> Mapping[str, float | Array]:
        """Return a typical size of each field's entries for a row, for accelerated steps."""
        return dict.fromkeys(self.fields(prior, n_components), 1.0)

"""The mixture over a table: parameters and documentation. Its methods come from the mixins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, ClassVar

import numpy as np

from vivace.engine import ThreadExecutor
from vivace.mixture._attributes import in_use
from vivace.mixture._base import MixtureBase
from vivace.mixture._fitting import Setup
from vivace.mixture._parameters import TABLE_CONSTRAINTS
from vivace.mixture._state import Fitted, make_executor
from vivace.mixture._table import TableRows
from vivace.mixture._table_describe import TableDescribeMixin
from vivace.mixture._table_explain import TableExplainMixin
from vivace.mixture._table_fit import partial_table, table_setup


class TableMixture(TableExplainMixin, TableDescribeMixin, MixtureBase):
    """What the mixtures over tables share; `_families` says which family takes which columns."""

    def _fit(self, *given: Any, **more: Any) -> Any:
        with self._columns_kept():
            return super()._fit(*given, **more)

    @contextmanager
    def _columns_kept(self) -> Iterator[None]:
        """A call that fails leaves the names of an earlier fit as they were."""
        names = ("n_features_in_", "feature_names_in_")
        before = {name: vars(self)[name] for name in names if name in vars(self)}
        fitted = vars(self).get("_fitted")
        try:
            yield
        except BaseException:
            if vars(self).get("_fitted") is fitted:
                for name in names:
                    self.__dict__.pop(name, None)
                self.__dict__.update(before)
            raise

    def _rows_of_fit(self, X: Any, sample_weight: Any) -> TableRows:
        return self._rows(X, sample_weight, learn=True)

    def _setup(self, rows: TableRows, resp_init: Any, executor: ThreadExecutor) -> Setup:
        return table_setup(self, rows, resp_init, executor)

    def _take_in(self, X: Any, sample_weight: Any) -> Fitted:
        with self._columns_kept():
            rows = self._rows(X, sample_weight, learn=not hasattr(self, "_fitted"))
            with make_executor(self.n_jobs, rows.n_rows) as executor:
                return partial_table(self, rows, executor)

    def _score_held_out(self, fitted: Fitted, rows: TableRows) -> float:
        probe = copy(self)
        probe._fitted = fitted
        probe._look_at(rows)  # there may be gaps where none were among the rows that are fitted
        return float(np.average(probe._log_density(rows), weights=rows.weights))

    def _state(self, fitted: Fitted) -> dict[str, Any]:
        counts, weights = fitted.fit.posterior.counts, fitted.model.weight_model
        mean, concentration = weights.mean(counts), weights.concentration(counts)
        names = getattr(self, "feature_names_in_", None)
        return {
            "families_": self._report(fitted, None if names is None else [str(n) for n in names]),
            "weights_": mean / mean.sum(),
            "weight_concentration_": concentration,
            "weight_concentration_prior_": fitted.prior.weight_concentration,
            "leftover_weight_": float(weights.leftover(counts)),
            "n_effective_components_": int(np.count_nonzero(in_use(counts, fitted.row_weight))),
            **super()._state(fitted),
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class BayesianMixture(TableMixture):
    """Bayesian mixture over a table of mixed columns, fitted by variational inference.

    Every column belongs to a family: counts to a Poisson, flags to a Bernoulli, categories to a
    categorical distribution, measurements to Gaussians. Given the component, families are
    independent of one another. Missing values are taken to be missing at random.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K. With a small concentration those that the data do not need end up
        empty; `n_effective_components_` counts the others.
    families : 'auto', str, mapping or list, default='auto'
        Which family takes which columns: a mapping from names to columns, as in
        ``{"gaussian": ["x", "y"], "poisson": ["visits"]}``; a list of (family, columns), where a
        family is a name or an instance from `vivace.families` or of your own; or one family for
        all columns. Lists of lists are groups: ``{"gaussian": [["x", "y"], ["u", "v"]]}`` has two
        covariances a component. 'auto' goes by the types: truth values are bernoulli; text and
        categories categorical; integers bernoulli if all are 0 or 1, poisson if they lie from 0 to
        1000, else gaussian; floats gaussian, beyond 32 such columns gaussian_diag. Floats that are
        all whole numbers, some missing, count as integers. Text that holds numbers or dates is an
        error. See `families_`.
    weight_concentration_prior_type : {'dirichlet_process', 'dirichlet_distribution', \
'pitman_yor'}, default='dirichlet_process'
        Prior of the weights.
    weight_concentration_prior : float, default=None
        Concentration; 1 / n_components if None. Smaller values leave more components empty.
    discount : float, default=0.25
        Discount of the Pitman-Yor process. Used with 'pitman_yor' only.
    tol : float, default=1e-8
        Converged when the bound moves by less than `tol` nats per unit of weight at each of three
        successive accepted iterations (online: of passes, with 1000 times this).
    max_iter : int, default=3000
        Most iterations of an initialisation: maps (batch) or passes over the data.
    n_init : int, default=1
        Number of initialisations; the one with the highest bound (with `validation_fraction`, the
        best score) is kept.
    init_params : {'kmeans', 'k-means++', 'random', 'random_from_data'}, default='kmeans'
        Groups of a seeded sample that rows start from (columns in standard deviations, categories
        as indicators), or random responsibilities.
    learning_method : {'batch', 'online', 'memoized'}, default='batch'
        Coordinate ascent on all rows; stochastic steps; or a batch at a time with an exact bound.
    acceleration : {'squarem', None}, default='squarem'
        Extrapolate the statistics of batch learning; never lowers the bound.
    batch_size : int, default=None
        Rows of a batch (online, memoized). If None, a sixteenth of the rows, at least 1,024 and at
        most 65,536.
    learning_decay, learning_offset : float, default=0.7 and 10.0
        Step t = 0, 1, ... of online learning and of partial_fit weighs (t + offset) ** -decay.
    total_samples : float, default=None
        Weight of the population that online learning and partial_fit speak for.
    n_jobs : int, default=None
        Number of threads; None and -1 mean all that this process may use. Results do not depend
        on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the start, the order of batches, and `sample`.
    validation_fraction : float, default=None
        Share of the rows, drawn at random, that is held out: after each iteration they (50,000 at
        most, evenly spread) are scored as by `score`, and the state with the best score is kept.
    n_iter_no_change : int, default=10
        With validation_fraction an initialisation ends after so many iterations without a better
        score.
    warm_start : bool, default=False
        Start where the previous fit ended.
    verbose : int, default=0
        1 prints what happens, 2 the bound and the time as well.
    verbose_interval : int, default=10
        Iterations between two lines.

    Attributes
    ----------
    families_ : dict
        Names of families and the columns that each takes.
    weights_ : ndarray of shape (n_components,)
        Expected weights, normalised to sum to 1.
    weight_concentration_ : ndarray of shape (n_components,) or pair of them
        Parameters of the Dirichlet distribution, or of each stick's Beta distribution.
    weight_concentration_prior_ : float
        The concentration in use.
    leftover_weight_ : float
        Expected mass of the components beyond the first K; 0 for a Dirichlet distribution.
    n_effective_components_ : int
        Components that hold more than half a row.
    lower_bound_ : float
        Evidence lower bound in nats, complete with every constant, in the data's units.
    elbo_trace_, lower_bounds_ : ndarray of shape (n_iter_,)
        The bound after each iteration.
    validation_trace_ : ndarray of shape (n_iter_,)
        Mean log predictive density of the held-out rows after each iteration, in nats, where
        validation_fraction is given.
    best_iter_ : int
        The iteration whose state was kept, counted from 1, where validation_fraction is given.
    n_iter_ : int
        Iterations of the best initialisation; calls of partial_fit.
    converged_ : bool
        Whether the stop rule was met.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they are all strings.

    Notes
    -----
    Tables may come from pandas, polars, Arrow or NumPy (masked arrays too); sparse rows where one
    of bernoulli, poisson and multinomial takes all columns. Rows in which everything is missing
    are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from vivace import BayesianMixture
    >>> X = pd.DataFrame({"visits": [1, 2, 0, 9, 8, 11], "member": [False] * 3 + [True] * 3})
    >>> mixture = BayesianMixture(n_components=2, random_state=0).fit(X)
    >>> mixture.families_
    {'poisson': ['visits'], 'bernoulli': ['member']}
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = TABLE_CONSTRAINTS

    def __init__(
        self,
        n_components: int = 1,
        *,
        families: Any = "auto",
        weight_concentration_prior_type: str = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        discount: float = 0.25,
        tol: float = 1e-8,
        max_iter: int = 3000,
        n_init: int = 1,
        init_params: str = "kmeans",
        learning_method: str = "batch",
        acceleration: str | None = "squarem",
        batch_size: int | None = None,
        learning_decay: float = 0.7,
        learning_offset: float = 10.0,
        total_samples: float | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ) -> None:
        self.n_components = n_components
        self.families = families
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.discount = discount
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.learning_method = learning_method
        self.acceleration = acceleration
        self.batch_size = batch_size
        self.learning_decay = learning_decay
        self.learning_offset = learning_offset
        self.total_samples = total_samples
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def _families(self) -> Any:
        return self.families

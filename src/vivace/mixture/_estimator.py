"""The Gaussian mixture: parameters and documentation. Its methods come from the mixins."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vivace.engine import ThreadExecutor
from vivace.mixture._attributes import fitted_attributes, prior_attributes
from vivace.mixture._base import MixtureBase
from vivace.mixture._describe import DescribeMixin
from vivace.mixture._fitting import Setup, gaussian_setup
from vivace.mixture._gaps import GapsMixin
from vivace.mixture._parameters import CONSTRAINTS
from vivace.mixture._partial import partial_rows
from vivace.mixture._predict import PredictMixin
from vivace.mixture._state import Fitted, make_executor
from vivace.mixture._validation import (
    Rows,
    check_enough_rows,
    check_rows,
    raise_not_finite,
)


class BayesianGaussianMixture(PredictMixin, GapsMixin, DescribeMixin, MixtureBase):
    """Bayesian Gaussian mixture, fitted by variational inference.

    A drop-in for scikit-learn's class of this name: the same parameters, methods and fitted
    attributes, a complete evidence lower bound, and no temporary as large as the data. All work is
    done in standardised columns, so that units and offsets do not matter.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K. With a small concentration those that the data do not need end up
        empty; `n_effective_components_` counts the others.
    covariance_type : {'full', 'tied', 'diag', 'spherical', 'tied_diag', 'tied_spherical'}, \
default='full'
        Shape of the covariances, one for each component or one for all (tied).
    tol : float, default=1e-8
        Converged when the bound moves by less than `tol` nats per unit of weight at each of three
        successive accepted iterations (online: of passes, with a smoothed bound and 1000 times
        this). For n float32 rows at least 1e-7 + 1e-5 / sqrt(n): rounding moves the bound as much.
    reg_covar : float, default=1e-6
        Added to the diagonal of the prior covariance, relative to each column's variance (a
        constant column counts as if it had the others' mean variance). Part of the model, hence of
        the bound; not shown in `covariance_prior_`.
    max_iter : int, default=3000
        Most iterations of an initialisation: maps (batch) or passes over the data.
    n_init : int, default=1
        Number of initialisations; the one with the highest bound (with `validation_fraction`, the
        best score) is kept.
    init_params : {'kmeans', 'k-means++', 'random', 'random_from_data'}, default='kmeans'
        Where rows start: at the nearest of K centres found by k-means on a seeded sample, drawn by
        k-means++, or drawn from the rows; or with random responsibilities.
    means_init : array-like of shape (n_components, n_features), default=None
        Rows start at the nearest of these; goes before `init_params`.
    weight_concentration_prior_type : {'dirichlet_process', 'dirichlet_distribution', \
'pitman_yor'}, default='dirichlet_process'
        Prior of the weights. The processes have infinitely many components of which the first K
        are followed; the mass of the others is `leftover_weight_`.
    weight_concentration_prior : float, default=None
        Concentration; 1 / n_components if None. Smaller values leave more components empty.
    discount : float, default=0.25
        Discount of the Pitman-Yor process, from 0 (a Dirichlet process) to below 1; larger values
        expect more small components. Used with 'pitman_yor' only.
    mean_precision_prior : float, default=None
        Number of rows that the prior mean weighs; 1 if None.
    mean_prior : array-like of shape (n_features,), default=None
        Prior mean; the weighted mean of the data if None.
    degrees_of_freedom_prior : float, default=None
        Number of rows that the prior covariance weighs, n_features if None. More than
        n_features - 1 for 'full' and 'tied', else positive.
    covariance_prior : float or array-like, default=None
        Prior scale of the covariances, of shape (n_features, n_features) for 'full' and 'tied',
        (n_features,) for 'diag' and 'tied_diag', a number for the spherical types. If None, the
        covariance of the data (variances; their mean), divided by max(W - 1, W / 2) where W is the
        sum of the weights.
    missing : {'error', 'marginalize'}, default='error'
        What becomes of NaN: an error, or values missing at random that are integrated out, exactly
        for diagonal and spherical types, by mean field over the gaps for 'full' and 'tied'. All
        parameters are then unknown ones. `impute` fills gaps.
    fixed_means : array-like of shape (n_components, n_features), default=None
        Known means: constants of the model. Rows start at the nearest unless told otherwise.
    fixed_covariances : float or array-like, default=None
        Known covariances, in the shape of `covariances_`.
    learning_method : {'batch', 'online', 'memoized'}, default='batch'
        Coordinate ascent on all rows at once; stochastic steps on batches with a decaying rate; or
        a batch at a time with stored statistics, which needs no rate and has an exact bound.
    acceleration : {'squarem', None}, default='squarem'
        Extrapolate the statistics of batch learning; never lowers the bound.
    batch_size : int, default=None
        Rows of a batch (online, memoized). If None, a sixteenth of the rows, at least 1,024 and at
        most 65,536.
    learning_decay, learning_offset : float, default=0.7 and 10.0
        Step t = 0, 1, ... of online learning and of partial_fit weighs (t + offset) ** -decay.
    total_samples : float, default=None
        Weight of the population that online learning and partial_fit speak for. If None, of the
        rows given to fit, or of those seen so far by partial_fit.
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
        Start where the previous fit ended. With the same data the bound never falls, and the count
        towards convergence carries over.
    verbose : int, default=0
        1 prints what happens, 2 the bound and the time as well.
    verbose_interval : int, default=10
        Iterations between two lines.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Expected weights, normalised to sum to 1.
    means_ : ndarray of shape (n_components, n_features)
        Expected means.
    covariances_ : ndarray
        Inverse of the expected precisions: (n_components, n_features, n_features) for 'full',
        (n_features, n_features) tied, (n_components, n_features) diag, (n_components,) spherical,
        (n_features,) tied_diag, a number for tied_spherical.
    precisions_, precisions_cholesky_ : ndarray
        Expected precisions and their upper triangular factors (square roots for diagonal types).
    weight_concentration_ : ndarray of shape (n_components,) or pair of them
        Parameters of the Dirichlet distribution, or of each stick's Beta distribution.
    mean_precision_, degrees_of_freedom_ : ndarray of shape (n_components,)
        Numbers of rows behind each mean and each covariance, prior included; infinite where known.
        With missing='marginalize' diagonal and spherical types count the values of each column:
        `mean_precision_` is then (n_components, n_features), `degrees_of_freedom_` (n_components,
        n_features) for 'diag', (n_features,) for 'tied_diag'.
    leftover_weight_ : float
        Expected mass of the components beyond the first K; 0 for a Dirichlet distribution.
    n_effective_components_ : int
        Components that hold more than half a row.
    lower_bound_ : float
        Evidence lower bound in nats, complete with every constant, in the data's units. Across
        numbers of components it leaves out ln K! (relabelling).
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
    weight_concentration_prior_, mean_precision_prior_, mean_prior_, degrees_of_freedom_prior_, \
covariance_prior_ : float or ndarray
        The prior in use.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they are all strings.

    Notes
    -----
    float32 rows are worked on in float32 with float64 sums; the posterior is float64 and the
    attributes float32. Model and bound: Bishop, Pattern Recognition and Machine Learning (2006),
    chapter 10.2; Blei and Jordan, Bayesian Analysis 1 (2006). Acceleration: Varadhan and Roland,
    Scandinavian Journal of Statistics 35 (2008). Memoized: Hughes and Sudderth, NIPS (2013).

    Examples
    --------
    >>> import numpy as np
    >>> from vivace import BayesianGaussianMixture
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [4, 2], [12, 4], [10, 7]])
    >>> mixture = BayesianGaussianMixture(n_components=2, random_state=0).fit(X)
    >>> mixture.predict([[0, 0], [9, 3]])
    array([0, 1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-8,
        reg_covar: float = 1e-6,
        max_iter: int = 3000,
        n_init: int = 1,
        init_params: str = "kmeans",
        means_init: ArrayLike | None = None,
        weight_concentration_prior_type: str = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        discount: float = 0.25,
        mean_precision_prior: float | None = None,
        mean_prior: ArrayLike | None = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: ArrayLike | None = None,
        missing: str = "error",
        fixed_means: ArrayLike | None = None,
        fixed_covariances: ArrayLike | None = None,
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
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.means_init = means_init
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.discount = discount
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.missing = missing
        self.fixed_means = fixed_means
        self.fixed_covariances = fixed_covariances
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

    def _rows_of_fit(self, X: Any, sample_weight: Any) -> Rows:
        rows = check_rows(self, X, sample_weight, reset=True)
        check_enough_rows(self, rows, self.n_components)
        return rows

    def _setup(self, rows: Rows, resp_init: Any, executor: ThreadExecutor) -> Setup:
        return gaussian_setup(self, rows, resp_init, executor)

    def _check_held_out(self, rows: Rows, positions: NDArray[np.int64], held: Rows) -> None:
        bad = ~np.isfinite(held.X).all(axis=1)
        if self.missing == "error" and bad.any():
            raise_not_finite(self, rows, int(positions[bad.argmax()]))

    def _take_in(self, X: Any, sample_weight: Any) -> Fitted:
        rows = check_rows(self, X, sample_weight, reset=not hasattr(self, "_fitted"))
        with make_executor(self.n_jobs, rows.n_rows) as executor:
            return partial_rows(self, rows, executor)

    def _state(self, fitted: Fitted) -> dict[str, Any]:
        fit = fitted.fit
        dtype = np.dtype(np.float32 if fitted.model.single else np.float64)
        return {
            **prior_attributes(fitted.prior),
            **fitted_attributes(fitted.model, fit.posterior, fitted.row_weight, dtype),
            **super()._state(fitted),
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = self.missing == "marginalize"
        return tags

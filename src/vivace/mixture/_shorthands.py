"""Mixtures of one family, under the names that people look for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from vivace.families import Bernoulli, Categorical, Multinomial, Poisson, StudentT
from vivace.families.base import Family
from vivace.mixture._parameters import TABLE_CONSTRAINTS
from vivace.mixture._state import Fitted
from vivace.mixture._table_estimator import BayesianMixture, TableMixture

PLACED = inspect.Parameter.POSITIONAL_OR_KEYWORD

_positive = Interval(Real, 0.0, None, closed="neither")


def _init_of(family: type[Family]) -> Callable[..., None]:
    """An __init__ that takes the family's arguments and those of `BayesianMixture`."""
    common = inspect.signature(BayesianMixture.__init__).parameters
    own = inspect.signature(family).parameters
    names = ["self", "n_components", *own, *common]
    found: dict[str, inspect.Parameter] = {}
    for name in names:
        if name != "families" and name not in found:
            given = own.get(name) or common[name]
            first = name in ("self", "n_components")
            kind = PLACED if first else inspect.Parameter.KEYWORD_ONLY
            found[name] = given.replace(kind=kind)
    defaults = {name: p.default for name, p in found.items() if name != "self"}

    def __init__(self: Any, n_components: int = 1, **given: Any) -> None:
        given["n_components"] = n_components
        unknown = set(given) - set(defaults)
        if unknown:
            raise TypeError(f"{type(self).__name__}() got unexpected arguments {sorted(unknown)}")
        vars(self).update({**defaults, **given})

    __init__.__signature__ = inspect.Signature(list(found.values()))  # type: ignore[attr-defined]
    return __init__


class _OneFamily(TableMixture):
    """All columns belong to one family, whose arguments are parameters of the estimator."""

    _family: ClassVar[type[Family]]

    def _families(self) -> Family:
        own = inspect.signature(self._family).parameters
        return self._family(**{name: getattr(self, name) for name in own})

    def __sklearn_tags__(self) -> Any:
        tags, family = super().__sklearn_tags__(), self._family
        tags.input_tags.sparse = bool(getattr(family, "identity", False))
        tags.input_tags.positive_only = tags.input_tags.sparse
        tags.input_tags.allow_nan = family.gaps_inside or not family.joint
        return tags


def _constraints(**own: Any) -> dict[str, Any]:
    rest = {name: value for name, value in TABLE_CONSTRAINTS.items() if name != "families"}
    return {**rest, **own}


class BayesianBernoulliMixture(_OneFamily):
    """Bayesian mixture of independent Bernoulli columns (0 and 1), dense or sparse.

    Parameters
    ----------
    a, b : float, default=1.0
        Prior counts of ones and zeros.
    **others
        As for `BayesianMixture`, but for `families`.
    """

    _family = Bernoulli
    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(a=[_positive], b=[_positive])
    __init__ = _init_of(Bernoulli)


class BayesianPoissonMixture(_OneFamily):
    """Bayesian mixture of independent Poisson columns (counts), dense or sparse.

    Parameters
    ----------
    shape : float, default=1.0
        Prior count.
    rate : float or array-like of shape (n_features,), default=None
        Prior exposure; shape over the column's mean if None.
    exposure : str or int, default=None
        Column of X that says for how long was counted.
    **others
        As for `BayesianMixture`, but for `families`.
    """

    _family = Poisson
    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(
        shape=[_positive], rate=[None, "array-like", _positive], exposure="no_validation"
    )
    __init__ = _init_of(Poisson)


class BayesianCategoricalMixture(_OneFamily):
    """Bayesian mixture of independent categorical columns (latent classes).

    Parameters
    ----------
    concentration : float, default=1.0
        Prior count of each level.
    unknown : {'missing', 'error'}, default='missing'
        What becomes of levels that fit has not seen.
    **others
        As for `BayesianMixture`, but for `families`.
    """

    _family = Categorical
    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(
        concentration=[_positive], unknown=[StrOptions({"missing", "error"})]
    )
    __init__ = _init_of(Categorical)


class BayesianMultinomialMixture(_OneFamily):
    """Bayesian mixture of multinomial rows (counts over one vocabulary), dense or sparse.

    Parameters
    ----------
    concentration : float, default=1.0
        Prior count of each column.
    **others
        As for `BayesianMixture`, but for `families`.
    """

    _family = Multinomial
    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(concentration=[_positive])
    __init__ = _init_of(Multinomial)


class BayesianStudentTMixture(_OneFamily):
    """Bayesian mixture of multivariate Student-t components: robust against outliers.

    Parameters
    ----------
    mean, mean_precision, degrees_of_freedom, covariance, reg_covar
        Prior of means and scale matrices: as `mean_prior`, `mean_precision_prior`,
        `degrees_of_freedom_prior`, `covariance_prior` and `reg_covar` of `BayesianGaussianMixture`.
    dof : float, default=None
        Known degrees of freedom of the t; learned, one for all components, if None.
    **others
        As for `BayesianMixture`, but for `families`.

    Attributes
    ----------
    dof_ : float
        Degrees of freedom of the components.
    """

    _family = StudentT
    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(
        mean=[None, "array-like"],
        mean_precision=[_positive],
        degrees_of_freedom=[None, _positive],
        covariance=[None, "array-like"],
        reg_covar=[Interval(Real, 0.0, None, closed="left")],
        dof=[None, _positive],
    )
    __init__ = _init_of(StudentT)

    def _state(self, fitted: Fitted) -> dict[str, Any]:
        return {**super()._state(fitted), "dof_": float(fitted.fit.posterior.parts[0].v)}

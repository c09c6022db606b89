"""scikit-learn's own checks of the manners of mixtures over tables."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from vivace import (
    BayesianBernoulliMixture,
    BayesianCategoricalMixture,
    BayesianMixture,
    BayesianPoissonMixture,
)

ESTIMATORS = [
    BayesianMixture(),
    BayesianMixture(n_components=2, families="gaussian_diag", max_iter=20),
    BayesianMixture(n_components=2, families="gaussian", learning_method="memoized", max_iter=20),
]

CHECKS = parametrize_with_checks(ESTIMATORS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        BayesianMixture(),
        BayesianBernoulliMixture(),
        BayesianCategoricalMixture(),
        BayesianPoissonMixture(),
    ],
)
def test_parameters_are_validated(estimator):
    check_param_validation(type(estimator).__name__, estimator)

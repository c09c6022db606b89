"""scikit-learn's own checks of an estimator's manners."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from vivace import BayesianGaussianMixture

ESTIMATORS = [
    BayesianGaussianMixture(),
    BayesianGaussianMixture(n_components=2, covariance_type="tied_diag", max_iter=20),
    BayesianGaussianMixture(learning_method="memoized", max_iter=20),
]


# As a list: older versions of scikit-learn give a generator, which pytest will not take for long.
CHECKS = parametrize_with_checks(ESTIMATORS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_check_estimator(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("BayesianGaussianMixture", BayesianGaussianMixture())

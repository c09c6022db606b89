"""scikit-learn's own checks of an estimator's manners."""

from __future__ import annotations

from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from vivace import LatentDirichletAllocation

ESTIMATORS = [
    LatentDirichletAllocation(),
    LatentDirichletAllocation(n_components=3, learning_method="online"),
    LatentDirichletAllocation(n_components=3, learning_method="memoized"),
]


@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("LatentDirichletAllocation", LatentDirichletAllocation())

"""scikit-learn's own checks of the manners of mixtures over tables."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from vivace import (
    BayesianBernoulliMixture,
    BayesianCategoricalMixture,
    BayesianMixture,
    BayesianMultinomialMixture,
    BayesianPoissonMixture,
    BayesianStudentTMixture,
)

ESTIMATORS = [
    BayesianMixture(),
    BayesianMixture(n_components=2, families="gaussian_diag", max_iter=20),
    BayesianMixture(n_components=2, families="gaussian", learning_method="memoized", max_iter=20),
    BayesianBernoulliMixture(),
    BayesianCategoricalMixture(),
    BayesianMultinomialMixture(),
    BayesianPoissonMixture(),
    BayesianStudentTMixture(max_iter=20),
]

FRACTIONS = "its rows hold fractions, which are no counts: they are refused"
OF_COUNTS = {
    "check_positive_only_tag_during_fit": "negative values are refused in other words",
    "check_sample_weight_equivalence_on_dense_data": FRACTIONS,
    "check_sample_weight_equivalence_on_sparse_data": FRACTIONS,
    "check_estimator_sparse_array": FRACTIONS,
    "check_estimator_sparse_matrix": FRACTIONS,
}
NO_FLAGS = "its rows hold other values than 0 and 1: they are refused"
OF_FLAGS = dict.fromkeys(
    [
        *OF_COUNTS,
        "check_estimators_overwrite_params",
        "check_dont_overwrite_parameters",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_n_features_in_after_fitting",
        "check_estimators_dtypes",
        "check_sample_weights_pandas_series",
        "check_sample_weights_not_an_array",
        "check_sample_weights_shape",
        "check_sample_weights_not_overwritten",
        "check_f_contiguous_array_estimator",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_fit2d_1sample",
        "check_fit2d_1feature",
        "check_dict_unchanged",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_n_features_in",
        "check_fit2d_predict1d",
    ],
    NO_FLAGS,
)
NOT_FOR = {
    BayesianBernoulliMixture: OF_FLAGS,
    BayesianMultinomialMixture: OF_COUNTS,
    BayesianPoissonMixture: OF_COUNTS,
}

CHECKS = parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda estimator: NOT_FOR.get(type(estimator), {})
)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*that fit has not seen")
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

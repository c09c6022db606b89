"""scikit-learn's own tests of its Bayesian mixture, run with our class in the place of theirs.

The installed test modules are executed once more, under names of their own, while
`sklearn.mixture.BayesianGaussianMixture` is ours; nothing of scikit-learn stays changed. Left out
is `test_compare_covar_type`, which looks at private methods.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import sklearn.mixture
import sklearn.mixture.tests as sklearn_tests

from vivace import BayesianGaussianMixture

# Their tests stop fits early on purpose; scikit-learn does not turn warnings into errors.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LEFT_OUT = {"test_compare_covar_type"}


def swapped(name):
    path = Path(sklearn_tests.__path__[0]) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"swapped_{name}", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.mixture, "BayesianGaussianMixture", BayesianGaussianMixture)
        spec.loader.exec_module(module)
    return {key: value for key, value in vars(module).items() if key.startswith("test_")}


FOUND = swapped("test_bayesian_mixture") | swapped("test_mixture")
globals().update({name: test for name, test in FOUND.items() if name not in LEFT_OUT})


def test_the_class_is_swapped_and_nothing_is_missing():
    assert FOUND.keys() > LEFT_OUT
    assert len(FOUND) >= 14
    assert FOUND["test_monotonic_likelihood"].__globals__["BayesianGaussianMixture"] is (
        BayesianGaussianMixture
    )
    assert sklearn.mixture.BayesianGaussianMixture is not BayesianGaussianMixture

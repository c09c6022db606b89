"""scikit-learn's own tests of its class, run with ours in its place.

The installed test module is executed once more under a name of its own, while
`sklearn.decomposition.LatentDirichletAllocation` is ours; nothing of scikit-learn stays changed.
Left out are two tests that look inside theirs.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import sklearn.decomposition
import sklearn.decomposition.tests as sklearn_tests

from vivace import LatentDirichletAllocation

LEFT_OUT = {"test_lda_preplexity_mismatch", "test_dirichlet_expectation"}


def swapped(name):
    path = Path(sklearn_tests.__path__[0]) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"swapped_{name}", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.decomposition, "LatentDirichletAllocation", LatentDirichletAllocation)
        spec.loader.exec_module(module)
    return {key: value for key, value in vars(module).items() if key.startswith("test_")}


# scikit-learn fits documents without words in silence.
pytestmark = pytest.mark.filterwarnings("ignore:X holds no words:UserWarning")

FOUND = swapped("test_online_lda")
globals().update({name: test for name, test in FOUND.items() if name not in LEFT_OUT})


@pytest.fixture(params=["float32", "float64"])
def global_dtype(request):
    return request.param


@pytest.fixture(params=range(3))
def global_random_seed(request):
    return request.param


def test_the_class_is_swapped_and_nothing_is_missing():
    assert FOUND.keys() > LEFT_OUT
    assert len(FOUND) >= 20
    swapped_class = FOUND["test_lda_transform"].__globals__["LatentDirichletAllocation"]
    assert swapped_class is LatentDirichletAllocation
    assert sklearn.decomposition.LatentDirichletAllocation is not LatentDirichletAllocation

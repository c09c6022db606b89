"""A user's own likelihood in a user's own module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import own_family
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

import vivace
from vivace import BayesianMixture
from vivace.families import FeatureFamily, MissingPieceError
from vivace.io.model_file import ModelFileError


def rows(n=800):
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, n)
    p = np.where(z == 0, 0.6, 0.05)[:, None]
    X = np.column_stack([rng.geometric(np.repeat(p, 3, axis=1)) - 1.0, rng.normal(3.0 * z, 1.0)])
    X[rng.random(X.shape) < 0.05] = np.nan
    return X, z


def fit(family, **settings):
    X, _ = rows()
    families = [(family, [0, 1, 2]), ("gaussian", [3])]
    return BayesianMixture(
        n_components=4, families=families, random_state=0, **{"tol": 1e-6, **settings}
    ).fit(X)


def test_numpy_and_numba_agree():
    X, z = rows()
    one, two = fit(own_family.Geometric()), fit(own_family.CompiledGeometric())
    assert one.families_ == {"Geometric": [0, 1, 2], "gaussian": [3]}
    assert_array_equal(one.elbo_trace_, two.elbo_trace_)
    assert adjusted_rand_score(z, one.predict(X)) > 0.8
    grid = np.arange(5000.0)[:, None]
    alone = BayesianMixture(n_components=2, families=own_family.Geometric(), random_state=0)
    alone.fit(X[:, :1])
    assert_allclose(np.exp(alone.score_samples(grid)).sum(), 1.0, rtol=2e-2)


@pytest.mark.parametrize("method", ["online", "memoized"])
def test_every_schedule_takes_it(method):
    X, z = rows()
    model = fit(own_family.Geometric(2.0), learning_method=method, batch_size=200)
    assert adjusted_rand_score(z, model.predict(X)) > 0.75


def test_model_files_name_it_and_import_it_only_where_trusted(tmp_path):
    X, _ = rows()
    model = fit(own_family.Geometric(1.5, 2.5))
    path = tmp_path / "own.vivace"
    model.save(path)
    with pytest.raises(ModelFileError, match=r"trusted=\['own_family'\]"):
        vivace.load(path)
    for trusted in (["own_family"], ["own_family:Geometric"]):
        other = vivace.load(path, trusted=trusted)
        assert_array_equal(other.predict_proba(X), model.predict_proba(X))
        assert other.families[0][0] == own_family.Geometric(1.5, 2.5)
    with pytest.raises(ModelFileError, match="trusted"):
        vivace.load(path, trusted=["own_family:Incomplete"])


def test_loading_imports_nothing_that_is_not_trusted(tmp_path):
    path = tmp_path / "own.vivace"
    fit(own_family.Geometric()).save(path)
    code = f"""
import sys, vivace
try:
    vivace.load({str(path)!r})
except ValueError:
    pass
assert "own_family" not in sys.modules and "numba" not in sys.modules
try:
    vivace.load({str(path)!r}, trusted=["own_family"])
except ValueError as error:
    assert "cannot be imported" in str(error), error
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    code = f"import vivace; vivace.load({str(path)!r}, trusted=['own_family'])"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)


def test_missing_pieces_are_named():
    with pytest.raises(MissingPieceError, match="family Incomplete lacks `features`, needed by"):
        fit(own_family.Incomplete())
    model = fit(own_family.Geometric())
    with pytest.raises(MissingPieceError, match="Geometric lacks `draw`, needed by sample"):
        model.sample(3)


def test_a_family_that_returns_nan_is_found_out():
    with pytest.raises(ArithmeticError, match="NaN"):
        fit(own_family.Broken())


def test_what_is_no_family_is_refused():
    class Nothing(vivace.families.Family):
        def prior(self, summary):
            return {}

    with pytest.raises(TypeError, match="neither FeatureFamily nor GatherFamily"):
        fit(Nothing())
    assert issubclass(own_family.Geometric, FeatureFamily)

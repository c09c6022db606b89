"""What a fitted mixture does with a million rows."""

from __future__ import annotations

import time
import warnings

from benchmarks import data


class Predict:
    """Set c at one thread."""

    params = (["full float64", "full float32", "diag float64"],)
    param_names = ("case",)
    number = 1
    warmup_time = 0.0
    timer = time.process_time

    def setup(self, case: str) -> None:
        from vivace import BayesianGaussianMixture

        covariance_type, dtype = case.split()
        self.X = data.load("c", dtype=dtype)
        model = BayesianGaussianMixture(
            n_components=data.SETS["c"].components,
            covariance_type=covariance_type,
            max_iter=3,
            n_jobs=1,
            random_state=0,
        )
        warnings.filterwarnings("ignore", category=UserWarning)  # a short fit is enough here
        self.model = model.fit(self.X[:20_000])

    def time_predict(self, case: str) -> None:
        self.model.predict(self.X)

    def time_predict_proba(self, case: str) -> None:
        self.model.predict_proba(self.X)

    def time_score_samples(self, case: str) -> None:
        self.model.score_samples(self.X)

    def peakmem_predict(self, case: str) -> None:
        self.model.predict(self.X)

"""What a fitted mixture does with a million rows."""

from __future__ import annotations

import warnings

from benchmarks import data

# The model is cut short on purpose.
warnings.filterwarnings("ignore", category=UserWarning)


class Predict:
    """Set c at one thread."""

    params = (["full", "diag"], ["float64", "float32"])
    param_names = ("covariance_type", "dtype")
    number = 1
    warmup_time = 0.0

    def setup(self, covariance_type: str, dtype: str) -> None:
        from vivace import BayesianGaussianMixture

        self.X = data.load("c", dtype=dtype)
        model = BayesianGaussianMixture(
            n_components=data.SETS["c"].components,
            covariance_type=covariance_type,
            max_iter=3,
            n_jobs=1,
            random_state=0,
        )
        self.model = model.fit(self.X[:20_000])

    def time_predict(self, covariance_type: str, dtype: str) -> None:
        self.model.predict(self.X)

    def time_predict_proba(self, covariance_type: str, dtype: str) -> None:
        self.model.predict_proba(self.X)

    def time_score_samples(self, covariance_type: str, dtype: str) -> None:
        self.model.score_samples(self.X)

    def peakmem_predict(self, covariance_type: str, dtype: str) -> None:
        self.model.predict(self.X)

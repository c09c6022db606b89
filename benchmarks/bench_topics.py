"""Topic models: a pass, transform, memory, and what a fit is worth on held-out documents."""

from __future__ import annotations

import inspect
import time
import warnings
from typing import Any

from benchmarks.versus.corpora import synthetic

DOCUMENTS, TEST, WORDS, TOPICS, LENGTH = 20_000, 1_000, 8_000, 50, 40
CASES = {
    "vb batch": {},
    "vb online": {"learning_method": "online"},
    "vb memoized": {"learning_method": "memoized"},
    "cvb0": {"inference": "cvb0"},
    "gibbs": {"inference": "gibbs"},
}


def _lda(case: str, **more: Any) -> Any:
    """Return an estimator; a case that this version has not is left out by asv."""
    from vivace import LatentDirichletAllocation

    # Fits of a fixed length end before they converge, on purpose.
    warnings.filterwarnings("ignore", category=UserWarning)
    settings = CASES[case] | more
    if not set(settings) <= set(inspect.signature(LatentDirichletAllocation).parameters):
        raise NotImplementedError(f"no {case} in this version")
    return LatentDirichletAllocation(TOPICS, random_state=0, **settings)


class Topics:
    """A draw from the model: 20,000 short documents, 8,000 words, 50 topics; float32."""

    params = (list(CASES),)
    param_names = ("case",)
    number = 1
    warmup_time = 0.0
    timeout = 600
    timer = time.process_time
    fit_passes = 15

    def setup_cache(self) -> dict[str, Any]:
        counts, _ = synthetic.draw(DOCUMENTS + TEST, WORDS, TOPICS, LENGTH)
        train, test = counts[:DOCUMENTS].astype("float32"), counts[DOCUMENTS:]
        fitted = _lda("vb batch", max_iter=self.fit_passes).fit(train)
        return {"train": train, "test": test, "components": fitted.components_}

    def setup(self, made: dict[str, Any], case: str) -> None:
        start = {"topics_init": made["components"], "n_jobs": 1}
        self.one_pass = _lda(case, max_iter=1, **start)
        self.test = made["test"].astype("float32")
        self.fitted = _lda(case, max_iter=0, **start).fit(made["train"][:100])

    def time_pass(self, made: dict[str, Any], case: str) -> None:
        self.one_pass.fit(made["train"])

    def time_transform(self, made: dict[str, Any], case: str) -> None:
        self.fitted.transform(self.test)

    def peakmem_fit(self, made: dict[str, Any], case: str) -> None:
        _lda(case, max_iter=3).fit(made["train"])

    def track_heldout(self, made: dict[str, Any], case: str) -> float:
        from benchmarks.versus.topics.completion import Judge

        model = _lda(case, max_iter=self.fit_passes).fit(made["train"])
        return Judge(made["test"], threads=2).score(model.components_)[0]

    track_heldout.unit = "nats a token"  # type: ignore[attr-defined]

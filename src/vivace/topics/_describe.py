"""What the topics are about, and the model file."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi
from sklearn.utils.validation import check_is_fitted

from vivace.topics._fitting import Fitted
from vivace.topics._record import from_record, to_record


class DescribeMixin:
    """Properties and methods that look at the topics."""

    _fitted: Fitted

    @property
    def components_(self) -> NDArray[Any]:
        """Dirichlet parameters of the topics, (n_components, n_words); computed at each access."""
        topics = self._need_fitted("components_").topics
        return np.ascontiguousarray(topics.parameters().T)

    @property
    def exp_dirichlet_component_(self) -> NDArray[Any]:
        """exp(E ln beta), (n_components, n_words); computed at each access."""
        topics = self._need_fitted("exp_dirichlet_component_").topics
        values = topics.parameters().astype(np.float64, copy=False)
        expected = np.exp(psi(values) - topics.psi_totals)
        return np.ascontiguousarray(expected.T, dtype=topics.dtype)

    @property
    def topic_word_(self) -> NDArray[Any]:
        """Expected probability of each word in each topic; computed at each access."""
        topics = self._need_fitted("topic_word_").topics
        return np.ascontiguousarray(topics.mean().T, dtype=topics.dtype)

    @property
    def topic_sizes_(self) -> NDArray[np.float64]:
        """Expected tokens of each topic."""
        topics = self._need_fitted("topic_sizes_").topics
        return np.asarray(np.maximum(topics.totals - topics.prior.totals, 0.0))

    def __getattr__(self, name: str) -> Any:
        if name == "bound_" and "_fitted" in vars(self):
            raise AttributeError(
                "bound_, the perplexity of the fitted documents, takes a pass over them and is "
                "made where evaluate_every is positive. Call perplexity(X), or see elbo_."
            )
        if name in ("elbo_", "elbo_trace_") and "log_likelihood_" in vars(self):
            raise AttributeError(
                f"{name}: inference={self.inference!r} has no bound while it fits. See "
                "log_likelihood_ and log_likelihood_trace_, or call elbo(X), which takes the "
                "step of inference='vb'."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def top_words(
        self, n: int = 10, *, relevance: float = 1.0, feature_names: Any = None
    ) -> list[list[Any]]:
        """The words that tell most about each topic, the best first.

        Parameters
        ----------
        n : int, default=10
            Words a topic.
        relevance : float, default=1.0
            From 1, the most probable words, to 0, those that are most typical: the weight lambda of
            Sievert and Shirley (2014) between ln p(word | topic) and ln p(word | topic) / p(word).
        feature_names : array-like of shape (n_words,), default=None
            The vocabulary. If None, `vocabulary_` or `feature_names_in_` or, without them, numbers
            of columns.

        Returns
        -------
        words : list of lists
            One list a topic.
        """
        topics = self._checked().topics
        if not 0.0 <= relevance <= 1.0:
            raise ValueError(f"relevance must lie from 0 to 1, got {relevance}.")
        names = self._names(feature_names)
        values = topics.parameters()
        total = values.sum(axis=1, dtype=np.float64)
        scores = np.log(values / topics.totals)
        scores -= (1.0 - relevance) * np.log(total / total.sum())[:, None]
        order = np.argsort(-scores, axis=0, kind="stable")[:n]
        return [[names[i] for i in column] for column in order.T]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file that `vivace.load` reads; no code runs on loading.

        Parameters
        ----------
        path : str or path-like
            Destination; an existing file is replaced when the new one is complete.
        """
        from vivace.io import save_model

        save_model(self, path)

    def _names(self, feature_names: Any) -> list[Any]:
        """The vocabulary: what is given, `vocabulary_`, `feature_names_in_`, or numbers."""
        n_words = self._fitted.topics.n_words
        if feature_names is None:
            names_in = getattr(self, "feature_names_in_", range(n_words))
            feature_names = getattr(self, "vocabulary_", names_in)
        names = list(feature_names)
        if len(names) != n_words:
            raise ValueError(f"feature_names must name {n_words} words, got {len(names)}.")
        return names

    def _checked(self) -> Fitted:
        check_is_fitted(self, "_fitted")
        return self._fitted

    def _need_fitted(self, name: str) -> Fitted:
        fitted: Fitted | None = vars(self).get("_fitted")
        if fitted is None:
            raise AttributeError(f"{name} is there after fit or partial_fit.")
        return fitted

    def _to_record(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        check_is_fitted(self, "_fitted")
        return to_record(self)

    @classmethod
    def _from_record(
        cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]], trusted: tuple[str, ...] = ()
    ) -> Self:
        # No family of a user's own can be in it, whatever is trusted.
        estimator: Self = from_record(cls, meta, arrays)
        return estimator

"""What scikit-learn asks of a transformer: outputs, their names, tags."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from vivace.topics._fitting import Fitted
from vivace.topics._inference import InferenceMixin


class DocumentTransformerMixin(
    InferenceMixin,
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
):
    """`transform` and `fit_transform`.

    scikit-learn wraps both for `set_output` in the class that defines them, hence the bases.
    """

    _fitted: Fitted

    transform = InferenceMixin.transform

    def fit_transform(
        self, X: Any, y: Any = None, *, normalize: bool = True, **fit_params: Any
    ) -> NDArray[Any]:
        """Fit, and return the share of each topic in each document.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words, as in `fit`.
        y : Ignored
            Not used, present for API consistency by convention.
        normalize : bool, default=True
            As in `transform`.
        **fit_params : dict
            Further arguments of `fit`, such as `sample_weight`.

        Returns
        -------
        shares : ndarray of shape (n_documents, n_components)
        """
        fitted: InferenceMixin = self.fit(X, y, **fit_params)
        return fitted.transform(X, normalize=normalize)

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`."""
        return self._fitted.model.n_topics

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32", "float64"]
        return tags

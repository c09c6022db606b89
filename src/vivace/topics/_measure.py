"""Methods that look at topics and documents together: coherence, and what a viewer wants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from vivace.topics._coherence import cooccurrence, npmi, umass
from vivace.topics._completion import infer
from vivace.topics._documents import check_documents
from vivace.topics._fitting import Fitted, make_executor


class MeasureMixin:
    """Methods of a fitted estimator."""

    n_jobs: int | None
    _fitted: Fitted

    def coherence(self, X: Any, *, measure: str = "npmi", top_n: int = 10) -> NDArray[np.float64]:
        """How often the top words of each topic occur in the same documents.

        Memory beyond X grows with n_components x top_n squared, not with the vocabulary.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words in reference documents, held out or not.
        measure : {'npmi', 'umass'}, default='npmi'
            Mean over pairs of words of the normalised pointwise mutual information by documents,
            from -1 to 1 (Bouma 2009); or of ln((D_ij + 1) / D_j) with D the numbers of documents
            that hold words and j the more probable word (Mimno et al. 2011).
        top_n : int, default=10
            Words of a topic, at least two, the most probable first.

        Returns
        -------
        coherence : ndarray of shape (n_components,)
            Higher is better. Words that no document of X holds are left out; nan where fewer than
            two are left.

        Raises
        ------
        ValueError
            Another measure, too few words or too many, or another vocabulary.
        """
        check_is_fitted(self, "_fitted")
        topics = self._fitted.topics
        if measure not in ("npmi", "umass"):
            raise ValueError(f"measure must be 'npmi' or 'umass', got {measure!r}.")
        if not 2 <= top_n <= topics.n_words:
            raise ValueError(
                f"top_n must be from 2 to {topics.n_words}, the number of words; got {top_n}."
            )
        documents = check_documents(
            self, X, None, reset=False, whom="coherence", dtype=topics.dtype
        )
        words = np.argsort(-topics.parameters(), axis=0, kind="stable")[:top_n].T
        found = cooccurrence(documents, words)
        return umass(found) if measure == "umass" else npmi(found, documents.n_documents)

    def pyldavis_dict(self, X: Any, *, feature_names: Any = None) -> dict[str, Any]:
        """Return the arguments of `pyLDAvis.prepare` for the fitted topics and these documents.

        Call ``pyLDAvis.prepare(**lda.pyldavis_dict(X))``. Words that do not occur in X are left
        out, since pyLDAvis divides by their frequencies, and documents without words.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words.
        feature_names : array-like of shape (n_words,), default=None
            The vocabulary; as in `top_words` if None.

        Returns
        -------
        arguments : dict
            topic_term_dists (n_components, words) and doc_topic_dists (documents, n_components),
            float64 with rows that sum to 1; doc_lengths, vocab and term_frequency.
        """
        check_is_fitted(self, "_fitted")
        topics, model = self._fitted.topics, self._fitted.model
        names = self._names(feature_names)  # type: ignore[attr-defined]
        documents = check_documents(
            self, X, None, reset=False, whom="pyldavis_dict", dtype=topics.dtype
        )
        gamma = infer(topics, documents, model.sweeps, make_executor(self.n_jobs, documents))
        shares = gamma.astype(np.float64)
        frequency = documents.word_counts()
        lengths = documents.lengths
        words, held = np.flatnonzero(frequency), lengths > 0
        terms = topics.mean(words).astype(np.float64).T
        return {
            "topic_term_dists": terms / terms.sum(axis=1, keepdims=True),
            "doc_topic_dists": shares[held] / shares[held].sum(axis=1, keepdims=True),
            "doc_lengths": lengths[held],
            "vocab": [str(names[w]) for w in words],
            "term_frequency": frequency[words],
        }

"""Documents at fixed topics: transform, score, perplexity, bound, document completion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from vivace.topics._completion import Completion, completion_score, infer, split_tokens
from vivace.topics._documents import Documents, check_documents
from vivace.topics._fitting import Fitted, make_executor
from vivace.topics._watch import perplexity_of


class InferenceMixin:
    """Methods of a fitted estimator that look at documents."""

    n_jobs: int | None
    _fitted: Fitted

    def transform(self, X: Any, *, normalize: bool = True) -> NDArray[Any]:
        """Share of each topic in each document.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words.
        normalize : bool, default=True
            Return expected shares; otherwise the Dirichlet parameters of the documents.

        Returns
        -------
        shares : ndarray of shape (n_documents, n_components)
        """
        check_is_fitted(self, "_fitted")
        documents = self._documents(X, None, "transform")
        return self._infer(documents, normalize=normalize)[0]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Bound on the log likelihood of documents at the fitted topics.

        The documents' terms of the bound only, so that numbers for any documents compare, held out
        or not. `elbo` has the topics' terms as well.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_documents,), default=None
            Weights of the documents.

        Returns
        -------
        score : float
            In nats.
        """
        return self._score(X, sample_weight, "score")[0]

    def perplexity(self, X: Any, sub_sampling: bool = False) -> float:
        """exp(-`score` per token).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words.
        sub_sampling : bool, default=False
            Without effect, present for API consistency: without the topics' terms bound and tokens
            scale alike.

        Returns
        -------
        perplexity : float
            nan without tokens.
        """
        return perplexity_of(*self._score(X, None, "perplexity"))

    def elbo(self, X: Any, sample_weight: Any = None) -> float:
        """Evidence lower bound of documents together with the fitted topics, complete.

        What scikit-learn's `score` and gensim's `bound` give: the documents' terms (`score`) and
        E ln p(topics) - E ln q(topics). Compare it for the same documents only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words.
        sample_weight : array-like of shape (n_documents,), default=None
            Weights of the documents.

        Returns
        -------
        elbo : float
            In nats.
        """
        bound = self._score(X, sample_weight, "elbo")[0]
        return bound + self._fitted.model.topic_bound(self._fitted.topics)

    def document_completion(
        self,
        X: Any,
        *,
        random_state: Any = 0,
        inference: str = "cvb0",
        return_details: bool = False,
    ) -> float | Completion:
        """Mean log likelihood of held-out tokens, in nats.

        The tokens of each document are split in halves at random (the first gets the odd one); the
        document's shares of topics are inferred from the first, and the second is scored with them
        and the mean topics. The measure by which to choose n_components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words, whole numbers. Documents of fewer than two tokens are left out.
        random_state : int, RandomState instance or None, default=0
            Seed of the split.
        inference : {'cvb0', 'vb'}, default='cvb0'
            How a document's shares come from the first half: by collapsed inference at the fitted
            topics, whatever these were fitted by, which predicts the second half better (0.05 to
            0.13 nats a token on short texts); or by the step that `transform` makes.
        return_details : bool, default=False
            Return a `Completion` with the numbers of documents and tokens.

        Returns
        -------
        score : float or Completion
            nan if no document is left.

        Notes
        -----
        Collapsed: the shares of a word w are in turn proportional to E beta_kw (n_k + alpha_k),
        with n the document's expected counts less one token of w, until the mean change of n is
        below mean_change_tol (Asuncion, Welling, Smyth and Teh 2009).
        """
        if inference not in ("cvb0", "vb"):
            raise ValueError(f"inference must be 'cvb0' or 'vb', got {inference!r}")
        check_is_fitted(self, "_fitted")
        documents = self._documents(X, None, "document_completion")
        rng = check_random_state(random_state)
        topics, sweeps = self._fitted.topics, self._fitted.model.sweeps
        scores, sizes, found = [], [], 0
        with make_executor(self.n_jobs, documents) as executor:
            for part in documents.parts():
                known, held_out, used = split_tokens(part, rng)
                one, n = completion_score(topics, known, held_out, sweeps, executor, inference)
                scores.append(one if n else 0.0)
                sizes.append(n)
                found += int(np.count_nonzero(used))
        n_tokens = sum(sizes)
        score = scores[0] if len(scores) == 1 and n_tokens else float("nan")
        if len(scores) > 1 and n_tokens:
            score = float(np.average(scores, weights=sizes))
        outcome = Completion(score, found, documents.n_documents - found, n_tokens)
        return outcome if return_details else outcome.score

    def _infer(
        self, documents: Documents, **wanted: bool
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        fitted = self._fitted
        executor = make_executor(self.n_jobs, documents)
        return infer(fitted.topics, documents, fitted.model.sweeps, executor, **wanted)

    def _score(self, X: Any, sample_weight: Any, whom: str) -> tuple[float, float]:
        check_is_fitted(self, "_fitted")
        documents = self._documents(X, sample_weight, whom)
        total = 0.0
        for part in documents.parts():
            bound, weights = self._infer(part, with_bound=True)[1], part.weights
            assert bound is not None
            total += float(bound.sum() if weights is None else weights @ bound)
        return total, documents.n_tokens

    def _documents(self, X: Any, sample_weight: Any, whom: str) -> Documents:
        dtype = self._fitted.model.dtype
        return check_documents(self, X, sample_weight, reset=False, whom=whom, dtype=dtype)

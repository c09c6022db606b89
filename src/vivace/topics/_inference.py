"""Documents at fixed topics: transform, score, perplexity, bound, document completion."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from vivace.engine import CsrSource
from vivace.models.documents import (
    GROUP_BLOCKS,
    distinct_words,
    document_step,
    make_table,
    row_sums,
)
from vivace.topics._documents import Documents, check_documents
from vivace.topics._fitting import Fitted, make_executor, perplexity_of

# Nonzeros whose rows of topics are gathered at once.
COMPLETION_NONZEROS = 16_384


class Completion(NamedTuple):
    """Outcome of a document completion.

    Attributes
    ----------
    score : float
        Mean log likelihood of a held-out token, in nats.
    n_documents, n_left_out : int
        Documents scored, and those of fewer than two tokens.
    n_tokens : int
        Held-out tokens.
    """

    score: float
    n_documents: int
    n_left_out: int
    n_tokens: int


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
        gamma = infer(self._fitted, documents, self.n_jobs)[0]
        if normalize:
            gamma /= gamma.sum(axis=1, keepdims=True)
        return gamma

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
        self, X: Any, *, random_state: Any = 0, return_details: bool = False
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
        return_details : bool, default=False
            Return a `Completion` with the numbers of documents and tokens.

        Returns
        -------
        score : float or Completion
            nan if no document is left.
        """
        check_is_fitted(self, "_fitted")
        documents = self._documents(X, None, "document_completion")
        known, held_out, used = split_tokens(documents, random_state)
        gamma = infer(self._fitted, known, self.n_jobs)[0].astype(np.float64)
        shares = gamma / gamma.sum(axis=1, keepdims=True)
        topics = self._fitted.topics
        total = 0.0
        rows = np.repeat(np.arange(documents.n_documents), np.diff(held_out.indptr))
        for i in range(0, held_out.nnz, COMPLETION_NONZEROS):
            part = slice(i, i + COMPLETION_NONZEROS)
            mean = topics.mean(held_out.indices[part])
            likelihood = np.einsum("ij,ij->i", shares[rows[part]], mean)
            total += float(held_out.data[part] @ np.log(likelihood))
        n_tokens = int(held_out.data.sum())
        score = total / n_tokens if n_tokens else float("nan")
        found = int(np.count_nonzero(used))
        outcome = Completion(score, found, documents.n_documents - found, n_tokens)
        return outcome if return_details else outcome.score

    def _score(self, X: Any, sample_weight: Any, whom: str) -> tuple[float, float]:
        check_is_fitted(self, "_fitted")
        documents = self._documents(X, sample_weight, whom)
        bound = infer(self._fitted, documents, self.n_jobs, with_bound=True)[1]
        assert bound is not None
        weights = documents.weights
        total = bound.sum() if weights is None else weights @ bound
        return float(total), documents.n_tokens

    def _documents(self, X: Any, sample_weight: Any, whom: str) -> Documents:
        dtype = self._fitted.model.dtype
        return check_documents(self, X, sample_weight, reset=False, whom=whom, dtype=dtype)


def infer(
    fitted: Fitted, documents: Documents, n_jobs: int | None, with_bound: bool = False
) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Return the documents' Dirichlet parameters and, if asked for, their terms of the bound."""
    model, topics = fitted.model, fitted.topics
    gamma = np.empty((documents.n_documents, model.n_topics), model.dtype)
    bound = np.empty(documents.n_documents) if with_bound else None
    layout = documents.layout()
    blocks = layout.blocks(layout.batches[0])
    words = distinct_words([documents.counts.indices], model.n_words)
    with make_executor(n_jobs, documents) as executor:
        table = make_table(topics, words, executor)
        for i in range(0, len(blocks), GROUP_BLOCKS):
            at = blocks[i : i + GROUP_BLOCKS]
            group = document_step(
                documents.source.read,
                at,
                topics,
                table,
                model.sweeps,
                executor,
                with_bound=with_bound,
                with_theta=False,
            )
            gamma[at[0][0] : at[-1][1]] = group.gamma
            if bound is not None:
                bound[at[0][0] : at[-1][1]] = group.bound
    return gamma, bound


def split_tokens(
    documents: Documents, random_state: Any
) -> tuple[Documents, Any, NDArray[np.bool_]]:
    """Split the tokens of each document in halves: the known, the held out, and which are used."""
    counts = documents.counts
    whole = counts.data.astype(np.int64)
    if not np.array_equal(whole, counts.data):
        raise ValueError(
            "document_completion splits tokens and needs whole numbers for counts; got others, "
            f"such as {counts.data[whole != counts.data][0]}. Pass the counts before weighting."
        )
    lengths = row_sums(counts.indptr, whole).astype(np.int64)
    used = lengths >= 2
    # One line a token, sorted by document and then at random.
    n_tokens = int(lengths.sum())
    entry = np.repeat(np.arange(len(whole)), whole)
    document = np.repeat(np.arange(documents.n_documents), lengths)
    keys = check_random_state(random_state).random_sample(n_tokens)
    order = np.lexsort((keys, document))
    place = np.arange(n_tokens) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    second = (place >= (lengths[document] + 1) // 2) & used[document]
    first = (place < (lengths[document] + 1) // 2) & used[document]

    def part(chosen: NDArray[np.bool_]) -> Any:
        data = np.bincount(entry[order[chosen]], minlength=len(whole)).astype(counts.dtype)
        matrix = csr_array((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
        matrix.eliminate_zeros()
        return matrix

    known = part(first)
    source = CsrSource(known.indptr, known.indices, known.data, known.shape[1])
    return Documents(known, None, source), part(second), used

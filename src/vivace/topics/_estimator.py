"""The estimator: parameters, documentation, fit. Its other methods come from the mixins."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED

from vivace.engine import Fit, as_checkpoint, open_job
from vivace.estimators.about import Stopwatch
from vivace.estimators.callbacks import CallbackSupportMixin, check_callbacks
from vivace.estimators.jobs import identity_of
from vivace.topics._completion import document_terms
from vivace.topics._describe import DescribeMixin
from vivace.topics._documents import Documents, about_documents, check_documents
from vivace.topics._fitting import (
    Fitted,
    fit_documents,
    make_executor,
    objective_name,
    partial_fit_documents,
)
from vivace.topics._measure import MeasureMixin
from vivace.topics._parameters import CONSTRAINTS, given_prior
from vivace.topics._transformer import DocumentTransformerMixin
from vivace.topics._watch import perplexity_of


class LatentDirichletAllocation(
    DocumentTransformerMixin,
    MeasureMixin,
    DescribeMixin,
    CallbackSupportMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Latent Dirichlet allocation, fitted by variational Bayes.

    A drop-in for scikit-learn's class of this name: the same parameters, methods and fitted
    attributes, compiled document loops, results that do not depend on the number of threads, a
    complete bound, and scores of held-out documents that do not mix in the topics' terms.

    Parameters
    ----------
    n_components : int, default=10
        Number of topics K.
    doc_topic_prior : float, array-like of shape (n_components,) or 'auto', default=None
        Dirichlet prior of a document's topics, alpha; 1 / n_components if None. 'auto' learns one
        number a topic, from 1 / n_components on, at every step of the topics (Newton's method).
    topic_word_prior : float, array-like or 'auto', default=None
        Dirichlet prior of a topic's words, eta; 1 / n_components if None. An array holds one number
        a word, (n_words,), or a row for each topic, (n_components, n_words): larger numbers seed a
        topic with words. 'auto' learns one number for all, from 1 / n_components on, whenever as
        many rows of words as there are were gone over.
    inference : {'vb', 'cvb0', 'gibbs'}, default='vb'
        Variational Bayes, which has a bound; or collapsed variational Bayes of order zero, which
        has none but fits better topics in less time; or collapsed Gibbs sampling, whose topics, the
        mean of the last 40 % of passes, go on to become better (whole counts and no weights). Both
        take learning_method='batch', cvb0 no 'auto' prior, gibbs that of documents.
    cvb0_store : {'auto', 'full', 'lean'}, default='auto'
        What collapsed inference keeps for each nonzero count while it fits: 'full' a number of 2
        bytes (float64 counts: 4) for every topic, 'lean' the 12 largest in 36 bytes (60), which
        makes slightly worse topics. 'auto': 'full' up to 4 GiB.
    init : {'documents', 'random'}, default=None
        Topics to start from, where `topics_init` does not give them. 'documents': means of some
        documents that are alike, one such group a topic, around which a first pass of collapsed
        inference makes topics: the first one or two of sampling's (guide), a pass before the
        others of cvb0; inference='vb' goes on from there after 20 to 100 passes of sampling.
        'random': scikit-learn's start, which short documents are slow to leave. None: 'documents',
        but 'random' for inference='vb' of fewer than 300 documents. `partial_fit` starts at random.
    learning_method : {'batch', 'online', 'memoized'}, default='batch'
        Coordinate ascent on all documents at once; stochastic steps on batches with a decaying
        rate; or a batch at a time with stored statistics, which needs no rate and has an exact
        bound.
    learning_decay, learning_offset : float, default=0.7 and 10.0
        Step t = 1, 2, ... of online learning and of partial_fit weighs (t + offset) ** -decay. A
        start from documents (`init`) counts as 20 passes: t goes on from their last step, in fits
        that go on from this one, too.
    max_iter : int, default=10
        Most passes over the documents of `fit`.
    batch_size : int, default=None
        Documents of a batch (online, memoized, partial_fit). If None, as many as hold about
        100,000 tokens: with small batches online learning of short documents stays at the level of
        single words if it starts at random.
    evaluate_every : int, default=-1
        Compare the perplexity, exp(-bound per token), after every so many passes with `perp_tol`;
        never if not positive.
    total_samples : float, default=1e6
        Number of documents that partial_fit speaks for.
    perp_tol : float, default=1e-1
        Converged when the perplexity changes by less than this between evaluations.
    mean_change_tol : float, default=1e-3
        A document's step ends when its parameters move by less than this on average over topics.
    max_doc_update_iter : int, default=100
        Most sweeps of a document's step.
    validation_fraction : float, default=None
        Share of the documents, drawn at random, that is held out: after each pass they are scored
        by completion (as in `document_completion`), and the topics with the best score are kept.
        Counts must be whole numbers. Takes another n_components x n_words numbers.
    n_iter_no_change : int, default=10
        With validation_fraction `fit` ends after so many passes without a better score.
    topics_init : array-like of shape (n_components, n_words), default=None
        Dirichlet parameters of the topics to start from, such as `components_` of another fit;
        random if None.
    warm_start : bool, default=False
        Go on from the topics (and learned priors) of the previous call of `fit`. Where the
        documents are the same they go on from where they were as well, and the bound of batch and
        memoized learning never falls from fit to fit; what is kept for that is as large as
        n_documents x n_components, and for memoized learning the statistics of each batch.
    n_jobs : int, default=None
        Number of threads; None and -1 mean all that this process may use. Results do not depend
        on it.
    verbose : int, default=0
        1 prints a line after each pass.
    random_state : int, RandomState instance or None, default=None
        Seed of the start and of the order of batches.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_words)
        Dirichlet parameters of the topics, lambda.
    exp_dirichlet_component_ : ndarray of shape (n_components, n_words)
        exp(E ln beta), computed when it is asked for.
    topic_word_ : ndarray of shape (n_components, n_words)
        Expected probabilities of words, computed when asked for.
    topic_sizes_ : ndarray of shape (n_components,)
        Expected tokens of each topic among those fitted.
    elbo_ : float
        Evidence lower bound after the last pass, complete with every constant but the multinomial
        coefficients (the data are sequences of tokens); after `fit` only. Online it speaks for the
        topics at the end and the documents as they were visited.
    elbo_trace_ : ndarray of shape (n_iter_,)
        The bound after each pass.
    log_likelihood_, log_likelihood_trace_ : float and ndarray of shape (n_iter_,)
        In the place of the two bounds where inference is collapsed: mean log likelihood of a
        training token during the last and each pass, every token predicted from all others.
    bound_ : float
        Perplexity of the fitted documents, where evaluate_every is positive.
    validation_trace_ : ndarray of shape (n_iter_,)
        Mean log likelihood of held-out tokens after each pass, where validation_fraction is given.
    best_iter_ : int
        The pass whose topics were kept, counted from 1, where validation_fraction is given.
    doc_topic_prior_, topic_word_prior_ : float or ndarray of shape (n_components,), (n_words,) ...
        The priors in use, in the shapes in which they are given or learned.
    n_iter_, converged_ : int and bool
        Passes made by `fit`; whether perp_tol or held-out documents ended it.
    n_batch_iter_ : int
        Number of the next step.
    random_state_ : RandomState
        From `random_state`, as it was before the start was drawn.
    n_features_in_ : int
        Size of the vocabulary.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they are all strings.
    vocabulary_ : ndarray of shape (n_features_in_,)
        The words, where a corpus with a vocabulary was fitted.
    tokenizer_ : vivace.io.Tokenizer
        How text became words, where the corpus was made from text: `transform` and the others then
        take lists of texts as well.

    Notes
    -----
    Priors decide more than anything else. For short documents inference='gibbs' with
    doc_topic_prior='auto' and topic_word_prior=0.03 is a good first choice (guide, "Priors").

    Documents of the first `fit` pass start near equal shares at random; in the first 20 passes each
    document starts afresh but keeps what it had where that has a higher bound, so that the bound of
    batch and memoized learning never falls. float32 counts are worked on in float32 with float64
    sums. Model and bound: Blei, Ng and Jordan, JMLR 3 (2003); online: Hoffman, Blei and Bach, NIPS
    (2010); memoized: Hughes and Sudderth, NIPS (2013).

    Examples
    --------
    >>> import numpy as np
    >>> from vivace import LatentDirichletAllocation
    >>> X = np.array([[4, 3, 0, 0], [3, 5, 1, 0], [0, 0, 4, 5], [0, 1, 5, 3]])
    >>> lda = LatentDirichletAllocation(n_components=2, random_state=0).fit(X)
    >>> lda.transform(X).argmax(axis=1)[[0, 2]].tolist() in ([0, 1], [1, 0])
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    # A list of functions is no metadata that other estimators could route.
    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "callbacks": UNUSED,
        "checkpoint": UNUSED,
    }

    def __init__(
        self,
        n_components: int = 10,
        *,
        doc_topic_prior: ArrayLike | None = None,
        topic_word_prior: ArrayLike | None = None,
        inference: str = "vb",
        cvb0_store: str = "auto",
        init: str | None = None,
        learning_method: str = "batch",
        learning_decay: float = 0.7,
        learning_offset: float = 10.0,
        max_iter: int = 10,
        batch_size: int | None = None,
        evaluate_every: int = -1,
        total_samples: float = 1e6,
        perp_tol: float = 1e-1,
        mean_change_tol: float = 1e-3,
        max_doc_update_iter: int = 100,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        topics_init: ArrayLike | None = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.inference = inference
        self.cvb0_store = cvb0_store
        self.init = init
        self.learning_method = learning_method
        self.learning_decay = learning_decay
        self.learning_offset = learning_offset
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.evaluate_every = evaluate_every
        self.total_samples = total_samples
        self.perp_tol = perp_tol
        self.mean_change_tol = mean_change_tol
        self.max_doc_update_iter = max_doc_update_iter
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.topics_init = topics_init
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        callbacks: Any = None,
        checkpoint: Any = None,
    ) -> Self:
        """Fit topics to documents.

        Ctrl-C stops within a block's work: the state of the last pass (batch) or step becomes the
        fitted one, and KeyboardInterrupt goes on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words), or vivace.io.Corpus
            Counts of words, not negative; they need not be whole numbers. float32 and float64 are
            kept as they are. Explicit zeros, duplicates and the order of entries do not matter.
            Or files: a name, a pattern of names, a list of `pathlib.Path`, a function that makes
            blocks of counts, or what `vivace.io.open_documents` returns; they may be larger than
            memory.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_documents,), default=None
            Weights count documents: 2 is the document twice, 0 the document left out.
        callbacks : callable or list of callables, default=None
            Each is called after every pass with a Progress (n_iter, elbo, accepted, elapsed,
            max_iter) and may return True to stop.
        checkpoint : vivace.Checkpoint, str or path-like, default=None
            Where the state of the fit is stored, so that it can be killed and go on. A folder is
            short for ``Checkpoint(folder, resume=True)``.

        Returns
        -------
        self : LatentDirichletAllocation

        Raises
        ------
        ValueError, TypeError
            Data, weights or parameters that cannot be used; the message says what and the remedy.
        """
        watching, checkpoint = check_callbacks(callbacks), as_checkpoint(checkpoint)
        watch = Stopwatch(checkpoint)
        reset = not (self.warm_start and hasattr(self, "_fitted"))
        documents = check_documents(self, X, sample_weight, reset=reset, whom="fit")
        with (
            open_job(checkpoint, lambda: identity_of(self)) as job,
            make_executor(self.n_jobs, documents) as executor,
        ):
            outcome = fit_documents(self, documents, y, executor, watching, self._state, job)
        state = self._state(outcome.fitted, outcome.fit)
        if outcome.validation is not None:
            state |= outcome.validation.attributes()
        if self.evaluate_every > 0 and outcome.interrupted is None:
            state["bound_"] = self._final_perplexity(outcome.fitted, documents)
        state["_about"] = about_documents(watch, documents)
        self._set_state(state)
        if outcome.interrupted is not None:
            raise outcome.interrupted
        outcome.observers.finish()
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Take in documents by stochastic steps, one for each `batch_size` of them.

        Each batch is scaled to `total_samples` documents. After `fit` it goes on from its topics.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_words)
            Counts of words, as in `fit`.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_documents,), default=None
            Weights of the documents, as in `fit`.

        Returns
        -------
        self : LatentDirichletAllocation
        """
        first, watch = not hasattr(self, "_fitted"), Stopwatch()
        dtype = None if first else self._fitted.model.dtype
        documents = check_documents(
            self, X, sample_weight, reset=first, whom="partial_fit", dtype=dtype
        )

        def keep(fitted: Fitted) -> None:
            self._set_state(self._state(fitted, None))

        with make_executor(self.n_jobs, documents) as executor:
            partial_fit_documents(self, documents, executor, keep)
        self._about = about_documents(watch, documents, vars(self).get("_about", {}))
        return self

    def _final_perplexity(self, fitted: Fitted, documents: Documents) -> float:
        total = document_terms(
            fitted.topics, documents, fitted.model.sweeps, make_executor(self.n_jobs, documents)
        )
        return perplexity_of(total, documents.n_tokens)

    def _state(self, fitted: Fitted, fit: Fit | None) -> dict[str, Any]:
        """Attributes of an estimator in this state; `fit` is None for partial_fit."""
        alpha = fitted.topics.alpha
        state: dict[str, Any] = {
            "_fitted": fitted,
            "doc_topic_prior_": float(alpha[0]) if (alpha == alpha[0]).all() else alpha.copy(),
            "topic_word_prior_": given_prior(fitted.topics.prior),
            "n_batch_iter_": fitted.step + 1,
            "random_state_": getattr(self, "random_state_", None),
            "n_iter_": 0,
        }
        if fit is not None:
            name = objective_name(fitted)
            state |= {
                f"{name}_": float(fit.elbo),
                f"{name}_trace_": np.array(fit.trace, dtype=np.float64),
                "n_iter_": int(fit.n_iter),
                "converged_": bool(fit.converged),
            }
        if fit is not None or state["random_state_"] is None:
            state["random_state_"] = check_random_state(self.random_state)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        kept = {k: v for k, v in vars(self).items() if k not in _OF_FIT}
        # In one step: an interrupt finds the old fit or the new one.
        self.__dict__ = kept | state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")


# What only `fit` sets.
_OF_FIT = {"elbo_", "elbo_trace_", "log_likelihood_", "log_likelihood_trace_", "bound_"}
_OF_FIT |= {"converged_", "validation_trace_", "best_iter_"}

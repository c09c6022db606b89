"""One call of `fit` or `partial_fit`: from checked documents to topics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from vivace.engine import (
    CoordinateAscent,
    CsrSource,
    Fit,
    Memoized,
    Progress,
    Schedule,
    Statistics,
    Stochastic,
    StopRule,
    Sweeping,
    ThreadExecutor,
    expectation,
    online_update,
    resolve_n_jobs,
    resume,
    run,
)
from vivace.estimators.callbacks import Callback
from vivace.models.cvb0 import CollapsedModel
from vivace.models.lda import LatentDirichletModel, Sweeps, Topics
from vivace.topics._documents import Documents
from vivace.topics._parameters import check_inference, document_prior, learned, word_prior
from vivace.topics._starts import collapsed_start, document_topics, given_topics, random_topics

# Tokens of a batch (online, memoized) unless batch_size says otherwise: batches of some thousand
# tokens, the default elsewhere, never leave the level of single words on short documents.
BATCH_TOKENS = 100_000

# From so many documents on variational inference starts from some of them unless told otherwise.
# In fewer it finds its way from a random start, which does not depend on the documents' order.
MANY_DOCUMENTS = 1_000


@dataclass
class Fitted:
    """What an estimator keeps: everything later calls need, nothing as large as the data.

    Attributes
    ----------
    model : LatentDirichletModel
        Priors, type and settings of the documents' step.
    topics : Topics
        The posterior; its priors are those in use.
    statistics : Statistics
        What made the topics; stochastic steps go on from it.
    step : int
        Stochastic steps so far.
    """

    model: LatentDirichletModel
    topics: Topics
    statistics: Statistics
    step: int = 0


def make_executor(n_jobs: int | None, documents: Documents) -> ThreadExecutor:
    """Threads for `n_jobs`, but no more than there are blocks to work on."""
    blocks = -(-documents.n_documents // documents.layout().block_rows)
    return ThreadExecutor(max(1, min(resolve_n_jobs(n_jobs), blocks)))


def make_model(
    parameters: dict[str, Any], n_words: int, dtype: np.dtype[Any], seed: int
) -> LatentDirichletModel:
    """Put priors and settings together."""
    kind = CollapsedModel if parameters["inference"] == "cvb0" else LatentDirichletModel
    return kind(
        document_prior(parameters),
        word_prior(parameters, n_words, dtype),
        Sweeps(int(parameters["max_doc_update_iter"]), float(parameters["mean_change_tol"])),
        keep_documents=parameters["learning_method"] != "online",
        seed=seed,
        learn_alpha=learned(parameters, "doc_topic_prior"),
        learn_prior=learned(parameters, "topic_word_prior"),
    )


def start_topics(
    parameters: dict[str, Any],
    model: LatentDirichletModel,
    documents: Documents,
    executor: ThreadExecutor,
    rng: np.random.RandomState,
) -> Topics:
    """Return topics_init, or topics as `init` says."""
    if parameters["topics_init"] is not None:
        return given_topics(parameters["topics_init"], model)
    collapsed, init = isinstance(model, CollapsedModel), parameters["init"]
    if init is None:
        init = "documents" if collapsed or documents.n_documents >= MANY_DOCUMENTS else "random"
    if init == "random":
        return random_topics(model, rng)
    topics = document_topics(model, documents, rng)
    if collapsed or parameters["max_iter"] == 0:
        return topics
    return collapsed_start(model, documents, topics, executor, rng)


def fit_documents(
    estimator: Any,
    documents: Documents,
    executor: ThreadExecutor,
    callbacks: tuple[Callback, ...],
) -> tuple[Fitted, Fit, KeyboardInterrupt | None]:
    """Fit; on an interrupt the last accepted state comes back with it."""
    parameters = estimator.get_params(deep=False)
    rng = check_random_state(parameters["random_state"])
    check_inference(parameters, "fit")
    # The start is drawn first: where it is random it is scikit-learn's for the same seed.
    model = make_model(parameters, documents.n_words, documents.counts.dtype, 0)
    topics = start_topics(parameters, model, documents, executor, rng)
    model.seed = _seed(rng)
    model.executor = executor
    schedule = _schedule(parameters, _seed(rng))
    online = parameters["learning_method"] == "online"
    fit = resume(topics, model.statistics_of(topics))
    layout = documents.layout(_batch_rows(parameters, documents))
    collapsed = isinstance(model, CollapsedModel)
    # What a fit without a bound reports is per token already.
    watch = Watch(parameters, 1.0 if collapsed else documents.n_tokens, callbacks)
    interrupted = None
    if parameters["max_iter"] > 0:
        rule = StopRule(0.0, parameters["max_iter"])
        source = documents.source
        try:
            run(model, source, layout, schedule, executor, fit, rule, [watch])
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
    fit.commit(converged=watch.converged)
    if collapsed:
        fit.commit(statistics=model.statistics_of(fit.posterior))
    elif fit.n_iter and not np.isfinite(fit.elbo):  # interrupted within a pass
        fit.commit(elbo=model.elbo(fit.posterior, fit.statistics))
    model.executor = None
    # As in scikit-learn, partial_fit goes on from the number of updates of the topics.
    step = fit.step if online else fit.n_iter
    return Fitted(model, fit.posterior, fit.statistics, step), fit, interrupted


def partial_fit_documents(
    estimator: Any,
    documents: Documents,
    executor: ThreadExecutor,
    keep: Callable[[Fitted], None],
) -> None:
    """Take in documents by stochastic steps, batch by batch; `keep` is given each new state."""
    parameters = estimator.get_params(deep=False)
    check_inference(parameters, "partial_fit")
    previous: Fitted | None = getattr(estimator, "_fitted", None)
    if previous is None:
        rng = check_random_state(parameters["random_state"])
        model = make_model(parameters, documents.n_words, documents.counts.dtype, 0)
        given = parameters["topics_init"]
        # The first documents may be few: nothing to make topics from.
        topics = random_topics(model, rng) if given is None else given_topics(given, model)
        seed = _seed(rng)
        fit = resume(topics, model.statistics_of(topics))
    else:
        model, topics, seed = previous.model, previous.topics, previous.model.seed
        if topics.n_topics != parameters["n_components"]:
            raise ValueError(
                f"n_components must stay {topics.n_topics}, as it was fitted, for "
                f"partial_fit; got {parameters['n_components']}. Fit a clone to start afresh."
            )
        model = continued(parameters, previous)
        fit = resume(topics, previous.statistics, step=previous.step)
    model.keep_documents = False
    schedule = _stochastic(parameters, 0)
    whole = documents.layout(_batch_rows({**parameters, "learning_method": "online"}, documents))
    for batch in whole.batches:
        part = part_of(documents, batch.start, batch.stop)
        # Other random starts for the same document at another time.
        model.seed = seed + fit.step
        model.executor = executor
        statistics = expectation(model, part.source, part.layout(), executor, fit.posterior)
        factor = float(parameters["total_samples"]) / batch.n_rows
        online_update(model, fit, statistics, schedule.rate(fit.step), factor)
        model.executor = None
        model.seed = seed
        keep(Fitted(model, fit.posterior, fit.statistics, fit.step))


def continued(parameters: dict[str, Any], previous: Fitted) -> LatentDirichletModel:
    """Return a model with the settings of today and the priors in use."""
    before, topics = previous.model, previous.topics
    sweeps = Sweeps(int(parameters["max_doc_update_iter"]), float(parameters["mean_change_tol"]))
    return LatentDirichletModel(
        topics.alpha,
        topics.prior,
        sweeps,
        before.keep_documents,
        before.seed,
        learn_alpha=before.learn_alpha,
        learn_prior=before.learn_prior,
    )


def part_of(documents: Documents, start: int, stop: int) -> Documents:
    """Documents `start` to `stop` (exclusive)."""
    counts = documents.counts[start:stop]
    weights = None if documents.weights is None else documents.weights[start:stop]
    source = CsrSource(counts.indptr, counts.indices, counts.data, counts.shape[1], weights)
    return Documents(counts, weights, source)


class Watch:
    """Prints as scikit-learn does, stops by `perp_tol`, and passes progress on to callbacks."""

    def __init__(
        self, parameters: dict[str, Any], n_tokens: float, callbacks: Iterable[Callback]
    ) -> None:
        self._every = parameters["evaluate_every"]
        self._tol = parameters["perp_tol"]
        self._verbose = parameters["verbose"]
        self._tokens = n_tokens
        self._callbacks = tuple(callbacks)
        self._last: float | None = None
        self.converged = False

    def __call__(self, progress: Progress) -> bool:
        """Return True when the perplexity has settled or a callback wants to stop."""
        line = f"iteration: {progress.n_iter} of max_iter: {progress.max_iter}"
        if self._every > 0 and progress.n_iter % self._every == 0:
            perplexity = perplexity_of(progress.elbo, self._tokens)
            line += f", perplexity: {perplexity:.4f}"
            self.converged = self._last is not None and abs(self._last - perplexity) < self._tol
            self._last = perplexity
        if self._verbose:
            print(line)
        answers = [callback(progress) for callback in self._callbacks]
        return self.converged or any(answer is True for answer in answers)


def objective_name(fitted: Fitted) -> str:
    """What the number is called that a fit ends with, and its trace."""
    return "log_likelihood" if isinstance(fitted.model, CollapsedModel) else "elbo"


def perplexity_of(bound: float, n_tokens: float) -> float:
    """exp(-bound per token); nan without tokens."""
    return float(np.exp(-bound / n_tokens)) if n_tokens > 0 else float("nan")


def _batch_rows(parameters: dict[str, Any], documents: Documents) -> int | None:
    collapsed = parameters["inference"] == "cvb0"
    if parameters["learning_method"] == "batch" and not collapsed:
        return None
    if collapsed and parameters["batch_size"] is None:
        return None
    if parameters["batch_size"] is not None:
        return int(parameters["batch_size"])
    per_document = max(1.0, float(documents.lengths.sum()) / documents.n_documents)
    return max(1, int(BATCH_TOKENS / per_document))


def _schedule(parameters: dict[str, Any], seed: int) -> Schedule:
    if parameters["inference"] == "cvb0":
        return Sweeping()
    if parameters["learning_method"] == "online":
        return _stochastic(parameters, seed)
    if parameters["learning_method"] == "memoized":
        return Memoized(seed)
    return CoordinateAscent(acceleration=None)


def _stochastic(parameters: dict[str, Any], seed: int) -> Stochastic:
    # scikit-learn counts steps from 1.
    offset = float(parameters["learning_offset"]) + 1.0
    return Stochastic(float(parameters["learning_decay"]), offset, seed)


def _seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(np.iinfo(np.int32).max))

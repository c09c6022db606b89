"""One call of `fit` or `partial_fit`: from checked documents to topics."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from vivace import _core
from vivace.engine import (
    CoordinateAscent,
    Fit,
    Job,
    Memoized,
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
from vivace.estimators.callbacks import Callback, Observers
from vivace.io.spool import Shelf
from vivace.models.cvb0 import CollapsedModel
from vivace.models.lda import WHOLE_CORPUS, LatentDirichletModel, Sweeps, Topics
from vivace.models.sampled import SampledModel
from vivace.topics._course import Course
from vivace.topics._documents import Documents, check_memory, check_tokens, some_of
from vivace.topics._parameters import check_inference, document_prior, learned, word_prior
from vivace.topics._starts import drawn_topics, formed_topics, steps_of_start
from vivace.topics._validation import Validation, hold_out
from vivace.topics._warm import Carry, carry_of, warm_fit
from vivace.topics._watch import Watch

# Tokens of a batch (online, memoized) unless batch_size says otherwise: batches of some thousand
# tokens, the default elsewhere, never leave the level of single words on short documents.
BATCH_TOKENS = 100_000

# Memory that statistics of batches may take (memoized) of documents that are in memory themselves;
# the rest goes to a scratch file.
STATISTICS_BYTES = 2**28

KINDS: dict[str, type[LatentDirichletModel]] = {
    "vb": LatentDirichletModel,
    "cvb0": CollapsedModel,
    "gibbs": SampledModel,
}


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
    ahead : int
        Steps that the start counts as; they come before the others in the learning rate.
    carry : Carry or None
        For another fit to the same documents, where warm_start asks for it.
    """

    model: LatentDirichletModel
    topics: Topics
    statistics: Statistics
    step: int = 0
    ahead: int = 0
    carry: Carry | None = None


def make_executor(n_jobs: int | None, documents: Documents) -> ThreadExecutor:
    """Threads for `n_jobs`, but no more than there are blocks to work on."""
    blocks = -(-documents.n_documents // documents.layout().block_rows)
    return ThreadExecutor(max(1, min(resolve_n_jobs(n_jobs), blocks)))


def make_model(
    parameters: dict[str, Any], n_words: int, dtype: np.dtype[Any], seed: int
) -> LatentDirichletModel:
    """Put priors and settings together."""
    model = KINDS[parameters["inference"]](
        document_prior(parameters, dtype),
        word_prior(parameters, n_words, dtype),
        Sweeps(int(parameters["max_doc_update_iter"]), float(parameters["mean_change_tol"])),
        keep_documents=parameters["learning_method"] != "online",
        seed=seed,
        learn_alpha=learned(parameters, "doc_topic_prior"),
        learn_prior=learned(parameters, "topic_word_prior"),
    )
    if isinstance(model, CollapsedModel):
        model.store = parameters["cvb0_store"]
    return model


@dataclass
class Outcome:
    """How a call of `fit` ended."""

    fitted: Fitted
    fit: Fit
    interrupted: KeyboardInterrupt | None
    validation: Validation | None
    observers: Observers


def fit_documents(
    estimator: Any,
    documents: Documents,
    y: Any,
    executor: ThreadExecutor,
    callbacks: tuple[Callback, ...],
    finish: Callable[[Fitted, Fit], dict[str, Any]],
    job: Job | None = None,
) -> Outcome:
    """Fit; on an interrupt the last accepted state comes back with it.

    `finish` (state to attributes) and `y` are for scikit-learn's callbacks.
    """
    parameters = estimator.get_params(deep=False)
    check_inference(parameters, "fit")
    if documents.n_tokens == 0:
        warnings.warn(
            "X holds no words with a weight above zero: nothing can be learned from it, and the "
            "topics say nothing beyond their prior and start",
            UserWarning,
            stacklevel=4,
        )
    rng, course = check_random_state(parameters["random_state"]), None
    if job is not None:
        course = Course(job, rng)
        rng = course.rng
    previous: Fitted | None = getattr(estimator, "_fitted", None)
    check_memory(parameters, documents)
    check_tokens(parameters, documents)
    told = {"X": documents.counts, "y": y, "metadata": _metadata(documents)}
    # What is drawn comes first: a random start is scikit-learn's for the same seed.
    model = make_model(parameters, documents.n_words, documents.counts.dtype, 0)
    start, fresh = None, not parameters["warm_start"] or previous is None
    if fresh:
        start = drawn_topics(parameters, model, documents, rng)
    if isinstance(model, SampledModel):
        model.forming = fresh and start is None
    model.seed = _seed(rng)
    model.executor = executor
    model.shelf = getattr(documents.source, "shelf", None)
    model.replace_states = True  # every pass of a schedule is accepted here
    if parameters["learning_method"] == "batch":
        model.whole, model.pack_topics = WHOLE_CORPUS, True
    order = _seed(rng)
    validation = None
    if parameters["validation_fraction"] is not None:
        documents, held_out = hold_out(documents, parameters["validation_fraction"], rng)
        validation = Validation(held_out, model, executor, parameters["n_iter_no_change"])
    layout = documents.layout(_batch_rows(parameters, documents))
    model.sharpen = start is None if fresh or previous is None else previous.model.sharpen
    ahead = 0
    if parameters["learning_method"] == "online":
        if previous is not None and not fresh:
            ahead = previous.ahead
        elif start is None:
            ahead = steps_of_start(documents, len(layout.batches))
    schedule = _schedule(parameters, order, model.shelf, ahead)
    if course is not None:
        course.look(model, documents, None if fresh else previous, parameters["max_iter"])
    if course is not None and course.going_on:
        fit = course.restore(executor)
    elif fresh:
        if start is None:
            start = formed_topics(model, documents, executor, rng)
        fit = resume(start, model.statistics_of(start))
    else:
        assert previous is not None
        fit = warm_fit(previous, parameters, model, documents)
    del start, previous  # as large as the vocabulary: they must not outlive the first pass
    _core.give_back()
    collapsed = isinstance(model, CollapsedModel)
    # What a fit without a bound reports is per token already.
    watch = Watch(parameters, 1.0 if collapsed else documents.n_tokens, fit, validation)
    documents.forget()  # half a megabyte of 55,000 documents that nobody asks for in a pass
    observers = Observers(estimator, watch, callbacks, told, 1, parameters["max_iter"])
    if course is not None:
        course.watch(watch, validation)
    observers.begin(
        0, fit.elbo, lambda: finish(_snapshot(model, fit, ahead), fit), lambda: watch.done
    )
    interrupted = None
    if parameters["max_iter"] > 0:
        rule = StopRule(0.0, parameters["max_iter"])
        try:
            run(
                model, documents.source, layout, schedule, executor, fit, rule, [observers], job,
                lambda: watch.done,
            )  # fmt: skip
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
    observers.end(watch.converged, fit.elbo)
    fit.commit(converged=watch.done)
    if collapsed:
        fit.commit(statistics=model.statistics_of(fit.posterior))
    elif fit.n_iter and not np.isfinite(fit.elbo):  # interrupted within a pass
        fit.commit(elbo=model.elbo(fit.posterior, fit.statistics))
    carry = None
    if parameters["warm_start"] and not collapsed:
        carry = carry_of(fit, model, documents)
    if validation is not None:
        validation.restore(fit)
    model.executor = model.shelf = None
    # As in scikit-learn, partial_fit goes on from the number of updates of the topics.
    step = fit.step if parameters["learning_method"] == "online" else fit.n_iter
    fitted = Fitted(model, fit.posterior, fit.statistics, step, ahead, carry)
    return Outcome(fitted, fit, interrupted, validation, observers)


def _snapshot(model: LatentDirichletModel, fit: Fit, ahead: int) -> Fitted:
    """The state of a fit for others to keep: it must not change with the fit."""
    topics: Topics = fit.posterior.copy()
    kept = copy(model)
    kept.executor = kept.shelf = None
    return Fitted(kept, topics, kept.statistics_of(topics), fit.step, ahead)


def _metadata(documents: Documents) -> dict[str, Any] | None:
    return None if documents.weights is None else {"sample_weight": documents.weights}


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
    ahead = 0 if previous is None else previous.ahead
    if previous is None:
        rng = check_random_state(parameters["random_state"])
        model = make_model(parameters, documents.n_words, documents.counts.dtype, 0)
        topics = drawn_topics(parameters, model, None, rng)
        assert topics is not None
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
        # Rounded as those of a model that was stored: it goes on with the same bits.
        previous.statistics["totals"][...] = topics.totals - topics.prior.totals
        fit = resume(topics, previous.statistics, step=previous.step)
    model.keep_documents = False
    schedule = _stochastic(parameters, 0, ahead)
    whole = documents.layout(_batch_rows({**parameters, "learning_method": "online"}, documents))
    for batch in whole.batches:
        part = some_of(documents, slice(batch.start, batch.stop))
        # Other random starts for the same document at another time.
        model.seed = seed + fit.step
        model.executor = executor
        statistics = expectation(model, part.source, part.layout(), executor, fit.posterior)
        factor = float(parameters["total_samples"]) / batch.n_rows
        online_update(model, fit, statistics, schedule.rate(fit.step), factor)
        model.executor = None
        model.seed = seed
        keep(Fitted(model, fit.posterior, fit.statistics, fit.step, ahead))


def continued(parameters: dict[str, Any], previous: Fitted) -> LatentDirichletModel:
    """Return a model with the settings of today and the priors in use."""
    before, topics = previous.model, previous.topics
    sweeps = Sweeps(int(parameters["max_doc_update_iter"]), float(parameters["mean_change_tol"]))
    model = LatentDirichletModel(
        topics.alpha,
        topics.prior,
        sweeps,
        before.keep_documents,
        before.seed,
        learn_alpha=before.learn_alpha,
        learn_prior=before.learn_prior,
    )
    model.sharpen = before.sharpen
    return model


def objective_name(fitted: Fitted) -> str:
    """What the number is called that a fit ends with, and its trace."""
    return "log_likelihood" if isinstance(fitted.model, CollapsedModel) else "elbo"


def _batch_rows(parameters: dict[str, Any], documents: Documents) -> int | None:
    collapsed = parameters["inference"] != "vb"
    if parameters["learning_method"] == "batch" and not collapsed:
        return None
    if collapsed and parameters["batch_size"] is None:
        return None
    if parameters["batch_size"] is not None:
        return int(parameters["batch_size"])
    per_document = max(1.0, float(documents.lengths.sum()) / documents.n_documents)
    return max(1, int(BATCH_TOKENS / per_document))


def _schedule(parameters: dict[str, Any], seed: int, shelf: Shelf | None, ahead: int) -> Schedule:
    if parameters["inference"] != "vb":
        return Sweeping()
    if parameters["learning_method"] == "online":
        return _stochastic(parameters, seed, ahead)
    if parameters["learning_method"] == "memoized":
        return Memoized(seed, shelf or Shelf(STATISTICS_BYTES))
    return CoordinateAscent(acceleration=None)


def _stochastic(parameters: dict[str, Any], seed: int, ahead: int) -> Stochastic:
    # scikit-learn counts steps from 1.
    offset = float(parameters["learning_offset"]) + 1.0 + ahead
    return Stochastic(float(parameters["learning_decay"]), offset, seed)


def _seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(np.iinfo(np.int32).max))

"""Where a fit starts: random topics, topics that were given, or topics that form around documents.

Random topics are all much alike, and variational inference of short documents hardly leaves them:
every document takes a little of each. Here small groups of documents, unlike each other, are the
first topics, and collapsed inference goes on from them, so that documents meet topics that differ:
it takes in a few at a time, or draws a topic for every token. Which documents, and their order, are
drawn at random: that of the corpus does not matter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivace import _core
from vivace.engine import CsrSource, RowTable, ThreadExecutor
from vivace.models.cvb0 import CollapsedModel
from vivace.models.fading import fade
from vivace.models.lda import LatentDirichletModel
from vivace.models.sampled import SampledModel, SampledSweeps
from vivace.models.topics import Topics, column_sums
from vivace.topics._crowd import first_topics
from vivace.topics._documents import MOST_TOPICS, Documents, first_fraction
from vivace.topics._parameters import positive

# Random topics: Gamma with this shape and mean 1, as in scikit-learn.
START_SHAPE = 100.0

# Draws of a token's topic before variational inference goes on, and passes: the fewest, which large
# corpora get, and the most, which small ones need.
DRAWS, FEWEST_PASSES, MOST_PASSES = 80_000_000, 20, 100

# Tokens that are sampled: of a larger corpus a random part of the documents, 8 MB of memory. And
# of an entry's count in the mean, for the same reason.
MOST_TOKENS, MOST_COUNT = 2**23, 8.0

# Passes of collapsed inference before sampling begins: one token at a time, topics form slowly.
PASSES_BEFORE_SAMPLING = 1

# Passes of online learning that topics formed by sampling count as, the fewest that it makes: the
# first steps have the rate of those that would come next. The rates of a random start (0.19 at
# first) would make a fifth of the topics anew from each of the first batches.
PASSES_OF_START = 20

# From so many documents on variational inference starts from some of them unless told otherwise.
# In fewer it finds its way from a random start, which does not depend on the documents' order.
MANY_DOCUMENTS = 300


def drawn_topics(
    parameters: dict[str, Any],
    model: LatentDirichletModel,
    documents: Documents | None,
    rng: np.random.RandomState,
) -> Topics | None:
    """Return topics_init or random topics; None where documents are to make the topics.

    Without documents (the first that arrive may be few) they do not.
    """
    if parameters["topics_init"] is not None:
        return given_topics(parameters["topics_init"], model)
    if documents is not None:
        many = isinstance(model, CollapsedModel) or documents.n_documents >= MANY_DOCUMENTS
        default = "documents" if many else "random"
        if (parameters["init"] or default) == "documents":
            return None
    return random_topics(model, rng)


def formed_topics(
    model: LatentDirichletModel,
    documents: Documents,
    executor: ThreadExecutor,
    rng: np.random.RandomState,
) -> Topics:
    """Topics that form around documents; collapsed models go on from them in their first passes.

    Memory for the others: less than two tables of V x K (that of sampling, and means of counts
    without their zeros), and a byte a token (2 with more than 256 topics).
    """
    if isinstance(model, CollapsedModel) or model.n_topics > MOST_TOPICS:
        topics, likelihood = first_topics(model, documents, executor, rng)
        if isinstance(model, SampledModel):
            model.begun = likelihood
        return topics
    tokens, n_tokens = whole_tokens(documents, rng), documents.n_tokens

    def around() -> Topics:
        topics, _ = first_topics(model, documents, executor, rng)
        _core.give_back()  # what the crowd took
        return topics

    def begun() -> Topics:
        passes = PASSES_BEFORE_SAMPLING
        topics, _ = fade(
            model,
            tokens.source,
            around(),
            executor,
            passes,
            tokens.chosen,
            n_tokens=n_tokens,
            spent=True,
        )
        _core.give_back()
        return topics

    sampling = SampledModel(model.alpha, model.prior, model.sweeps, seed=model.seed)
    # Topics are as large as the vocabulary: nobody holds those that the sweeps begin with.
    sweeps = SampledSweeps(
        sampling, tokens.source, begun(), executor, in_place=True, chosen=tokens.chosen
    )
    for _ in range(sampling_passes(tokens.number)):
        totals, _ = sweeps.draw()
    held, counts = totals - model.prior.totals, sweeps.take()
    factor = n_tokens / float(held.sum()) if held.sum() > 0.0 else 1.0
    counts *= counts.dtype.type(factor)
    totals = model.prior.totals + column_sums(counts, executor)
    return Topics(RowTable(len(counts), counts), model.prior, model.alpha, totals)


def steps_of_start(documents: Documents, n_batches: int) -> int:
    """Steps of online learning that formed topics count as: a pass has `n_batches` of them.

    Of a corpus of which a part is sampled as many as that part has.
    """
    lengths, factors = _token_factors(documents)
    share = min(1.0, MOST_TOKENS / max(1.0, float(lengths @ factors)))
    return round(PASSES_OF_START * n_batches * share)


def sampling_passes(n_tokens: float) -> int:
    """How often the topic of each token is drawn before variational inference goes on."""
    return int(np.clip(DRAWS / max(1.0, n_tokens), FEWEST_PASSES, MOST_PASSES))


class Tokens(NamedTuple):
    """Documents as sampling takes them.

    Attributes
    ----------
    source : CsrSource
        Whole numbers, in memory.
    chosen : array of int64 or None
        Those of its documents that are sampled, rising; None: all.
    number : float
        Tokens of these.
    """

    source: CsrSource
    chosen: NDArray[np.int64] | None
    number: float


def whole_tokens(documents: Documents, rng: np.random.RandomState) -> Tokens:
    """Documents as sampling takes them, with no more than `MOST_TOKENS` tokens.

    What is no whole number, weights included, is rounded up or down at random, so that its mean is
    right. Numbers so small that most would become zero are multiplied first; large ones, of which
    each token alone says little, are divided. Documents of whole numbers stay where they are.
    """
    weights = documents.weights
    lengths, factors = _token_factors(documents)
    tokens, chosen = factors * lengths, None
    if not float(tokens.sum()) > 0.0:
        return Tokens(_in_memory(documents), None, 0.0)
    if float(tokens.sum()) > MOST_TOKENS:
        order = rng.permutation(len(tokens))
        ends = np.cumsum(tokens[order])
        chosen = np.sort(order[: max(1, np.searchsorted(ends, MOST_TOKENS, side="right"))])
    if weights is not None:
        factors = factors * weights
    plain = isinstance(documents.source, CsrSource) and (factors == 1.0).all()
    if plain and first_fraction(documents.counts.data) is None:
        number = lengths if chosen is None else lengths[chosen]
        return Tokens(_in_memory(documents), chosen, float(number.sum()))
    if chosen is not None:
        factors = factors[chosen]
    source = _in_memory(documents, chosen)
    rows = source.read(0, source.n_rows).data
    if (factors == 1.0).all() and first_fraction(rows.values) is None:
        return Tokens(source, None, source.total_weight)
    counts = rows.values * np.repeat(factors, np.diff(rows.start))
    counts += rng.random_sample(len(counts))
    np.floor(counts, out=counts)
    # Exact: there are no more tokens than single precision tells apart.
    counts = counts.astype(rows.values.dtype, copy=False)
    source = CsrSource(rows.start, rows.columns, counts, rows.n_columns)
    return Tokens(source, None, source.total_weight)


def _token_factors(documents: Documents) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted lengths of all documents, and what their counts are multiplied with for sampling."""
    lengths = documents.lengths
    if documents.weights is not None:
        lengths = lengths * documents.weights
    mean = float(lengths.sum()) / max(1, documents.source.n_nonzeros)
    factors = np.full(len(lengths), np.clip(mean, 1.0, MOST_COUNT) / mean if mean > 0.0 else 1.0)
    factors *= np.minimum(1.0, MOST_TOKENS / np.maximum(factors * lengths, 1.0))
    return lengths, factors


def _in_memory(documents: Documents, chosen: NDArray[np.int64] | None = None) -> CsrSource:
    """Some documents, or all, without their weights: of a stream they are read once."""
    rows = documents.counts
    if chosen is not None or not isinstance(documents.source, CsrSource):
        rows = documents.take(slice(None) if chosen is None else chosen)
    elif documents.weights is None:
        return documents.source
    return CsrSource(rows.indptr, rows.indices, rows.data, rows.shape[1])


def given_topics(given: Any, model: LatentDirichletModel) -> Topics:
    """Topics from the parameter topics_init."""
    shape = (model.n_topics, model.n_words)
    values = positive(given, "topics_init", shape, "n_components, words of the vocabulary")
    return model.start(values.T)


def random_topics(model: LatentDirichletModel, rng: np.random.RandomState) -> Topics:
    """Topics of independent random weights, those of scikit-learn for the same generator."""
    values = rng.gamma(START_SHAPE, 1.0 / START_SHAPE, (model.n_topics, model.n_words))
    return model.start(values.T)

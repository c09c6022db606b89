"""How large a checkpoint of a fit gets, from shapes alone."""

from __future__ import annotations

from typing import Any

# Names, parameters and the trace of some iterations.
_HEAD = 6000.0


def mixture_checkpoint(
    estimator: Any, n_rows: int, n_columns: int, features: int | None = None
) -> float:
    """Bytes of a checkpoint of a mixture: its statistics, in memoized learning those of batches.

    At most of a table of mixed columns, all of which might be correlated numbers.

    Parameters
    ----------
    estimator : BayesianGaussianMixture or BayesianMixture
    n_rows, n_columns : int
        Size of the table.
    features : int, optional
        Statistics of a component; by default those of a table.
    """
    from vivace.families.kinds import n_features
    from vivace.mixture._state import make_layout

    full = getattr(estimator, "covariance_type", "full") == "full"
    if features is None:
        features = n_features("full" if full else "diag", n_columns)
    # Counts and entropies beside the features.
    record = 8.0 * int(estimator.n_components) * (features + 2)
    records = 1  # those of the fit
    if estimator.learning_method == "batch":
        records += 2  # an extrapolation keeps two
    elif estimator.learning_method == "memoized":
        parameters = estimator.get_params(deep=False)
        records += len(make_layout(parameters, max(1, n_rows), 1).batches)
    if estimator.validation_fraction is not None:
        records += 1  # the best one
    return _HEAD + record * records


def topics_checkpoint(
    estimator: Any, n_documents: int, n_words: int, n_entries: int, n_tokens: float, item: int
) -> float:
    """Bytes of a checkpoint of topics, at most.

    Parameters
    ----------
    estimator : LatentDirichletAllocation
    n_documents, n_words, n_entries, n_tokens
        Size of the corpus; entries are counts that are not zero.
    item : int
        Bytes of a number.
    """
    from vivace._core import topic_stride
    from vivace.models.cvb0 import FULL_BYTES

    k = int(estimator.n_components)
    topics = float(n_words) * k * item
    tables = 1.0 if estimator.validation_fraction is None else 2.0  # the best one
    if estimator.inference == "gibbs":
        return _HEAD + (tables + 2) * topics + 2.0 * n_tokens
    if estimator.inference == "cvb0":
        store = float(n_entries) * topic_stride(k, item == 4) * (item // 2)
        if estimator.cvb0_store == "lean" or (
            estimator.cvb0_store == "auto" and store > FULL_BYTES
        ):
            store = float(n_entries) * (48 if item == 4 else 72)
        return _HEAD + (tables + 4) * topics + store
    size = _HEAD + tables * topics
    if estimator.learning_method == "online":
        return size
    size += float(n_documents) * k * item  # parameters of documents
    if estimator.learning_method == "memoized":
        batch = estimator.batch_size or _batch_documents(n_documents, n_tokens)
        batches = max(1, -(-n_documents // batch))
        size += batches * float(k) * item * min(n_words, -(-n_entries // batches))
    return size


def _batch_documents(n_documents: int, n_tokens: float) -> int:
    from vivace.topics._fitting import BATCH_TOKENS

    return max(1, int(BATCH_TOKENS / max(1.0, n_tokens / max(1, n_documents))))

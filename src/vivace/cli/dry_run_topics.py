"""How long a fit of topics takes, from one to the first documents."""

from __future__ import annotations

from contextlib import closing
from time import perf_counter
from typing import Any

from vivace.cli.dry_run_timing import Estimate, course

# Counts that are not zero of a sample: at most, at least, and times topics.
_ENTRIES, _LEAST_ENTRIES, _TOPICS_WORK = 1_000_000, 20_000, 3e7


def time_topics(estimator: Any, reader: Any, n_entries: int) -> tuple[Estimate | None, int]:
    """Return how long a fit to so many counts takes, and how many documents were timed.

    Parameters
    ----------
    estimator : LatentDirichletAllocation
    reader : CorpusReader
        Of the documents, or of the first of several files; its vocabulary is known.
    n_entries : int
        Counts that are not zero, of all files.
    """
    from vivace.io.corpora.reader import NotInBlocks

    try:
        counts, reading = _first_documents(estimator, reader)
        if counts is None:
            return None, 0
        found = _scaled(estimator, counts, n_entries)
    except (NotInBlocks, ValueError, TypeError):
        return None, 0
    if found is not None:
        found.before += n_entries * reading
    return found, counts.shape[0]


def _first_documents(estimator: Any, reader: Any) -> tuple[Any, float]:
    """Some counts, and the seconds that reading one of them takes."""
    from vivace.io.corpora.corpus import canonical
    from vivace.io.corpora.reader import joined

    most = int(_TOPICS_WORK / int(estimator.n_components))
    most = min(_ENTRIES, max(_LEAST_ENTRIES, most))
    held, found, read = [], 0, 0
    began = perf_counter()
    with closing(reader.pieces()) as pieces:
        for piece in pieces:
            fits = max(1, int((piece.start <= most - found).sum()) - 1)
            held.append(piece.part(0, min(fits, piece.n_documents)).copy())
            read += len(piece.values)
            found += len(held[-1].values)
            if found >= most or fits < piece.n_documents:
                break
    if not found:
        return None, 0.0
    piece = joined(held, reader.dtype)
    counts = canonical(*piece, (piece.n_documents, int(reader.n_words)))
    return counts, (perf_counter() - began) / read


def _scaled(estimator: Any, counts: Any, n_entries: int) -> Estimate | None:
    from vivace.topics._crowd import TOKENS
    from vivace.topics._starts import MOST_TOKENS, sampling_passes

    n, tokens = counts.shape[0], float(counts.sum(dtype="float64"))
    times = max(1.0, n_entries / counts.nnz)
    batch = _batch(estimator, tokens / n)
    several = batch is not None and batch <= n
    if several and batch is not None:
        n -= n % batch
    data = counts[:n]
    part = data[: max(1, n // 4)]
    found = course(estimator, data, data.nnz, part, max(1, part.nnz), batch if several else None)
    if found is None:
        return None

    def start(tokens: float) -> float:
        """What the rest of the start is proportional to: tokens that are sampled, or of a crowd."""
        if estimator.inference == "vb":
            most = min(tokens, MOST_TOKENS)
            return most * sampling_passes(most)
        return min(tokens / 2, TOKENS)

    steps = 1 if batch is None else -(-int(counts.shape[0] * times) // batch)
    rest = found.start_rest * start(tokens * times) / start(tokens)
    return Estimate(steps * found.step + n_entries * found.row, n_entries * found.start_row + rest)


def _batch(estimator: Any, tokens: float) -> int | None:
    """Documents of a batch, where a pass is made of several."""
    from vivace.topics._fitting import BATCH_TOKENS

    if estimator.learning_method == "batch":
        return None
    return int(estimator.batch_size or max(1, int(BATCH_TOKENS / max(1.0, tokens))))

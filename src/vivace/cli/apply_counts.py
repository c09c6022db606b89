"""`vivace predict`, `transform` and `score` with a mixture that was fitted to sparse counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from vivace.cli.documents import DocumentOptions, Reading, documents_at_a_time, reading_for
from vivace.cli.errors import Failure


def write_rows(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    data: str,
    to: Any,
    options: DocumentOptions,
    method: str,
) -> int:
    """Apply `method` to all rows of a file of counts, write what it gives, return their number."""
    from vivace.io.writer import writing

    if to.id_column is not None:
        raise Failure(f"{data}: --id-column names a column of a table, got counts of words")
    reading = reading_for(model, estimator, notes, data, options)
    with writing(to.out, to.names(estimator, method)) as writer:
        for found in _results(estimator, method, reading, to.quiet):
            writer.append(to.columns(found, None))
    return int(writer.n_rows)


def score_rows(
    model: str,
    estimator: Any,
    notes: dict[str, Any],
    data: str,
    options: DocumentOptions,
    quiet: bool,
) -> tuple[float, int]:
    """Return the sum of the log densities of all rows of a file of counts, and their number."""
    reading = reading_for(model, estimator, notes, data, options)
    sums, n_rows = [], 0
    for found in _results(estimator, "score_samples", reading, quiet):
        sums.append(float(found.sum(dtype="float64")))
        n_rows += len(found)
    return math.fsum(sums), n_rows


def _results(estimator: Any, method: str, reading: Reading, quiet: bool) -> Iterator[Any]:
    """Apply a method of the estimator to runs of rows, with progress."""
    from vivace.cli.progress import Meter

    step, n_rows = documents_at_a_time(estimator, 1024), 0
    with Meter("rows", None, quiet) as meter:
        for counts in reading.blocks(step):
            found = getattr(estimator, method)(counts)
            yield found
            n_rows += len(found)
            meter.update(n_rows)
    reading.say_what_is_lost(quiet)

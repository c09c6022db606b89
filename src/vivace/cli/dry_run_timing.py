"""How long a fit takes: the first rows are read and fitted, and their time is scaled."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from vivace.cli.memory import source_of

# Iterations that are timed: the first ends before the first of them.
_TIMED = 4
_MOST_ROWS = 1 << 16
# Bytes of rows and multiply-adds of an iteration that a sample takes at most.
_BYTES, _WORK = 64e6, 10e9
_LEAST_ROWS = 2048
# The same of documents: counts that are not zero, times topics.
_ENTRIES, _LEAST_ENTRIES, _TOPICS_WORK = 1_000_000, 20_000, 1e8


@dataclass
class Sample:
    """The first rows of a table.

    Attributes
    ----------
    rows : ndarray, FrameStream or None
        What `fit` takes; None where they cannot be read.
    families : dict of str to str
        The family of each column.
    problem : str
        Why they cannot be read or fitted.
    """

    rows: Any = None
    families: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    def __len__(self) -> int:
        return 0 if self.rows is None else len(self.rows)


@dataclass
class Timer:
    """A callback that notes when iterations end."""

    times: list[float] = field(default_factory=list)

    def __call__(self, _: Any) -> None:
        """Note an iteration."""
        self.times.append(perf_counter())

    def seconds(self) -> float | None:
        """Median time of an iteration."""
        pairs = zip(self.times, self.times[1:], strict=False)
        each = [last - first for first, last in pairs]
        return statistics.median(each) if each else None


def sample_rows(n_rows: int, n_columns: int, work: float) -> int:
    """Return how many rows to fit, where an iteration takes `work` multiply-adds a row."""
    most = min(_MOST_ROWS, _BYTES / (8 * max(1, n_columns)), _WORK / max(1.0, work))
    return min(n_rows, max(_LEAST_ROWS, int(most)))


def read_sample(
    data: Sequence[str],
    names: list[str],
    estimator: Any,
    most: int,
    *,
    numeric: bool,
    na_values: Sequence[str] = (),
    spilled: bool = False,
) -> Sample:
    """Read the first rows.

    Parameters
    ----------
    data, names : sequence of str
        Files and the columns of the fit.
    estimator : object
        Says which family takes which column.
    most : int
        Number of rows.
    numeric : bool
        Whether the fit takes numbers alone.
    na_values : sequence of str
        As in `vivace.io.open_table`.
    spilled : bool
        Whether the rows of the fit come from a scratch file.
    """
    import numpy as np

    from vivace.io.frame_stream import open_frame
    from vivace.io.open_table import open_table
    from vivace.io.runs import table_runs
    from vivace.io.stream import WORKING

    sample = Sample()
    memory = WORKING if spilled else None
    try:
        table = table_runs(source_of(data), names, mixed=not numeric, na_values=na_values)
        parts, n = [], 0
        with closing(table.runs) as runs:
            for run in runs:
                parts.append(
                    run.rows[: most - n]
                    if hasattr(run.rows, "dtype")
                    else run.rows.slice(0, most - n)
                )
                n += len(run)
                if n >= most:
                    break
        arrays = all(isinstance(part, np.ndarray) for part in parts)
        if not numeric and not (arrays and data[0].lower().endswith(".npy")):
            typed = [_as_in_text(part, data[0], na_values) for part in parts]
            sample.rows = open_frame(lambda: typed, names, memory)
        elif spilled:
            sample.rows = open_table(lambda: parts, None, memory)
        else:
            sample.rows = np.concatenate(parts)
        sample.families = _families(estimator, sample.rows, names, numeric)
    except (ValueError, TypeError) as error:
        sample.problem = str(error)
    return sample


def _as_in_text(part: Any, name: str, na_values: Sequence[str]) -> Any:
    """Turn numbers of text into whole ones where the fit would take them for such."""
    from vivace.io.open_table import text_tables

    texts = text_tables(source_of([name]), na_values)
    for j, column in enumerate(part.column_names if texts else ()):
        kind = texts[0].types[column]
        if "int" in str(kind) and part.column(j).type != kind:
            try:
                part = part.set_column(j, column, part.column(j).cast(kind))
            except ValueError:  # a fraction further down
                continue
    return part


def _families(estimator: Any, rows: Any, names: list[str], numeric: bool) -> dict[str, str]:
    if numeric:
        return dict.fromkeys(names, "gaussian")
    from vivace.io.frame_stream import FrameStream
    from vivace.mixture._assign import assign
    from vivace.mixture._columns import read_columns
    from vivace.mixture._streams_table import frame_columns

    table = frame_columns(rows) if isinstance(rows, FrameStream) else read_columns(rows, "X")
    return {
        names[j]: one.family.name for one in assign(estimator.families, table) for j in one.columns
    }


def time_table(estimator: Any, sample: Sample, n_rows: int) -> float | None:
    """Return the seconds of a pass over `n_rows` rows, from those of a sample; None if unknown.

    An iteration is timed on all rows of the sample and on a quarter of them, which tells what a
    step takes (a) and what a row takes (b): a pass of s steps takes s a + n b.
    """
    from vivace.mixture._state import make_layout

    n = len(sample)
    if not n:
        return None
    batch = n_rows
    if estimator.learning_method != "batch":
        batch = (
            make_layout(estimator.get_params(deep=False), max(1, n_rows), 1).batch_rows or n_rows
        )
    try:
        whole = _timed(estimator, sample.rows, min(batch, n))
        if whole is None or n >= n_rows or batch <= n // 4:
            return None if whole is None else whole * n_rows / n
        part = n // 4
        rows = (
            sample.rows.only(_first(part)) if hasattr(sample.rows, "kinds") else sample.rows[:part]
        )
        quarter = _timed(estimator, rows, min(batch, part))
    except (ValueError, TypeError, FloatingPointError, NotImplementedError) as error:
        sample.problem = str(error)
        return None
    if quarter is None:
        return whole * n_rows / n
    each, step = split(whole, n, quarter, part)
    return -(-n_rows // batch) * step + n_rows * each


def split(whole: float, n: int, part_seconds: float, part: int) -> tuple[float, float]:
    """Return the seconds of a row and of a step, from two iterations; neither is negative."""
    each = min(max((whole - part_seconds) / (n - part), 0.0), whole / n)
    return each, max(0.0, whole - each * n)


def _first(n: int) -> Any:
    import numpy as np

    return np.arange(n, dtype=np.int64)


def _timed(estimator: Any, rows: Any, batch: int) -> float | None:
    parameters = {"n_init": 1, "max_iter": _TIMED + 1, "tol": 0.0, "verbose": 0}
    if estimator.learning_method != "batch":
        parameters["batch_size"] = batch
    known = estimator.get_params(deep=False)
    model = type(estimator)(**{**known, **{k: v for k, v in parameters.items() if k in known}})
    timer = Timer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, callbacks=[timer])
    return timer.seconds()


def time_topics(estimator: Any, reader: Any, n_entries: int) -> tuple[float | None, int]:
    """Return the seconds of a pass over so many counts, and how many documents were timed.

    Parameters
    ----------
    estimator : LatentDirichletAllocation
    reader : CorpusReader
        Of the documents, or of the first of several files; its vocabulary is known.
    n_entries : int
        Counts that are not zero, of all files.
    """
    from vivace.io.corpora.corpus import canonical
    from vivace.io.corpora.reader import NotInBlocks, joined

    k = int(estimator.n_components)
    most = min(_ENTRIES, max(_LEAST_ENTRIES, int(_TOPICS_WORK / k)))
    held, found = [], 0
    try:
        with closing(reader.pieces()) as pieces:
            for piece in pieces:
                fits = max(1, int((piece.start <= most - found).sum()) - 1)
                held.append(piece.part(0, min(fits, piece.n_documents)).copy())
                found += len(held[-1].values)
                if found >= most or fits < piece.n_documents:
                    break
        if not found:
            return None, 0
        piece = joined(held, reader.dtype)
        counts = canonical(*piece, (piece.n_documents, int(reader.n_words)))
        batch = estimator.batch_size or counts.shape[0]
        whole = _timed(estimator, counts, min(batch, counts.shape[0]))
        if whole is None:
            return None, 0
        if found >= n_entries:
            return whole, counts.shape[0]
        part = counts[: max(1, counts.shape[0] // 4)]
        quarter = _timed(estimator, part, min(batch, part.shape[0]))
    except (NotInBlocks, ValueError, TypeError):
        return None, 0
    if quarter is None or part.nnz >= found:
        return whole * n_entries / found, counts.shape[0]
    each, step = split(whole, found, quarter, part.nnz)
    steps = 1 if estimator.learning_method == "batch" else _steps(estimator, counts, n_entries)
    return steps * step + n_entries * each, counts.shape[0]


def _steps(estimator: Any, counts: Any, n_entries: int) -> int:
    """Batches of a pass."""
    from vivace.topics._fitting import BATCH_TOKENS

    documents = counts.shape[0] * n_entries / counts.nnz
    tokens = float(counts.sum(dtype="float64")) / counts.shape[0]
    batch = int(estimator.batch_size or max(1, int(BATCH_TOKENS / max(1.0, tokens))))
    return max(1, -int(-documents // batch))

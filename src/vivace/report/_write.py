"""From a model to a file: which page it is, its limits, and the file that takes its place."""

from __future__ import annotations

import base64
import hashlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vivace.io import load_model, read_record
from vivace.io.atomic import replacing
from vivace.io.corpora import Corpus, corpus_of_texts
from vivace.plot._moments import is_table
from vivace.report._data import (
    MOST_DOCUMENTS,
    MOST_ROWS,
    DocumentSample,
    RowSample,
    document_sample,
    row_sample,
)

StrPath = str | os.PathLike[str]

#: A page is smaller than this, in bytes.
LARGEST = 1_000_000
_SPARE = 20_000
#: Pages are made with less and less detail until one is small enough.
DETAILS = 3


def write_report(
    model: Any,
    path: StrPath,
    data: Any = None,
    *,
    title: str | None = None,
    vocabulary: Any = None,
    seed: int = 0,
    trusted: Sequence[str] = (),
) -> None:
    """Write one self-contained page about a fitted model.

    Parameters
    ----------
    model : fitted estimator, str or path-like
        A mixture or topics, or the name of a model file, which also knows what was fitted and how
        long it took.
    path : str or path-like
        Destination; an existing file is replaced only when all is written.
    data : table, stream, vivace.io.Corpus, sparse matrix, texts, path or sample, optional
        Rows or documents to judge the model by, in the columns of the fit; tables may be named by
        their path. Of more than 50,000 rows or 20,000 documents that many are drawn, and the page
        says so.
    title : str, optional
        Title of the page.
    vocabulary : array-like of str, optional
        Words of topics that were fitted without.
    seed : int, default=0
        Seed of the draw.
    trusted : sequence of str, default=()
        As in `vivace.load`, where `model` is a file with families of your own.

    Raises
    ------
    ImportError
        jinja2 or matplotlib is not installed.
    ValueError
        The data do not fit the model.
    OSError
        The file cannot be written.
    """
    page = make_report(model, data, title=title, vocabulary=vocabulary, seed=seed, trusted=trusted)
    with replacing(path) as file:
        file.write(page.encode("utf-8"))


def make_report(
    model: Any,
    data: Any = None,
    *,
    title: str | None = None,
    vocabulary: Any = None,
    seed: int = 0,
    trusted: Sequence[str] = (),
) -> str:
    """Return the page that `write_report` writes.

    Parameters
    ----------
    model, data, title, vocabulary, seed, trusted
        As in `write_report`.

    Returns
    -------
    page : str
        HTML, less than 1 MB in UTF-8.
    """
    estimator, meta, notes, versions = _opened(model, trusted)
    topics = hasattr(type(estimator), "top_words")
    if title is None:
        named = isinstance(model, (str, os.PathLike))
        title = os.path.basename(os.fspath(model)) if named else type(estimator).__name__
    sample = _sampled(estimator, data, topics, seed)
    pages = _environment()
    known: dict[str, Any] = {"title": title, "meta": meta, "notes": notes}
    text = ""
    with warnings.catch_warnings():
        # Columns are told apart by their place here; their names were compared when they were read.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        content = _content(estimator, sample, vocabulary)
        for detail in range(DETAILS):
            page = content(detail)
            page |= _common(estimator, meta, notes, versions, page["figures"], sample)
            text = _render(pages, "topics.html" if topics else "mixture.html", page | known)
            if len(text.encode("utf-8")) <= LARGEST - _SPARE:
                break
    return text


def _opened(
    model: Any, trusted: Sequence[str]
) -> tuple[Any, dict[str, Any], dict[str, Any], dict[str, str]]:
    """Estimator, metadata, notes and versions."""
    if isinstance(model, (str, os.PathLike)):
        record = read_record(model)
        return load_model(model, trusted), record.meta, record.notes, record.versions
    from vivace.io.model_file import library_versions

    meta = model._to_record()[0]  # says where it is not fitted
    return model, meta, {}, library_versions()


def _sampled(
    estimator: Any, data: Any, topics: bool, seed: int
) -> RowSample | DocumentSample | None:
    if data is None or isinstance(data, (RowSample, DocumentSample)):
        return data
    if isinstance(data, (str, os.PathLike)):
        data = _read(estimator, data, topics)
    if not topics:
        return row_sample(data, MOST_ROWS, seed)
    texts = None
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], str):
        given = data
        data = corpus_of_texts(given, estimator.vocabulary_, estimator.tokenizer_)
        texts = lambda numbers: {i: given[i] for i in numbers}  # noqa: E731
    if isinstance(data, Corpus):
        known = getattr(estimator, "vocabulary_", None)
        if known is not None and data.vocabulary is not None:
            data = data.aligned_to(known)
        data = data.counts
    return document_sample(data, MOST_DOCUMENTS, seed, texts=texts)


def _read(estimator: Any, path: StrPath, topics: bool) -> Any:
    """Open a table as the model reads it."""
    from vivace.io import open_frame, open_table

    if topics:
        raise TypeError(
            f"data: expected counts, a Corpus or texts, got the path {os.fspath(path)!r}. "
            "Remedy: vivace.io.read_corpus, or the command vivace report, which reads files"
        )
    names = getattr(estimator, "feature_names_in_", None)
    names = None if names is None else [str(name) for name in names]
    return open_frame(path, names) if is_table(estimator) else open_table(path, names)


def _content(estimator: Any, sample: Any, vocabulary: Any) -> Callable[[int], dict[str, Any]]:
    """Return what makes the page's own content, with more or less detail."""
    if hasattr(type(estimator), "top_words"):
        from vivace.report._svg import Figures
        from vivace.report._topics import judged, topics_page

        found = None if sample is None else judged(estimator, sample, vocabulary)
        return lambda detail: {
            **topics_page(estimator, found, detail, vocabulary),
            "figures": Figures(),
        }
    from vivace.report._mixture import mixture_page

    return lambda detail: mixture_page(estimator, sample, detail)


def _common(
    estimator: Any,
    meta: Mapping[str, Any],
    notes: Mapping[str, Any],
    versions: dict[str, str],
    figures: Any,
    sample: Any,
) -> dict[str, Any]:
    """What every page has: the trace, facts and a line about the data."""
    from vivace.plot import plot_elbo, plot_held_out
    from vivace.plot._trace import bound_trace
    from vivace.report._facts import fit_facts, parameters, priors, version_facts
    from vivace.report._format import count, number
    from vivace.report._headline import headline

    per, unit = _unit(estimator, meta, notes)
    traces = []
    trace, label = bound_trace(estimator)
    if trace is not None:
        note = (
            "The evidence lower bound, complete with every constant."
            if label == "ELBO"
            else "Each token of the fitted documents predicted from all others."
        )
        last = trace[-1] / per if label == "ELBO" and per is not None else trace[-1]
        traces.append(
            figures.draw(
                lambda ax: plot_elbo(estimator, per=per, unit=unit, ax=ax),
                f"{label} after each iteration, {number(last, 6)} after the last", note,
            )
        )  # fmt: skip
    held = getattr(estimator, "validation_trace_", None)
    if held is not None and len(held):
        traces.append(
            figures.draw(
                lambda ax: plot_held_out(estimator, ax=ax),
                f"Held-out score after each iteration, at best {number(max(held), 6)}",
                "Tokens that were held out, predicted from the rest of their documents."
                if hasattr(type(estimator), "top_words")
                else "Log predictive density of rows that were held out.",
            )
        )  # fmt: skip
    looked = None
    if sample is not None:
        total = sample.n_rows if isinstance(sample, RowSample) else sample.n_documents
        what = "rows" if isinstance(sample, RowSample) else "documents"
        n = len(sample.numbers)
        looked = {
            "name": sample.name,
            "text": f"all {count(total)} {what}"
            if n == total
            else f"{count(n)} of {count(total)} {what}, drawn with seed {sample.seed}",
        }
    return {
        "class_name": type(estimator).__name__,
        "headline": headline(estimator, dict(meta), dict(notes), per, unit),
        "traces": traces,
        "facts": fit_facts(estimator, dict(meta), dict(notes)),
        "priors": priors(estimator),
        "parameters": parameters(estimator),
        "versions": version_facts(versions),
        "looked": looked,
    }


def _unit(
    estimator: Any, meta: Mapping[str, Any], notes: Mapping[str, Any]
) -> tuple[float | None, str]:
    """What a bound is divided by, and its name."""
    if hasattr(type(estimator), "top_words"):
        fitted = float(estimator.topic_sizes_.sum())  # what was held out is not among them
        return (fitted, "token") if fitted > 0.0 else (None, "")
    data = meta.get("data")
    known = {**notes, **(data if isinstance(data, dict) else {})}
    rows, weight = known.get("n_rows"), known.get("weight")
    if not isinstance(rows, (int, float)) or rows <= 0:
        return None, ""
    if isinstance(weight, (int, float)) and weight > 0 and weight != rows:
        return float(weight), "unit of weight"
    return float(rows), "row"


def _environment() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ImportError(
            "reports need jinja2, which is not installed. Remedy: pip install 'vivace[report]'"
        ) from error
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "reports need matplotlib, which is not installed. Remedy: pip install 'vivace[report]'"
        ) from error
    pages = Environment(
        loader=PackageLoader("vivace.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["breakable"] = _breakable
    return pages


def _breakable(text: str) -> Any:
    """Names that may be broken where people would break them."""
    from markupsafe import Markup, escape

    found = escape(text)
    for mark in "_/":
        found = found.replace(mark, Markup(f"{mark}<wbr>"))
    return found


def _render(pages: Any, template: str, content: dict[str, Any]) -> str:
    """Fill a template; style and script go in as they are, the script by its hash only."""
    from markupsafe import Markup

    script = pages.loader.get_source(pages, "topics.js")[0] if template == "topics.html" else ""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    policy += f"script-src 'sha256-{digest}'" if script else "script-src 'none'"
    text: str = pages.get_template(template).render(
        **content,
        policy=policy + "; base-uri 'none'; form-action 'none'",
        css=Markup(pages.loader.get_source(pages, "style.css")[0]),
        script=Markup(script),
    )
    return _clean(text)


def _clean(text: str) -> str:
    """Without what HTML cannot hold: control characters and halves of pairs."""
    kept = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c >= " " or c in "\n\t" else "\ufffd" for c in kept)

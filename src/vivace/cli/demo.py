"""`vivace demo`: one mixture segments two photographs; topics of docstrings."""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

import click

from vivace.cli.errors import Failure
from vivace.cli.options import (
    counted,
    debug_option,
    examples,
    json_option,
    print_json,
    quiet_option,
    say,
    seed_option,
    threads_option,
)


@click.command(
    epilog=examples(
        "vivace demo", "vivace demo --out-dir pictures --seed 1", "vivace demo --topics"
    )
)
@click.option("--topics", is_flag=True, help="Topics of docstrings, in the place of pictures.")
@click.option(
    "--out-dir",
    "--out",
    "folder",
    type=click.Path(),
    default="demo-output",
    show_default=True,
    help="Folder for the pictures; made if it does not exist.",
)
@seed_option
@threads_option
@json_option
@quiet_option
@debug_option
def demo(
    topics: bool, folder: str, seed: int, threads: int | None, as_json: bool, quiet: bool
) -> None:
    """Segment two photographs, or find topics of docstrings (--topics), and show the result.

    The 546,560 pixels of the two photographs that come with scikit-learn are rows of red,
    green, blue, x and y. A Dirichlet-process mixture of at most 32 Gaussian components is
    fitted to them; a segment is the pixels that most probably come from one component.

    With --topics: find the topics of the docstrings of Python's standard library and of the
    scientific packages that are installed, and print a table of them.
    """
    if topics:
        _topics(seed, threads, as_json, quiet)
    else:
        _pictures(folder, seed, threads, as_json, quiet)


def _topics(seed: int, threads: int | None, as_json: bool, quiet: bool) -> None:
    """Print topics of docstrings."""
    from vivace.cli.demo_topics import (
        N_TOPICS,
        count_words,
        docstrings,
        fit_topics,
        make_topics,
    )
    from vivace.cli.demo_topics import packages_of_topics as packages_of
    from vivace.cli.summary import print_pairs
    from vivace.cli.summary_topics import print_topics, topics_meter, topics_record

    began = perf_counter()
    found = docstrings()
    corpus = count_words(found.texts)
    seconds = {"read": perf_counter() - began}
    say(f"fitting {N_TOPICS} topics to {corpus.n_documents:,} docstrings", quiet)
    began = perf_counter()
    lda = make_topics(seed, threads)
    with topics_meter(
        lda, {"n_tokens": corpus.n_tokens, "n_documents": corpus.n_documents}, quiet
    ) as meter:
        completion = fit_topics(lda, corpus, meter)
    seconds["fit"] = perf_counter() - began
    table = topics_record(lda, n_words=12)["topics"]
    packages = packages_of(lda, corpus, found.packages)
    for topic in table:
        topic["packages"] = packages[topic["topic"]]
    record = {
        "n_documents": corpus.n_documents,
        "n_tokens": corpus.n_tokens,
        "n_words": corpus.n_words,
        "packages": sorted(set(found.packages)),
        "n_components": N_TOPICS,
        "n_iter": int(lda.n_iter_),
        "document_completion": completion.score,
        "n_documents_scored": completion.n_documents,
        "seconds": seconds,
        "topics": table,
    }
    if as_json:
        print_json(record)
        return
    print_pairs(
        {
            "docstrings": f"{corpus.n_documents:,} of {', '.join(record['packages'])}",
            "words": f"{corpus.n_tokens:,.0f}, {corpus.n_words:,} different ones",
            "seconds": f"{seconds['read']:.1f} to read, {seconds['fit']:.1f} for "
            f"{record['n_iter']} passes",
            "completion": f"{completion.score:.4f} nats a token of {completion.n_documents:,} "
            "docstrings that were held out",
        }
    )
    click.echo()
    print_topics(table)


def _pictures(folder: str, seed: int, threads: int | None, as_json: bool, quiet: bool) -> None:
    """Segment the photographs."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise Failure(
            "the pictures need matplotlib, which is not installed. Remedy: pip install matplotlib"
        ) from error
    os.makedirs(folder, exist_ok=True)

    from vivace.cli.demo_figures import write_figures
    from vivace.cli.demo_segments import photographs, pixel_table, segment
    from vivace.cli.progress import FitMeter
    from vivace.cli.summary import print_pairs

    pictures = photographs()
    pixels = pixel_table(pictures)
    say(f"fitting {len(pixels):,} pixels of {len(pictures)} photographs", quiet)
    began = perf_counter()
    with FitMeter(len(pixels), quiet) as meter:
        mixture, labels = segment(pictures, pixels, seed, threads, meter)
    seconds = perf_counter() - began

    counts = [len(set(part.ravel().tolist())) for part in labels.values()]
    files = write_figures(folder, pictures, labels, mixture.elbo_trace_)
    record: dict[str, Any] = {
        "n_pixels": len(pixels),
        "n_components": int(mixture.n_components),
        "n_segments": len({int(k) for part in labels.values() for k in set(part.ravel().tolist())}),
        "n_segments_of_each": dict(zip(labels, counts, strict=True)),
        "n_iter": int(mixture.n_iter_),
        "converged": bool(mixture.converged_),
        "lower_bound": float(mixture.lower_bound_),
        "lower_bound_per_pixel": float(mixture.lower_bound_) / len(pixels),
        "seconds": seconds,
        "files": files,
    }
    if as_json:
        print_json(record)
        return
    each = ", ".join(f"{count} in {name}" for name, count in record["n_segments_of_each"].items())
    print_pairs(
        {
            "segments": f"{record['n_segments']} used of {record['n_components']} ({each})",
            "seconds": f"{seconds:.1f} for {counted(record['n_iter'], 'iteration')}",
            "converged": "yes" if record["converged"] else "no",
            "lower bound": f"{record['lower_bound']:,.1f} nats "
            f"({record['lower_bound_per_pixel']:.4f} a pixel)",
            "pictures": ", ".join(files),
        }
    )

"""`vivace topics MODEL`: what the topics of a model are about."""

from __future__ import annotations

import click

from vivace.cli.errors import Failure
from vivace.cli.options import debug_option, examples, json_option, print_json


@click.command(
    epilog=examples(
        "vivace topics topics.vivace", "vivace topics topics.vivace --n-words 20 --json"
    )
)
@click.argument("model", type=click.Path())
@click.option(
    "--n-words", type=click.IntRange(min=1), metavar="N", default=10, show_default=True,
    help="Words of each topic.",
)  # fmt: skip
@click.option(
    "--relevance",
    type=click.FloatRange(0.0, 1.0),
    metavar="X",
    default=0.6,
    show_default=True,
    help="From 1, the most probable words, to 0, the most typical ones.",
)
@click.option(
    "--vocabulary", type=click.Path(), metavar="FILE",
    help="File of words, one a line, for a model that was fitted without.",
)  # fmt: skip
@json_option
@debug_option
def topics(
    model: str, n_words: int, relevance: float, vocabulary: str | None, as_json: bool
) -> None:
    """Print a table of the topics of MODEL: share of the tokens and top words, by size."""
    from vivace.cli.summary_topics import is_topic_model, print_topics, topics_record
    from vivace.io import load_model, read_vocabulary

    estimator = load_model(model)
    if not is_topic_model(estimator):
        raise Failure(
            f"{model}: holds a {type(estimator).__name__}, which has no topics. Remedy: "
            f"vivace inspect {model}"
        )
    names = None if vocabulary is None else read_vocabulary(vocabulary)
    if names is not None and len(names) != estimator.n_features_in_:
        raise Failure(
            f"{vocabulary}: expected {estimator.n_features_in_} words, one for each column of "
            f"{model}, got {len(names)}"
        )
    found = topics_record(estimator, None, n_words, relevance, names)["topics"]
    if as_json:
        print_json({"model": model, "relevance": relevance, "topics": found})
    else:
        print_topics(found, with_tokens=True)
